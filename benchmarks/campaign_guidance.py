"""Random sessions for the guidance that learns: stops, belts at 0, incline only, gaps, plans at every bound.

    python -m benchmarks.campaign_guidance [--sessions 100000] [--seconds 600] [--seed 0] [--count FILE]

Each session is made from its own seed, so that one that fails can be looked at alone (`--seed N --sessions 1`).
"""

import random
import sys
from collections.abc import Iterator

import numpy as np
from msgspec import field, json

from coach.errors import MessageRefused, PlanError
from coach.guidance.learned import learned_guidance
from coach.model.events import Advice, AdviceGiven, NoticeRaised
from coach.model.messages import (
    AllRightAnswer,
    AnyMessage,
    CommandName,
    Exertion,
    HeartRate,
    SessionCommand,
    SourceLost,
    Time,
    TreadmillSpeed,
)
from coach.model.plan import Load, Plan
from coach.model.protocol import BorgRange, Pattern, Phase, PhaseKind, Protocol, Zone
from coach.session.engine import step
from coach.session.state import SessionState, begin
from tests.support.campaigns import Progress, arguments, run


class Outcome(Progress):
    """What a campaign saw. `failures`: seed and what went wrong."""

    sessions: int = 0
    seconds: int = 0
    advice: int = 0
    failures: list[tuple[int, str]] = field(default_factory=list)


def random_plan(chance: random.Random, response: object = None) -> Plan:
    """Draw a plan, often with a value at its bound."""
    hr_max = chance.choice([80.0, 240.0, 120.0, chance.uniform(80, 240), chance.uniform(140, 210)])
    mode = chance.choice(["heart_rate", "heart_rate", "heart_rate", "exertion"])
    fastest = chance.choice([20.0, 20.0, 6.0, 2.0, 1.0, chance.uniform(0.5, 25)])
    start = None
    if chance.random() < 0.7:
        speed = chance.choice([fastest, 0.1, min(fastest, 6.0), chance.uniform(0.1, fastest)])
        start = Load(min(speed, fastest), chance.choice([0.0, 5.0, -5.0, 30.0, chance.uniform(-5, 30)]))
    return Plan(
        participant="fuzz",
        hr_max_bpm=None if mode == "exertion" and chance.random() < 0.5 else hr_max,
        hr_max_source=chance.choice(["measured", "highest_seen", "formula", None, "guess"]),
        age=chance.choice([None, 18, 40, 99, chance.randint(0, 120)]),
        ceiling_bpm=chance.choice([None, None, 80.0, chance.uniform(80, 240)]),
        mode=mode,  # type: ignore[arg-type] # drawn from its two values
        start=start,
        response=response,
        speed_step_kmh=chance.choice([0.1, 0.2, 0.5, 1.0, 0.05, chance.uniform(0.05, 1.0)]),
        max_speed_kmh=fastest,
        slowest_kmh=chance.choice([2.0, 2.0, 0.5, 6.0, chance.uniform(0.5, 6.0)]),
        early_warm_up_end=chance.random() < 0.5,
        exertion_when_lost=chance.random() < 0.5,
    )


def random_protocol(chance: random.Random) -> Protocol:
    """Draw a protocol of one to nine phases, many of them very short."""
    phases = []
    intervals = 0
    for _ in range(chance.randint(1, 9)):
        kind = chance.choice(list(PhaseKind))
        intervals += kind is PhaseKind.INTERVAL
        low = chance.choice([0.3, 0.5, 0.6, 0.85, chance.uniform(0.3, 0.95)])
        zone = None if chance.random() < 0.2 else Zone(low, min(1.0, low + chance.choice([0.01, 0.1, 0.3])))
        length_s = chance.choice([1, 2, 5, 19, 21, 30, 60, 180, 240, chance.randint(1, 400)])
        pattern = Pattern(chance.randint(1, 30), chance.randint(1, 30)) if chance.random() < 0.1 else None
        borg = BorgRange(chance.randint(6, 13), chance.randint(13, 20)) if chance.random() < 0.3 else None
        number = intervals if kind is PhaseKind.INTERVAL else 0
        phases.append(Phase(kind, length_s, zone, borg=borg, interval=number, pattern=pattern))
    return Protocol("fuzz", {"nb": "Prøve", "en": "Trial"}, tuple(phases))


def random_messages(chance: random.Random, seconds: int) -> Iterator[AnyMessage]:
    """Draw a session: a heart that wanders, a belt that jumps, stops and is read or not, people and gaps."""
    t, bpm, speed, incline = 0.0, chance.uniform(50, 110), 0.0, chance.choice([0.0, 5.0, -5.0, 15.0])
    reads_belt, obeys = chance.random() < 0.6, chance.random()
    yield HeartRate(t, round(bpm))
    yield SessionCommand(t, CommandName.START)
    target = bpm
    while t < seconds:
        t += chance.choice([1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 2.0, 6.0, 25.0 if chance.random() < 0.1 else 1.0])
        if chance.random() < 0.02:
            target = chance.choice([45.0, 70.0, 120.0, 160.0, 185.0, 228.0])
        bpm += max(-3.0, min(3.0, (target - bpm) / 20)) + chance.uniform(-1, 1)
        bpm = min(max(bpm, 31.0), 229.0)
        draw = chance.random()
        if draw < 0.93:
            yield HeartRate(t, round(bpm), (60000 / bpm,) if chance.random() < 0.3 else ())
        elif draw < 0.94:
            yield HeartRate(t, chance.choice([0.0, 255.0, 300.0, 29.0, 231.0]))
        elif draw < 0.945:
            yield SourceLost(t, "disconnected")
        else:
            yield Time(t)
        if reads_belt and chance.random() < 0.05:
            if chance.random() < 0.2:
                speed = 0.0
            elif chance.random() < obeys:
                speed = min(30.0, max(0.0, speed + chance.choice([-2.0, -0.5, 0.1, 0.2, 0.5, 1.0, 3.0])))
            else:
                speed = chance.choice([0.0, 0.1, 0.6, 3.0, 7.0, 30.0, chance.uniform(0, 30)])
            if chance.random() < 0.3:
                incline = chance.choice([-10.0, -5.0, 0.0, 5.0, 15.0, 40.0])
            yield TreadmillSpeed(t, speed, incline)
        if chance.random() < 0.01:
            yield chance.choice(
                [
                    Exertion(t, chance.randint(6, 20)),
                    AllRightAnswer(t, ok=chance.random() < 0.8),
                    SessionCommand(t, chance.choice([one for one in CommandName if one is not CommandName.STOP])),
                    SessionCommand(t, CommandName.ADJUST, lowered_fraction=chance.choice([0.0, 0.05, 0.1])),
                ]
            )
    yield SessionCommand(t, CommandName.STOP)


def play(seed: int, seconds: int, outcome: Outcome, response: object = None) -> SessionState | None:
    """Play one session and note what went wrong: an exception, or anything that no guidance may return."""
    chance = random.Random(seed)
    plan, protocol = random_plan(chance, response), random_protocol(chance)
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            state = begin(plan, protocol, learned_guidance)
            for message in random_messages(chance, seconds):
                try:
                    stepped = step(state, message)
                except MessageRefused:
                    continue
                state = stepped.state
                for event in stepped.events:
                    if isinstance(event, AdviceGiven):
                        outcome.advice += 1
                        if below_floor(event.advice, plan):
                            outcome.failures.append((seed, f"{event.advice.speed_kmh} km/h is under the floor"))
                    elif isinstance(event, NoticeRaised) and event.code == "guidance_off":
                        outcome.failures.append((seed, event.detail))
                        return None
    except PlanError:
        return None
    except Exception as error:  # noqa: BLE001 - what a campaign looks for
        outcome.failures.append((seed, f"{type(error).__name__}: {error}"))
        return None
    outcome.sessions += 1
    outcome.seconds += int(state.t)
    return state


def below_floor(advice: Advice, plan: Plan) -> bool:
    """Whether an advice asks for less than the plan's slowest walking speed, and not to stand still."""
    return advice.speed_kmh is not None and 0 < advice.speed_kmh < plan.floor_kmh


def carried(seed: int, seconds: int, outcome: Outcome) -> None:
    """Play a session, and another one from what the first one learned."""
    state = play(seed, seconds, outcome)
    if state is not None and state.summary is not None and seed % 3 == 0:
        play(seed + 1_000_000_000, seconds, outcome, json.decode(json.encode(state.summary.response)))


def line(outcome: Outcome) -> str:
    """Return what a campaign saw in one line."""
    return (
        f"{outcome.sessions} sessions, {outcome.seconds} seconds lived, {outcome.advice} pieces of advice; "
        f"exceptions, advice that is not finite, and speeds under the floor: {len(outcome.failures)} (target 0)"
    )


def main() -> int:
    """Run the campaign and print what it saw."""
    parser = arguments(__doc__, 100_000)
    parser.add_argument("--seconds", type=int, default=600, help="the longest session, in seconds")
    asked = parser.parse_args()
    outcome = run(asked, Outcome(), lambda seed, count: carried(seed, asked.seconds, count), line)
    for seed, what in outcome.failures[:20]:
        print(f"  seed {seed}: {what}")
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())
