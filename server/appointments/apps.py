"""The application of appointments."""

from django.apps import AppConfig


class AppointmentsConfig(AppConfig):
    """The clinic's week."""

    name = "server.appointments"
