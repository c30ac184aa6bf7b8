"""The server as a Django application."""

from django.apps import AppConfig


class ServerConfig(AppConfig):
    """Its models and migrations."""

    name = "server"
    label = "server"
    verbose_name = "interval-coach"
