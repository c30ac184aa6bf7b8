"""What the server knows of each participant's course, kept next to the diary: one JSON file for each participant.

It is only shown, never trained by: a file that cannot be read is as good as none.
"""

import logging
from pathlib import Path

import msgspec

from coach.model.course_progress import CourseProgress
from firmware.system.atomic_file import atomic_write, put_aside, remove_file, safe_path
from firmware.system.folder_owner import read_plain

_log = logging.getLogger(__name__)

FOLDER = "course-progress"


class CourseFile(msgspec.Struct, frozen=True):
    """What one file holds."""

    progress: CourseProgress


def folder_beside(diary: Path) -> Path:
    """Return where it is kept for the machine with this diary."""
    return diary.parent / FOLDER


def keep(folder: Path, participant: str, progress: CourseProgress) -> None:
    """Keep it in the place of an earlier one. Raises UnsafeNameError; OSError where the disk refuses."""
    atomic_write(safe_path(folder, participant), msgspec.json.encode(CourseFile(progress)))


def remove(folder: Path, participant: str) -> None:
    """Keep nothing of this participant. Raises UnsafeNameError; OSError where the disk refuses."""
    remove_file(safe_path(folder, participant))


def read_folder(folder: Path) -> dict[str, CourseProgress]:
    """Read all that is kept, by pseudonym."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            found[path.stem] = msgspec.json.decode(read_plain(path), type=CourseFile).progress
        except OSError as error:
            _log.warning("The course of %s is not known now: %s", path.stem, error)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            aside = put_aside(path)
            kept = "" if aside is None else f"; the damaged file is {aside.name}"
            _log.warning("The course of %s is not known any more (%s)%s.", path.stem, error, kept)
    return found
