"""The training diary as the clinic sees it: one entry for each session, and courses."""

from django.apps import AppConfig


class DiaryConfig(AppConfig):
    """Its models and migrations."""

    name = "server.diary"
    label = "diary"
