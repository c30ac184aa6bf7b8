"""A course of sessions: its schedule, page, plots and fitness estimates."""
