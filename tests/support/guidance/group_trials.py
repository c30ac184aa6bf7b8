"""Lead the people of `people.BENCH_GROUPS` through whole sessions, and measure each group by true HRmax."""

import numpy as np
from msgspec import Struct, to_builtins
from msgspec.structs import replace

from coach.guidance.interface import GuidanceMaker, asks_for_more_effort
from coach.model.events import AdviceGiven, Direction, NoticeRaised
from coach.model.plan import Plan
from coach.model.protocol import PhaseKind
from coach.model.summary import Summary
from firmware.simulation.heart import Population, draw_day, plan_for
from firmware.simulation.person import draw_habits
from firmware.simulation.session import RehearsalError, seconds
from tests.support.guidance.people import BENCH_GROUPS, BenchPerson, Family, plan_of
from tests.support.guidance.trial import PROTOCOL, Case, Lived, Score, score

NEAR_MAX = 0.95
CRAWLS_SHARE = 0.6
"""An interval's setting under this share of the load that the person needs is no advice that helps."""


class GroupScore(Struct, frozen=True, kw_only=True):
    """One session. `urged_near_max`: urgings at 95 % of true HRmax and more; `complete`: intervals done in full."""

    score: Score
    urged_near_max: int
    crawls: int
    complete: int
    reminders: int
    off: bool


def lead_group(name: str, seed: int, family: Family, maker: GuidanceMaker, sessions: int = 3) -> list[GroupScore]:
    """Lead one person of a group through sessions in a row."""
    group = BENCH_GROUPS[name]
    rng = np.random.default_rng((seed, 41))
    participant = Population(group="schizophrenia" if seed % 2 else "addiction").draw(rng, group.kind)
    habits = draw_habits(rng)
    days = tuple(draw_day(rng) for _ in range(sessions))
    plan = plan_of(group, plan_for(participant, rng), participant)
    case = Case(seed, group.kind, "first_order", group.known, participant, habits, days, plan)
    found: list[GroupScore] = []
    response = None
    for session in range(sessions):
        person = BenchPerson(
            participant,
            days[session],
            np.random.default_rng((seed, 43, session)),
            family=family,
            behaviour=group.behaviour,
            habits=habits,
            reports_speed=group.known,
        )
        today = replace(plan, response=response)
        one, response = _session(case, today, person, maker)
        found.append(one)
    return found


def _session(case: Case, plan: Plan, person: BenchPerson, maker: GuidanceMaker) -> tuple[GroupScore, object]:
    lived: Lived = []
    summary: Summary | None = None
    near = crawls = reminders = 0
    off = False
    highest = case.participant.hr_max_bpm
    for one in seconds(plan, PROTOCOL, person, guidance=maker):
        true_bpm = person.body.rate_bpm
        lived.append((one, true_bpm))
        summary = one.state.summary or summary
        for event in one.events:
            if isinstance(event, NoticeRaised) and event.code == "guidance_off":
                off = True
            if not isinstance(event, AdviceGiven):
                continue
            advice = event.advice
            reminders += advice.reason == "reminder"
            urges = advice.direction is Direction.FASTER and asks_for_more_effort(
                advice, one.state.speed_kmh, one.state.incline_percent
            )
            near += urges and true_bpm >= NEAR_MAX * highest
            in_interval = one.state.stage == "running" and one.state.phase.kind is PhaseKind.INTERVAL
            if in_interval and advice.speed_kmh is not None:
                steady = person.body.steady_bpm(advice.speed_kmh, advice.incline_percent or 0.0)
                rest = case.participant.resting_bpm
                crawls += steady - rest < CRAWLS_SHARE * (0.85 * highest - rest)
    if summary is None:
        raise RehearsalError("no end")
    complete = sum(1 for one in summary.intervals if one.completed)
    return (
        GroupScore(
            score=score(case, lived),
            urged_near_max=near,
            crawls=crawls,
            complete=complete,
            reminders=reminders,
            off=off,
        ),
        to_builtins(summary.response),
    )


def group_row(results: list[list[GroupScore]], session: int) -> dict[str, float]:
    """Return the measures of one session number over a group's people."""
    ones = [result[session] for result in results]
    zone = np.array([one.score.in_zone for one in ones])
    return {
        "mean": float(zone.mean()),
        "p10": float(np.quantile(zone, 0.1)),
        "above p90": float(np.quantile([one.score.above_s for one in ones], 0.9)),
        "zone min": float(np.median([one.score.zone_min for one in ones])),
        "recovery": float(np.mean([one.score.recovery for one in ones])),
        "advices": float(np.mean([n for one in ones for n in one.score.advices])),
        "near": float(sum(one.urged_near_max for one in ones)),
        "crawls": float(sum(one.crawls for one in ones)),
        "complete": float(np.mean([one.complete == 4 for one in ones])),
        "reminders": float(np.mean([one.reminders for one in ones])),
        "noise": float(zone.std() / np.sqrt(len(zone))),
    }
