"""Follow-up: who of a clinic's participants needs a therapist, why, and what to do next."""
