"""What people have said of each treadmill's own speed, kept beside the diary: right as sent, miles, or never right.

Nothing of a person is in it. Without the file the screen asks again.
"""

import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from coach.session.belt import KM_PER_MILE, BeltVerdict
from firmware.system.atomic_file import atomic_write, put_aside
from firmware.system.folder_owner import read_plain

_log = logging.getLogger(__name__)

FILE = "treadmills.json"


def file_beside(diary: Path) -> Path:
    """Return where it is kept for the machine with this diary."""
    return diary.with_name(FILE)


class TreadmillMemory:
    """Read once, at the start; written by `write`, which may do it later and elsewhere, since a disk can be slow."""

    def __init__(self, path: Path, write: Callable[[Callable[[], None]], object] = lambda act: act()) -> None:
        """Read what there is; a damaged file is put aside, and its treadmills are asked about again."""
        self._path, self._write = path, write
        self._verdicts: dict[str, BeltVerdict] = {}
        try:
            self._verdicts = msgspec.json.decode(read_plain(path), type=dict[str, BeltVerdict])
        except FileNotFoundError:
            pass
        except OSError as error:
            _log.warning("What is known of the treadmills cannot be read now: %s", error)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            aside = put_aside(path)
            kept = "" if aside is None else f"; the damaged file is {aside.name}"
            _log.warning("What was known of the treadmills is lost (%s)%s.", error, kept)

    def of(self, treadmill: str) -> BeltVerdict | None:
        """Return what was said of the treadmill with this address."""
        return self._verdicts.get(treadmill)

    def keep(self, treadmill: str, verdict: BeltVerdict) -> None:
        """Remember it."""
        if not treadmill or self._verdicts.get(treadmill) == verdict:
            return
        self._verdicts = {**self._verdicts, treadmill: verdict}
        content = msgspec.json.encode(self._verdicts)
        self._write(lambda: self._put(content))

    def _put(self, content: bytes) -> None:
        try:
            atomic_write(self._path, content)
        except OSError as error:
            # Nothing is lost but an answer that will be asked for again.
            _log.warning("What was said of the treadmill could not be kept: %s", error)


def believed_kmh(speed_kmh: float, verdict: BeltVerdict | None) -> float | None:
    """Return the speed by what was said of the treadmill; None where it is never right."""
    if verdict == "ignored":
        return None
    return round(speed_kmh * KM_PER_MILE, 2) if verdict == "miles" else speed_kmh
