"""Trials of the guidance on simulated people."""
