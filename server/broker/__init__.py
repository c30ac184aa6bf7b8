"""The broker: mosquitto's configuration and process, and the server's MQTT client."""
