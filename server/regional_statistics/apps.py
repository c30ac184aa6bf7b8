"""Region and nation: what those see who look after several clinics."""

from django.apps import AppConfig


class NetworkConfig(AppConfig):
    """Its model and migrations."""

    name = "server.regional_statistics"
    label = "network"
