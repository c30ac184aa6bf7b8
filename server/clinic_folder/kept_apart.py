"""What a restored backup must not undo: copies of small files, which lie with the backups and are newer than they.

Deleted participants, all certificates with their revocations, and the end of the access log. Each change writes them
into every folder that backups were written to, so that they are as new as the last change and not as the last backup.
"""

import logging
from pathlib import Path

import msgspec

from server.clinic_folder.atomic_file import PRIVATE, atomic_write

PLACES_FILE = "backup-places.json"
MOST_PLACES = 4
_log = logging.getLogger(__name__)


def remember_place(folder: Path, place: Path) -> None:
    """Note a folder into which a backup of this clinic was written. Raises OSError."""
    places = [str(place), *(one for one in _places(folder) if one != str(place))][:MOST_PLACES]
    atomic_write(folder / PLACES_FILE, msgspec.json.encode(places), PRIVATE)


def copy_apart(folder: Path, names: tuple[str, ...]) -> None:
    """Copy these files of the clinic's folder into each folder with backups. Log what cannot be done."""
    for place in map(Path, _places(folder)):
        for name in names:
            source = folder / name
            try:
                if source.exists() and place.is_dir():
                    atomic_write(place / name, source.read_bytes(), PRIVATE)
            except OSError as error:
                # The nightly backup writes it again.
                _log.warning("%s could not be copied to %s: %s", name, place, error.strerror)


def _places(folder: Path) -> list[str]:
    try:
        return msgspec.json.decode((folder / PLACES_FILE).read_bytes(), type=list[str])
    except (OSError, msgspec.MsgspecError):
        return []
