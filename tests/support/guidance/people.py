"""People whom the guidance was not made for: other hearts, other ways of following, other straps.

A `Behaviour` says how a person handles belt, panel and strap. `CascadeHeart` and `DeficitHeart` are hearts of another
structure than any that the coach or `firmware.simulation` has; they are kept for the last judgement (`UNSEEN`).
"""

from math import exp
from typing import Any, Literal

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from coach.model.events import Advice, AnyEvent, PhaseStarted
from coach.model.messages import AnyMessage, HeartRate
from coach.model.plan import Plan
from coach.model.protocol import PhaseKind
from coach.model.snapshot import Snapshot
from firmware.simulation.heart import Body, DayForm, Kind, SimulatedHeart
from firmware.simulation.person import Habits, SimulatedPerson

Family = Literal["first_order", "two_component", "cascade", "deficit"]
SEEN: tuple[Family, ...] = ("first_order", "two_component")
UNSEEN: tuple[Family, ...] = ("cascade", "deficit")
STOP_AT_S, STOP_FOR_S = 100, 60
GAP_EVERY_S, GAP_S = 180, 20
FIBRILLATION_SD_BPM = 12.0
HANDRAIL_CHANGES_EACH_S = (30, 90)


class Behaviour(Struct, frozen=True, kw_only=True):
    """How a person behaves. `share`: of each change that is taken; `late_s`: more delay than usual.

    `flat`: no incline outside intervals; `still`: the panel is set once, by feel; `stops`: a minute of standing in
    intervals 2 and 3; `handrail`: taken and let go at will; `gaps`, `fibrillates`: what the strap sends.
    """

    share: float = 1.0
    late_s: int = 0
    flat: bool = False
    still: bool = False
    stops: bool = False
    handrail: bool = False
    gaps: bool = False
    fibrillates: bool = False


class BenchGroup(Struct, frozen=True, kw_only=True):
    """One group: kind of participant, whether the belt is read, behaviour, and what the plan says of HRmax."""

    kind: Kind = "ordinary"
    known: bool = True
    behaviour: Behaviour = Behaviour()
    source: Literal["measured"] | None = None
    start: bool = True
    off_bpm: float | None = None


BENCH_GROUPS: dict[str, BenchGroup] = {
    "ordinary": BenchGroup(),
    "beta-blocked": BenchGroup(kind="beta_blocked"),
    "HRmax too high": BenchGroup(off_bpm=12.0),
    "HRmax too low": BenchGroup(off_bpm=-12.0),
    "chronotropic, formula": BenchGroup(kind="chronotropic"),
    "chronotropic, measured": BenchGroup(kind="chronotropic", source="measured"),
    "unread": BenchGroup(known=False),
    "unread, flat": BenchGroup(known=False, behaviour=Behaviour(flat=True)),
    "unread, half": BenchGroup(known=False, behaviour=Behaviour(share=0.5)),
    "unread, late": BenchGroup(known=False, behaviour=Behaviour(late_s=40)),
    "unread, still": BenchGroup(known=False, behaviour=Behaviour(still=True)),
    "unread, no start": BenchGroup(known=False, start=False),
    "unread, no start, half": BenchGroup(known=False, start=False, behaviour=Behaviour(share=0.5)),
    "half": BenchGroup(behaviour=Behaviour(share=0.5)),
    "late": BenchGroup(behaviour=Behaviour(late_s=40)),
    "handrail": BenchGroup(behaviour=Behaviour(handrail=True)),
    "stops": BenchGroup(behaviour=Behaviour(stops=True)),
    "gaps": BenchGroup(behaviour=Behaviour(gaps=True)),
    "fibrillation": BenchGroup(behaviour=Behaviour(fibrillates=True)),
}


def plan_of(group: BenchGroup, plan: Plan, participant: SimulatedHeart) -> Plan:
    """Return the plan with what the group says of HRmax and start load."""
    if group.source is not None:
        plan = replace(plan, hr_max_source=group.source)
    if group.off_bpm is not None:
        plan = replace(plan, hr_max_bpm=float(round(participant.hr_max_bpm + group.off_bpm)))
    return plan if group.start else replace(plan, start=None)


class CascadeHeart(Body):
    """Two lags in series behind a power law: the rise is S-shaped, with no dead time of its own."""

    __slots__ = ("_first",)

    def __init__(self, participant: SimulatedHeart, day: DayForm, rng: np.random.Generator) -> None:
        """Wake up rested."""
        super().__init__(participant, day, rng)
        self._first = 0.0

    def second(self, speed_kmh: float, incline_percent: float, *, handrail: bool = False) -> float:
        """Live one second; return the rate in bpm, noise included."""
        person = self.participant
        demand = max(0.0, self._demand(speed_kmh, incline_percent, handrail=handrail))
        drift = self._drift_bpm / self._reserve
        wanted = 1 - (1 - min(1.0, demand**0.88 * 0.95)) ** 1.15 + drift
        level = (self.rate_bpm - self._resting) / self._reserve
        first_s, second_s = (0.35 * person.tau_up_s, 0.65 * person.tau_up_s)
        if self._first < level:
            second_s = 0.8 * person.tau_down_s
        self._first += (min(wanted, 1.0) - self._first) / first_s
        level += (self._first - level) / second_s
        self.rate_bpm = self._resting + self._reserve * level
        self._tire(level)
        return self._with_noise(self.rate_bpm)


class DeficitHeart(Body):
    """Uptake lags the load, and the heart follows uptake and what is owed: above a threshold it never settles."""

    __slots__ = ("_owed", "_uptake")

    def __init__(self, participant: SimulatedHeart, day: DayForm, rng: np.random.Generator) -> None:
        """Wake up rested."""
        super().__init__(participant, day, rng)
        self._uptake = self._owed = 0.0

    def second(self, speed_kmh: float, incline_percent: float, *, handrail: bool = False) -> float:
        """Live one second; return the rate in bpm, noise included."""
        person = self.participant
        demand = max(0.0, self._demand(speed_kmh, incline_percent, handrail=handrail))
        self._uptake += (demand - self._uptake) / (0.75 * person.tau_up_s if demand > self._uptake else 40.0)
        self._owed += max(0.0, self._uptake - 0.72) * 0.0011 - self._owed / 500
        drive = self._uptake + self._owed
        steady = drive if drive < 0.85 else 1 - 0.15 * exp(-(drive - 0.85) / 0.15)
        level = (self.rate_bpm - self._resting) / self._reserve
        level += (steady - level) / (9.0 if steady > level else 0.45 * person.tau_down_s)
        self.rate_bpm = self._resting + self._reserve * level
        return self._with_noise(self.rate_bpm)


class BenchPerson(SimulatedPerson):
    """A simulated person of one family and one behaviour."""

    def __init__(
        self,
        participant: SimulatedHeart,
        day: DayForm,
        rng: np.random.Generator,
        *,
        family: Family,
        behaviour: Behaviour,
        habits: Habits,
        reports_speed: bool,
    ) -> None:
        """Stand on the treadmill, rested."""
        first: Any = "two_component" if family == "two_component" else "first_order"
        super().__init__(participant, day, rng, model=first, habits=habits, reports_speed=reports_speed)
        match family:
            case "cascade":
                self.body = CascadeHeart(participant, day, rng)
            case "deficit":
                self.body = DeficitHeart(participant, day, rng)
            case _:
                pass
        self.behaviour = behaviour
        self.kind = PhaseKind.WARM_UP
        self.interval = 0
        self.phase_s = 0
        self._chance = np.random.default_rng(int(rng.integers(2**31)))
        self._grips_until_s = 0
        self._was_kmh = 0.0

    def second(self, t: float, snapshot: Snapshot | None, events: tuple[AnyEvent, ...]) -> list[AnyMessage]:
        """Live the second that ends at `t`, as `SimulatedPerson` does, with this behaviour."""
        for event in events:
            if isinstance(event, PhaseStarted):
                self.kind, self.interval, self.phase_s = event.kind, event.interval, 0
        self.phase_s += 1
        before_s = self._goal_from_s
        messages = super().second(t, snapshot, events)
        if self._goal_from_s != before_s and self.behaviour.late_s:
            self._goal_from_s += self.behaviour.late_s
        self._grip()
        self._stop()
        return self._sent(t, messages)

    def _set_out(self, setting: tuple[float, float], after_s: tuple[int, int]) -> None:
        how = self.behaviour
        speed, incline = setting
        if how.share != 1.0 and speed > 0:
            speed = self.speed_kmh + how.share * (speed - self.speed_kmh)
        if how.flat and self.kind is not PhaseKind.INTERVAL:
            incline = 0.0
        super()._set_out((speed, incline), after_s)

    def _aim(self, advice: Advice, after_s: tuple[int, int]) -> None:
        if not self.behaviour.still:
            super()._aim(advice, after_s)
        elif self.phase_s <= 1:
            incline = self.habits.incline_percent
            self._set_out((self._speed_by_feel(self.kind, incline), incline), after_s)

    def _grip(self) -> None:
        if self.behaviour.handrail and self._age_s >= self._grips_until_s:
            self.handrail = bool(self._chance.random() < 0.5)
            self._grips_until_s = self._age_s + int(self._chance.integers(*HANDRAIL_CHANGES_EACH_S))

    def _stop(self) -> None:
        if not self.behaviour.stops or self.kind is not PhaseKind.INTERVAL or self.interval not in (2, 3):
            return
        if self.phase_s == STOP_AT_S:
            self._was_kmh, self.speed_kmh, self._goal = self.speed_kmh, 0.0, None
        elif self.phase_s == STOP_AT_S + STOP_FOR_S:
            super()._set_out((self._was_kmh, self.incline_percent), (0, 0))

    def _sent(self, t: float, messages: list[AnyMessage]) -> list[AnyMessage]:
        how = self.behaviour
        if how.gaps and t > GAP_EVERY_S and t % GAP_EVERY_S < GAP_S:
            return [one for one in messages if not isinstance(one, HeartRate)]
        if not how.fibrillates:
            return messages
        sent: list[AnyMessage] = []
        for one in messages:
            if isinstance(one, HeartRate):
                beats = tuple(
                    float(60000 / max(30.0, self.rate_bpm + 1.6 * FIBRILLATION_SD_BPM * z))
                    for z in self._chance.standard_normal(len(one.rr_ms))
                )
                bpm = float(round(min(230.0, max(35.0, self.rate_bpm + self._chance.normal(0, FIBRILLATION_SD_BPM)))))
                sent.append(replace(one, bpm=bpm, rr_ms=beats))
            else:
                sent.append(one)
        return sent
