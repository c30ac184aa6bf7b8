"""Plans of those who train at this machine: one TOML or JSON file for each, or a guest's from the command line.

A plan that cannot be used is refused with its file and the reason, and the others stay in force.
"""

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

from coach.errors import CoachError
from coach.guidance.defaults import default_guidance
from coach.kiosk.sign_in import GUEST_CEILING_FRACTION, OLDEST, YOUNGEST
from coach.kiosk.view import Choice
from coach.model.plan import Plan, formula_hr_max_bpm
from coach.model.protocol import Protocol
from coach.model.toml_lines import TomlFault, read_toml
from coach.session.state import begin
from firmware.participants import protocol_files
from firmware.participants.last_good import last_good_folder, read_or_last_good
from firmware.participants.plan_ranges import find_plan_fault
from firmware.system.errors import FirmwareError
from firmware.system.folder_owner import read_plain
from firmware.system.known_time import KnownTime
from firmware.system.paths import SYSTEM_PLANS

GUEST = "guest"
"""Pseudonym of everybody who trains without a plan of their own: nothing is carried from one to the next."""


class PlanFileError(FirmwareError, ValueError):
    """A plan that cannot be used; the text names the file, the reason and what to do."""


class _WrittenPlan(Plan, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plan as people write it. `valid_until`: the last day on which a session may begin from it."""

    valid_until: date | None = None


class ReadyPlan(msgspec.Struct, frozen=True):
    """A plan, with the protocol that it names."""

    plan: Plan
    protocol: Protocol

    @property
    def name(self) -> str:
        """What the participant is called at the machine."""
        return self.plan.nickname or self.plan.participant


def ready(plan: Plan, where: str) -> ReadyPlan:
    """Check that a session can begin from this plan. `where` names it in messages. Raises PlanFileError."""
    if not plan.participant:
        raise PlanFileError(f"{where}: participant is empty. Write the participant's pseudonym.")
    if fault := find_plan_fault(plan):
        raise PlanFileError(f"{where}: {fault}.")
    try:
        protocol = protocol_files.load(plan.protocol)
        begin(plan, protocol, default_guidance)
    except CoachError as error:
        raise PlanFileError(f"{where}: {error}.") from error
    return ReadyPlan(plan, protocol)


def read_plan(path: Path) -> ReadyPlan:
    """Read one plan: TOML, or JSON by a name that ends in `.json`. Raises PlanFileError."""
    try:
        text = read_plain(path).decode()
    except OSError as error:
        raise PlanFileError(f"{path}: the plan cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise PlanFileError(f"{path}: this is not a text file (UTF-8); is it another kind of file?") from error
    return ready(_written(text, path), str(path))


def _written(text: str, path: Path) -> Plan:
    """Return what a plan's text says. Raises PlanFileError, in TOML with the line."""
    try:
        if path.suffix == ".json":
            written = msgspec.json.decode(text.encode(), type=_WrittenPlan)
        else:
            written, _ = read_toml(text, _WrittenPlan)
    except TomlFault as error:
        raise PlanFileError(f"{path}:{error.line}: {_explain_reason(error.reason)}") from error
    except msgspec.MsgspecError as error:
        raise PlanFileError(f"{path}: {_explain_reason(str(error))}") from error
    except RecursionError as error:
        raise PlanFileError(f"{path}: brackets within brackets without end.") from error
    if written.closed_by_yes:
        raise PlanFileError(f"{path}: closed_by_yes is set by the machine, from answers; remove the key.")
    fields = {name: getattr(written, name) for name in Plan.__struct_fields__}
    if written.valid_until is not None:
        if written.valid_until_wall_s is not None:
            raise PlanFileError(f"{path}: both valid_until and valid_until_wall_s are there. Keep one of them.")
        try:
            fields["valid_until_wall_s"] = end_of_day_s(written.valid_until)
        except PlanFileError as error:
            raise PlanFileError(f"{path}: {error}") from error
    return Plan(**fields)


def _explain_reason(reason: str) -> str:
    """Return the reason; where a key is unknown, also which there are."""
    known = ", ".join(sorted(_WrittenPlan.__struct_fields__))
    return f"{reason}. Known are {known}." if "unknown field" in reason else f"{reason}."


def end_of_day_s(day: date) -> float:
    """When a day is over in this machine's time zone, in seconds since 1970. Raises PlanFileError."""
    try:
        return datetime.combine(day + timedelta(days=1), time.min).astimezone().timestamp()
    except (OverflowError, ValueError, OSError) as error:
        raise PlanFileError(f"valid_until is {day}; write a day of these years.") from error


def read_folder(folder: Path) -> tuple[tuple[ReadyPlan, ...], tuple[PlanFileError, ...]]:
    """Read all plans of a folder, by file name; those that cannot be used are given beside, each with its reason."""
    plans: list[ReadyPlan] = []
    refused: list[PlanFileError] = []
    kept = last_good_folder("plans") if folder == SYSTEM_PLANS else None
    for path in sorted((*folder.glob("*.toml"), *folder.glob("*.json"))):
        try:
            plans.append(read_or_last_good(path, read_plan, PlanFileError, kept))
        except PlanFileError as error:
            refused.append(error)
    return tuple(plans), tuple(refused)


def guest_plan(
    *,
    age: int | None = None,
    hr_max_bpm: float | None = None,
    protocol: str = "4x4",
    nickname: str | None = None,
    language: Literal["nb", "en"] = "nb",
    beta_blocked: bool = False,
) -> ReadyPlan:
    """Return a plan for somebody without one: by HRmax, or by age and the formula (±2 SEE is 22 bpm, so a poor second).

    Raises PlanFileError.
    """
    if age is not None and not YOUNGEST <= age <= OLDEST:
        raise PlanFileError(f"--age is {age}; it must lie in {YOUNGEST}–{OLDEST}.")
    if hr_max_bpm is None and age is None:
        raise PlanFileError("A guest's plan needs --hr-max (measured) or --age (HRmax by the formula).")
    source: Literal["measured", "formula"] = "measured"
    if hr_max_bpm is None and age is not None:
        hr_max_bpm, source = float(round(formula_hr_max_bpm(age, beta_blocked=beta_blocked))), "formula"
    plan = Plan(
        participant=GUEST,
        protocol=protocol,
        hr_max_bpm=hr_max_bpm,
        hr_max_source=source,
        age=age,
        nickname=nickname,
        language=language,
    )
    return ready(plan, "the guest's plan")


class GuestTerms(msgspec.Struct, frozen=True):
    """What a guest trains by: the machine's protocol and language, after the usual questions (hazards H7, H14)."""

    protocol: str = "4x4"
    language: Literal["nb", "en"] = "nb"
    questions: tuple[str, ...] = ("chest_pain", "fever", "intoxication", "withdrawal")


def plan_by_age(age: int, terms: GuestTerms) -> ReadyPlan:
    """Return a guest's plan by age alone, made with care: no rate above the upper end of the target zone (H7).

    Raises PlanFileError.
    """
    by_formula = guest_plan(age=age, protocol=terms.protocol, language=terms.language)
    hr_max_bpm = by_formula.plan.hr_max_bpm or 0.0
    ceiling_bpm = float(int(hr_max_bpm * GUEST_CEILING_FRACTION))
    return ready(replace(by_formula.plan, ceiling_bpm=ceiling_bpm, questions=terms.questions), "the guest's plan")


Source = Literal["file", "added", "server"]
"""Where a plan comes from: a file of the clinic's, this machine's own command, or the server; each goes before the one
before it."""


class PlanRepository:
    """The plans known now, in the order in which they are offered, and who has a PIN."""

    def __init__(self, plans: tuple[ReadyPlan, ...] = (), guests: GuestTerms | None = None) -> None:
        """Put these on the shelf. `guests`: how somebody without a plan may train; None: not at all."""
        self._plans: dict[str, tuple[ReadyPlan, Source]] = {}
        self.guests = guests
        self.with_pin: frozenset[str] = frozenset()
        for plan in plans:
            self.put(plan)

    @property
    def names(self) -> tuple[str, ...]:
        """What the participants are called, in order."""
        return tuple(ready.name for ready, _ in self._plans.values())

    @property
    def plans(self) -> tuple[tuple[ReadyPlan, Source], ...]:
        """All plans, each with where it comes from."""
        return tuple(self._plans.values())

    @property
    def language(self) -> Literal["nb", "en"]:
        """The machine's language, while nobody is chosen."""
        return "nb" if self.guests is None else self.guests.language

    def find(self, participant: str) -> tuple[ReadyPlan, Source] | None:
        """Return a participant's plan and where it comes from; None where there is none."""
        return self._plans.get(participant)

    def put(self, plan: ReadyPlan, source: Source = "file") -> None:
        """Put a plan on the shelf, in the place of an earlier one for the same participant."""
        self._plans[plan.plan.participant] = (plan, source)

    def withdraw(self, participant: str) -> None:
        """Take a participant's plan away, if there is one."""
        self._plans.pop(participant, None)

    def choices(self, now: KnownTime) -> tuple[Choice, ...]:
        """Who can be chosen now, as the tiles show them; the guest comes last."""
        known = [_choice(ready.plan, now, self.with_pin) for ready, _ in self._plans.values()]
        by_age = self.guests is not None and GUEST not in self._plans
        return (
            (*known, Choice(participant=GUEST, language=self.language, guest=True, asks_age=True))
            if by_age
            else (tuple(known))
        )

    def of(self, who: Choice, age: int) -> ReadyPlan | None:
        """Return the plan of a person who was let in; a guest's is made from `age`. None where it is gone."""
        if who.asks_age:
            return None if self.guests is None else plan_by_age(age, self.guests)
        found = self._plans.get(who.participant)
        return None if found is None else found[0]


def expired(plan: Plan, now: KnownTime) -> bool:
    """Whether no session may begin from it any more. A clock that is not set expires no plan (docs/clock.md)."""
    return plan.valid_until_wall_s is not None and now.has_passed(plan.valid_until_wall_s)


def _choice(plan: Plan, now: KnownTime, with_pin: frozenset[str]) -> Choice:
    guest = plan.participant == GUEST
    return Choice(
        participant=plan.participant,
        name=plan.nickname or (None if guest else plan.participant),
        picture=plan.picture,
        language=plan.language,
        has_pin=plan.participant in with_pin,
        expired=expired(plan, now),
        guest=guest,
    )
