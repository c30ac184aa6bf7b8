"""Participants: names and plans, which exist here alone."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Its models and migrations."""

    name = "server.people"
    label = "people"
