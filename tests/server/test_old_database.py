"""A server's database of version 29cf593 is carried forward by the migrations (tests/data/29cf593)."""

import gzip
from pathlib import Path

import pytest
from django.core.management import call_command

from server.clinic_folder.settings import ClinicFolder
from server.models import Session
from tests.server.conftest import using

OLD = Path(__file__).parents[1] / "data" / "29cf593" / "server.sqlite3.gz"


@pytest.mark.usefixtures("ready")
def test_the_old_database_migrates_and_keeps_its_sessions(ready: ClinicFolder, tmp_path: Path) -> None:
    del ready
    file = tmp_path / "old.sqlite3"
    file.write_bytes(gzip.decompress(OLD.read_bytes()))
    with using(f"sqlite:///{file}"):
        call_command("migrate", verbosity=0)
        call_command("makemigrations", check=True, verbosity=0)
        rows = Session.objects.order_by("session_id")
        assert [(row.clinic, row.machine, row.revision) for row in rows] == [("trondheim", "machine-1", 1)] * 2
        assert all(row.payload for row in rows)
