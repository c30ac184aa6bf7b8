"""A copy of the diary, made before a version is tried, and put back where the old version cannot read the new diary.

Only while no coach runs: one process, one connection. What the new version wrote is set aside, never deleted. The copy
lies in root's own folder: the coach's account owns the diary's folder, and could put any file in the copy's place.
"""

import contextlib
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from firmware.journal.errors import JournalError
from firmware.journal.file import JournalLock
from firmware.journal.schema import MIGRATIONS
from firmware.system.errors import FirmwareError
from firmware.system.folder_owner import as_owner_of, create_file, open_regular, require_plain, sync_folder

COPIES_FOLDER = Path("/var/backups/interval-coach")
COPY_NAME = "before-upgrade.db"
_BESIDE = ("-wal", "-shm")


class CopyError(FirmwareError, OSError):
    """The diary could not be copied."""


def copies_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return `$INTERVAL_COACH_COPIES`, else the usual place."""
    return Path(environment.get("INTERVAL_COACH_COPIES") or COPIES_FOLDER)


def keep_copy(diary: Path, copies: Path) -> Path | None:
    """Copy the diary into a folder of root's; return where, or None if nothing was recorded yet. Raises CopyError."""
    copy = copies / COPY_NAME
    try:
        with _opened(diary) as source:
            if source is None:
                copy.unlink(missing_ok=True)
                return None
            _make_own_folder(copies)
            _copy_into(source, copy, 0o600)
    except (OSError, sqlite3.Error, JournalError) as error:
        raise CopyError(
            f"The diary {diary} could not be copied ({error}), so nothing was changed. Is its disk full or damaged?"
        ) from error
    return copy


@contextlib.contextmanager
def _opened(diary: Path) -> Iterator[BinaryIO | None]:
    """Open the diary's file, with its log brought into it, while no other process may have it."""
    with contextlib.ExitStack() as stack:
        source: BinaryIO | None = None
        with as_owner_of(diary.parent):
            # Versions before this one kept their copy beside the diary.
            diary.with_name(COPY_NAME).unlink(missing_ok=True)
            if diary.exists():
                # Another process that has the diary open holds this lock; SQLite would wait for it for ever.
                stack.callback(JournalLock(diary).release)
                _bring_log_in(diary)
                source = stack.enter_context(os.fdopen(open_regular(diary), "rb"))
        yield source


def _bring_log_in(diary: Path) -> None:
    """Write what SQLite's log holds into the diary's file. Raises CopyError, sqlite3.Error."""
    with contextlib.closing(sqlite3.connect(diary)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            raise CopyError(f"another program reads {diary}")


def put_back(diary: Path, copies: Path, known_format: int = len(MIGRATIONS)) -> Path | None:
    """Put the copy in the diary's place where a newer version has changed the diary, or it has gone.

    Return where the newer diary was set aside, None where nothing had to be done. `known_format`: the newest that this
    version reads. May be called again after a power cut amid it.
    """
    copy = copies / COPY_NAME
    if not copy.exists():
        return None
    aside: Path | None = None
    with copy.open("rb") as source, as_owner_of(diary.parent):
        require_plain(*(diary.with_name(diary.name + ending) for ending in ("", "-journal", *_BESIDE)))
        if diary.exists():
            if _format(diary) <= known_format:
                return None
            aside = _free_name(diary)
            # The log goes first: a diary without its log is whole since `_format` has emptied it.
            for ending in _BESIDE:
                with contextlib.suppress(FileNotFoundError):
                    diary.with_name(diary.name + ending).unlink()
            diary.rename(aside)
            sync_folder(diary.parent)
        _copy_into(source, diary, 0o640)
    return aside


def _make_own_folder(copies: Path) -> None:
    """Make the folder of copies, which no other account may write. Raises CopyError, OSError."""
    copies.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = copies.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise CopyError(f"{copies} is not a folder that this account alone may write")


def _format(diary: Path) -> int:
    """Return the file's format, its log brought into it; 0 where it cannot be read: the coach rescues it."""
    try:
        with contextlib.closing(sqlite3.connect(diary)) as connection:
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            blocked = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.Error:
        return 0
    return 0 if blocked else version


def _free_name(diary: Path) -> Path:
    number = 1
    while os.path.lexists(aside := diary.with_name(f"{diary.stem}.newer-{number}{diary.suffix}")):
        number += 1
    return aside


def _copy_into(source: BinaryIO, place: Path, mode: int) -> None:
    """Write a new file with this account's rights, and put it in its place in one step."""
    making = place.with_name(f".{place.name}.new")
    try:
        with os.fdopen(create_file(making, mode), "wb") as file:
            shutil.copyfileobj(source, file)
            file.flush()
            os.fsync(file.fileno())
        making.replace(place)
    except OSError:
        with contextlib.suppress(OSError):
            making.unlink(missing_ok=True)
        raise
    sync_folder(place.parent)
