"""Root beside a service's account: links, fifos and folders under every name that root opens change no file of root.

Real accounts: the test is root, the folders belong to another, and the names lead to files of root. A process of its
own does each thing, as the product does it, so that a fifo without a writer shows as a hang.
"""

import multiprocessing
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

import pytest

from coach.errors import CoachError
from firmware import upgrade
from firmware.config import loader
from firmware.doctor import self_test
from firmware.doctor.environment import CheckContext
from firmware.enrolment import enrol
from firmware.journal.file import JournalLock
from firmware.journal.journal import Journal
from firmware.journal.reader import LocalDiary
from firmware.participants import protocol_files
from firmware.participants.last_strap import StrapMemory
from firmware.participants.pins import read_pins
from firmware.participants.plan_files import read_folder
from firmware.participants.training_closures import TrainingClosures
from firmware.participants.treadmill_memory import TreadmillMemory
from firmware.setup.diary_copy import keep_copy, put_back
from firmware.setup.wizard import write_settings
from firmware.system import delivery_status
from firmware.system.atomic_file import atomic_write, put_aside, remove_file
from firmware.system.errors import FirmwareError
from firmware.system.folder_owner import FolderOwner, PlantedNameError, as_owner_of, owner_of_folder

SERVICE = 61234
PATIENCE_S = 30
Act = Callable[[Path, Path], None]
SECRET = b"of root alone\n"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to have two accounts")


def keep(folder: Path, own: Path) -> None:
    keep_copy(folder / "diary.db", own / "copies")


def put_back_newer(folder: Path, own: Path) -> None:
    (own / "copies").mkdir()
    (own / "copies" / "before-upgrade.db").write_bytes((own / "earlier.db").read_bytes())
    put_back(folder / "diary.db", own / "copies", -1)


def ask_the_new_version(folder: Path, own: Path) -> None:
    program = own / "bin" / "interval-coach"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nid -u >{folder}/asked-as\n", encoding="utf-8")
    program.chmod(0o755)
    upgrade._ask_about_the_diary(own, own / "earlier.db", folder)


def lock(folder: Path, _own: Path) -> None:
    JournalLock(folder / "diary.db").release()


def read(folder: Path, _own: Path) -> None:
    with LocalDiary(folder / "diary.db") as diary:
        diary.sessions()


def write(folder: Path, _own: Path) -> None:
    atomic_write(folder / "kari.json", b"of the product")
    put_aside(folder / "kari.json")
    atomic_write(folder / "pins" / "kari.json", b"of the product")
    remove_file(folder / "pins" / "kari.json")


def write_the_settings(folder: Path, _own: Path) -> None:
    write_settings(folder / "config.toml", "[machine]\n")


def keep_good_settings(folder: Path, _own: Path) -> None:
    loader._keep("[machine]\n", folder / "config.last-good.toml")


def keep_self_test(folder: Path, _own: Path) -> None:
    self_test.keep(folder / "diary.db", self_test.SelfTestAnswers(wall_s=1.0, screen=True))


def make_identity(folder: Path, _own: Path) -> None:
    with enrol._owner_rights(folder):
        enrol._key_and_request(folder)
        for name in ("authority.pem", "machine.pem", "account.json"):
            atomic_write(folder / name, b"of the product", 0o640)


def read_what_the_service_keeps(folder: Path, _own: Path) -> None:
    """Read as the command line and the doctor do, and show what was read to the owner of the folder."""
    found: list[object] = [read_folder(folder), read_pins(folder), TrainingClosures(folder).closed, StrapMemory(folder)]
    found.append(TreadmillMemory(folder / "treadmills.json"))
    for read_file in (
        delivery_status.read_state,
        loader.read_config,
        protocol_files.read_file,
        CheckContext(diary=folder, identity=folder, socket=folder).text,
    ):
        for name in ("kari.json", "kari.toml"):
            try:
                found.append(read_file(folder / name))
            except (CoachError, FirmwareError, OSError) as error:
                found.append(str(error))
    with as_owner_of(folder):
        (folder / "seen").write_text(repr(found), encoding="utf-8")


TODAY = datetime.now().astimezone().date()
DIARY = ("diary.db", "diary.db.lock", "diary.db-journal", "diary.db-wal", "diary.db-shm")
IDENTITY = ("account.json", "account.json.new", ".account.json.new", "machine.pem", ".machine.pem.new")
NAMES = {
    keep: ("before-upgrade.db", ".before-upgrade.db.new", *DIARY),
    put_back_newer: (".diary.db.new", "diary.newer-1.db", *DIARY),
    ask_the_new_version: (".trying.db", ".trying.db-wal"),
    lock: DIARY,
    read: ("diary.db.salvaging", *DIARY),
    write: (
        "kari.json",
        ".kari.json.new",
        "kari.new",
        f"kari.json.damaged-{datetime.now().astimezone().date()}",
        ".copies",
        "pins",
    ),
    write_the_settings: ("config.toml", ".config.toml.new"),
    keep_good_settings: ("config.last-good.toml", ".config.last-good.toml.new"),
    keep_self_test: ("self-test.json", ".self-test.json.new"),
    read_what_the_service_keeps: ("kari.json", "kari.toml", "treadmills.json"),
    make_identity: ("next-key.pem", "next-key.pem.making", ".next-key.pem.new", *IDENTITY),
}
CASES = [(what, name, kind) for what, names in NAMES.items() for name in names for kind in ("link", "fifo", "folder")]


def run(act: Act, folder: Path, own: Path) -> int | None:
    """Return how a process of its own ended; None where it still waits."""
    process = multiprocessing.get_context("fork").Process(target=act, args=(folder, own))
    process.start()
    process.join(PATIENCE_S)
    if process.is_alive():
        process.kill()
        process.join()
        return None
    return process.exitcode


@pytest.fixture
def places() -> Iterator[tuple[Path, Path]]:
    """A folder of the service's, and one of root's with files of root. Open to both accounts, unlike pytest's own."""
    top = Path("/tmp") / f"planted-{os.getpid()}"  # noqa: S108 - must be reachable for another account
    shutil.rmtree(top, ignore_errors=True)
    folder, own = top / "service", top / "root"
    folder.mkdir(parents=True)
    own.mkdir()
    top.chmod(0o755)
    Journal.open(folder / "diary.db").close()
    (own / "earlier.db").write_bytes((folder / "diary.db").read_bytes())
    (own / "secret").write_bytes(SECRET)
    (own / "secret").chmod(0o600)
    (own / "etc").mkdir()
    for path in (folder, *folder.iterdir()):
        os.chown(path, SERVICE, SERVICE)
    try:
        yield folder, own
    finally:
        shutil.rmtree(top)


def files_of_root(own: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Each file's mode, owner, group and content."""
    return {
        str(path.relative_to(own)): (
            found.st_mode,
            found.st_uid,
            found.st_gid,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(own.rglob("*"))
        if not {"copies", "bin"} & set(path.relative_to(own).parts)
        for found in (path.lstat(),)
    }


def plant(path: Path, kind: str, target: Path) -> None:
    """Put a link, a fifo or a folder in a name's place, as the folder's owner."""
    if path.exists():
        path.unlink()
    match kind:
        case "link":
            path.symlink_to(target)
        case "fifo":
            os.mkfifo(path)
        case _:
            path.mkdir()
            (path / "inside").touch()
            os.chown(path / "inside", SERVICE, SERVICE)
    os.chown(path, SERVICE, SERVICE, follow_symlinks=False)


@pytest.mark.parametrize(("what", "name", "kind"), CASES)
def test_no_planted_name_changes_or_hands_out_a_file_of_root(
    places: tuple[Path, Path], what: Act, name: str, kind: str
) -> None:
    folder, own = places
    plant(folder / name, kind, own / ("etc" if name == "pins" else "secret"))
    before = files_of_root(own)
    assert run(what, folder, own) is not None, "it waits for ever"
    assert files_of_root(own) == before
    for path in folder.rglob("*"):
        found = path.lstat()
        assert found.st_uid == SERVICE, f"{path} is left behind as root's"
        assert not stat.S_ISREG(found.st_mode) or SECRET.strip() not in path.read_bytes()


@pytest.mark.parametrize("what", list(NAMES))
def test_without_planted_names_each_of_them_works_and_leaves_the_services_files_to_the_service(
    places: tuple[Path, Path], what: Act
) -> None:
    folder, own = places
    assert run(what, folder, own) == 0
    assert {path.lstat().st_uid for path in folder.rglob("*")} == {SERVICE}
    if what is keep:
        with closing(sqlite3.connect(own / "copies" / "before-upgrade.db")) as copy:
            assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert (own / "copies").stat().st_uid == 0
    if what is ask_the_new_version:
        assert (folder / "asked-as").read_text(encoding="ascii").strip() == str(SERVICE)


def test_a_folder_reached_through_a_services_link_is_refused_and_roots_own_links_are_followed(
    places: tuple[Path, Path],
) -> None:
    folder, own = places
    (folder / "identity").symlink_to(own / "etc")
    os.chown(folder / "identity", SERVICE, SERVICE, follow_symlinks=False)
    with pytest.raises(PlantedNameError, match="link that root did not make"):
        owner_of_folder(folder / "identity")
    (own / "to-service").symlink_to(folder)
    assert owner_of_folder(own / "to-service") == FolderOwner(SERVICE, SERVICE)
    assert owner_of_folder(own / "etc") == FolderOwner(0, 0)
    assert owner_of_folder(folder / "not-there" / "yet") == FolderOwner(SERVICE, SERVICE)


def test_the_rights_of_root_come_back_afterwards_also_after_an_error(places: tuple[Path, Path]) -> None:
    folder, _own = places
    groups = os.getgroups()
    seen = []
    with suppress(LookupError), as_owner_of(folder):
        seen.append((os.geteuid(), os.getegid(), os.getgroups()))
        raise LookupError
    assert seen == [(SERVICE, SERVICE, [])]
    assert (os.geteuid(), os.getegid(), os.getgroups()) == (0, 0, groups)
