"""The Pi itself: strap, panel, clock, journal, the running services, the command line, and simulated twins."""
