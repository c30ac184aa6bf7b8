"""The training diary as the clinic sees it: one entry for each session, and courses."""
