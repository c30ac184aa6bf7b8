"""Plans of those who train at this machine: one TOML or JSON file for each, or a guest's from the command line.

A plan that cannot be used is refused with its file and the reason, and the others stay in force.
"""

import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from coach.default_guidance import default_guidance
from coach.errors import CoachError
from coach.plan import Plan, formula_hr_max_bpm
from coach.protocol import Protocol
from coach.state import begin
from firmware import protocol_store
from firmware.errors import FirmwareError

YOUNGEST, OLDEST = 16, 90
GUEST = "guest"
"""Pseudonym of everybody who trains without a plan of their own: nothing is carried from one to the next."""
_KEYS = frozenset(Plan.__struct_fields__)


class PlanFileError(FirmwareError, ValueError):
    """A plan that cannot be used; the text names the file, the reason and what to do."""


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
    try:
        protocol = protocol_store.load(plan.protocol)
        begin(plan, protocol, default_guidance)
    except CoachError as error:
        raise PlanFileError(f"{where}: {error}.") from error
    return ReadyPlan(plan, protocol)


def read_plan(path: Path) -> ReadyPlan:
    """Read one plan: TOML, or JSON by a name that ends in `.json`. Raises PlanFileError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PlanFileError(f"{path}: the plan cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise PlanFileError(f"{path}: this is not a text file (UTF-8); is it another kind of file?") from error
    try:
        tree = msgspec.json.decode(text) if path.suffix == ".json" else tomllib.loads(text)
        if not isinstance(tree, dict):
            raise PlanFileError(f"{path}: a plan is a table of keys and values.")
        unknown = sorted(set(tree) - _KEYS)
        if unknown:
            raise PlanFileError(f"{path}: unknown key {', '.join(unknown)}. Known are {', '.join(sorted(_KEYS))}.")
        plan = msgspec.convert(tree, Plan)
    except (tomllib.TOMLDecodeError, msgspec.MsgspecError) as error:
        raise PlanFileError(f"{path}: {error}.") from error
    return ready(plan, str(path))


def read_folder(folder: Path) -> tuple[tuple[ReadyPlan, ...], tuple[PlanFileError, ...]]:
    """Read all plans of a folder, by file name; those that cannot be used are given beside, each with its reason."""
    plans: list[ReadyPlan] = []
    refused: list[PlanFileError] = []
    for path in sorted((*folder.glob("*.toml"), *folder.glob("*.json"))):
        try:
            plans.append(read_plan(path))
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
    """A plan for somebody without one: by HRmax, or by age and the formula (±2 SEE is 22 bpm, so a poor second).

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


class PlanShelf:
    """The plans known now, in the order in which they are offered."""

    def __init__(self, plans: tuple[ReadyPlan, ...] = ()) -> None:
        """Put these on the shelf."""
        self._plans = list(plans)

    @property
    def names(self) -> tuple[str, ...]:
        """What the participants are called, in order."""
        return tuple(plan.name for plan in self._plans)

    def take(self, place: int) -> ReadyPlan | None:
        """The plan at a place; None where there is none."""
        return self._plans[place] if 0 <= place < len(self._plans) else None

    def put(self, plan: ReadyPlan) -> None:
        """Put a plan on the shelf, in the place of an earlier one for the same participant."""
        for place, known in enumerate(self._plans):
            if known.plan.participant == plan.plan.participant:
                self._plans[place] = plan
                return
        self._plans.append(plan)

    def withdraw(self, participant: str) -> None:
        """Take a participant's plan away, if there is one."""
        self._plans = [plan for plan in self._plans if plan.plan.participant != participant]
