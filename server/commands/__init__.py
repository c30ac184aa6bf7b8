"""Commands of `interval-coach-server`: quarantine, sessions, machines, pages, backup and restore."""
