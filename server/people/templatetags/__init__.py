"""Template tags of participants and plans."""
