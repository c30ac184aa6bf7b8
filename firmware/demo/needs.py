"""People of the demo who need a therapist, one for each rule of the server's follow-up list.

What a session decides is led by the engine for a simulated person, as every other day of the demo. What the server
alone knows (a plan that ends, a yes before the start) is made when the clinic is filled.
"""

from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from coach.guidance.interface import GuidanceMaker
from coach.guidance.learned import learned_guidance
from coach.guidance.rules import rule_guidance
from coach.model.events import AnyEvent
from coach.model.messages import AllRightAnswer, AnyMessage, Exertion
from coach.model.plan import Plan
from coach.model.snapshot import Snapshot
from firmware.simulation.faults import AnyFault, Dropout
from firmware.simulation.person import SimulatedPerson

NEEDS = (
    "never_in_zone", "stopped_early", "absence", "bad_strap", "over_ceiling", "said_no", "no_answer", "wrong_hr_max",
    "hard_under_zone", "easy_in_zone", "low_attendance", "return", "no_plan", "expired_plan", "ending_plan",
    "refused_plan", "unwell", "not_ready",
)  # fmt: skip
FIRST = 4
"""So many people of a clinic need nobody for a reason made here."""
LAST_SESSIONS = {
    "stopped_early": 2, "bad_strap": 2, "said_no": 1, "no_answer": 1, "hard_under_zone": 1, "easy_in_zone": 1,
}  # fmt: skip
"""The newest sessions that are made for the need; all others are as everybody's."""
TOO_HIGH_BPM, FAR_TOO_HIGH_BPM = 32.0, 55.0
LOW_CEILING_FRACTION = 0.86
AWAY, BREAK = timedelta(days=9), timedelta(days=11)
EASY_BORG = 11


def need_of(number: int) -> str:
    """Return the need of the person of this number; empty for most."""
    place = number - FIRST
    return NEEDS[place] if 0 <= place < len(NEEDS) else ""


def plan_of(need: str, plan: Plan) -> Plan:
    """Return the plan that the need goes with: HRmax far too high, or a ceiling within the zone."""
    if plan.hr_max_bpm is None:
        return plan
    if need in ("never_in_zone", "wrong_hr_max"):
        return replace(
            plan, hr_max_bpm=round(plan.hr_max_bpm + TOO_HIGH_BPM), hr_max_source="formula", mode="heart_rate"
        )
    if need == "over_ceiling":
        return replace(plan, ceiling_bpm=round(LOW_CEILING_FRACTION * plan.hr_max_bpm), mode="heart_rate")
    return replace(plan, mode="heart_rate") if need else plan


def plan_of_session(how: str, plan: Plan) -> Plan:
    """Return the plan of one session that is made for its need."""
    if how == "hard_under_zone" and plan.hr_max_bpm is not None:
        return replace(plan, hr_max_bpm=round(plan.hr_max_bpm + FAR_TOO_HIGH_BPM))
    return plan


def guidance_of(need: str) -> GuidanceMaker:
    """Return the guidance: only the one that learns finds that HRmax is wrong."""
    return learned_guidance if need == "wrong_hr_max" else rule_guidance


def times_of(need: str, when: Sequence[float], until_wall_s: float) -> list[float]:
    """Return the sessions that somebody with this need came to."""
    match need:
        case "absence":
            return [at for at in when if at < until_wall_s - AWAY.total_seconds()] or list(when[:1])
        case "return":
            before = [at for at in when[:-1] if at < when[-1] - BREAK.total_seconds()]
            return [*before, when[-1]]
        case "low_attendance":
            return [at for place, at in enumerate(when) if place % 2 or place >= len(when) - 2]
        case _:
            return list(when)


def faults_of(how: str) -> tuple[AnyFault, ...]:
    """Return what is wrong with the strap."""
    return (Dropout(start_s=500.0, length_s=30.0), Dropout(start_s=700.0, length_s=900.0)) if how == "bad_strap" else ()


class NeedyPerson:
    """A simulated person who answers no, does not answer, or finds everything easy."""

    def __init__(self, person: SimulatedPerson, how: str) -> None:
        """`how`: the need that the session is made for."""
        self._person, self._how = person, how

    @property
    def rate_bpm(self) -> float | None:
        """Return the person's heart rate."""
        return self._person.rate_bpm

    def second(self, t: float, snapshot: Snapshot | None, events: tuple[AnyEvent, ...]) -> list[AnyMessage]:
        """Return what the person says in this second."""
        said: list[AnyMessage] = []
        for one in self._person.second(t, snapshot, events):
            if isinstance(one, AllRightAnswer) and self._how == "no_answer":
                continue
            if isinstance(one, AllRightAnswer) and self._how == "said_no":
                said.append(replace(one, ok=False))
            elif isinstance(one, Exertion) and self._how == "easy_in_zone":
                said.append(replace(one, borg=min(one.borg, EASY_BORG)))
            else:
                said.append(one)
        return said
