"""For whom training is closed on this machine after a yes before the start, kept beside the diary (hazard H14).

One small file for each participant: leaving, answering no, or a restart opens nothing. A therapist opens training, or
the time that the plan sets passes. A guest may be anybody, so a guest's yes closes training for guests for a shorter
time.
"""

import logging
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec.structs import replace

from coach.model.plan import CLOSING_QUESTIONS, Plan
from firmware.participants.plan_files import GUEST
from firmware.system.atomic_file import UnsafeNameError, safe_path
from firmware.system.folder_owner import read_plain
from firmware.system.kept_file import asides_of, forget_file, keep_file, lost_files, rescue_folder

_log = logging.getLogger(__name__)

FOLDER = "closures"
GUEST_CLOSED_S = 1800.0
UNREADABLE = "unreadable"
"""Stands for the answers of a damaged file."""


class Closure(msgspec.Struct, frozen=True):
    """When training was closed (s since 1970), and the questions that were answered with yes."""

    at_wall_s: float
    yes: tuple[str, ...]


def folder_beside(diary: Path) -> Path:
    """Return the folder of the closures at the machine with this diary."""
    return diary.parent / FOLDER


def forget_closure(folder: Path, participant: str) -> None:
    """Remove a participant's closure. Raises UnsafeNameError; OSError where the disk refuses."""
    forget_file(safe_path(folder, participant))


class TrainingClosures:
    """Read once, at the start; written at once unless `write_by` says how else. None as folder: only memory."""

    def __init__(self, folder: Path | None = None) -> None:
        """Read what there is. A file that cannot be read or rescued closes training from its own date: it was a yes."""
        self._folder = folder
        self._write: Callable[[Callable[[], None]], object] = lambda act: act()
        self._closures: dict[str, Closure] = {}
        if folder is None:
            return
        rescue_folder(folder, _read, _DAMAGED)
        for path in lost_files(folder):
            self._closures[path.stem] = Closure(asides_of(path)[-1].stat().st_mtime, (UNREADABLE,))
        for path in sorted(folder.glob("*.json")):
            try:
                self._closures[path.stem] = _read(path)
            except (OSError, *_DAMAGED) as error:
                _log.warning("The closure of training for %s cannot be read, and still holds: %s", path.stem, error)
                self._closures[path.stem] = Closure(path.lstat().st_mtime, (UNREADABLE,))

    def write_by(self, write: Callable[[Callable[[], None]], object]) -> None:
        """Write by this from now on, perhaps later and in another thread."""
        self._write = write

    @property
    def closed(self) -> frozenset[str]:
        """The participants whom an answer has closed out, also where the plan's time has passed since."""
        return frozenset(self._closures)

    def forget(self, participant: str) -> None:
        """Close training no longer for this participant, who has left or whom staff let in again."""
        self._closures.pop(participant, None)

    def answered(self, participant: str, yes: tuple[str, ...], now_wall_s: float) -> None:
        """Close training where one of the answers asks for it."""
        closing = tuple(question for question in yes if question in CLOSING_QUESTIONS)
        if not closing:
            return
        closure = Closure(now_wall_s, closing)
        self._closures[participant] = closure
        if self._folder is not None:
            folder = self._folder
            self._write(lambda: _keep(folder, participant, closure))

    def applied(self, plan: Plan, now_wall_s: float) -> Plan:
        """Return the plan, with the answers that close training now."""
        closure = self._closures.get(plan.participant)
        if closure is None:
            return replace(plan, closed_by_yes=())
        lasts_s = GUEST_CLOSED_S if plan.participant == GUEST else plan.closed_after_yes_h * 3600
        opened = plan.training_opened_wall_s is not None and plan.training_opened_wall_s >= closure.at_wall_s
        over = opened or now_wall_s - closure.at_wall_s >= lasts_s
        return replace(plan, closed_by_yes=() if over else closure.yes)


_DAMAGED = (msgspec.MsgspecError, UnicodeDecodeError)


def _read(path: Path) -> Closure:
    return msgspec.json.decode(read_plain(path), type=Closure)


def _keep(folder: Path, participant: str, closure: Closure) -> None:
    try:
        keep_file(safe_path(folder, participant), msgspec.json.encode(closure))
    except (OSError, UnsafeNameError) as error:
        _log.error("That training is closed for %s could not be kept over a restart: %s", participant, error)
