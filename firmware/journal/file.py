"""The journal's file: locked, opened, checked; a damaged one is put aside and what can be read is carried over.

Order of a rescue, so that a power cut at any moment leaves either the damaged file or the rescued one, never neither:
the rescued file is built whole beside (`.salvaging`), the damaged one is renamed (`-wal` first: a stray one would be
replayed into its successor), then the rescued one takes its name. Opening completes a rescue that was cut off.
"""

import contextlib
import fcntl
import logging
import os
import shutil
import sqlite3
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from firmware.journal import queries as store
from firmware.journal.errors import JournalError, JournalInUseError, JournalPlaceError
from firmware.journal.log import has_content, is_cut_short, is_torn_inside, page_size_of
from firmware.journal.record import SessionDocument, decode_document
from firmware.journal.schema import is_intact, migrate
from firmware.system.folder_owner import as_owner_of, require_plain

_log = logging.getLogger(__name__)

_ROWS_PER_GAP = 4096
_RECOVER_TIMEOUT_S = 6.0
LARGEST_COPY_BYTES = 32 * 1024 * 1024
"""The coach may use 256 MB, and what it keeps in memory counts."""
_COMPANIONS = ("-wal", "-shm", "-journal")


class Opening(Struct, frozen=True):
    """How opening went. `quarantined`: where the damaged file was put; `salvaged_sessions` of it live on."""

    quarantined: Path | None = None
    salvaged_sessions: int = 0


class JournalLock:
    """One process at a time: an exclusive lock that the kernel lets go of when the process ends, however it ends."""

    def __init__(self, journal: Path) -> None:
        """Take the lock. Raises JournalInUseError where another process has it, JournalPlaceError where none can be."""
        place = journal.with_name(journal.name + ".lock")
        try:
            # Left behind by root, the lock must not shut out the service that owns the folder.
            with as_owner_of(place.parent):
                if os.geteuid() != os.getuid():
                    require_plain(place, journal, *(_beside(journal, ending) for ending in _COMPANIONS))
                self._descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise JournalPlaceError(
                f"The diary {journal} cannot be opened: its folder cannot be written ({error.strerror or error}). "
                "Name another diary with --diary, or a copy of this one."
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise JournalInUseError(
                f"Another process has the diary {journal} open. Ask it instead, or stop it first."
            ) from error

    def release(self) -> None:
        """Let another process in."""
        os.close(self._descriptor)


def open_file(path: Path, factory: type[sqlite3.Connection]) -> tuple[sqlite3.Connection, Opening]:
    """Open the journal for good: complete a rescue, check, rescue if need be, migrate.

    The caller holds the lock. Raises JournalVersionError; sqlite3.Error or OSError where the disk refuses.
    """
    salvaging = _beside(path, ".salvaging")
    if path.exists():
        remove_diary(salvaging)
    elif salvaging.exists():
        _put_aside_companions(path, _quarantine_name(path))
        salvaging.rename(path)
    elif has_content(_beside(path, "-wal")):
        # The file is gone and its log is not: an empty file, so that both are put aside together.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    else:
        _put_aside_companions(path, _quarantine_name(path))
    opening = Opening()
    connection = None
    try:
        # SQLite takes an empty file for a new one and deletes the log beside it, without a word.
        lost = not has_content(path) and has_content(_beside(path, "-wal"))
        wal = _beside(path, "-wal")
        intact = not lost and not is_torn_inside(wal) and not is_cut_short(path, wal)
        if intact:
            connection = connect(path, factory)
            intact = is_intact(connection) and _content_is_whole(connection)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if not is_damage(error):
            raise
        intact = False
    if not intact:
        if connection is not None:
            close(connection)
        opening = rescue(path, factory)
        connection = connect(path, factory)
    assert connection is not None  # noqa: S101 - either opened, or opened anew after the rescue
    try:
        migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection, opening


def copy_to_memory(diary: Path, memory: Path) -> None:
    """Copy the diary and its log to a place in memory, where they can be read and are small enough; else nothing."""
    copies = [(diary, memory), (_beside(diary, "-wal"), _beside(memory, "-wal"))]
    try:
        there = [(source, target) for source, target in copies if source.is_file()]
        if sum(source.stat().st_size for source, _ in there) > LARGEST_COPY_BYTES:
            _log.warning("The card's diary is too large for the memory; its sessions wait on the card.")
            return
        for source, target in there:
            shutil.copyfile(source, target)
            target.chmod(0o600)
    except OSError as error:
        _log.warning("The card's diary could not be read (%s); its sessions wait on the card.", error)
        with contextlib.suppress(OSError):
            remove_diary(memory)


def find_write_fault(folder: Path) -> OSError | None:
    """Return what stops a file from being written, None for nothing. Rights and mount options do not say."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".try-") as trying:
            trying.write(b"x")
            trying.flush()
            os.fsync(trying.fileno())
    except OSError as error:
        return error
    return None


def connect(path: Path, factory: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
    """Open a connection with the settings on which every promise of the journal rests."""
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, factory=factory)
    connection.row_factory = sqlite3.Row
    # Text with a flipped bit is no error here: it fails its checksum.
    connection.text_factory = _text
    try:
        if path.stat().st_size == 0:
            # Must come first: it takes effect only before the file's first page is written.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        # Exclusive: no shared memory file, and no second connection can come near (SQLite pitfall in faults.md).
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        # What has left this machine must not linger in free pages (raw data: 30 days, safety.md).
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
    except BaseException:
        close(connection)
        raise
    return connection


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _content_is_whole(connection: sqlite3.Connection) -> bool:
    """Check every blob; true of a fresh file, and of another program's, which is refused later."""
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    return not names >= {"session", "batch"} or store.content_is_whole(connection)


def is_damage(error: Exception) -> bool:
    """Whether SQLite says that the file itself is broken, as against a disk that is full or failing."""
    if isinstance(error, UnicodeDecodeError):
        # SQLite's sentence on a broken schema quotes the broken bytes.
        return True
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return False
    # SQLITE_ERROR with a broken schema («malformed database schema») comes as plain SQL error text.
    broken_schema = code & 0xFF == sqlite3.SQLITE_ERROR and "schema" in str(error)
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT) or broken_schema


def rescue(path: Path, factory: type[sqlite3.Connection] = sqlite3.Connection) -> Opening:
    """Carry over what can be read into a fresh file, and put the damaged one aside for a person to look at."""
    salvaging = _beside(path, ".salvaging")
    remove_diary(salvaging)
    fresh = connect(salvaging, factory)
    try:
        migrate(fresh)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".salvage-") as folder:
            for number, source in enumerate(_sources(path, Path(folder))):
                complete = _carry_over(source, fresh)
                if complete and number == 0:
                    break
        salvaged = int(fresh.execute("SELECT count(*) FROM session").fetchone()[0])
        fresh.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        fresh.close()
    _sync(salvaging)
    aside = _quarantine_name(path)
    _put_aside_companions(path, aside)
    path.rename(aside)
    salvaging.rename(path)
    _sync(path.parent)
    return Opening(quarantined=aside, salvaged_sessions=salvaged)


def _sources(path: Path, folder: Path) -> Iterator[Path]:
    """Give copies to read from: the damaged file itself, then what the sqlite3 shell recovers, where there is one."""
    copy = folder / "damaged"
    shutil.copyfile(path, copy)
    wal = _beside(path, "-wal")
    if not has_content(copy):
        # A page that is no page: SQLite then reads the log instead of deleting it.
        copy.write_bytes(bytes(page_size_of(wal)))
    if wal.exists():
        shutil.copyfile(wal, _beside(copy, "-wal"))
    untouched = folder / "again"
    for suffix in ("", "-wal"):
        if _beside(copy, suffix).exists():
            shutil.copyfile(_beside(copy, suffix), _beside(untouched, suffix))
    yield copy
    shell = shutil.which("sqlite3")
    if shell is None:
        return
    recovered = folder / "recovered"
    try:
        script = _shell(shell, untouched, ".recover")
        _shell(shell, recovered, stdin=script)
    except (OSError, subprocess.TimeoutExpired):
        return
    if recovered.exists():
        yield recovered


def _shell(shell: str, *arguments: str | Path, stdin: bytes = b"") -> bytes:
    """Run the system's own sqlite3 on a file of ours. It may fail half-way: what it gave until then counts."""
    return subprocess.run(  # noqa: S603 - no part of the command comes from outside
        [shell, *map(str, arguments)], input=stdin, capture_output=True, timeout=_RECOVER_TIMEOUT_S, check=False
    ).stdout


def _carry_over(source: Path, fresh: sqlite3.Connection) -> bool:
    """Copy every row that passes its checksum. Gives whether nothing stood in the way."""
    try:
        damaged = sqlite3.connect(source, isolation_level=None)
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return False
    damaged.row_factory = sqlite3.Row
    damaged.text_factory = _text
    fresh.execute("BEGIN IMMEDIATE")
    try:
        # Sessions first: a batch is carried over only where its session is.
        failed = sum(not _carry_session(row, fresh) for row in _rows(damaged, "session", "order_of_beginning"))
        failed += sum(not _carry_batch(row, fresh) for row in _rows(damaged, "batch", "row"))
    finally:
        fresh.execute("COMMIT")
        close(damaged)
    return failed == 0


def _rows(damaged: sqlite3.Connection, table: str, key: str) -> Iterator[sqlite3.Row | None]:
    """Give each row that can be read, and None for each place that cannot: forwards, backwards, then row by row."""
    seen: set[int] = set()
    for order in ("ASC", "DESC"):
        try:
            for row in damaged.execute(f"SELECT * FROM {table} ORDER BY {key} {order}"):  # noqa: S608 - names of our own
                if row[key] not in seen:
                    seen.add(row[key])
                    yield row
        except (sqlite3.DatabaseError, UnicodeDecodeError, OverflowError, TypeError):
            yield None
        else:
            return
    # Both ways broke off: ask for the rows between, one at a time.
    for number in range(max(1, min(seen, default=1) - _ROWS_PER_GAP), max(seen, default=0) + _ROWS_PER_GAP):
        if number in seen:
            continue
        try:
            row = damaged.execute(f"SELECT * FROM {table} WHERE {key} = ?", (number,)).fetchone()  # noqa: S608
        except (sqlite3.DatabaseError, UnicodeDecodeError, OverflowError):
            continue
        if row is not None:
            yield row


def _carry_session(row: sqlite3.Row | None, fresh: sqlite3.Connection) -> bool:
    """Copy a session as far as it is whole. A whole document stands in for the rest, which it holds too."""
    if row is None:
        return False
    try:
        values: dict[str, Any] = dict(zip(row.keys(), tuple(row), strict=True))
        head, summary, document = store.head_is_whole(row), store.summary_is_whole(row), store.document_is_whole(row)
        if head and summary and document:
            return insert(fresh, "session", values)
        known = _document_in(row)
        if known is not None:
            values |= store.columns_of(known)
        elif head:
            values |= {"document": None, "damaged": int(row["revision"] != 0 or row["document"] is not None)}
            values |= {} if summary else {"summary": None, "summary_crc": None}
        else:
            return False
        insert(fresh, "session", values)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        pass
    return False


def _document_in(row: sqlite3.Row) -> SessionDocument | None:
    """Read a row's document, if its own check (zlib's) finds it whole, whatever the columns beside it say."""
    try:
        return decode_document(zlib.decompress(row["document"]))
    except (zlib.error, JournalError, TypeError):
        return None


def _carry_batch(row: sqlite3.Row | None, fresh: sqlite3.Connection) -> bool:
    """Copy a batch whose session is there and whose checksum fits."""
    if row is None:
        return False
    try:
        values = dict(zip(row.keys(), tuple(row), strict=True))
        session = fresh.execute(
            "SELECT session_id FROM session WHERE order_of_beginning = ?", (values["session"],)
        ).fetchone()
        if session is None or not store.batch_is_whole(session[0], row):
            return False
        del values["row"]
        return insert(fresh, "batch", values)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return False


def insert(fresh: sqlite3.Connection, table: str, values: dict[str, object]) -> bool:
    """Insert a row, without the columns that this version does not have; return whether it was taken."""
    columns = {str(row[1]) for row in fresh.execute(f"PRAGMA table_info({table})")}
    kept = {name: value for name, value in values.items() if name in columns}
    places = ", ".join("?" * len(kept))
    try:
        fresh.execute(
            f"INSERT OR IGNORE INTO {table} ({', '.join(kept)}) VALUES ({places})",  # noqa: S608 - names of our own
            tuple(kept.values()),
        )
    except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError):
        return False
    return True


def _quarantine_name(path: Path) -> Path:
    """Find a free name: numbered, for the wall clock may say the same twice."""
    number = 1
    while any(_beside(path, f".damaged-{number}{suffix}").exists() for suffix in ("", *_COMPANIONS)):
        number += 1
    return _beside(path, f".damaged-{number}")


def _put_aside_companions(path: Path, aside: Path) -> None:
    for suffix in _COMPANIONS:
        if _beside(path, suffix).exists():
            _beside(path, suffix).rename(_beside(aside, suffix))


def remove_diary(path: Path) -> None:
    """Remove a diary and all of SQLite's companion files. Raises OSError."""
    for suffix in ("", *_COMPANIONS):
        _beside(path, suffix).unlink(missing_ok=True)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def close(connection: sqlite3.Connection) -> None:
    """Close, whatever state the file is in."""
    try:
        connection.close()
    except sqlite3.Error:
        return


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
