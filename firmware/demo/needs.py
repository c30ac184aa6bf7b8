"""People of the demo who need a therapist, one for each rule of the server's follow-up list.

What a session decides is led by the engine for a simulated person, as every other day of the demo. What the server
alone knows (a plan that ends, a yes before the start) is made when the clinic is filled.
"""

from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from coach.model.events import AnyEvent, SessionEnded
from coach.model.messages import AllRightAnswer, AnyMessage, CommandName, Exertion, Mood, SessionCommand
from coach.model.plan import Plan
from coach.model.snapshot import Snapshot
from firmware.simulation.faults import AnyFault, Dropout
from firmware.simulation.person import Habits, SimulatedPerson

NEEDS = (
    "never_in_zone", "stopped_early", "absence", "bad_strap", "over_ceiling", "said_no", "no_answer", "wrong_hr_max",
    "hard_under_zone", "easy_in_zone", "low_attendance", "return", "no_plan", "expired_plan", "ending_plan",
    "refused_plan", "unwell", "not_ready", "ending_course", "no_clearance", "ending_clearance", "ended_clearance",
    "asked_clearance", "missed",
)  # fmt: skip
FIRST = 4
"""So many people of a clinic need nobody for a reason made here."""
LAST_SESSIONS = {
    "never_in_zone": 2, "stopped_early": 2, "bad_strap": 2, "said_no": 1, "no_answer": 1, "hard_under_zone": 1,
    "easy_in_zone": 1,
}  # fmt: skip
"""The newest sessions that are made for the need; all others are as everybody's."""
BEGAN_WEEKS_AGO = {
    "never_in_zone": 1, "stopped_early": 1, "absence": 2, "bad_strap": 1, "over_ceiling": 1, "said_no": 1,
    "no_answer": 1, "hard_under_zone": 1, "easy_in_zone": 1, "low_attendance": 3, "return": 3, "no_plan": 1,
    "expired_plan": 1, "ending_plan": 1, "refused_plan": 1, "unwell": 1, "not_ready": 1, "ending_course": 8,
    "missed": 1,
}  # fmt: skip
DAYS_OF_WEEK = {"ending_course": (0, 3)}
"""Two sessions a week, where three are usual."""
TOO_HIGH_BPM = 32.0
LOW_CEILING_FRACTION = 0.86
AWAY, BREAK, MISSED = timedelta(days=9), timedelta(days=11), timedelta(days=2)
EASY_BORG, HARD_BORG = 11, 18
UNDER_THE_ZONE = ("never_in_zone", "hard_under_zone")
EASIER_INTERVALS = 3
SLOW_FRACTION = 0.4
"""Of the plan's first speed: a person who finds that hard enough walks no faster."""


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


def habits_of(how: str, habits: Habits, plan: Plan) -> Habits:
    """Return the habits in a session: a person who finds it very hard walks slowly."""
    if how in UNDER_THE_ZONE and plan.start is not None and plan.start.speed_kmh is not None:
        return replace(habits, fastest_kmh=round(SLOW_FRACTION * plan.start.speed_kmh, 1))
    return habits


def times_of(need: str, when: Sequence[float], until_wall_s: float) -> list[float]:
    """Return the sessions that somebody with this need came to."""
    match need:
        case "absence":
            return [at for at in when if at < until_wall_s - AWAY.total_seconds()] or list(when[:1])
        case "missed":
            return [at for at in when if at < until_wall_s - MISSED.total_seconds()] or list(when[:1])
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


class CoursePerson:
    """A simulated person with a mood of their own, who may leave, answer no, or find everything easy.

    Afterwards they say how hard the session was: as hard as the hardest interval.
    """

    def __init__(
        self, person: SimulatedPerson, how: str, *, mood: int | None = None, leaves_at_s: float | None = None
    ) -> None:
        """`how`: the need that the session is made for. `mood`: said afterwards; None: they do not say."""
        self._person, self._how, self._mood, self._leaves_at_s = person, how, mood, leaves_at_s
        self._hardest: int | None = None
        self._answers = 0
        self._ended = False

    @property
    def rate_bpm(self) -> float | None:
        """Return the person's heart rate."""
        return self._person.rate_bpm

    def second(self, t: float, snapshot: Snapshot | None, events: tuple[AnyEvent, ...]) -> list[AnyMessage]:
        """Return what the person says in this second."""
        self._ended = self._ended or any(isinstance(event, SessionEnded) for event in events)
        said: list[AnyMessage] = []
        for one in self._person.second(t, snapshot, events):
            said += self._in_own_words(one, t)
        if t == self._leaves_at_s and not self._ended:
            said.append(SessionCommand(t, CommandName.STOP))
        return said

    def _in_own_words(self, one: AnyMessage, t: float) -> list[AnyMessage]:
        match one:
            case AllRightAnswer() if self._how == "no_answer":
                return []
            case AllRightAnswer() if self._how == "said_no":
                return [replace(one, ok=False)]
            case Exertion() if self._ended:
                # The interval's answer comes too late to be of the interval.
                return []
            case Exertion():
                self._answers += 1
                said = replace(one, borg=self._borg(one.borg))
                self._hardest = max(self._hardest or said.borg, said.borg)
                return [said]
            case Mood():
                borg = [] if self._hardest is None else [Exertion(t, self._hardest)]
                return [*borg, *([] if self._mood is None else [replace(one, mood=self._mood)])]
            case _:
                return [one]

    def _borg(self, felt: int) -> int:
        if self._how == "easy_in_zone":
            return min(felt, EASY_BORG)
        # Earlier, the coach would take it for a lower HRmax, and lower the zone to where the person walks.
        late = self._how == "never_in_zone" or self._answers > EASIER_INTERVALS
        return max(felt, HARD_BORG) if self._how in UNDER_THE_ZONE and late else felt
