"""Setting up a machine: the wizard, its probes, and versions side by side."""
