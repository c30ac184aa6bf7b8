"""An upgrade's data: tried on a copy that leaves nothing behind, and put back as they were, for both databases.

The services and versions around it are tried in a booted Debian: scripts/test-server-install.sh.
"""

import os
import pwd
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from server.installation import upgrading
from server.installation.system_files import InstallError, SystemPlaces
from tests.support.clinic.local_clinic import ROOT, Postgres, command, environment, make, sql

COUNT = "SELECT count(*) FROM clinics_clinic"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """A PostgreSQL database, or None for SQLite. Each version is this checkout, run by this account."""
    address = None
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        address = postgres.database(f"upgraded-{os.getpid()}")
    set_here = {"DATABASE_URL": address} if address else {}

    def run_here(
        _version: Path,
        words: Sequence[str],
        folder: Path,
        more: Mapping[str, str] | None = None,
        program: str = "interval-coach-server",
    ) -> str:
        begin = [sys.executable] if program == "python" else [sys.executable, "-m", "server"]
        finished = subprocess.run(
            [*begin, *words],
            cwd=ROOT,
            env={**environment(), "INTERVAL_COACH_SERVER": str(folder), **set_here, **(more or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode:
            raise InstallError(finished.stderr)
        return finished.stdout

    monkeypatch.setattr(upgrading, "run_version", run_here)
    monkeypatch.setattr(upgrading, "settings_of_services", lambda: set_here)
    monkeypatch.setattr(pwd, "getpwnam", lambda _name: pwd.getpwuid(os.getuid()))
    return address


def test_a_migration_is_tried_on_a_copy_and_the_data_come_back_as_they_were(
    database: str | None, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    clinic = make(tmp_path / "clinic", database=database)
    places = SystemPlaces(version=tmp_path / "opt/1.0", folder=clinic.places.folder)
    backup = tmp_path / "before.tar"
    command("backup", str(backup), "--dir", str(clinic.places.folder), database=database)
    before = sorted(path.name for path in places.folder.iterdir())

    trial = None
    if database is not None:
        with pytest.raises(InstallError, match="--trial-database"):
            upgrading._try_on_copy(places, clinic, places.version, backup, None)
        trial = request.getfixturevalue("postgres").database(f"trial-{os.getpid()}")
    upgrading._try_on_copy(places, clinic, places.version, backup, trial)
    assert sorted(path.name for path in places.folder.iterdir()) == before
    if trial is not None:
        tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        assert sql(clinic, tables, trial) == [(0,)]

    command("clinic", "add", "levanger", "--name", "Levanger", "--dir", str(clinic.places.folder), database=database)
    assert sql(clinic, COUNT, database) == [(2,)]
    upgrading._put_data_back(places, clinic, places.version, backup)
    assert sql(clinic, COUNT, database) == [(1,)]
    # Nothing of the trial or of the way back is left; commands may have made files of the clinic's own.
    assert list(places.folder.glob("back-*")) + list(places.folder.glob("trial-*")) == []
