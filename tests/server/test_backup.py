"""Backup and restore: everything comes back, for both databases; a wrong file is refused and touches nothing."""

import hashlib
import io
import json
import tarfile
import time
from pathlib import Path
from typing import Literal

import pytest

from server.clinic_folder.settings import ClinicFolder, read_clinic
from server.commands.backup import restore
from server.errors import BackupError
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


def _archive(file: Path, members: dict[str, bytes], mode: Literal["w", "w:gz"] = "w") -> None:
    """Pack members with a list of contents that names each with its right hash."""
    files = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    told = {"format": 1, "clinic": "x", "made_wall_s": 0.0, "database": "none", "files": files}
    with tarfile.open(file, mode) as archive:
        for name, content in {"contents.json": json.dumps(told).encode(), **members}.items():
            head = tarfile.TarInfo(name)
            head.size = len(content)
            archive.addfile(head, io.BytesIO(content))


@pytest.mark.parametrize(
    "name",
    [
        "broker/more.d/evil.conf",
        "broker/evil.so",
        "static/web/evil.js",
        "/etc/cron.d/evil",
        "authority/../../evil",
        "certificates/a/b/c/d",
        "clinic.toml.d/evil",
        "evil",
        "",
    ],
)
def test_what_no_backup_holds_is_not_restored(tmp_path: Path, name: str) -> None:
    _archive(tmp_path / "evil.tar", {name: b"load_extension"})
    with pytest.raises(BackupError, match="which no backup holds"):
        restore(tmp_path / "evil.tar", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_compressed_archive_is_no_backup_and_is_not_unpacked(tmp_path: Path) -> None:
    _archive(tmp_path / "bomb.tar", {"clinic.toml": b"\0" * 50_000_000}, "w:gz")
    began_s = time.perf_counter()
    with pytest.raises(BackupError, match="no backup that can be read"):
        restore(tmp_path / "bomb.tar", tmp_path / "again")
    assert time.perf_counter() - began_s < 1


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_a_link_or_another_kind_of_member_is_refused_in_words(tmp_path: Path, kind: bytes) -> None:
    files = {"clinic.toml": "0" * 64, "secret-key": "0" * 64}
    told = json.dumps({"format": 1, "clinic": "x", "made_wall_s": 0.0, "database": "none", "files": files}).encode()
    with tarfile.open(tmp_path / "links.tar", "w") as archive:
        head = tarfile.TarInfo("contents.json")
        head.size = len(told)
        archive.addfile(head, io.BytesIO(told))
        for name, other in (("clinic.toml", "secret-key"), ("secret-key", "clinic.toml")):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, other
            archive.addfile(link)
    with pytest.raises(BackupError, match="something else than a file"):
        restore(tmp_path / "links.tar", tmp_path / "again")
    assert not (tmp_path / "again").exists()
