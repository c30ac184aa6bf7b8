"""A file of zeros in the diary's folder: room that a full disk still has when delivered raw data is to be let go.

To let go of a row is a write too: freed pages are overwritten (`secure_delete`), through SQLite's log. Where other
files have taken the last block, that write fails as well. So the reserve is given back first. What the letting go
leaves of it, the session that runs may use; it is taken again once the disk has room.
"""

import logging
import os
from pathlib import Path

from firmware.system.folder_owner import as_owner_of, create_file

_log = logging.getLogger(__name__)

RESERVE_BYTES = 2 * 1024 * 1024
"""What the log needs to let go of a few sessions at a time: one is less than 1 MB."""
_FILE_MODE = 0o600


def reserve_of(diary: Path) -> Path:
    """Return where a diary's reserve is."""
    return diary.with_name(diary.name + ".reserve")


def take_reserve(diary: Path) -> None:
    """Take the reserve, where it is not there and the disk has so much; else nothing."""
    place = reserve_of(diary)
    if place.exists():
        return
    try:
        with as_owner_of(place.parent):
            descriptor = create_file(place, _FILE_MODE)
            try:
                os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
            except OSError:
                place.unlink()
                raise
            finally:
                os.close(descriptor)
    except OSError as error:
        _log.info("No room could be kept in reserve for the diary: %s.", error)


def give_back_reserve(diary: Path) -> bool:
    """Give the reserve's room back to the disk; return whether there was one. Raises OSError."""
    place = reserve_of(diary)
    if not place.exists():
        return False
    with as_owner_of(place.parent):
        place.unlink()
    return True
