"""The heart of interval-coach: protocols, zones, the session engine, guidance and summaries.

Rule of this room: pure. No clock, file, socket, log or unseeded chance; time comes inside each message.
"""
