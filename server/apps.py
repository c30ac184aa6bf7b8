"""The server as a Django application."""

from django.apps import AppConfig


class ServerConfig(AppConfig):
    """Its models and migrations."""

    name = "server"
    label = "server"
    verbose_name = "interval-coach"

    def ready(self) -> None:
        """Bound how long each connection may wait."""
        from django.db.backends.signals import connection_created  # noqa: PLC0415 - only when Django is ready

        from server.clinic_folder.time_limits import set_time_limits  # noqa: PLC0415 - as above

        connection_created.connect(set_time_limits, dispatch_uid="time limits")
