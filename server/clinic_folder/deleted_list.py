"""The list of deleted participants as a file: in the clinic's folder, in each backup, and with the backups."""

from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from server.clinic_folder.atomic_file import PRIVATE, atomic_write
from server.errors import ServerError

FILE = "deleted-participants.json"
_MOST_BYTES = 16 * 1024 * 1024


class Tombstone(Struct, frozen=True, order=True):
    """One deleted participant, as the file has it."""

    clinic: str
    pseudonym: str
    deleted_wall_s: float
    until_wall_s: float


def read_list(file: Path) -> tuple[Tombstone, ...]:
    """Return a file's tombstones; none where there is no file. Raises ServerError where it cannot be read."""
    try:
        with file.open("rb") as opened:
            return msgspec.json.decode(opened.read(_MOST_BYTES), type=tuple[Tombstone, ...])
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.MsgspecError) as error:
        raise ServerError(f"{file}: is no list of deleted participants ({type(error).__name__}).") from error


def write_list(file: Path, tombstones: Iterable[Tombstone]) -> None:
    """Write the list whole, readable by its owner alone. Raises OSError."""
    atomic_write(file, msgspec.json.encode(sorted(tombstones)), PRIVATE)
