"""The collector: from the broker into the database, each session exactly once."""
