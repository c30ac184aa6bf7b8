"""A course of sessions: its schedule, page and plots."""
