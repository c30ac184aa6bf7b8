"""A copy of the diary, made before a version is tried, and put back where the old version cannot read the new diary.

Only while no coach runs: one process, one connection. What the new version wrote is set aside, never deleted.
"""

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

from firmware.journal.errors import JournalError
from firmware.journal.file import JournalLock
from firmware.journal.schema import MIGRATIONS
from firmware.setup.versions import make_durable
from firmware.system.errors import FirmwareError

COPY_NAME = "before-upgrade.db"
_BESIDE = ("-wal", "-shm")


class CopyError(FirmwareError, OSError):
    """The diary could not be copied."""


def keep_copy(diary: Path) -> Path | None:
    """Copy the diary beside itself; gives where, or None where nothing has been recorded yet. Raises CopyError."""
    copy = diary.with_name(COPY_NAME)
    making = diary.with_name(f".{COPY_NAME}.new")
    try:
        if not diary.exists():
            copy.unlink(missing_ok=True)
            return None
        making.unlink(missing_ok=True)
        # Whoever else has the diary open holds this lock; SQLite's own copy would wait for them for ever.
        lock = JournalLock(diary)
        try:
            with contextlib.closing(sqlite3.connect(diary)) as now, contextlib.closing(sqlite3.connect(making)) as kept:
                now.backup(kept)
        finally:
            lock.release()
        _settle(making, copy)
    except (OSError, sqlite3.Error, JournalError) as error:
        making.unlink(missing_ok=True)
        raise CopyError(
            f"The diary {diary} could not be copied ({error}), so nothing was changed. Is its disk full or damaged?"
        ) from error
    return copy


def put_back(diary: Path, known_format: int = len(MIGRATIONS)) -> Path | None:
    """Put the copy in the diary's place where a newer version has changed the diary, or it has gone.

    Gives where the newer diary was set aside, None where nothing had to be done. `known_format`: the newest that this
    version reads. May be called again after a power cut amid it.
    """
    copy = diary.with_name(COPY_NAME)
    if not copy.exists():
        return None
    aside: Path | None = None
    if diary.exists():
        if _format(diary) <= known_format:
            return None
        aside = _free_name(diary)
        # The log goes first: a diary without its log is whole since `_format` has emptied it.
        for ending in _BESIDE:
            with contextlib.suppress(FileNotFoundError):
                diary.with_name(diary.name + ending).unlink()
        diary.rename(aside)
        make_durable(diary.parent)
    making = diary.with_name(f".{diary.name}.new")
    shutil.copyfile(copy, making)
    _settle(making, diary)
    return aside


def _format(diary: Path) -> int:
    """The format that the file says, with its log brought into it; 0 where it cannot be read: the coach rescues it."""
    try:
        with contextlib.closing(sqlite3.connect(diary)) as connection:
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            blocked = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.Error:
        return 0
    return 0 if blocked else version


def _free_name(diary: Path) -> Path:
    number = 1
    while (aside := diary.with_name(f"{diary.stem}.newer-{number}{diary.suffix}")).exists():
        number += 1
    return aside


def _settle(making: Path, place: Path) -> None:
    """Give a new file to the folder's owner, and put it in its place in one step."""
    folder = place.parent.stat()
    if os.geteuid() == 0:
        os.chown(making, folder.st_uid, folder.st_gid)
    making.chmod(0o640)
    with making.open("rb") as file:
        os.fsync(file.fileno())
    making.replace(place)
    make_durable(place.parent)
