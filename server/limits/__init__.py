"""Limits on what strangers may use: connections, time, wrong guesses, and expensive work before anybody is known."""
