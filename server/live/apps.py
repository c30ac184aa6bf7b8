"""The live room: commands, notices, and what waits to be published to the machines."""

from django.apps import AppConfig


class RoomConfig(AppConfig):
    """Its models and migrations."""

    name = "server.live"
    label = "room"
