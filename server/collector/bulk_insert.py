"""Session rows into the database at full speed: COPY into PostgreSQL, executemany into SQLite."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg import sql
from psycopg.types.json import Jsonb

from server.collector.messages import SessionArrived
from server.models import Session

_COLUMNS = (
    ("session_id", "uuid"),
    ("revision", "int4"),
    ("sha256", "varchar"),
    ("clinic", "varchar"),
    ("machine", "varchar"),
    ("participant", "varchar"),
    ("protocol", "varchar"),
    ("begun_wall_s", "float8"),
    ("clock_trusted", "bool"),
    ("completed", "bool"),
    ("summary", "jsonb"),
    ("format", "int4"),
    ("read_through", "bool"),
    ("flaw", "varchar"),
    ("stored_wall_s", "float8"),
    ("payload", "bytea"),
)
_NAMES = tuple(name for name, _ in _COLUMNS)
_TYPES = tuple(kind for _, kind in _COLUMNS)


def insert_sessions(sessions: Sequence[SessionArrived], now_s: float) -> None:
    """Insert all, within the transaction at hand. Raises Django's IntegrityError where one is there already."""
    if not sessions:
        return
    if connection.vendor == "postgresql":
        _copy([_values(one, UUID(one.session_id), Jsonb(one.summary, dumps=_as_it_is), now_s) for one in sessions])
    else:
        rows = [_values(one, UUID(one.session_id).hex, one.summary.decode(), now_s) for one in sessions]
        with connection.cursor() as cursor:
            cursor.executemany(_INSERT, rows)


def _values(session: SessionArrived, session_id: UUID | str, summary: object, now_s: float) -> tuple[Any, ...]:
    return (
        session_id,
        session.revision,
        session.sha256,
        session.source.clinic,
        session.source.machine,
        session.participant,
        session.protocol,
        session.begun_wall_s,
        session.clock_trusted,
        session.completed,
        summary,
        session.format,
        session.read_through,
        "",
        now_s,
        session.payload,
    )


def _as_it_is(encoded: bytes) -> bytes:
    """JSON that is encoded already."""
    return encoded


# Table and columns are this module's own, never anything that came from outside.
_TABLE = Session._meta.db_table  # noqa: SLF001 - Django's documented model API
_INSERT = f"INSERT INTO {_TABLE} ({', '.join(_NAMES)}) VALUES ({', '.join(['%s'] * len(_NAMES))})"  # noqa: S608
_COPY = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
    sql.Identifier(_TABLE), sql.SQL(", ").join(map(sql.Identifier, _NAMES))
)


def _copy(rows: Sequence[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(_COPY) as copy:
        copy.set_types(_TYPES)
        for row in rows:
            copy.write_row(row)
