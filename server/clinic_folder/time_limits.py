"""Time limits of PostgreSQL's connections: a lock that another program holds must not hold every page and worker.

They are set when a connection is made, by statements and not by options of the connection, which a pooler refuses.
"""

from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

LOCK_S, STATEMENT_S, IDLE_IN_TRANSACTION_S = 10, 120, 120
"""A page gives up before its reader does. The sums of a million sessions take seconds; a migration has no limit."""


def set_time_limits(connection: BaseDatabaseWrapper, **_other: Any) -> None:  # noqa: ANN401 - Django's signal
    """Set the limits on a new connection."""
    if connection.vendor == "postgresql":
        _set(connection, LOCK_S, STATEMENT_S, IDLE_IN_TRANSACTION_S)


def lift_time_limits() -> None:
    """Let this connection take the time it needs: migrations rewrite tables. Waiting for a lock stays bounded."""
    connection.ensure_connection()
    if connection.vendor == "postgresql":
        _set(connection, LOCK_S, 0, 0)


def _set(connection: BaseDatabaseWrapper, lock_s: int, statement_s: int, idle_s: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SET lock_timeout = '{lock_s}s'; SET statement_timeout = '{statement_s}s'; "
            f"SET idle_in_transaction_session_timeout = '{idle_s}s'"
        )
