"""For whom training is closed on this machine after a yes before the start, kept beside the diary (hazard H14).

One small file for each participant: leaving, answering no, or a restart opens nothing. A therapist opens training, or
the time that the plan sets passes. A guest may be anybody, so a guest's yes closes training for guests for a shorter
time. Where no clock says whether that time has passed, the participant is asked (docs/clock.md); of guests, who may
be another person now, only the usual questions are.
"""

import logging
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec.structs import replace

from coach.model.plan import CLOSED_LATELY, CLOSING_QUESTIONS, Plan
from firmware.participants.plan_files import GUEST
from firmware.system.atomic_file import UnsafeNameError, safe_path
from firmware.system.folder_owner import read_plain
from firmware.system.kept_file import asides_of, forget_file, keep_file, lost_files, rescue_folder
from firmware.system.known_time import KnownTime
from firmware.system.timestamps import Timestamp

_log = logging.getLogger(__name__)

FOLDER = "closures"
GUEST_CLOSED_S = 1800.0
UNREADABLE = "unreadable"
"""Stands for the answers of a damaged file."""


class Closure(msgspec.Struct, frozen=True):
    """When training was closed (s since 1970), and the questions that were answered with yes.

    `trusted`: the clock was set then; `monotonic_s` counts within the boot `boot_id`. Files of earlier versions hold
    the wall time alone and were compared by it.
    """

    at_wall_s: float
    yes: tuple[str, ...]
    boot_id: str = ""
    monotonic_s: float = 0.0
    trusted: bool = True

    @property
    def at(self) -> Timestamp:
        """Return when training was closed, by all clocks."""
        return Timestamp(self.boot_id, self.monotonic_s, self.at_wall_s, self.trusted)


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

    def answered(self, participant: str, yes: tuple[str, ...], at: Timestamp) -> None:
        """Close training where one of the answers asks for it."""
        closing = tuple(question for question in yes if question in CLOSING_QUESTIONS)
        if not closing:
            return
        closure = Closure(at.wall_s, closing, at.boot_id, at.monotonic_s, at.trusted)
        self._closures[participant] = closure
        if self._folder is not None:
            folder = self._folder
            self._write(lambda: _keep(folder, participant, closure))

    def applied(self, plan: Plan, now: KnownTime) -> Plan:
        """Return the plan, with the answers that close training now, or with the question whether they still do."""
        closure = self._closures.get(plan.participant)
        if closure is None:
            return replace(plan, closed_by_yes=())
        lasts_s = GUEST_CLOSED_S if plan.participant == GUEST else plan.closed_after_yes_h * 3600
        at_wall_s, opened_wall_s = now.wall_of(closure.at), plan.training_opened_wall_s
        if None not in (at_wall_s, opened_wall_s) and (opened_wall_s or 0.0) >= (at_wall_s or 0.0):
            return replace(plan, closed_by_yes=())
        age = now.age_of(closure.at)
        if age.may_be_under(lasts_s) and plan.participant != GUEST:
            return replace(plan, closed_by_yes=(), questions=(CLOSED_LATELY, *plan.questions))
        return replace(plan, closed_by_yes=closure.yes if age.under(lasts_s) else ())


_DAMAGED = (msgspec.MsgspecError, UnicodeDecodeError)


def _read(path: Path) -> Closure:
    return msgspec.json.decode(read_plain(path), type=Closure)


def _keep(folder: Path, participant: str, closure: Closure) -> None:
    try:
        keep_file(safe_path(folder, participant), msgspec.json.encode(closure))
    except (OSError, UnsafeNameError) as error:
        _log.error("That training is closed for %s could not be kept over a restart: %s", participant, error)
