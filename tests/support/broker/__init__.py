"""A real broker, network and machines that only send, for tests and benchmarks."""
