"""Session files for other programs: FIT and CSV."""
