"""Tags of the follow-up list for the pages of other applications."""
