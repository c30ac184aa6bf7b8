"""The application of drafts."""

from django.apps import AppConfig


class DraftsConfig(AppConfig):
    """What is typed into forms and not sent yet."""

    name = "server.drafts"
