"""Real parts that the server's tests share: one PostgreSQL for the run, a clinic's folder for each test."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import django
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from server.clinic_creation import make_clinic, settings_text
from server.clinic_folder.atomic_file import atomic_write
from server.clinic_folder.database import django_database
from server.clinic_folder.settings import FOLDER_VARIABLE, ClinicFolder, ClinicSettings
from tests.support.clinic.local_clinic import Postgres, free_port, make

# Test modules import models, and those need to know their folder: it is there before the first of them is read.
FOLDER = Path(tempfile.mkdtemp(prefix="interval-coach-tests-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
SETTINGS = ClinicSettings(clinic="trondheim", host="localhost", broker_port=free_port(), enrolment_port=free_port())
atomic_write(FOLDER / "clinic.toml", settings_text(SETTINGS).encode())
atomic_write(FOLDER / "secret-key", b"of a test")
os.environ[FOLDER_VARIABLE] = str(FOLDER)
os.environ["DJANGO_SETTINGS_MODULE"] = "server.settings"
django.setup()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL server."""
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def clinic(tmp_path: Path) -> ClinicFolder:
    """A clinic's folder, just made."""
    return make(tmp_path / "clinic")


@pytest.fixture(scope="session")
def ready() -> ClinicFolder:
    """A clinic made in this process, which serves it."""
    return make_clinic(FOLDER, SETTINGS)


@pytest.fixture(scope="session")
def migrated_file(ready: ClinicFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with all tables and nothing in them, to be copied: migrations run once, not for each test."""
    del ready
    file = tmp_path_factory.mktemp("migrated") / "empty.sqlite3"
    with using(f"sqlite:///{file}"):
        call_command("migrate", verbosity=0)
    return file


@pytest.fixture(scope="session")
def migrated_template(ready: ClinicFolder, postgres: Postgres) -> str:
    """The name of a PostgreSQL database with all tables and nothing in them, to be copied."""
    del ready
    with using(postgres.database("migrated")):
        call_command("migrate", verbosity=0)
    return "migrated"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, ready: ClinicFolder, tmp_path: Path) -> Iterator[ClinicFolder]:
    """An empty database of each kind, in this process."""
    if request.param == "sqlite":
        address = _copied(request.getfixturevalue("migrated_file"), tmp_path)
    else:
        template = request.getfixturevalue("migrated_template")
        address = request.getfixturevalue("postgres").database(f"test{uuid4().hex}", template)
    with using(address):
        yield ready


@pytest.fixture
def lite(ready: ClinicFolder, migrated_file: Path, tmp_path: Path) -> Iterator[ClinicFolder]:
    """An empty SQLite database, in this process."""
    with using(_copied(migrated_file, tmp_path)):
        yield ready


def _copied(migrated: Path, folder: Path) -> str:
    shutil.copyfile(migrated, folder / "test.sqlite3")
    return f"sqlite:///{folder}/test.sqlite3"


@contextmanager
def using(address: str) -> Iterator[None]:
    """Use another database than the clinic's own, and a folder of its own for the access log's key and tail."""
    before = connections.settings
    log_folder = tempfile.TemporaryDirectory(prefix="interval-coach-log-")
    before_folder, settings.ACCESS_LOG_FOLDER = settings.ACCESS_LOG_FOLDER, Path(log_folder.name)
    connections.close_all()
    connections.settings = connections.configure_settings({"default": django_database(address, Path("/"))})
    with suppress(AttributeError):
        del connections["default"]
    try:
        yield
    finally:
        connections.close_all()
        connections.settings = before
        settings.ACCESS_LOG_FOLDER = before_folder
        log_folder.cleanup()
        with suppress(AttributeError):
            del connections["default"]
