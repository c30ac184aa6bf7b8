"""A card that cannot be written when the coach starts: people train, nothing is called saved, delivery goes on."""

import errno
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from coach.kiosk.view import ScreenId
from firmware.commands.remote_diary import RemoteDiary
from firmware.doctor.check import Severity
from firmware.doctor.checks.disk import DiskCheck
from firmware.doctor.environment import CheckContext
from firmware.journal import file
from firmware.journal.errors import JournalPlaceError
from firmware.journal.journal import Journal
from firmware.journal.memory import NAME, card_fault, open_journal
from firmware.journal.writer import JournalSettings
from tests.support.machine.machine import Machine
from tests.support.machine.session_factory import messages, plan, protocol, summary

SETTINGS = JournalSettings(commit_every_s=0.05, free_floor_bytes=0)


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Path]:
    """A card with a diary of two finished sessions, then read-only."""
    place = tmp_path / "card"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("no file system may be mounted here")
    with Journal.open(place / "diary.db", settings=SETTINGS) as journal:
        for name in ("first", "second"):
            journal.begin(name, plan(), protocol())
            journal.record(name, messages()[:20])
            journal.finish(name, summary()).result()
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)
    yield place
    subprocess.run(["umount", "-l", place], check=False)


def test_a_session_on_a_read_only_card_is_kept_in_memory_and_delivered_and_never_called_saved(
    card: Path, memory: Path
) -> None:
    with open_journal(card / "diary.db", memory, settings=SETTINGS) as journal:
        assert (journal.in_memory, journal.state.status, journal.state.reason) == (True, "not_saved", "read_only")
        assert journal.no_room() is None
        journal.begin("third", plan(), protocol())
        journal.record("third", messages()[:20])
        receipt = journal.finish("third", summary()).result()
        assert journal.state.status == "not_saved"
        assert [one.receipt.session_id for one in journal.undelivered().result()] == ["first", "second", "third"]
        assert journal.acknowledge("third", receipt.revision, receipt.sha256).result()
        assert [one.receipt.session_id for one in journal.undelivered().result()] == ["first", "second"]


def test_a_disk_that_gives_up_in_a_session_is_left_for_memory(
    tmp_path: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = tmp_path / "disk"
    settings = JournalSettings(commit_every_s=0.02, retry_s=0.02, move_after_s=0.1, free_floor_bytes=0)
    with open_journal(disk / "diary.db", memory, settings=settings) as journal:
        journal.begin("one", plan(), protocol())
        journal.record("one", messages()[:20]).result()
        commit = journal._writer._commit

        def refuse(writes: Any) -> Any:  # noqa: ANN401 - the writer's own
            if journal._writer.path.parent == disk:
                raise sqlite_error(sqlite3.SQLITE_IOERR)
            return commit(writes)

        monkeypatch.setattr(journal._writer, "_commit", refuse)
        monkeypatch.setattr(file, "find_write_fault", lambda folder: OSError("refused") if folder == disk else None)
        journal.record("one", messages()[20:40]).result(10)
        journal.finish("one", summary()).result(10)
        assert (journal.in_memory, journal.state.status, journal.state.reason) == (True, "not_saved", "io_error")
        assert len(journal.session("one").result().messages) == 40
        assert [one.receipt.session_id for one in journal.undelivered().result()] == ["one"]


def test_a_coach_that_starts_again_goes_on_with_the_diary_in_memory(card: Path, memory: Path) -> None:
    for number in range(2):
        with open_journal(card / "diary.db", memory, settings=SETTINGS) as journal:
            if number == 0:
                journal.begin("open", plan(), protocol()).result()
            else:
                unfinished = journal.unfinished().result()
                assert unfinished is not None
                assert unfinished.session_id == "open"
            assert journal.state.status == "not_saved"


def test_a_participant_trains_at_a_coach_whose_card_is_read_only_and_the_screen_never_says_saved(card: Path) -> None:
    with Machine(speed=20.0) as machine:
        machine.start("coach", ["--diary", str(card / "diary.db")])
        with machine.watch() as watcher:
            watcher.begin()
            watcher.until(lambda view: view.snapshot is not None and view.snapshot.phase_elapsed_s > 30)
            watcher.end()
            watcher.until(lambda view: view.face is ScreenId.ENDED)
            assert watcher.view is not None
            assert watcher.view.saved == "not_saved"
            assert "saved" not in watcher.saved
        diary = RemoteDiary(machine.socket)
        lines = diary.sessions()
        diary.close()
        assert [(line.finished, line.delivered) for line in lines] == [(True, False)] * 3


def test_a_card_that_works_is_used(tmp_path: Path, memory: Path) -> None:
    with open_journal(tmp_path / "diary.db", memory, settings=SETTINGS) as journal:
        assert (journal.in_memory, journal.state.status) == (False, "saved")
    assert not (memory / NAME).exists()


def test_a_wrong_path_is_for_a_person_to_mend(tmp_path: Path, memory: Path) -> None:
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    with pytest.raises(OSError, match="taken"):
        open_journal(tmp_path / "taken" / "diary.db", memory, settings=SETTINGS)
    assert not (memory / NAME).exists()


def caused(number: int) -> JournalPlaceError:
    error = JournalPlaceError("The diary cannot be opened.")
    error.__cause__ = OSError(number, os.strerror(number))
    return error


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("refused")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (caused(errno.EROFS), "read_only"),
        (caused(errno.ENOSPC), "disk_full"),
        (OSError(errno.EIO, "input/output error"), "io_error"),
        (caused(errno.EACCES), None),
        (caused(errno.ENOTDIR), None),
        (sqlite_error(sqlite3.SQLITE_READONLY), "read_only"),
        (sqlite_error(sqlite3.SQLITE_FULL), "disk_full"),
        (sqlite_error(sqlite3.SQLITE_BUSY), None),
    ],
)
def test_what_the_card_refuses_is_told_from_what_a_person_mistook(error: Exception, reason: str | None) -> None:
    assert card_fault(error) == reason


@pytest.mark.parametrize("options", ["ro,noatime", "rw,noatime,emergency_ro"])
def test_a_read_only_card_is_told_and_does_not_close_the_start(tmp_path: Path, options: str) -> None:
    mounts = tmp_path / "proc" / "self" / "mounts"
    mounts.parent.mkdir(parents=True)
    mounts.write_text(f"/dev/root / ext4 {options} 0 0\n", encoding="utf-8")
    place = CheckContext(
        diary=tmp_path / "diary.db", identity=tmp_path, socket=tmp_path / "s", free_floor_bytes=0, root=tmp_path
    )
    severities = {one.code: one.severity for one in DiskCheck().look(place).findings}
    assert severities["disk_read_only"] is Severity.ATTENTION
