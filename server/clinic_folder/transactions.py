"""Transactions on the database: tried again where another process was quicker, with the server's own errors."""

import threading
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import TypeVar

from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection, transaction

from server.errors import StoreAwayError, StoreRefusedError

TRIES = 5
_TOO_LARGE = "54"
"""SQLSTATE class «program limit exceeded»: the statement would fail for ever, though psycopg calls it operational."""

Outcome = TypeVar("Outcome")

_lite_writer = threading.RLock()
"""SQLite has one writer: threads of this process wait for each other here, and not by polling its file."""


def leave() -> None:
    """Close this thread's connection with the database."""
    with suppress(DatabaseError):
        connection.close()


def in_transaction(act: Callable[[], Outcome]) -> Outcome:
    """Do this in one transaction. Raises StoreAwayError, StoreRefusedError; nothing of it is committed then."""
    for _ in range(TRIES):
        try:
            with _lite_writer if connection.vendor == "sqlite" else nullcontext(), transaction.atomic():
                return act()
        except IntegrityError:
            continue
        except (OperationalError, InterfaceError) as error:
            if str(getattr(error.__cause__, "sqlstate", None) or "").startswith(_TOO_LARGE):
                raise StoreRefusedError("The database cannot take so large a thing.") from error
            leave()
            raise StoreAwayError(f"The database is away ({type(error.__cause__ or error).__name__}).") from error
        except (DatabaseError, ValueError, OverflowError) as error:
            raise StoreRefusedError(f"The database refused it ({type(error.__cause__ or error).__name__}).") from error
    raise StoreAwayError("Other collectors were quicker again and again; the batch is tried anew.")
