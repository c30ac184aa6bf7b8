"""Real parts that the faults of delivery are tried on: one PostgreSQL for the run, a clinic's folder for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.clinic_folder.settings import ClinicFolder
from tests.support.clinic.local_clinic import Postgres, make


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
