"""A clinic's folder: its settings, files and database."""
