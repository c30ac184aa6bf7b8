"""Making a clinic's folder: once, and again without harm. What is there is kept, keys above all."""

import secrets
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from django.core.management import call_command

from server.clinic_folder.atomic_file import PRIVATE, atomic_write, private_folder, write_once
from server.clinic_folder.database import prepare
from server.clinic_folder.settings import ClinicFolder, ClinicSettings, Places, read_clinic
from server.clinic_folder.time_limits import lift_time_limits
from server.errors import SettingsError
from server.identity.certificate_authority import Authority

WEB_WORKERS = 4
"""Certificates for web workers that a new clinic gets: each worker process takes one that no other holds."""


def make_clinic(folder: Path, settings: ClinicSettings, collectors: int = 1, webs: int = WEB_WORKERS) -> ClinicFolder:
    """Make the folder, or go over one that is there: its settings are read, not replaced. Raises SettingsError."""
    places = Places(folder.resolve())
    private_folder(places.folder)
    write_once(places.settings, settings_text(settings).encode(), PRIVATE)
    clinic = read_clinic(places.folder)
    if clinic.settings.clinic != settings.clinic:
        raise SettingsError(
            f"{places.folder} is the folder of the clinic «{clinic.settings.clinic}», not «{settings.clinic}». Choose "
            "another folder."
        )
    write_once(places.secret_key, secrets.token_urlsafe(64).encode(), PRIVATE)
    Authority.make(clinic.settings.clinic, places, datetime.now(UTC))
    prepare(clinic)
    lift_time_limits()
    call_command("migrate", verbosity=0)
    from server.accounts.models import Clinic as ClinicRow  # noqa: PLC0415 - as above
    from server.identity import certificates  # noqa: PLC0415 - models exist only after prepare()

    ClinicRow.objects.get_or_create(code=settings.clinic, defaults={"name": settings.clinic.replace("-", " ").title()})
    own = [
        *(f"collector-{number + 1}" for number in range(collectors)),
        *(f"web-{number + 1}" for number in range(webs)),
    ]
    certificates.own_certificates(clinic, ["server", *own])
    if clinic.settings.broker == "own":
        certificates.write_broker_configuration(clinic)
    certificates.write_broker_lists(clinic)
    return clinic


def settings_text(settings: ClinicSettings) -> str:
    """Return the settings as a file: those that differ from what is meant anyway, and where to read of the others."""
    told = {
        name: value
        for name, value in msgspec.structs.asdict(settings).items()
        if name in ("clinic", "host") or value != getattr(_USUAL, name)
    }
    lines = [f"{name} = {msgspec.json.encode(value).decode()}" for name, value in told.items()]
    return (
        "# All settings and their meaning: docs/operations.md. An unknown one is an error.\n" + "\n".join(lines) + "\n"
    )


_USUAL = ClinicSettings(clinic="", host="")


def write_settings(clinic: ClinicFolder, settings: ClinicSettings) -> None:
    """Replace the settings file."""
    atomic_write(clinic.places.settings, settings_text(settings).encode(), PRIVATE)
