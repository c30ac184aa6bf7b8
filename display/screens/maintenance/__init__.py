"""Screens for the person who looks after the machine."""
