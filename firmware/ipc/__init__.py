"""The local socket between the machine's services, and its messages."""
