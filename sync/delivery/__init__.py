"""Delivery from one machine to its server over MQTT. The server does not import this package."""
