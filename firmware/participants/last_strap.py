"""Which strap each participant wore last, kept beside the diary: it is offered first the next time, never bound by it.

One small file for each participant, so that what is known of a person goes with them. A guest is nobody in particular,
and nothing is remembered of one.
"""

import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from firmware.participants.plan_files import GUEST
from firmware.sensors.strap import SelectedStrap
from firmware.system.atomic_file import UnsafeNameError, atomic_write, put_aside, remove_file, safe_path
from firmware.system.folder_owner import read_plain

_log = logging.getLogger(__name__)

FOLDER = "straps"


def folder_beside(diary: Path) -> Path:
    """Where the straps of those who train at the machine with this diary are remembered."""
    return diary.parent / FOLDER


def forget(folder: Path, participant: str) -> None:
    """Remember nothing of this participant's strap any more. Raises UnsafeNameError; OSError where the disk refuses."""
    remove_file(safe_path(folder, participant))


class StrapMemory:
    """Read once, at the start; written by `write`, which may do it later and elsewhere, since a disk can be slow."""

    def __init__(self, folder: Path, write: Callable[[Callable[[], None]], object] = lambda act: act()) -> None:
        """Read what there is; a file that cannot be read is as good as none, and a damaged one is put aside."""
        self._folder, self._write = folder, write
        self._bonds: dict[str, SelectedStrap] = {}
        for path in sorted(folder.glob("*.json")):
            try:
                self._bonds[path.stem] = msgspec.json.decode(read_plain(path), type=SelectedStrap)
            except OSError as error:
                _log.warning("The strap of %s is not known now: %s", path.stem, error)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                aside = put_aside(path)
                kept = "" if aside is None else f"; the damaged file is {aside.name}"
                _log.warning("The strap of %s is not known any more (%s)%s.", path.stem, error, kept)

    def of(self, participant: str) -> SelectedStrap | None:
        """Return the strap that this participant wore last."""
        return self._bonds.get(participant)

    def keep(self, participant: str, bond: SelectedStrap) -> None:
        """Remember it."""
        if participant == GUEST or self._bonds.get(participant) == bond:
            return
        self._bonds[participant] = bond
        self._write(lambda: self._put(participant, bond))

    def forget(self, participant: str) -> None:
        """Remember nothing of this participant's strap any more."""
        if self._bonds.pop(participant, None) is not None:
            self._write(lambda: self._remove(participant))

    def _put(self, participant: str, bond: SelectedStrap) -> None:
        try:
            atomic_write(safe_path(self._folder, participant), msgspec.json.encode(bond))
        except (OSError, UnsafeNameError) as error:
            # Nothing is lost but a place in a list.
            _log.warning("Which strap %s wears could not be kept: %s", participant, error)

    def _remove(self, participant: str) -> None:
        try:
            forget(self._folder, participant)
        except (OSError, UnsafeNameError) as error:
            _log.warning("Which strap %s wore could not be removed: %s", participant, error)
