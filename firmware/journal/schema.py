"""The journal's tables, and how an older file becomes a newer one.

A migration only ever goes forward: `MIGRATIONS[n]` turns version n into n + 1 within one transaction. A file from a
newer program is refused and left untouched. The version stands twice, in SQLite's header and in a table, so that a
flipped bit in the header is told from a newer program.
"""

import sqlite3
from collections.abc import Sequence

from firmware.journal.errors import JournalVersionError

APPLICATION_ID = 0x49434A31
"""«ICJ1» in the database's header (`PRAGMA application_id`), so that `file` and a person can tell what it is."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE version (only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL) STRICT",
        "INSERT INTO version VALUES (1, 0)",
        # `head`: plan and protocol. `document`: the packed canonical encoding, once finished and until pruned.
        # `order_of_beginning` orders sessions even where the wall clock went backwards between them.
        # `unrepaired_boots`: boots whose wall times in the document are not to be believed yet.
        """CREATE TABLE session (
            order_of_beginning INTEGER PRIMARY KEY,
            session_id TEXT NOT NULL UNIQUE,
            head BLOB NOT NULL,
            head_crc INTEGER NOT NULL,
            boot_id TEXT NOT NULL,
            monotonic_s REAL NOT NULL,
            wall_s REAL NOT NULL,
            synchronised INTEGER NOT NULL,
            repaired INTEGER NOT NULL DEFAULT 0,
            revision INTEGER NOT NULL DEFAULT 0,
            summary BLOB,
            summary_crc INTEGER,
            document BLOB,
            document_crc INTEGER,
            sha256 TEXT,
            unrepaired_boots TEXT NOT NULL DEFAULT '',
            acknowledged_revision INTEGER,
            acknowledged_sha256 TEXT,
            acknowledged_boot_id TEXT,
            acknowledged_monotonic_s REAL,
            acknowledged_wall_s REAL,
            acknowledged_synchronised INTEGER,
            acknowledged_repaired INTEGER,
            damaged INTEGER NOT NULL DEFAULT 0,
            pruned INTEGER NOT NULL DEFAULT 0
        ) STRICT""",
        # What is committed together, while a session is unfinished. `t` is the session's second at the stamp.
        """CREATE TABLE batch (
            row INTEGER PRIMARY KEY,
            session INTEGER NOT NULL REFERENCES session (order_of_beginning) ON DELETE CASCADE,
            sequence INTEGER NOT NULL,
            t REAL NOT NULL,
            boot_id TEXT NOT NULL,
            monotonic_s REAL NOT NULL,
            wall_s REAL NOT NULL,
            synchronised INTEGER NOT NULL,
            repaired INTEGER NOT NULL DEFAULT 0,
            records BLOB NOT NULL,
            crc INTEGER NOT NULL,
            UNIQUE (session, sequence)
        ) STRICT""",
    ),
)


def migrate(connection: sqlite3.Connection, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> None:
    """Bring the open database to the newest version, each step whole or not at all.

    Raises JournalVersionError where the file is another program's or a newer one's.
    """
    application = _pragma(connection, "application_id")
    version = _pragma(connection, "user_version")
    has_tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] > 0
    if has_tables and application != APPLICATION_ID:
        raise JournalVersionError(
            "The file is another program's SQLite database, so nothing was changed. Name another file for the diary."
        )
    if version > len(migrations):
        raise JournalVersionError(
            f"The diary was written by a newer version of this program (format {version}; this one knows "
            f"{len(migrations)}), so it was left untouched. Install the newer version again."
        )
    for number, statements in enumerate(migrations[version:], start=version + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements:
                connection.execute(statement)
            connection.execute("UPDATE version SET version = ?", (number,))
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number:d}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def is_intact(connection: sqlite3.Connection) -> bool:
    """Whether SQLite finds the whole file sound, and header and table agree on the version.

    A sound file of another program counts as intact, so that `migrate` refuses it instead of anyone «repairing» it.
    """
    try:
        if [row[0] for row in connection.execute("PRAGMA quick_check(1)")] != ["ok"]:
            return False
        names = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if not names:
            return _pragma(connection, "user_version") == 0
        if not names >= {"version", "session", "batch"}:
            return _pragma(connection, "application_id") != APPLICATION_ID
        table = connection.execute("SELECT version FROM version").fetchone()
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return False
    return (
        table is not None
        and table[0] == _pragma(connection, "user_version")
        and _pragma(connection, "application_id") == APPLICATION_ID
    )


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
