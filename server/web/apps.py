"""The pages' frame: layout, styles, scripts, log-in and security, shared by all of the server's pages."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Its templates, static files and log-in."""

    name = "server.web"
    label = "web"
