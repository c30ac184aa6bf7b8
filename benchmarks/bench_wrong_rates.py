"""Urging on a rate that reads low, and doubts of a rate that is right, in groups of simulated people.

    python -m benchmarks.bench_wrong_rates [--people N] [--held-out] [--group NAME] [--wrong KIND]

The seeds are those of no test. `--held-out` takes the half that is kept for the last judgement: numbers of the guards
are never chosen by it. Counted is an advice that asks for more effort while the rate that was sent last lies 10 bpm or
more under the true rate. Some of it no rate brings about: a phase's setting, said once more to a person who has not
taken it, or an interval at the plan's load. So two parts of it are counted apart: loads above the plan's and the last
session's, and loads a tenth above any that the same session asks for with a sound strap. A doubt of a sound strap is
false; what it withholds is found by a second run without doubts.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from statistics import median
from typing import Literal

import numpy as np
from msgspec import Struct, to_builtins
from msgspec.structs import replace

from coach.guidance.carried_response import read_response
from coach.guidance.interface import GuidanceMaker, asks_for_more_effort
from coach.guidance.learned import LearnedGuidance, learned_guidance
from coach.guidance.treadmill_load import demand
from coach.model.events import AdviceGiven, AnyEvent
from coach.model.messages import AnyMessage, HeartRate
from coach.model.plan import Plan
from coach.model.snapshot import Snapshot
from firmware.simulation.faults import AnyFault, DryStart, Halved
from firmware.simulation.heart import Kind, Population, draw_day, plan_for
from firmware.simulation.person import draw_habits
from firmware.simulation.session import SimulatedSecond, seconds
from tests.support.guidance.people import Behaviour, BenchPerson
from tests.support.guidance.trial import PROTOCOL

Wrong = Literal["dry", "a little dry", "drying", "half", "cadence"]
WRONG: tuple[Wrong, ...] = ("dry", "a little dry", "drying", "half", "cadence")
Error = Callable[[float, float, float], float]
"""The rate that is sent, of time in s, true rate in bpm and the belt's speed in km/h."""
FIRST_SEED, FIRST_HELD_OUT_SEED = 50_000, 60_000
LOW_BPM = 10.0
NOTICED_AFTER_S = 3.0
UNFIT_VO2MAX = 25.0
MORE_THAN_SOUND = 1.1
ROUNDING = 1.03
"""A speed is asked for in the panel's steps."""
MOST_WRONG_PER_1000, MOST_FALSE_PER_100 = 0, 2


class GroupOfPeople(Struct, frozen=True, kw_only=True):
    """Who trains: kind of heart, whether the belt is read, how advice is followed, and a first or second session."""

    kind: Kind = "ordinary"
    unfit: bool = False
    read: bool = True
    behaviour: Behaviour = Behaviour()
    again: bool = False


GROUPS: dict[str, GroupOfPeople] = {
    "ordinary": GroupOfPeople(),
    "ordinary, 2nd session": GroupOfPeople(again=True),
    "unfit": GroupOfPeople(unfit=True),
    "beta-blocked": GroupOfPeople(kind="beta_blocked"),
    "chronotropic": GroupOfPeople(kind="chronotropic"),
    "not read": GroupOfPeople(read=False),
    "not read, 2nd session": GroupOfPeople(read=False, again=True),
    "not read, half followed": GroupOfPeople(read=False, behaviour=Behaviour(share=0.5)),
}


class Fault(Struct, frozen=True):
    """What is wrong with a strap between two times: a fault of the simulation, or an error of its own."""

    start_s: float
    end_s: float
    faults: tuple[AnyFault, ...] = ()
    error: Error | None = None


class WrongStrap:
    """A person whose strap sends another rate, without beats, while the fault lasts."""

    def __init__(self, person: BenchPerson, fault: Fault) -> None:
        """Put the fault on this person's strap."""
        self._person, self._fault = person, fault

    @property
    def rate_bpm(self) -> float:
        """The true rate."""
        return self._person.rate_bpm

    def second(self, t: float, seen: Snapshot | None, events: tuple[AnyEvent, ...]) -> list[AnyMessage]:
        """Do what the person does, with the rate that the strap sends."""
        said = self._person.second(t, seen, events)
        error = self._fault.error
        if error is None or not self._fault.start_s <= t < self._fault.end_s:
            return said
        sent_bpm = float(round(error(t, self._person.rate_bpm, self._person.speed_kmh)))
        return [replace(one, bpm=sent_bpm, rr_ms=()) if isinstance(one, HeartRate) else one for one in said]


class Trusting(LearnedGuidance, frozen=True, kw_only=True):
    """The guidance without its doubts."""

    @property
    def doubt(self) -> None:
        """Nothing is doubted."""


def trusting(plan: Plan) -> Trusting:
    """Make a guidance without doubts."""
    made = learned_guidance(plan)
    return Trusting(**{name: getattr(made, name) for name in made.__struct_fields__})


def steps_per_minute(speed_kmh: float) -> float:
    """Return a person's steps a minute: 100 at 4.3 km/h, 14 more for each km/h of walking, 150 and more running."""
    return 100 + 14 * (speed_kmh - 4.3) if speed_kmh < 7 else 150 + 3 * (speed_kmh - 7)


def draw_wrong(wrong: Wrong, rng: np.random.Generator) -> Fault:
    """Draw how and when a strap reads low."""
    if wrong in ("dry", "a little dry"):
        length_s = float(rng.uniform(300, 900))
        off_bpm = -float(rng.uniform(10, 50 if wrong == "dry" else 20))
        return Fault(0.0, length_s, faults=(DryStart(start_s=0.0, length_s=length_s, bpm=off_bpm),))
    start_s, length_s = float(rng.integers(60, 1100)), float(rng.integers(60, 300))
    if wrong == "half":
        return Fault(start_s, start_s + length_s, faults=(Halved(start_s=start_s, length_s=length_s),))
    ramp_s = float(rng.uniform(5, 60))

    def share(t: float) -> float:
        return min((t - start_s) / ramp_s, (start_s + length_s - t) / ramp_s, 1.0)

    if wrong == "drying":
        off_bpm = float(rng.uniform(10, 35))
        return Fault(start_s, start_s + length_s, error=lambda t, bpm, _: bpm - share(t) * off_bpm)
    return Fault(
        start_s,
        start_s + length_s,
        error=lambda t, bpm, speed_kmh: bpm + share(t) * (steps_per_minute(speed_kmh) - bpm),
    )


class WrongRateRun(Struct, frozen=True, kw_only=True):
    """One session: when an advice urged on a low rate, when one urged at all, and which seconds were doubted.

    `wrong`: second, number of the phase and demand asked for; `asked`: number of the phase and demand of every advice.
    """

    wrong: tuple[tuple[int, int, float], ...] = ()
    urged: tuple[int, ...] = ()
    asked: tuple[tuple[int, float], ...] = ()
    doubted: tuple[int, ...] = ()
    low_s: int = 0
    known: float = 0.0
    response: object = None


def run(
    name: str, seed: int, wrong: Wrong | None, maker: GuidanceMaker = learned_guidance, *, day: int = 0
) -> WrongRateRun:
    """Play one session of a person of this group. `wrong`: what the strap does; None: it reads right."""
    group = GROUPS[name]
    rng = np.random.default_rng((seed, 211))
    population = Population(group="schizophrenia" if seed % 2 else "addiction")
    participant = population.draw(rng, group.kind)
    while group.unfit and participant.vo2max > UNFIT_VO2MAX:
        participant = population.draw(rng, group.kind)
    habits, days = draw_habits(rng), (draw_day(rng), draw_day(rng))
    plan = replace(plan_for(participant, rng), speed_step_kmh=0.2)
    later = group.again and day == 0
    if later:
        plan = replace(plan, response=run(name, seed, None, day=-1).response)
    person = BenchPerson(
        participant,
        days[later],
        np.random.default_rng((seed, 223)),
        family="first_order" if seed // 2 % 2 else "two_component",
        behaviour=group.behaviour,
        habits=habits,
        reports_speed=group.read,
    )
    return _session(plan, person, seed, wrong, maker)


def _session(plan: Plan, person: BenchPerson, seed: int, wrong: Wrong | None, maker: GuidanceMaker) -> WrongRateRun:
    rng = np.random.default_rng((seed, 227, 0 if wrong is None else WRONG.index(wrong)))
    fault = Fault(0.0, 0.0) if wrong is None else draw_wrong(wrong, rng)
    urged: list[int] = []
    doubted: list[int] = []
    urged_low: list[tuple[int, int, float]] = []
    asked: list[tuple[int, float]] = []
    low_s = 0
    response: object = None
    loads = (plan.start, None if plan.response is None else read_response(plan.response).work)
    known = max(demand(load.speed_kmh, load.incline_percent) for load in loads if load is not None)
    trainee = person if wrong is None else WrongStrap(person, fault)
    for one in seconds(plan, PROTOCOL, trainee, faults=fault.faults, rng=rng, guidance=maker):
        if wrong is not None and one.t > fault.end_s:
            break
        if one.state.summary is not None:
            response = to_builtins(one.state.summary.response)
        if one.state.stage == "running" and one.state.guidance.doubt is not None:
            doubted.append(int(one.t))
        low = wrong is not None and one.t >= fault.start_s + NOTICED_AFTER_S and _reads_low(one)
        low_s += low
        phase = len(one.state.ran)
        asked += [(phase, of) for of in _demands(one)]
        for of in _urgings(one):
            urged.append(int(one.t))
            if low:
                urged_low.append((int(one.t), phase, of))
    return WrongRateRun(
        wrong=tuple(urged_low),
        urged=tuple(urged),
        asked=tuple(asked),
        doubted=tuple(doubted),
        low_s=low_s,
        known=known,
        response=response,
    )


def above_known(one: WrongRateRun) -> int:
    """Count urgings on a low rate to more than the plan and the last session ask for: those that the rate brought."""
    return sum(of > ROUNDING * one.known for _, _, of in one.wrong)


def beyond(one: WrongRateRun, sound: WrongRateRun) -> int:
    """Count urgings to a tenth more than the same session asks for with a sound strap, up to that phase."""
    return sum(
        of > MORE_THAN_SOUND * max((load for its, load in sound.asked if its <= phase), default=0.0)
        for _, phase, of in one.wrong
    )


def _demands(one: SimulatedSecond) -> Iterator[float]:
    for event in one.events:
        if isinstance(event, AdviceGiven) and event.advice.speed_kmh is not None:
            yield demand(event.advice.speed_kmh, event.advice.incline_percent or 0.0)


def _reads_low(one: SimulatedSecond) -> bool:
    sent = one.state.source.bpm
    return sent is not None and one.true_bpm is not None and sent <= one.true_bpm - LOW_BPM


def _urgings(one: SimulatedSecond) -> Iterator[float]:
    """Yield the demand of each advice that asks for more effort."""
    state = one.state
    for event in one.events:
        if isinstance(event, AdviceGiven) and asks_for_more_effort(
            event.advice, state.speed_kmh, state.incline_percent
        ):
            yield demand(event.advice.speed_kmh or 0.0, event.advice.incline_percent or 0.0)


def main() -> int:
    """Print both figures of each group with their targets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=8, help="of each group, for each way of reading low")
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--group", choices=GROUPS, action="append")
    parser.add_argument("--wrong", choices=WRONG, action="append")
    asked = parser.parse_args()
    first = FIRST_HELD_OUT_SEED if asked.held_out else FIRST_SEED
    seeds = range(first, first + asked.people)
    missed = False
    for name in asked.group or GROUPS:
        missed |= _print_group(name, seeds, asked.wrong or WRONG)
    return 1 if missed else 0


def _print_group(name: str, seeds: range, ways: tuple[Wrong, ...]) -> bool:
    """Print the figures of a group; return whether a target was missed."""
    wrong_sessions = urged_sessions = urged = more = above = 0
    parts = []
    clean = [run(name, seed, None) for seed in seeds]
    for wrong in ways:
        runs = [run(name, seed, wrong) for seed in seeds]
        struck = [one for one in runs if one.low_s]
        more += sum(beyond(one, sound) for one, sound in zip(runs, clean, strict=True))
        above += sum(map(above_known, runs))
        wrong_sessions += len(struck)
        urged_sessions += sum(bool(one.wrong) for one in struck)
        here = sum(len(one.wrong) for one in struck)
        urged += here
        parts.append(f"{wrong} {here} in {len(struck)}")
    falsely = [one for one in clean if one.doubted]
    withheld = sum(
        len(run(name, seed, None, trusting).urged) > len(one.urged)
        for seed, one in zip(seeds, clean, strict=True)
        if one.doubted
    )
    per_1000, per_100 = 1000 * urged / max(wrong_sessions, 1), 100 * len(falsely) / len(clean)
    lasting_s = median(len(one.doubted) for one in falsely) if falsely else 0
    print(
        f"{name}: {urged} wrong urgings in {wrong_sessions} sessions = {per_1000:.0f} per 1,000 "
        f"(in {urged_sessions} sessions; target {MOST_WRONG_PER_1000}): {', '.join(parts)}\n"
        f"  of these {above} above the plan's and the last session's load, "
        f"{more} a tenth above any with a sound strap\n"
        f"  false doubts in {len(falsely)} of {len(clean)} sound sessions = {per_100:.1f} per 100 (target at most "
        f"{MOST_FALSE_PER_100}), median {lasting_s:.0f} s in all; in {withheld} of them an urging came less",
        flush=True,
    )
    return urged > MOST_WRONG_PER_1000 or per_100 > MOST_FALSE_PER_100


if __name__ == "__main__":
    sys.exit(main())
