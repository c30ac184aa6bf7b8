"""The three services of a machine: coach, display and sync."""
