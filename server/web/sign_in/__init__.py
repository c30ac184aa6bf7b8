"""Signing in: password, one-time code, identity provider, invitation, and one's own account."""
