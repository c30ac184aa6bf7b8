"""The access log: who did what, about whom, when; chained by hash."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Its models and migrations."""

    name = "server.audit"
    label = "audit"
