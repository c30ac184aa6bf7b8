"""Recorded sessions of other devices: FIT and CSV files."""
