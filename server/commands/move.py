"""Moving a clinic from SQLite to PostgreSQL: every row, counted and compared on both sides, or nothing.

The new database is filled in one transaction while the old one is locked. Only where each table has as many rows with
the same hash on both sides is it committed; the old database is then closed by triggers, so that a service which still
runs on it stores and receipts nothing, and the setting is changed. Certificates, codes, revocations and sessions of
browsers are rows like the others; the folder's files stay where they are.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DatabaseError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model
from msgspec import Struct

from server.clinic_folder.atomic_file import PRIVATE, atomic_write
from server.clinic_folder.database import django_database
from server.clinic_folder.settings import DATABASE_VARIABLE, ClinicFolder
from server.errors import ServerError

TARGET = "target"
AT_ONCE = 200
CLOSED = "this database was moved to another one"
DERIVED = {"network_quartersum"}
"""Kept sums, which PostgreSQL's own triggers mark as outdated when their rows arrive."""


class MovedTable(Struct, frozen=True):
    """One table's rows: how many, and a hash over all of them in the order of their keys."""

    name: str
    rows: int
    sha256: str


def move_to(clinic: ClinicFolder, address: str) -> list[str]:
    """Move everything into the empty PostgreSQL database at `address`. Return what to say; raises ServerError.

    Where it fails, the old database is in use as before, and the new one holds no row.
    """
    if connection.vendor != "sqlite":
        raise ServerError("The clinic's database is no SQLite file: there is nothing to move.")
    found = django_database(address, clinic.places.folder)
    if not found["ENGINE"].endswith("postgresql"):
        raise ServerError("Name the new database as postgresql://user:password@host:port/name.")
    connections.settings[TARGET] = connections.configure_settings(
        {"default": connections.settings["default"], TARGET: found}
    )[TARGET]
    try:
        return _move(clinic, address, connections[TARGET])
    except DatabaseError as error:
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise ServerError(f"Nothing was moved: {reason}") from error
    finally:
        connections[TARGET].close()


def _move(clinic: ClinicFolder, address: str, target: BaseDatabaseWrapper) -> list[str]:
    _require_empty(target)
    call_command("migrate", database=TARGET, verbosity=0)
    with transaction.atomic():
        # IMMEDIATE: from here on no other connection writes to the old one.
        with transaction.atomic(using=TARGET):
            _clear(target)
            moved = [model for model in _models() if _table(model) not in DERIVED]
            before = [_copied(model, target) for model in moved]
            _set_sequences(target)
            after = [_hashed(model, target) for model in moved]
            for old, new in zip(before, after, strict=True):
                if old != new:
                    raise ServerError(
                        f"Nothing was moved: {old.name} has {old.rows} rows in the old database and {new.rows} in the "
                        "new one, or their content differs."
                    )
        _close_old()
    switched = _switch(clinic, address)
    return [
        *(f"{one.name}: {one.rows} rows, {one.sha256[:16]}" for one in after if one.rows),
        f"{sum(one.rows for one in after)} rows of {len(after)} tables are in the new database, equal by their hashes.",
        "The setting 'database' names it now." if switched else f"Now let {DATABASE_VARIABLE} name it.",
        "Restart the services, and run 'audit verify'. The old file takes no row any more; delete it later.",
    ]


def _table(model: type[Model]) -> str:
    return model._meta.db_table  # noqa: SLF001 - Django's documented model API


def _models() -> list[type[Model]]:
    found = apps.get_models(include_auto_created=True)
    managed = [one for one in found if one._meta.managed and not one._meta.proxy]  # noqa: SLF001 - as above
    return sorted(managed, key=_table)


def _fields(model: type[Model]) -> list["Field[Any, Any]"]:
    return list(model._meta.concrete_fields)  # noqa: SLF001 - as above


def _require_empty(target: BaseDatabaseWrapper) -> None:
    with target.cursor() as cursor:
        there = target.introspection.table_names(cursor)
        # The two that `migrate` itself fills.
        ours = {_table(model) for model in _models()} - {"django_content_type", "auth_permission"}
        for table in sorted(ours & set(there)):
            cursor.execute(f"SELECT 1 FROM {target.ops.quote_name(table)} LIMIT 1")  # noqa: S608 - our own tables
            if cursor.fetchone() is not None:
                raise ServerError(f"The new database is not empty: {table} has rows. Name an empty one.")


def _clear(target: BaseDatabaseWrapper) -> None:
    tables = ", ".join(target.ops.quote_name(_table(model)) for model in _models())
    with target.cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables}")


def _rows(model: type[Model], using: str) -> Iterator[Model]:
    everything = model._base_manager.using(using)  # noqa: SLF001 - as above
    return everything.order_by("pk").iterator(chunk_size=AT_ONCE)


def _copied(model: type[Model], target: BaseDatabaseWrapper) -> MovedTable:
    """Write a table's rows into the new database as they are: no field gets a new value."""
    fields = _fields(model)
    columns = ", ".join(target.ops.quote_name(str(field.column)) for field in fields)
    table, places = target.ops.quote_name(_table(model)), ", ".join(["%s"] * len(fields))
    statement = f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608 - our own tables and columns
    digest, count, waiting = hashlib.sha256(), 0, []
    with target.cursor() as cursor:
        for row in _rows(model, "default"):
            digest.update(_canonical(row, fields))
            count += 1
            waiting.append([field.get_db_prep_save(getattr(row, field.attname), target) for field in fields])
            if len(waiting) >= AT_ONCE:
                cursor.executemany(statement, waiting)
                waiting = []
        if waiting:
            cursor.executemany(statement, waiting)
    return MovedTable(_table(model), count, digest.hexdigest())


def _hashed(model: type[Model], target: BaseDatabaseWrapper) -> MovedTable:
    fields, digest, count = _fields(model), hashlib.sha256(), 0
    for row in _rows(model, target.alias):
        digest.update(_canonical(row, fields))
        count += 1
    return MovedTable(_table(model), count, digest.hexdigest())


def _canonical(row: Model, fields: "list[Field[Any, Any]]") -> bytes:
    return json.dumps([_plain(getattr(row, field.attname)) for field in fields], sort_keys=True).encode() + b"\n"


def _plain(value: object) -> object:
    """Make a value the same for both databases: PostgreSQL keeps JSON's numbers otherwise, and bytes as a view."""
    match value:
        case bool() | None | str():
            return value
        case int() | float():
            return repr(float(value) + 0.0) if abs(value) < 2**53 else str(value)
        case bytes() | memoryview() | bytearray():
            return hashlib.sha256(bytes(value)).hexdigest()
        case datetime():
            return value.astimezone(UTC).isoformat()
        case dict():
            return {str(key): _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case _:
            return str(value)


def _set_sequences(target: BaseDatabaseWrapper) -> None:
    with target.cursor() as cursor:
        for statement in target.ops.sequence_reset_sql(no_style(), _models()):
            cursor.execute(statement)


def _close_old() -> None:
    """Let every later write to the old database fail, also of a service that runs on it yet."""
    with connection.cursor() as cursor:
        for model in _models():
            table = _table(model)
            for act in ("INSERT", "UPDATE", "DELETE"):
                cursor.execute(
                    f'CREATE TRIGGER "moved_{act}_{table}" BEFORE {act} ON "{table}" '
                    f"BEGIN SELECT RAISE(ABORT, '{CLOSED}'); END"
                )


def _switch(clinic: ClinicFolder, address: str) -> bool:
    """Let the settings name the new database. Return False where the environment names it, which comes first."""
    if DATABASE_VARIABLE in os.environ:
        return False
    text = clinic.places.settings.read_text(encoding="utf-8")
    line = f"database = {json.dumps(address)}"
    found, count = re.subn(r"(?m)^database\s*=.*$", lambda _: line, text)
    atomic_write(clinic.places.settings, (found if count else f"{line}\n{text}").encode(), PRIVATE)
    return True
