"""Django's database settings from one address, and Django made ready for a clinic's folder."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import django
from django.conf import settings

from server.clinic_folder.settings import DATABASE_VARIABLE, FOLDER_VARIABLE, ClinicFolder
from server.errors import SettingsError

MEMORY = "sqlite://"


def django_database(address: str, folder: Path) -> dict[str, Any]:
    """Django's settings for a database's address. Raises SettingsError; its text never repeats the address.

    SQLite keeps a rollback journal and not WAL: several processes open this file, and WAL with several connections can
    damage a database (SQLite up to 3.51.2). EXTRA also outlasts a power cut between a commit and its journal's removal.
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise SettingsError("The database's address cannot be read. See docs/operations.md for its form.") from error
    match parts.scheme:
        case "sqlite":
            file = unquote(parts.path.removeprefix("/"))
            return {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(folder / file) if file else ":memory:",
                "OPTIONS": {
                    "transaction_mode": "IMMEDIATE",
                    "timeout": 20,
                    "init_command": "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA;",
                },
            }
        case "postgresql" | "postgres":
            return {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": unquote(parts.path.removeprefix("/")),
                "USER": unquote(parts.username or ""),
                "PASSWORD": unquote(parts.password or ""),
                "HOST": unquote(parts.hostname or ""),
                "PORT": str(port or ""),
                "OPTIONS": {"connect_timeout": 5, **dict(parse_qsl(parts.query))},
            }
        case _:
            raise SettingsError(
                "The database's address must begin with sqlite:/// or postgresql://. See docs/operations.md."
            )


def prepare(clinic: ClinicFolder) -> None:
    """Make Django ready for this clinic. Once in a process; again for the same folder is harmless."""
    folder = str(clinic.places.folder)
    if settings.configured and os.environ.get(FOLDER_VARIABLE) != folder:
        raise SettingsError("This process already serves another clinic's folder.")
    os.environ[FOLDER_VARIABLE] = folder
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    django.setup()


def address_of(clinic: ClinicFolder) -> str:
    """Return the database's address: the environment's, else the settings file's."""
    return os.environ.get(DATABASE_VARIABLE) or clinic.settings.database
