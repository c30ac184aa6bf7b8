"""One simulated participant through three sessions under one controller, scored by *true* HRmax."""

from collections.abc import Callable

import numpy as np
from msgspec import Struct, to_builtins
from msgspec.structs import replace

from coach.guidance.interface import GuidanceMaker
from coach.model.events import AdviceGiven, Direction
from coach.model.plan import Plan
from coach.model.protocol import PhaseKind
from coach.model.summary import Summary
from firmware.participants.protocol_files import load
from firmware.simulation.heart import DayForm, Kind, Model, Population, SimulatedHeart, draw_day, plan_for
from firmware.simulation.person import Habits, SimulatedPerson, draw_habits
from firmware.simulation.session import RehearsalError, SimulatedSecond, seconds

SESSIONS = 3
Lived = list[tuple[SimulatedSecond, float]]
"""Every second of a session, with the true rate."""
MODELS: tuple[Model, ...] = ("first_order", "two_component")
PROTOCOL = load("4x4")


class Case(Struct, frozen=True):
    """A participant with habits and days. `speed_known`: whether the treadmill tells its speed."""

    seed: int
    kind: Kind
    model: Model
    speed_known: bool
    participant: SimulatedHeart
    habits: Habits
    days: tuple[DayForm, ...]
    plan: Plan


class Score(Struct, frozen=True):
    """One session by true HRmax. `in_zone`: share of minutes 3–4 of all four intervals in 85–95 %.

    `advices`: faster and slower in each interval, its setting and reminders included. An interval that never ran counts
    as outside the zone.
    """

    in_zone: float
    above_s: float
    zone_min: float
    recovery: float
    advices: tuple[int, ...]
    predicted: tuple[tuple[int, float, float, float, float], ...] = ()


def draw_case(seed: int, kind: Kind, *, speed_known: bool = True) -> Case:
    """The same seed is the same person, habits, days and plan for every controller."""
    rng = np.random.default_rng((seed, 11))
    participant = Population(group="schizophrenia" if seed % 2 else "addiction").draw(rng, kind)
    habits = draw_habits(rng)
    days = tuple(draw_day(rng) for _ in range(SESSIONS))
    plan = plan_for(participant, rng)
    return Case(seed, kind, MODELS[(seed // 2) % 2], speed_known, participant, habits, days, plan)


def run_case(
    case: Case,
    maker: GuidanceMaker | None = None,
    inspect: Callable[[int, Lived], None] | None = None,
    *,
    maker_for: Callable[[Case, int], GuidanceMaker] | None = None,
) -> list[Score]:
    """Three sessions in a row; what each learned goes to the next. `maker_for`: another guidance for each day."""
    scores = []
    response = None
    for session in range(SESSIONS):
        plan = replace(case.plan, response=response)
        rng = np.random.default_rng((case.seed, 23, session))
        person = SimulatedPerson(
            case.participant,
            case.days[session],
            rng,
            model=case.model,
            habits=case.habits,
            reports_speed=case.speed_known,
        )
        lived: Lived = []
        guidance = maker if maker_for is None else maker_for(case, session)
        if guidance is None:
            raise RehearsalError("no guidance was given")
        summary: Summary | None = None
        for one in seconds(plan, PROTOCOL, person, guidance=guidance):
            lived.append((one, person.body.rate_bpm))
            summary = one.state.summary or summary
        scores.append(score(case, lived))
        if inspect is not None:
            inspect(session, lived)
        if summary is None:
            raise RehearsalError("no end")
        response = to_builtins(summary.response)
    return scores


def score(case: Case, lived: Lived) -> Score:
    """Score a session that was lived."""
    hr_max = case.participant.hr_max_bpm
    late: list[bool] = []
    rested: list[bool] = []
    above = zone = 0.0
    advices: dict[int, int] = {}
    predicted: list[tuple[int, float, float, float, float]] = []
    pending: list[tuple[int, float, float, float]] = []
    for one, true_bpm in lived:
        state = one.state
        if state.stage != "running":
            continue
        share = true_bpm / hr_max
        above += share > 0.95
        kind = state.phase.kind
        if kind is PhaseKind.INTERVAL:
            inside = 0.85 <= share <= 0.95
            zone += inside
            if state.second >= 120:
                late.append(inside)
            number = state.phase.interval
            advices.setdefault(number, 0)
            for event in one.events:
                if isinstance(event, AdviceGiven) and event.advice.direction in (Direction.FASTER, Direction.SLOWER):
                    advices[number] += 1
            if state.second in (60, 90) and state.guidance.prediction is not None:
                p = state.guidance.prediction
                pending.append((state.second, p.end_bpm, p.end_low_bpm, p.end_high_bpm))
            if state.second == 239:
                predicted += [(s, e, lo, hi, true_bpm) for s, e, lo, hi in pending]
                pending = []
        else:
            pending = []
        if kind is PhaseKind.RECOVERY and state.second >= 90:
            rested.append(0.60 <= share <= 0.75)
    while len(late) < 480:
        late.append(False)
    return Score(
        in_zone=float(np.mean(late)),
        above_s=above,
        zone_min=zone / 60,
        recovery=float(np.mean(rested)) if rested else 0.0,
        advices=tuple(advices.values()),
        predicted=tuple(predicted),
    )
