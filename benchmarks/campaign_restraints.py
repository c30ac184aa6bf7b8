"""Urging and new intervals where they are forbidden: sessions with injected faults, half of them with nobody answering.

    python -m benchmarks.campaign_restraints [--sessions 10000] [--minutes M] [--seed 0] [--count FILE]

Counted are the cues `faster` and `speed_up` and intervals that begin while a call is unanswered, a stop-now notice
holds, the signal is not live, or the *true* rate is at 95 % of true HRmax or more. What ends a restraint in the very
second of an urging, an answer say, allows it where it comes before it.
"""

import sys

import numpy as np
from msgspec import field

from coach.guidance.defaults import default_guidance
from coach.model.cue import URGING_CUES
from coach.model.events import (
    AdviceGiven,
    AnyEvent,
    Level,
    NoticeCleared,
    PhaseStarted,
    QuestionAnswered,
    Signal,
)
from coach.model.messages import AllRightAnswer, AnyMessage, Exertion
from coach.model.protocol import PhaseKind
from coach.model.snapshot import Snapshot
from coach.session.restraints import NEAR_MAX_FRACTION
from coach.session.state import SessionState
from firmware.simulation.heart import Kind
from firmware.simulation.person import SimulatedPerson
from firmware.simulation.session import SimulatedSecond, seconds
from tests.support.campaigns import Progress, arguments, run
from tests.support.guidance.faults import draw_faults
from tests.support.guidance.trial import PROTOCOL, draw_case

KINDS: tuple[Kind, ...] = ("ordinary", "chronotropic", "beta_blocked")


class Silent:
    """A person who answers nothing and says nothing."""

    def __init__(self, person: SimulatedPerson) -> None:
        """Take the person's heart and hands."""
        self._person = person

    @property
    def rate_bpm(self) -> float:
        """The true rate."""
        return self._person.rate_bpm

    def second(self, t: float, seen: Snapshot | None, events: tuple[AnyEvent, ...]) -> list[AnyMessage]:
        """Do what the person does, without a word and without an answer."""
        said = self._person.second(t, seen, events)
        return [message for message in said if not isinstance(message, AllRightAnswer | Exertion)]


class Count(Progress):
    """What was seen. `hits`: seed, second and what was forbidden then."""

    sessions: int = 0
    faults: int = 0
    urging: int = 0
    intervals: int = 0
    hits: list[tuple[int, int, str]] = field(default_factory=list)


def forbidden(one: SimulatedSecond, before: SessionState, true_hr_max_bpm: float) -> list[str]:
    """Name what forbids urging or an interval in this second, by what was so before it and still is."""
    state, earlier = one.state, _until_the_urging(one.events)
    found = []
    if before.called and not any(isinstance(event, QuestionAnswered) for event in earlier):
        found.append("unanswered call")
    cleared = {event.code for event in earlier if isinstance(event, NoticeCleared)}
    if any(notice.level is Level.STOP_NOW and notice.code not in cleared for notice in before.notices):
        found.append("stop-now notice")
    slow = state.source.reason == "slow"
    if before.source.signal is not Signal.LIVE and state.source.signal is not Signal.LIVE and not slow:
        found.append("signal not live")
    if one.true_bpm is not None and one.true_bpm >= NEAR_MAX_FRACTION * true_hr_max_bpm:
        found.append("true rate at 95 % or more")
    return found


def _until_the_urging(events: tuple[AnyEvent, ...]) -> tuple[AnyEvent, ...]:
    """Return what happened before the first advice or interval of a second; nothing where neither shows its place."""
    asks = (at for at, event in enumerate(events) if isinstance(event, AdviceGiven) or _begins_interval(event))
    return events[: next(asks, 0)]


def _begins_interval(event: AnyEvent) -> bool:
    return isinstance(event, PhaseStarted) and event.kind is PhaseKind.INTERVAL


def play(seed: int, count: Count) -> None:
    """Play one session."""
    case = draw_case(seed, KINDS[seed % len(KINDS)])
    rng = np.random.default_rng((seed, 77))
    faults = draw_faults(rng) if seed % 4 else ()
    heart = np.random.default_rng((seed, 5))
    person = SimulatedPerson(case.participant, case.days[0], heart, model=case.model, habits=case.habits)
    trainee = Silent(person) if seed % 2 else person
    before: SessionState | None = None
    for one in seconds(case.plan, PROTOCOL, trainee, faults=faults, rng=rng, guidance=default_guidance):
        if before is not None:
            urged = any(cue.name in URGING_CUES for cue in one.cues)
            began = any(_begins_interval(event) for event in one.events)
            count.urging += urged
            count.intervals += began
            if urged or began:
                for why in forbidden(one, before, case.participant.hr_max_bpm):
                    if not (why == "signal not live" and one.state.by_exertion):
                        count.hits.append((seed, int(one.t), f"{'urging' if urged else 'interval'}: {why}"))
        before = one.state
    count.sessions += 1
    count.faults += len(faults)


def line(count: Count) -> str:
    """Return the count in one line."""
    return (
        f"{count.sessions} sessions, {count.faults} faults, {count.urging} urgings, {count.intervals} intervals begun; "
        f"where forbidden: {len(count.hits)} (target 0)"
    )


def main() -> int:
    """Run the campaign and print what it saw."""
    count = run(arguments(__doc__, 10_000).parse_args(), Count(), play, line)
    for seed, second, why in count.hits:
        print(f"  seed {seed}, second {second}: {why}")
    return 1 if count.hits else 0


if __name__ == "__main__":
    sys.exit(main())
