"""The machine's user interface as a state machine: sign-in, strap choice, questions and the session."""
