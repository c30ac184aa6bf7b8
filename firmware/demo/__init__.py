"""The demonstration: a simulated person trains, and a clinic's server receives the session."""
