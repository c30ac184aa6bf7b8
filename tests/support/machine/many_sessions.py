"""A diary with as many sessions as years bring: rows of one whole session, each under an id of its own.

As on a machine that delivers, the raw data of all but the newest has been let go.
"""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

from firmware.journal import file
from firmware.journal import queries as store
from firmware.journal.record import SessionDocument
from firmware.system.session_id import new_session_id
from tests.support.machine.session_factory import BEGUN, record

APART_S = 4 * 3600.0
WITH_DOCUMENT = 20
Columns = dict[str, str | int | float | bytes | None]


def fill(diary: Path, sessions: int) -> None:
    """Write so many finished sessions into a new diary, oldest first."""
    connection, _ = file.open_file(diary, sqlite3.Connection)
    one = record()
    document = SessionDocument(
        session_id=one.session_id,
        revision=1,
        plan=one.plan,
        protocol=one.protocol,
        begun=BEGUN,
        stamps=one.stamps,
        summary=one.summary,
        messages=one.messages,
        events=one.events,
    )
    columns = store.columns_of(document)
    names, places = ", ".join(columns), ", ".join("?" * len(columns))
    try:
        connection.execute("BEGIN IMMEDIATE")
        for number in range(sessions):
            wall_s = BEGUN.wall_s + number * APART_S
            session_id = new_session_id(wall_s, lambda size, number=number: number.to_bytes(size, "big"))  # type: ignore[misc]
            row = _readdressed(columns, session_id) | {"wall_s": wall_s}
            if number < sessions - WITH_DOCUMENT:
                row |= {"document": None, "pruned": 1}
            connection.execute(f"INSERT INTO session ({names}) VALUES ({places})", tuple(row.values()))  # noqa: S608
        connection.execute("COMMIT")
    finally:
        file.close(connection)


def _readdressed(columns: Mapping[str, str | int | float | bytes], session_id: str) -> Columns:
    """Return the same row under another id: each checksum covers it."""
    head, summary, packed = columns["head"], columns["summary"], columns["document"]
    assert isinstance(head, bytes)
    assert isinstance(summary, bytes)
    assert isinstance(packed, bytes)
    return {
        **columns,
        "session_id": session_id,
        "head_crc": store.crc(session_id, "head", head),
        "summary_crc": store.crc(session_id, "summary", summary),
        "document_crc": store.document_crc(session_id, 1, str(columns["sha256"]), packed),
    }
