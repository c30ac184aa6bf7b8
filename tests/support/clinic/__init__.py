"""Real clinics, servers and browsers, for tests and benchmarks of the server."""
