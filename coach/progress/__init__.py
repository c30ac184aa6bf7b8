"""What the sessions of a course add up to for one participant: fitness over time, and how the training goes."""
