"""Drafts: what a person has typed and not sent yet waits on the server, sealed, until it is sent or thrown away."""
