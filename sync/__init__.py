"""The courier between one machine and the server, and the wire format that both ends share."""
