"""A simulated person on a treadmill, and sessions with that person. Services do not import this package."""
