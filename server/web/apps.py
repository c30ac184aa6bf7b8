"""The pages' frame: layout, styles, scripts, log-in and security, shared by all of the server's pages."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Its templates, static files and log-in."""

    name = "server.web"
    label = "web"

    def ready(self) -> None:
        """Bound how long each connection to the database may wait, of the pages and of all other processes."""
        from django.db.backends.signals import connection_created  # noqa: PLC0415 - only when Django is ready

        from server.clinic_folder.time_limits import set_time_limits  # noqa: PLC0415 - as above

        connection_created.connect(set_time_limits, dispatch_uid="time limits")
