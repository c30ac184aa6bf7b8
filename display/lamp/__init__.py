"""The lamp: which colour shows which state, and its pins."""
