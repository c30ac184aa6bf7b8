"""Backup and restore: everything comes back, for both databases; a wrong file is refused and touches nothing."""

import tarfile
from pathlib import Path

import pytest

from server.clinic_folder.settings import ClinicFolder, read_clinic
from tests.support.broker.delivery_factory import sealed, session_id
from tests.support.clinic.local_clinic import Machine, Postgres, collector, command, make, mosquitto, sql, stored


def deliver(clinic: ClinicFolder, first: int, database: str | None) -> None:
    with mosquitto(clinic), collector(clinic, database=database), Machine(clinic, "machine-1") as machine:
        machine.deliver({(session_id(number), 1): sealed(number) for number in range(first, first + 20)}, 30)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_restored_clinic_has_every_session_and_goes_on(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    before = after = None
    if kind == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        before, after = postgres.database("backed-up"), postgres.database("restored")
    clinic = make(tmp_path / "clinic", database=before)
    deliver(clinic, 0, before)
    statement = "SELECT session_id, revision, sha256, payload FROM server_session ORDER BY session_id"
    rows = sql(clinic, statement, before)
    file = tmp_path / "backup.tar"
    command("backup", str(file), "--dir", str(clinic.places.folder), database=before)
    assert file.stat().st_mode & 0o777 == 0o600

    command("restore", str(file), str(tmp_path / "again"), database=after)
    again = read_clinic(tmp_path / "again")
    assert sql(again, statement, after) == rows
    assert again.places.authority_key.read_bytes() == clinic.places.authority_key.read_bytes()

    command("init", str(tmp_path / "again"), "--clinic", "trondheim", "--host", "localhost", database=after)
    deliver(again, 10, after)
    assert stored(again, after) == 30


def test_nothing_is_restored_over_what_is_there(tmp_path: Path) -> None:
    clinic = make(tmp_path / "clinic")
    file = tmp_path / "backup.tar"
    command("backup", str(file), "--dir", str(clinic.places.folder))
    assert "is not empty" in command("restore", str(file), str(clinic.places.folder), check=False)
    assert "is there already" in command("backup", str(file), "--dir", str(clinic.places.folder), check=False)


def test_a_damaged_or_foreign_file_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    clinic = make(tmp_path / "clinic")
    file = tmp_path / "backup.tar"
    command("backup", str(file), "--dir", str(clinic.places.folder))
    whole = file.read_bytes()
    at = whole.index(b"SQLite format 3") + 5000
    (tmp_path / "flipped.tar").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    (tmp_path / "short.tar").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "junk.tar").write_bytes(b"junk" * 1000)
    with tarfile.open(tmp_path / "other.tar", "w") as other:
        other.add(clinic.places.settings, "clinic.toml")
    for name in ("flipped", "short", "junk", "other"):
        said = command("restore", str(tmp_path / f"{name}.tar"), str(tmp_path / "again"), check=False)
        assert "backup" in said, name
        assert "Traceback" not in said
        assert not (tmp_path / "again").exists()
