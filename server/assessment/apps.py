"""The application of clearances."""

from django.apps import AppConfig


class AssessmentConfig(AppConfig):
    """Listens to what machines report before a start."""

    name = "server.assessment"

    def ready(self) -> None:
        """Connect the listener once the models exist."""
        from server.assessment import clearance_service  # noqa: PLC0415 - models are not loaded before

        clearance_service.connect()
