"""The people who train on this machine: plans, PINs, protocols, and the strap that each used last."""
