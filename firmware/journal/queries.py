"""Everything the journal says in SQL, over the one connection. Whoever calls this owns the thread and the transaction.

Each blob carries a CRC over itself and its place, so that damage below SQLite's notice is found, never believed: a
flipped digit in a ceiling would be a hazard (H1).
"""

import sqlite3
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple, cast

from msgspec import Struct
from msgspec.structs import replace

from coach.model.summary import Summary
from firmware.journal import record as form
from firmware.journal.errors import DamagedSessionError, UnknownSessionError
from firmware.journal.record import SessionDocument, SessionLine, SessionRecord, StampAt
from firmware.system.timestamps import Timestamp

# ruff: noqa: S608 - statements are put together from this file's own column names; values are always bound

_STAMP = "boot_id, monotonic_s, wall_s, synchronised, repaired"
_ACKNOWLEDGED = (
    "acknowledged_boot_id, acknowledged_monotonic_s, acknowledged_wall_s, acknowledged_synchronised,"
    " acknowledged_repaired"
)


class SessionVersion(Struct, frozen=True):
    """Names one version of one session: what a delivery carries and what its receipt must repeat."""

    session_id: str
    revision: int
    sha256: str


class PendingDelivery(Struct, frozen=True):
    """One finished session to be delivered; `document` is its canonical encoding, to be sent as it is."""

    receipt: SessionVersion
    document: bytes


class StoredBatch(NamedTuple):
    """One batch as it goes to the disk: the session's second, the stamp and the encoded records."""

    sequence: int
    t: float
    stamp: Timestamp
    records: bytes


def crc(session_id: str, place: str, content: bytes) -> int:
    """CRC-32 over content and place, so that a blob under another session's row is found out too."""
    return zlib.crc32(content, zlib.crc32(f"{session_id}/{place}".encode()))


def document_crc(session_id: str, revision: int, sha256: str, packed: bytes) -> int:
    """CRC-32 over a packed document and over what a receipt must name."""
    return crc(session_id, f"document {revision} {sha256}", packed)


def head_is_whole(row: sqlite3.Row) -> bool:
    """Whether a session's plan and protocol are those that were written."""
    return bool(crc(row["session_id"], "head", row["head"]) == row["head_crc"])


def summary_is_whole(row: sqlite3.Row) -> bool:
    """Whether a session's summary, if it has one, is the one that was written."""
    return bool(row["summary"] is None or crc(row["session_id"], "summary", row["summary"]) == row["summary_crc"])


def document_is_whole(row: sqlite3.Row) -> bool:
    """Whether a finished session's document is the one that was written, or has left for a reason that is known."""
    if row["document"] is None:
        return bool(row["revision"] == 0 or row["pruned"] == 1 or row["damaged"] == 1)
    expected = document_crc(row["session_id"], row["revision"], row["sha256"], row["document"])
    return bool(expected == row["document_crc"])


def batch_is_whole(session_id: str, row: sqlite3.Row) -> bool:
    """Whether a batch is the one that was written, in its place."""
    return bool(crc(session_id, f"batch {row['sequence']}", row["records"]) == row["crc"])


def content_is_whole(connection: sqlite3.Connection) -> bool:
    """Whether all that is kept is what was written: damage inside a blob is beneath SQLite's notice."""
    ids: dict[int, str] = {}
    for row in connection.execute("SELECT * FROM session"):
        if not (head_is_whole(row) and summary_is_whole(row) and document_is_whole(row)):
            return False
        ids[row["order_of_beginning"]] = row["session_id"]
    rows = connection.execute("SELECT session, sequence, records, crc FROM batch")
    return all(row["session"] in ids and batch_is_whole(ids[row["session"]], row) for row in rows)


def insert_session(connection: sqlite3.Connection, session_id: str, head: bytes, stamp: Timestamp) -> None:
    """Begin a session; one that is there already stays as it is."""
    connection.execute(
        f"INSERT OR IGNORE INTO session (session_id, head, head_crc, {_STAMP}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (session_id, head, crc(session_id, "head", head), *_columns(stamp)),
    )


def insert_batch(connection: sqlite3.Connection, session_id: str, batch: StoredBatch) -> None:
    """Add a batch; one that is there already stays as it is. Raises UnknownSessionError."""
    number = _number(connection, session_id)
    connection.execute(
        f"INSERT OR IGNORE INTO batch (session, sequence, t, {_STAMP}, records, crc)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            batch.sequence,
            batch.t,
            *_columns(batch.stamp),
            batch.records,
            crc(session_id, f"batch {batch.sequence}", batch.records),
        ),
    )


def next_sequence(connection: sqlite3.Connection, session_id: str) -> int:
    """Give the number of the session's next batch. Raises UnknownSessionError."""
    number = _number(connection, session_id)
    last = connection.execute("SELECT max(sequence) FROM batch WHERE session = ?", (number,)).fetchone()[0]
    return 0 if last is None else int(last) + 1


def finish(connection: sqlite3.Connection, session_id: str, summary: Summary, revision: int | None) -> SessionVersion:
    """Make the session's document out of its batches, and let go of them.

    A session may be finished again (the mood came afterwards): what was recorded since is added, and the revision
    grows. Raises UnknownSessionError, DamagedSessionError.
    """
    record = read_session(connection, session_id)
    if record.pruned:
        raise DamagedSessionError(
            f"The raw data of session {session_id} has left this machine, so it cannot be finished again here."
        )
    document = SessionDocument(
        session_id=session_id,
        revision=max(record.revision + 1, revision or 1),
        plan=record.plan,
        protocol=record.protocol,
        begun=record.begun,
        stamps=record.stamps,
        summary=summary,
        messages=record.messages,
        events=record.events,
    )
    return _store(connection, document)


def _store(connection: sqlite3.Connection, document: SessionDocument) -> SessionVersion:
    """Write a finished document in the place of whatever was stored of it before."""
    columns = columns_of(document)
    names = ", ".join(columns)
    connection.execute(
        f"UPDATE session SET ({names}) = ({', '.join('?' * len(columns))}) WHERE session_id = ?",
        (*columns.values(), document.session_id),
    )
    connection.execute("DELETE FROM batch WHERE session = ?", (_number(connection, document.session_id),))
    return SessionVersion(document.session_id, document.revision, str(columns["sha256"]))


def columns_of(document: SessionDocument) -> dict[str, str | int | float | bytes]:
    """Give the columns that a finished document fills. Raises DamagedSessionError where it has no summary."""
    if document.summary is None:
        raise DamagedSessionError("A session without a summary is not finished and has no document.")
    session_id = document.session_id
    head = form.encode_head(document.plan, document.protocol)
    encoded, summary = form.encode_document(document), form.encode_summary(document.summary)
    sha256, packed = form.sha256_of(encoded), form.pack(encoded)
    return {
        "session_id": session_id,
        "head": head,
        "head_crc": crc(session_id, "head", head),
        "boot_id": document.begun.boot_id,
        "monotonic_s": document.begun.monotonic_s,
        "wall_s": document.begun.wall_s,
        "synchronised": document.begun.synchronised,
        "repaired": document.begun.repaired,
        "revision": document.revision,
        "summary": summary,
        "summary_crc": crc(session_id, "summary", summary),
        "document": packed,
        "document_crc": document_crc(session_id, document.revision, sha256, packed),
        "sha256": sha256,
        "unrepaired_boots": " ".join(sorted({stamp.boot_id for stamp in _all_stamps(document) if not stamp.trusted})),
        "damaged": 0,
        "pruned": 0,
    }


def _all_stamps(document: SessionDocument) -> tuple[Timestamp, ...]:
    return (document.begun, *(at.stamp for at in document.stamps))


def read_session(connection: sqlite3.Connection, session_id: str) -> SessionRecord:
    """Read all of one session; a batch that fails its checksum is left out of an unfinished one.

    Raises UnknownSessionError; DamagedSessionError where the plan or the finished document cannot be trusted.
    """
    row = _row(connection, session_id)
    head = _checked_head(row)
    record = SessionRecord(
        session_id=session_id,
        revision=row["revision"],
        plan=head.plan,
        protocol=head.protocol,
        begun=_stamp(row),
        stamps=(),
        summary=_checked_summary(row),
        messages=(),
        events=(),
        sha256=row["sha256"],
        delivered=_is_delivered(row),
        pruned=bool(row["pruned"]),
    )
    if row["damaged"]:
        raise DamagedSessionError(f"The raw data of session {session_id} was damaged on the disk and is lost.")
    if row["document"] is not None:
        document = form.decode_document(form.unpack(row["document"], row["sha256"]))
        record = replace(record, begun=document.begun, stamps=document.stamps)
        record = replace(record, messages=document.messages, events=document.events)
    batches = list(_batches(connection, session_id))
    stamps = [*record.stamps, *(StampAt(batch.t, batch.stamp) for batch in batches)]
    decoded = [form.decode_batch(batch.records) for batch in batches]
    return replace(
        record,
        stamps=form.telling_stamps(stamps),
        messages=record.messages + tuple(message for batch in decoded for message in batch.messages),
        events=record.events + tuple(event for batch in decoded for event in batch.events),
    )


def raw_session(connection: sqlite3.Connection, session_id: str) -> tuple[bytes, Timestamp, list[StoredBatch]]:
    """Read head, beginning and batches as they are stored. Raises UnknownSessionError."""
    row = _row(connection, session_id)
    return row["head"], _stamp(row), list(_batches(connection, session_id))


def read_line(row: sqlite3.Row) -> SessionLine | None:
    """Read one line of the list; None where not even the plan can be trusted."""
    try:
        head = _checked_head(row)
        summary, damaged = _checked_summary(row), bool(row["damaged"])
    except DamagedSessionError:
        return None
    return SessionLine(
        session_id=row["session_id"],
        begun=_stamp(row),
        participant=head.plan.participant,
        nickname=head.plan.nickname,
        protocol=head.protocol.name,
        finished=row["revision"] > 0,
        revision=row["revision"],
        summary=summary,
        delivered=_is_delivered(row),
        pruned=bool(row["pruned"]),
        damaged=damaged,
    )


_LISTED = (
    f"session_id, head, head_crc, {_STAMP}, revision, summary, summary_crc, sha256, acknowledged_revision,"
    " acknowledged_sha256, pruned, damaged"
)
"""What a line of the list is made of: not the document, which is the bulk of a row."""


def read_lines(connection: sqlite3.Connection, after: str = "", most: int | None = None) -> tuple[SessionLine, ...]:
    """Read the diary's list, oldest first: at most `most` sessions that began after the one with the id `after`.

    Raises UnknownSessionError where there is no session `after`.
    """
    place = _number(connection, after) if after else 0
    rows = connection.execute(
        f"SELECT {_LISTED} FROM session WHERE order_of_beginning > ? ORDER BY order_of_beginning",
        (place,),
    )
    return tuple(islice((line for line in map(read_line, rows) if line is not None), most))


def unfinished_id(connection: sqlite3.Connection) -> str | None:
    """Id of the newest session that has begun and not ended."""
    row = connection.execute(
        "SELECT session_id FROM session WHERE revision = 0 AND damaged = 0 ORDER BY order_of_beginning DESC LIMIT 1"
    ).fetchone()
    return None if row is None else str(row["session_id"])


def mark_damaged(connection: sqlite3.Connection, session_id: str) -> None:
    """Note that a session's raw data cannot be trusted, so that it stands in nobody's way."""
    connection.execute("UPDATE session SET damaged = 1 WHERE session_id = ?", (session_id,))


def undelivered_receipts(connection: sqlite3.Connection, limit: int) -> list[SessionVersion]:
    """Name the finished sessions of which no receipt has come, oldest first."""
    rows = connection.execute(
        "SELECT session_id, revision, sha256 FROM session WHERE document IS NOT NULL AND damaged = 0"
        " AND (acknowledged_sha256 IS NOT sha256 OR acknowledged_revision IS NOT revision)"
        " ORDER BY order_of_beginning LIMIT ?",
        (limit,),
    )
    return [SessionVersion(*row) for row in rows]


def undelivered_since(connection: sqlite3.Connection) -> tuple[int, float | None]:
    """How many finished sessions have no receipt, and the wall time at which the first of them began."""
    waiting, since_wall_s = connection.execute(
        "SELECT count(*), min(wall_s) FROM session WHERE document IS NOT NULL AND damaged = 0"
        " AND (acknowledged_sha256 IS NOT sha256 OR acknowledged_revision IS NOT revision)"
    ).fetchone()
    return waiting, since_wall_s


def read_document(connection: sqlite3.Connection, session_id: str) -> bytes:
    """Read the canonical encoding of a finished session. Raises UnknownSessionError, DamagedSessionError."""
    row = _row(connection, session_id)
    if row["document"] is None:
        raise DamagedSessionError(f"Session {session_id} has no document: it is unfinished, or its raw data is gone.")
    return form.unpack(row["document"], row["sha256"])


def acknowledge(connection: sqlite3.Connection, receipt: SessionVersion, stamp: Timestamp) -> bool:
    """Note a receipt; only one that names the version that is stored now counts."""
    changed = connection.execute(
        f"UPDATE session SET acknowledged_revision = revision, acknowledged_sha256 = sha256, ({_ACKNOWLEDGED}) ="
        " (?, ?, ?, ?, ?) WHERE session_id = ? AND revision = ? AND sha256 = ?",
        (*_columns(stamp), receipt.session_id, receipt.revision, receipt.sha256),
    )
    return changed.rowcount == 1


def forget_receipts(connection: sqlite3.Connection, since_wall_s: float, until_wall_s: float) -> bool:
    """Take back receipts of this time, and those whose time is not known. Return whether all their raw data is here.

    What the server has is receipted again, so taking back too much loses nothing.
    """
    known = "acknowledged_sha256 IS NOT NULL AND acknowledged_wall_s BETWEEN ? AND ?"
    span = (since_wall_s, until_wall_s)
    of_then = f"({known} OR (acknowledged_synchronised = 0 AND acknowledged_repaired = 0))"
    [gone] = connection.execute(f"SELECT count(*) FROM session WHERE document IS NULL AND {known}", span).fetchone()
    connection.execute(
        f"UPDATE session SET acknowledged_revision = NULL, acknowledged_sha256 = NULL, ({_ACKNOWLEDGED}) ="
        f" (NULL, NULL, NULL, NULL, NULL) WHERE document IS NOT NULL AND damaged = 0 AND {of_then}",
        span,
    )
    return bool(gone == 0)


def prune(connection: sqlite3.Connection, *, acknowledged_before_wall_s: float | None, limit: int = -1) -> int:
    """Let go of raw data that the server has: documents whose receipt is older, or (None) any with a receipt.

    An undelivered session is never touched. The list keeps plan and summary. Gives how many were pruned.
    """
    trusted = "(acknowledged_synchronised = 1 OR acknowledged_repaired = 1) AND acknowledged_wall_s < ?"
    old, values = ("1", ()) if acknowledged_before_wall_s is None else (trusted, (acknowledged_before_wall_s,))
    changed = connection.execute(
        "UPDATE session SET document = NULL, pruned = 1 WHERE order_of_beginning IN (SELECT order_of_beginning"
        " FROM session WHERE document IS NOT NULL AND acknowledged_revision IS revision"
        f" AND acknowledged_sha256 IS sha256 AND {old} ORDER BY order_of_beginning LIMIT ?)",
        (*values, limit),
    )
    return changed.rowcount


def repair_wall_times(connection: sqlite3.Connection, now: Timestamp) -> int:
    """Give every record of this boot the wall time that the synchronised clock now tells, and mark it repaired.

    A finished session whose times change becomes a new revision, to be delivered again. Gives how many sessions
    changed.
    """
    offset_s = now.wall_s - now.monotonic_s
    of_this_boot = "synchronised = 0 AND repaired = 0 AND boot_id = ?"
    touched = {
        row[0]
        for row in connection.execute(
            f"SELECT session_id FROM session WHERE {of_this_boot} UNION SELECT session_id FROM session WHERE"
            f" order_of_beginning IN (SELECT session FROM batch WHERE {of_this_boot})",
            (now.boot_id, now.boot_id),
        )
    }
    for table in ("session", "batch"):
        connection.execute(
            f"UPDATE {table} SET wall_s = monotonic_s + ?, repaired = 1 WHERE {of_this_boot}", (offset_s, now.boot_id)
        )
    connection.execute(
        "UPDATE session SET acknowledged_wall_s = acknowledged_monotonic_s + ?, acknowledged_repaired = 1"
        " WHERE acknowledged_synchronised = 0 AND acknowledged_repaired = 0 AND acknowledged_boot_id = ?",
        (offset_s, now.boot_id),
    )
    finished = connection.execute(
        "SELECT session_id FROM session WHERE document IS NOT NULL AND damaged = 0 AND instr(unrepaired_boots, ?) > 0",
        (now.boot_id,),
    ).fetchall()
    for (session_id,) in finished:
        document = form.decode_document(read_document(connection, session_id))
        repaired = tuple(replace(at, stamp=at.stamp.repaired_by(now)) for at in document.stamps)
        again = replace(
            document, revision=document.revision + 1, begun=document.begun.repaired_by(now), stamps=repaired
        )
        _store(connection, again)
        touched.add(session_id)
    return len(touched)


def _batches(connection: sqlite3.Connection, session_id: str) -> Iterator[StoredBatch]:
    """Give the session's batches in order; one that fails its checksum is left out."""
    rows = connection.execute(
        "SELECT * FROM batch WHERE session = ? ORDER BY sequence", (_number(connection, session_id),)
    )
    for row in rows:
        if batch_is_whole(session_id, row):
            yield StoredBatch(row["sequence"], row["t"], _stamp(row), row["records"])


def _checked_head(row: sqlite3.Row) -> form.SessionHead:
    if not head_is_whole(row):
        raise DamagedSessionError(f"The plan of session {row['session_id']} was damaged on the disk and is not used.")
    return form.decode_head(row["head"])


def _checked_summary(row: sqlite3.Row) -> Summary | None:
    if row["summary"] is None:
        return None
    if not summary_is_whole(row):
        raise DamagedSessionError(f"The summary of session {row['session_id']} was damaged on the disk.")
    return form.decode_summary(row["summary"])


def _is_delivered(row: sqlite3.Row) -> bool:
    acknowledged = (row["acknowledged_revision"], row["acknowledged_sha256"])
    return row["revision"] > 0 and acknowledged == (row["revision"], row["sha256"])


def _row(connection: sqlite3.Connection, session_id: str) -> sqlite3.Row:
    row = connection.execute("SELECT * FROM session WHERE session_id = ?", (session_id,)).fetchone()
    if row is None:
        raise UnknownSessionError(f"The diary has no session {session_id}.")
    return cast("sqlite3.Row", row)


def _number(connection: sqlite3.Connection, session_id: str) -> int:
    row = connection.execute("SELECT order_of_beginning FROM session WHERE session_id = ?", (session_id,)).fetchone()
    if row is None:
        raise UnknownSessionError(f"The diary has no session {session_id}.")
    return int(row[0])


def _columns(stamp: Timestamp) -> tuple[str, float, float, bool, bool]:
    return (stamp.boot_id, stamp.monotonic_s, stamp.wall_s, stamp.synchronised, stamp.repaired)


def _stamp(row: sqlite3.Row) -> Timestamp:
    return Timestamp(
        row["boot_id"], row["monotonic_s"], row["wall_s"], bool(row["synchronised"]), bool(row["repaired"])
    )
