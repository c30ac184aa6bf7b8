"""Paper and files: what leaves the server about people, and what comes from another clinic."""
