"""The sessions that the server has stored, as lines for a person or for a program. What is shown is no health data."""

import time
from collections.abc import Iterable
from uuid import UUID

import msgspec
from msgspec import Struct

from server.errors import ServerError
from server.models import Session


class StoredSession(Struct, frozen=True, kw_only=True):
    """One revision of one session as it lies in the database. `sha256`: the fingerprint that its receipt named."""

    session_id: str
    revision: int
    clinic: str
    machine: str
    protocol: str
    stored_wall_s: float
    sha256: str


def stored(last: int, session_id: str | None = None) -> tuple[StoredSession, ...]:
    """Return the `last` that were stored, oldest first; of one session where its id is given. Raises ServerError."""
    rows = Session.objects.order_by("-pk")
    if session_id is not None:
        rows = rows.filter(session_id=_id(session_id))
    names = ("session_id", "revision", "clinic", "machine", "protocol", "stored_wall_s", "sha256")
    found = [StoredSession(**{**row, "session_id": str(row["session_id"])}) for row in rows.values(*names)[:last]]
    return tuple(reversed(found))


def lines(sessions: Iterable[StoredSession]) -> list[str]:
    """One line each, below a heading."""
    rows = [
        (
            one.session_id,
            str(one.revision),
            time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(one.stored_wall_s)),
            f"{one.clinic}/{one.machine}",
            one.protocol,
            one.sha256[:12],
        )
        for one in sessions
    ]
    if not rows:
        return ["No session has been stored yet."]
    rows.insert(0, ("Session", "Revision", "Stored at", "Machine", "Protocol", "SHA-256"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def json_lines(sessions: Iterable[StoredSession]) -> list[str]:
    """One JSON object each, for programs."""
    return [msgspec.json.encode(one).decode() for one in sessions]


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise ServerError(f"«{text}» is no session's id. «sessions» lists them.") from error
