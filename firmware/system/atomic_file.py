"""Small files that are written whole or not at all, and survive a power cut: one for each participant.

Written by the coach, or by root at the command line while no coach runs. Root works with the rights of the folder's
owner (`firmware.system.folder_owner`), so that the service can read the file and no planted name leads root elsewhere.
"""

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from firmware.system.errors import FirmwareError
from firmware.system.folder_owner import as_owner_of, create_file, sync_folder
from sync.wire.topics import PARTICIPANT


class UnsafeNameError(FirmwareError, ValueError):
    """A pseudonym that cannot name a file."""


def safe_path(folder: Path, participant: str) -> Path:
    """Where a participant's file lies. Raises UnsafeNameError."""
    if not PARTICIPANT.match(participant):
        raise UnsafeNameError("A pseudonym has 1–64 letters, digits, hyphens or underscores; this plan has another.")
    return folder / f"{participant}.json"


def atomic_write(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file in the place of an earlier one, whose owner it keeps where that is allowed. Raises OSError."""
    making = path.with_name(f".{path.name}.new")
    with as_owner_of(path.parent):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(create_file(making, mode), "wb") as file:
            file.write(content)
            file.flush()
            with suppress(FileNotFoundError, PermissionError):
                before = path.lstat()
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
            os.fsync(file.fileno())
        making.replace(path)
        sync_folder(path.parent)


def put_aside(path: Path) -> Path | None:
    """Rename a damaged file, so that a new one does not overwrite what a person may still read; None where it cannot.

    The new name ends in the day, and not in `.json`: it is no participant's file any more. The clock may say the same
    day twice, so a number follows where the name is taken.
    """
    number, day = 1, datetime.now().astimezone().date()
    try:
        with as_owner_of(path.parent):
            aside = path.with_name(f"{path.name}.damaged-{day}")
            while os.path.lexists(aside):
                number += 1
                aside = path.with_name(f"{path.name}.damaged-{day}-{number}")
            path.rename(aside)
    except OSError:
        return None
    return aside


def remove_file(path: Path) -> None:
    """Remove a file, if it is there. Raises OSError."""
    with as_owner_of(path.parent):
        if os.path.lexists(path):
            path.unlink()
            sync_folder(path.parent)
