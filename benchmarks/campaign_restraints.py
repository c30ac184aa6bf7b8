"""Urging and new intervals where they are forbidden: sessions with injected faults, half of them with nobody answering.

    python -m benchmarks.campaign_restraints [--sessions 10000] [--minutes M] [--seed 0]

Counted are the cues `faster` and `speed_up` and intervals that begin while a call is unanswered, a stop-now notice
holds, the signal is not live, or the *true* rate is at 95 % of true HRmax or more.
"""

import argparse
import sys
import time
from collections import Counter

import numpy as np
from msgspec import Struct

from coach.guidance.defaults import default_guidance
from coach.model.cue import URGING_CUES
from coach.model.events import AnyEvent, Level, PhaseStarted, Signal
from coach.model.messages import AllRightAnswer, AnyMessage, Exertion
from coach.model.protocol import PhaseKind
from coach.model.snapshot import Snapshot
from coach.session.restraints import NEAR_MAX_FRACTION
from coach.session.state import SessionState
from firmware.simulation.heart import Kind
from firmware.simulation.person import SimulatedPerson
from firmware.simulation.session import SimulatedSecond, seconds
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


class Count(Struct):
    """What was seen."""

    sessions: int = 0
    faults: int = 0
    urging: int = 0
    intervals: int = 0
    wrong: Counter[str] = Counter()


def forbidden(one: SimulatedSecond, before: SessionState, true_hr_max_bpm: float) -> list[str]:
    """Name what forbids urging or an interval in this second, by what was so before it and still is."""
    state = one.state
    found = []
    if before.called and state.called:
        found.append("unanswered call")
    if any(notice.level is Level.STOP_NOW for notice in before.notices):
        found.append("stop-now notice")
    slow = state.source.reason == "slow"
    if before.source.signal is not Signal.LIVE and state.source.signal is not Signal.LIVE and not slow:
        found.append("signal not live")
    if one.true_bpm is not None and one.true_bpm >= NEAR_MAX_FRACTION * true_hr_max_bpm:
        found.append("true rate at 95 % or more")
    return found


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
            began = any(isinstance(event, PhaseStarted) and event.kind is PhaseKind.INTERVAL for event in one.events)
            count.urging += urged
            count.intervals += began
            if urged or began:
                for why in forbidden(one, before, case.participant.hr_max_bpm):
                    if not (why == "signal not live" and one.state.by_exertion):
                        count.wrong[f"{'urging' if urged else 'interval'}: {why}"] += 1
        before = one.state
    count.sessions += 1
    count.faults += len(faults)


def main() -> int:
    """Run the campaign and print what it saw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=None)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    count, began_s = Count(), time.monotonic()
    for seed in range(asked.seed, asked.seed + asked.sessions):
        play(seed, count)
        if asked.minutes is not None and time.monotonic() - began_s > asked.minutes * 60:
            break
    print(
        f"{count.sessions} sessions, {count.faults} faults, {count.urging} urgings, {count.intervals} intervals begun"
    )
    print(f"urging or an interval where forbidden: {sum(count.wrong.values())}")
    for why, times in count.wrong.most_common():
        print(f"  {why}: {times}")
    return 1 if count.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
