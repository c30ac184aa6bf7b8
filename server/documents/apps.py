"""Paper and files: what leaves the server about people, and what comes from another clinic."""

from django.apps import AppConfig


class PapersConfig(AppConfig):
    """Its models and migrations."""

    name = "server.documents"
    label = "papers"
