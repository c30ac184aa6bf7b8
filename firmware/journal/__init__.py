"""The journal: the training diary in one SQLite database."""
