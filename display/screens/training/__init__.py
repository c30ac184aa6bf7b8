"""Screens of a running session."""
