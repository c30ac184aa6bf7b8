"""The session engine: a pure state machine that steps a session from message to message."""
