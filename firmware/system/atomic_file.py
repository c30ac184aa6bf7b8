"""Small files that are written whole or not at all, and survive a power cut: one for each participant.

Written by the coach, or by root at the command line while no coach runs: what root writes belongs to the folder's
owner, so that the service can read it afterwards.
"""

import os
from pathlib import Path

from firmware.system.errors import FirmwareError
from sync.wire.topics import PARTICIPANT


class UnsafeNameError(FirmwareError, ValueError):
    """A pseudonym that cannot name a file."""


def safe_path(folder: Path, participant: str) -> Path:
    """Where a participant's file lies. Raises UnsafeNameError."""
    if not PARTICIPANT.match(participant):
        raise UnsafeNameError("A pseudonym has 1–64 letters, digits, hyphens or underscores; this plan has another.")
    return folder / f"{participant}.json"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in the place of an earlier one, readable by its owner only. Raises OSError."""
    if not path.parent.is_dir():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _give_to_owner_of(path.parent.parent, path.parent)
    making = path.with_suffix(".new")
    with os.fdopen(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _give_to_owner_of(path.parent, making)
    making.replace(path)
    _sync_folder(path.parent)


def put_aside(path: Path) -> Path | None:
    """Rename a damaged file, so that a new one does not overwrite what a person may still read; None where it cannot.

    The new name ends in a number and not in `.json`: it is no participant's file any more.
    """
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    try:
        path.rename(aside)
    except OSError:
        return None
    return aside


def remove_file(path: Path) -> None:
    """Remove a file, if it is there. Raises OSError."""
    if path.exists():
        path.unlink()
        _sync_folder(path.parent)


def _give_to_owner_of(folder: Path, path: Path) -> None:
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _sync_folder(folder: Path) -> None:
    """A name survives a power cut only when its folder has reached the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
