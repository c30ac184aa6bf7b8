"""The application of the follow-up list."""

from django.apps import AppConfig


class FollowUpConfig(AppConfig):
    """Listens for changes to plans, courses, participants and diary entries."""

    name = "server.follow_up"

    def ready(self) -> None:
        """Connect the listeners once the models exist."""
        from server.follow_up import changes  # noqa: PLC0415 - models are not loaded before

        changes.connect()
