"""A machine without a network that is unplugged each night, over many weeks: what its clock does to those who train.

Each morning is another boot, and the wall clock is whatever the machine has: where it stood at the last shutdown
(systemd-timesyncd and fake-hwclock do that), 1970, or years ahead. Everybody answers truthfully. Who may begin is
decided by the product's own code; the truth is the simulation's own clock.
"""

import random
from collections.abc import Callable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from coach.guidance.barrier import NoGuidance
from coach.model.messages import Readiness
from coach.model.plan import CLOSED_LATELY, TRAINED_LATELY, TRAINED_OFTEN, WEEK_S, Plan
from coach.model.protocol import Protocol
from coach.model.summary import Summary
from coach.session.engine import step
from coach.session.state import begin
from firmware.participants.plan_files import expired
from firmware.participants.protocol_files import load
from firmware.participants.training_closures import TrainingClosures
from firmware.services.training_history import TrainingHistory
from firmware.system.known_time import KnownTime
from firmware.system.timestamps import Timestamp
from tests.support.machine.session_factory import summary

DAY_S, HOUR_S = 86400.0, 3600.0
MONDAY_S = 1_799_625_600.0
OPENS_H, CLOSES_H = 8.0, 19.0
SESSION_S = 2460.0
LONGEST_WEEKS = 20
CLOCKS = ("stood still", "1970", "ahead", "anywhere")
Believed = Callable[[TrainingHistory, Timestamp], KnownTime]
SUMMARY = summary()
QUESTIONS = ("chest_pain", "fever")


class Tally(Struct):
    """How often the code decided wrongly, by the truth. `asked`: how often a question about the clock was asked."""

    weeks: int = 0
    tries: int = 0
    begun: int = 0
    asked: int = 0
    rightly_refused: int = 0
    wrongly_refused: int = 0
    rest_broken: int = 0
    closure_broken: int = 0
    over_the_cap: int = 0


class _Truth(Struct):
    """What really happened to one participant, by the simulation's clock."""

    ended_s: list[float]
    closed_s: float | None = None


def as_if_set(past: TrainingHistory, stamp: Timestamp) -> KnownTime:
    """Return the time as if the wall clock were right: the control, which must refuse wrongly."""
    return past.known_time(replace(stamp, boot_id="", synchronised=True))


class UnpluggedMachine:
    """One machine, its diary and those who train there."""

    def __init__(self, rng: random.Random, clock: str, believed: Believed = TrainingHistory.known_time) -> None:
        """`clock`: what the wall clock shows after a night, one of `CLOCKS`. `believed`: what is made of its stamps."""
        self._rng, self._clock, self._believed = rng, clock, believed
        self._wall_s = MONDAY_S
        self._past = TrainingHistory()
        self._closures = TrainingClosures()
        self._protocol: Protocol = load("4x4")
        self._count = 0
        self.plans = [
            Plan(
                participant=f"p{number}",
                hr_max_bpm=185.0,
                questions=QUESTIONS,
                rest_hours=rng.choice((0.0, 20.0, 44.0)),
                weekly_cap=rng.choice((None, 2, 3, 4)),
                valid_until_wall_s=MONDAY_S + 4000 * DAY_S,
            )
            for number in range(3)
        ]
        self._truth = {plan.participant: _Truth([]) for plan in self.plans}

    def live(self, weeks: int, tally: Tally) -> Tally:
        """Open on each weekday, and let people come as they like."""
        for day in range(weeks * 7):
            if day % 7 < 5:
                self._day(day, tally)
        tally.weeks += weeks
        return tally

    def _day(self, day: int, tally: Tally) -> None:
        opens_s = MONDAY_S + day * DAY_S + OPENS_H * HOUR_S
        shown_s = {
            "stood still": self._wall_s,
            "1970": 0.0,
            "ahead": opens_s + 3 * 365 * DAY_S,
            "anywhere": self._rng.uniform(0.0, 4e9),
        }[self._clock]
        for at_s in self._moments():
            plan = self._rng.choice(self.plans)
            stamp = Timestamp(f"boot-{day}", 30.0 + at_s, shown_s + at_s, synchronised=False)
            self._comes(plan, stamp, opens_s + at_s, tally)
        self._wall_s = shown_s + (CLOSES_H - OPENS_H) * HOUR_S

    def _moments(self) -> Iterator[float]:
        at_s = self._rng.uniform(0.0, 2 * HOUR_S)
        while at_s < (CLOSES_H - OPENS_H) * HOUR_S - SESSION_S:
            yield at_s
            at_s += SESSION_S + self._rng.uniform(300.0, 3 * HOUR_S)

    def _comes(self, plan: Plan, stamp: Timestamp, true_s: float, tally: Tally) -> None:
        truth = self._truth[plan.participant]
        rests = plan.rest_hours > 0 and any(true_s - one < plan.rest_hours * HOUR_S for one in truth.ended_s[-1:])
        capped = plan.weekly_cap is not None and sum(true_s - one < WEEK_S for one in truth.ended_s) >= plan.weekly_cap
        closed = truth.closed_s is not None and true_s - truth.closed_s < plan.closed_after_yes_h * HOUR_S
        now = self._believed(self._past, stamp)
        informed = self._closures.applied(self._past.informed(plan, now), now)
        feverish = self._rng.random() < 0.03
        truly = {TRAINED_LATELY: rests, TRAINED_OFTEN: capped, CLOSED_LATELY: closed, "fever": feverish}
        begins, asked = self._asked(informed, truly)
        begins = begins and not expired(plan, now)
        tally.tries += 1
        tally.asked += asked
        may = not (rests or capped or closed or feverish)
        tally.wrongly_refused += not begins and may
        tally.rightly_refused += not begins and not may
        if feverish and not (rests or capped or closed):
            self._closures.answered(plan.participant, ("fever",), now.stamp)
            truth.closed_s = true_s
        if begins:
            tally.begun += 1
            tally.rest_broken += rests
            tally.closure_broken += closed
            tally.over_the_cap += capped
            self._count += 1
            self._past = self._past.with_session(f"s{self._count}", now.stamp, self._summary(plan))
            truth.ended_s.append(true_s + SESSION_S)

    def _summary(self, plan: Plan) -> Summary:
        return replace(SUMMARY, participant=plan.participant, duration_s=SESSION_S, training_s=SESSION_S)

    def _asked(self, plan: Plan, truly: dict[str, bool]) -> tuple[bool, bool]:
        """Return whether the session may begin after true answers, and whether the clock's questions were asked."""
        state = begin(plan, self._protocol, lambda _plan: NoGuidance("simulation"))
        if state.stage == "questions":
            state = step(state, Readiness(1.0, {key: truly.get(key, False) for key in plan.questions})).state
        return state.stage == "ready", len(plan.questions) > len(QUESTIONS)


def live_through(weeks: int, seed: int = 1, believed: Believed = TrainingHistory.known_time) -> Tally:
    """Live through so many machine-weeks, in machines of `LONGEST_WEEKS` at most with each kind of clock."""
    tally, rng, span = Tally(), random.Random(seed), max(1, min(LONGEST_WEEKS, weeks // len(CLOCKS)))
    while tally.weeks < weeks:
        clock = CLOCKS[tally.weeks // span % len(CLOCKS)]
        UnpluggedMachine(rng, clock, believed).live(min(span, weeks - tally.weeks), tally)
    return tally
