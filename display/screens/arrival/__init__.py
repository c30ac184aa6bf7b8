"""Screens before a session: who trains, which strap, and the readiness questions."""
