"""Seals of the access log: what a change of the database alone cannot forge.

The chain of hashes in the database can be written again by anybody who may write the database. So two files beside the
database hold what that person has not: a key, with which each line is sealed (HMAC-SHA256), and the number and hash of
the last line (`Tail`). A line that was cut off, replaced or emptied then contradicts the file.

The files belong to the account that runs the server. An administrator of that account can still rewrite everything;
against that, `audit export` is kept elsewhere and compared with `audit verify --since`.
"""

import fcntl
import hashlib
import hmac
import logging
import os
import secrets
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import msgspec
from django.conf import settings
from msgspec import Struct

from server.clinic_folder.atomic_file import PRIVATE, atomic_write, write_once
from server.errors import ServerError

KEY_FILE, TAIL_FILE, VERDICT_FILE = "access-log.key", "access-log.tail", "access-log.verified"

_log = logging.getLogger(__name__)
_File = TypeVar("_File", "SealKey", "Tail", "Verdict")


class SealKey(Struct, frozen=True):
    """The key, and the first line that was sealed: lines of an earlier version of the server carry no seal."""

    key: str
    first_line: int


class Tail(Struct, frozen=True):
    """The last line that was committed."""

    number: int
    sha256: str
    seal: str


class Verdict(Struct, frozen=True):
    """What the last check of the whole log found: how many faults in how many lines."""

    at_wall_s: float
    lines: int
    faults: int


def keep_verdict(verdict: Verdict) -> None:
    """Write what the check found, for `health`. Raises ServerError."""
    folder = access_log_folder()
    if folder is None:
        return
    try:
        atomic_write(folder / VERDICT_FILE, msgspec.json.encode(verdict), PRIVATE)
    except OSError as error:
        raise ServerError(f"{folder / VERDICT_FILE} cannot be written ({error.strerror}).") from error


def read_verdict() -> Verdict | None:
    """Return what the last check found; None where there was none. Raises ServerError where it cannot be read."""
    folder = access_log_folder()
    return None if folder is None else _read(folder / VERDICT_FILE, Verdict)


def access_log_folder() -> Path | None:
    """Return the folder of the two files; None where the database is in memory and nothing is kept."""
    return settings.ACCESS_LOG_FOLDER


def read_key() -> SealKey | None:
    """Return the key; None where there is none yet. Raise ServerError where the file is damaged or unreadable."""
    folder = access_log_folder()
    return None if folder is None else _read(folder / KEY_FILE, SealKey)


def require_key(next_line: int) -> SealKey | None:
    """Return the key, and make it first where there is none, for lines from `next_line` on.

    Of two processes that make it at once, the second one takes the key of the first. Return None without a folder.
    """
    folder = access_log_folder()
    if folder is None:
        return None
    if (found := read_key()) is not None:
        return found
    write_once(folder / KEY_FILE, msgspec.json.encode(SealKey(secrets.token_hex(32), next_line)), PRIVATE)
    return read_key()


def seal_new_line(number: int, sha256: str) -> str:
    """Return the seal of a line that is being added; empty without a folder.

    A damaged key must not stop the pages: the line is then added without a seal, and `audit verify` reports it.
    """
    try:
        key = require_key(number)
    except (OSError, ServerError) as error:
        _log.error("line %d of the access log is not sealed: %s", number, error)
        return ""
    return "" if key is None else seal_line(key, number, sha256)


def seal_line(key: SealKey, number: int, sha256: str) -> str:
    """Return the seal of a line: 64 hexadecimal digits."""
    return hmac.new(bytes.fromhex(key.key), f"{number} {sha256}".encode(), hashlib.sha256).hexdigest()


def is_sealed(key: SealKey, number: int, sha256: str, seal: str) -> bool:
    """Return whether `seal` was made with this key for this line."""
    return hmac.compare_digest(seal_line(key, number, sha256), seal)


def read_tail() -> Tail | None:
    """Return the last committed line; None without a file. Raise ServerError where the file is damaged."""
    folder = access_log_folder()
    return None if folder is None else _read(folder / TAIL_FILE, Tail)


def keep_tail(tail: Tail) -> None:
    """Write the last committed line, unless a later one is there. Log, and go on, where the disk refuses.

    A lock orders the writers: the process that committed first may come second to the file.
    """
    folder = access_log_folder()
    if folder is None:
        return
    try:
        with closing(_Lock(folder / KEY_FILE)):
            before = _read(folder / TAIL_FILE, Tail)
            if before is None or before.number < tail.number:
                atomic_write(folder / TAIL_FILE, msgspec.json.encode(tail), PRIVATE)
    except (OSError, ServerError) as error:
        # The line itself is committed. `audit verify` compares with the older tail until the next line is added.
        _log.warning("the access log's tail could not be written: %s", error)


class _Lock:
    """An exclusive lock on a file, held until it is closed."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDONLY)
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def close(self) -> None:
        os.close(self._handle)


def _read(path: Path, kind: type[_File]) -> _File | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise ServerError(
            f"{path}: cannot be read ({error}). The access log is sealed with it: take it from a backup."
        ) from error
