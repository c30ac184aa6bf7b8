"""Who may train at this machine: plans and PINs, in memory for the coach and on the disk for its next start.

One owner. Whoever holds the diary's lock owns these files too: the coach while it runs, else the command line for as
long as one command takes. Changes go to the disk first and hold in memory once they are there, so that what was refused
has changed nothing. Of two plans for one participant the server's goes before the one added here, and that before the
clinic's own file.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Self

from msgspec import Struct

from coach.errors import MessageRefused
from coach.model.course_progress import CourseProgress
from coach.model.plan import Plan
from firmware.ipc.messages import AddParticipant, OpenTraining, RemoveParticipant, SetPin
from firmware.ipc.pin_hash import PinHash
from firmware.participants import course_progress_files, last_strap, pins, plan_cache, training_closures
from firmware.participants.plan_files import (
    GUEST,
    GuestTerms,
    PlanFileError,
    PlanRepository,
    Source,
    expired,
    read_folder,
    ready,
)
from firmware.participants.plan_ranges import find_protocol_fault
from firmware.participants.training_closures import TrainingClosures
from firmware.system.atomic_file import safe_path
from firmware.system.known_time import KnownTime
from firmware.system.timestamps import SystemStampClock

_log = logging.getLogger(__name__)

Change = AddParticipant | RemoveParticipant | SetPin | OpenTraining


class RegisteredParticipant(Struct, frozen=True, kw_only=True):
    """One participant, as the command line lists them."""

    plan: Plan
    source: Source
    has_pin: bool = False
    expired: bool = False


class ParticipantRegistry:
    """The shelf of plans with the PINs beside it, and the folders that hold both."""

    def __init__(self, diary: Path, shelf: PlanRepository) -> None:
        """Take the PINs beside the diary, and a shelf on which the plans stand already."""
        self.shelf = shelf
        self._added = plan_cache.added_beside(diary)
        self._given = plan_cache.folder_beside(diary)
        self._pin_folder = diary.parent / pins.FOLDER
        self._straps = last_strap.folder_beside(diary)
        self._closures = training_closures.folder_beside(diary)
        self._courses = course_progress_files.folder_beside(diary)
        self.courses = course_progress_files.read_folder(self._courses)
        self.closures = TrainingClosures(self._closures)
        self._pins, damaged = pins.read_pins(self._pin_folder)
        self._damaged = frozenset(damaged)
        for participant in damaged:
            _log.error("The PIN of %s cannot be read; set it again with: interval-coach participants pin", participant)
        self._note_pins()
        self._disk = ThreadPoolExecutor(1, "participants")
        self.closures.write_by(self._disk.submit)
        self._checking = ThreadPoolExecutor(1, "pins")

    @classmethod
    def beside(cls, diary: Path, plans: Path, guests: GuestTerms | None = None) -> tuple[Self, tuple[str, ...]]:
        """Everybody known by the clinic's folder and the two beside the diary, and why others are not."""
        shelf = PlanRepository(guests=guests)
        return cls(diary, shelf), load(shelf, diary, plans)

    def close(self) -> None:
        """Let the threads go."""
        self._disk.shutdown(wait=False)
        self._checking.shutdown(wait=False)

    def entries(self) -> tuple[RegisteredParticipant, ...]:
        """Everybody, in the order of the tiles."""
        now = KnownTime(SystemStampClock().now())
        return tuple(
            RegisteredParticipant(
                plan=one.plan,
                source=source,
                has_pin=one.plan.participant in self.shelf.with_pin,
                expired=expired(one.plan, now),
            )
            for one, source in self.shelf.plans
        )

    # What the server says

    def give(self, plan: Plan, progress: CourseProgress | None = None) -> Future[None]:
        """Take the server's plan and what it says about the course, and keep both. Raises PlanFileError."""
        if plan.participant == GUEST:
            raise PlanFileError(f"The pseudonym «{GUEST}» is every guest's; a plan cannot have it.")
        if fault := find_protocol_fault(plan):
            raise PlanFileError(f"The plan for {plan.participant[:40]} is refused: {fault}.")
        self.shelf.put(ready(plan, f"the plan for {plan.participant}"), "server")
        if progress is not None:
            self.courses[plan.participant] = progress

        def keep() -> None:
            plan_cache.keep(self._given, plan)
            plan_cache.remove(self._added, plan.participant)
            if progress is not None:
                course_progress_files.keep(self._courses, plan.participant, progress)

        return self._disk.submit(keep)

    def withdraw(self, participant: str) -> Future[None]:
        """Let go of a plan that the server no longer holds; with the participant goes the PIN."""
        self.shelf.withdraw(participant)
        self.closures.forget(participant)
        self.courses.pop(participant, None)
        self._pins.pop(participant, None)
        self._damaged -= {participant}
        self._note_pins()

        def remove() -> None:
            for folder in (self._given, self._added):
                plan_cache.remove(folder, participant)
            pins.forget_pin(self._pin_folder, participant)
            last_strap.forget(self._straps, participant)
            training_closures.forget_closure(self._closures, participant)
            course_progress_files.remove(self._courses, participant)

        return self._disk.submit(remove)

    # What is asked at the machine

    def prepare(self, change: Change) -> tuple[Callable[[], None], Callable[[], None]]:
        """Check a change; give what writes it to the disk, and what makes it hold once it is there.

        Raises Refused, PlanFileError, UnsafeNameError, PinError.
        """
        match change:
            case AddParticipant():
                return self._add(change.plan, replaces=change.replace)
            case RemoveParticipant():
                return self._remove(change.participant)
            case SetPin():
                return self._set_pin(change.participant, change.pin)
            case OpenTraining():
                return self._open_training(change.participant)

    def carry_out(self, change: Change) -> None:
        """Make a change at once, where nobody waits for anything. Raises as `prepare`; OSError."""
        write, hold = self.prepare(change)
        write()
        hold()

    def begin(self, change: Change) -> tuple[Future[None], Callable[[], None]]:
        """Begin to write a change; call what is given beside it once it is written. Raises as `prepare`."""
        write, hold = self.prepare(change)
        return self._disk.submit(write), hold

    def _add(self, plan: Plan, *, replaces: bool) -> tuple[Callable[[], None], Callable[[], None]]:
        if plan.participant == GUEST:
            raise PlanFileError(f"The pseudonym «{GUEST}» is every guest's. Choose another.")
        safe_path(self._added, plan.participant)
        plan_ready = ready(plan, f"the plan for {plan.participant}")
        known = self.shelf.find(plan.participant)
        if known is not None and known[1] == "server":
            raise MessageRefused(
                "servers_plan", f"the plan of {plan.participant} comes from the clinic's server; change it there"
            )
        if known is not None and not replaces:
            raise MessageRefused(
                "known_already", f"{plan.participant} is known here already; add --replace to give another plan"
            )
        return (
            lambda: plan_cache.keep(self._added, plan),
            lambda: self.shelf.put(plan_ready, "added"),
        )

    def _remove(self, participant: str) -> tuple[Callable[[], None], Callable[[], None]]:
        known = self._known(participant)
        if known == "server":
            raise MessageRefused(
                "servers_plan", f"the plan of {participant} comes from the clinic's server; withdraw it there"
            )
        if known == "file":
            raise MessageRefused(
                "clinics_file",
                f"the plan of {participant} is a file of the clinic's; remove the file and start the coach anew",
            )

        def write() -> None:
            plan_cache.remove(self._added, participant)
            pins.forget_pin(self._pin_folder, participant)
            last_strap.forget(self._straps, participant)
            training_closures.forget_closure(self._closures, participant)

        def hold() -> None:
            self.shelf.withdraw(participant)
            self.closures.forget(participant)
            self._pins.pop(participant, None)
            self._damaged -= {participant}
            self._note_pins()

        return write, hold

    def _set_pin(self, participant: str, pin: PinHash | None) -> tuple[Callable[[], None], Callable[[], None]]:
        self._known(participant)
        safe_path(self._pin_folder, participant)
        if pin is None:

            def forget() -> None:
                self._pins.pop(participant, None)
                self._damaged -= {participant}
                self._note_pins()

            return lambda: pins.forget_pin(self._pin_folder, participant), forget
        kept = pins.checked(pin)

        def hold() -> None:
            self._pins[participant] = kept
            self._damaged -= {participant}
            self._note_pins()

        return lambda: pins.keep_pin(self._pin_folder, participant, kept), hold

    def _open_training(self, participant: str) -> tuple[Callable[[], None], Callable[[], None]]:
        if participant != GUEST:
            self._known(participant)
        if participant not in self.closures.closed:
            raise MessageRefused("not_closed", f"no yes before a start closes training here for {participant}")

        def hold() -> None:
            self.closures.forget(participant)
            _log.info("Training was opened again for %s at this machine.", participant)

        return lambda: training_closures.forget_closure(self._closures, participant), hold

    def _known(self, participant: str) -> Source:
        found = self.shelf.find(participant)
        if found is None or participant == GUEST:
            raise MessageRefused(
                "unknown_participant",
                f"nobody here is {participant}; see who there is: interval-coach participants list",
            )
        return found[1]

    def _note_pins(self) -> None:
        self.shelf.with_pin = frozenset(self._pins) | self._damaged

    # Whose PIN it is

    def check_pin(self, participant: str, pin: str, then: Callable[[bool], None]) -> None:
        """Say whether it is right, on the thread that takes the time for it. A damaged PIN is never right."""
        kept = self._pins.get(participant)
        if kept is None:
            then(False)  # noqa: FBT003 - the answer itself
            return
        self._checking.submit(lambda: then(pins.is_right(pin, kept)))


def load(shelf: PlanRepository, diary: Path, plans: Path) -> tuple[str, ...]:
    """Put everybody on the shelf whom this machine knows; say why others are not."""
    refused: list[str] = []
    folders: tuple[tuple[Path, Source], ...] = (
        (plans, "file"),
        (plan_cache.added_beside(diary), "added"),
        (plan_cache.folder_beside(diary), "server"),
    )
    for folder, source in folders:
        if source != "file":
            plan_cache.rescue(folder)
        found, wrong = read_folder(folder)
        for one in found:
            shelf.put(one, source)
        refused += map(str, wrong)
    return tuple(refused)
