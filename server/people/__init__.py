"""Participants: names and plans, which exist here alone."""
