"""Regions, clinics, accounts, and who may do what where."""

from django.apps import AppConfig


class ClinicsConfig(AppConfig):
    """Its models and migrations."""

    name = "server.accounts"
    label = "clinics"
