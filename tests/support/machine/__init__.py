"""Machines for tests and benchmarks: real services, recorded files, journals under attack."""
