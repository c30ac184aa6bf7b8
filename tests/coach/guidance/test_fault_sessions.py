"""H3: whole sessions under straps that lie smoothly: no check of the signal sees it, only the belief doubts them.

Each session is lived twice: once as it is, and once with a guidance whose doubts are thrown away. The second one shows
that the doubt, and nothing else, is what withholds the urging.
"""

from collections.abc import Callable
from math import log
from typing import NamedTuple

import numpy as np
import pytest
from msgspec.structs import replace

from coach.guidance.belief import BeliefState
from coach.guidance.interface import GuidanceMaker, asks_for_more_effort
from coach.guidance.learned import LearnedGuidance, learned_guidance
from coach.guidance.treadmill_load import demand
from coach.model.events import AdviceGiven, AnyEvent
from coach.model.messages import AnyMessage, HeartRate
from coach.model.plan import Plan
from coach.model.protocol import PhaseKind
from coach.model.snapshot import Snapshot
from coach.session.restraints import no_urging_because
from firmware.simulation.faults import DRY_FADES_FROM, DryStart
from firmware.simulation.person import SimulatedPerson
from firmware.simulation.session import seconds
from tests.support.guidance.trial import PROTOCOL, draw_case

Error = Callable[[float], float]


class Trusting(LearnedGuidance, frozen=True, kw_only=True):
    """The guidance without its doubts."""

    @property
    def doubt(self) -> None:
        """Nothing is doubted."""


def trusting(plan: Plan) -> Trusting:
    made = learned_guidance(plan)
    return Trusting(**{name: getattr(made, name) for name in made.__struct_fields__})


class Believing(LearnedGuidance, frozen=True, kw_only=True):
    """The guidance that takes a rate for proven from the first second on, and doubts nothing."""

    @property
    def proven(self) -> bool:
        """Whatever it is."""
        return True

    @property
    def doubt(self) -> None:
        """Nothing is doubted."""


def believing(plan: Plan) -> Believing:
    made = learned_guidance(plan)
    return Believing(**{name: getattr(made, name) for name in made.__struct_fields__})


class Wrong:
    """A person whose strap reads wrong by so many beats at each time."""

    def __init__(self, person: SimulatedPerson, error_bpm: Error) -> None:
        """Put the error on this person's strap."""
        self._person, self._error_bpm = person, error_bpm

    @property
    def rate_bpm(self) -> float:
        """The true rate."""
        return self._person.rate_bpm

    def second(self, t: float, seen: Snapshot | None, events: tuple[AnyEvent, ...]) -> list[AnyMessage]:
        """Do what the person does, with another rate and without beats."""
        said = self._person.second(t, seen, events)
        return [
            replace(one, bpm=round(one.bpm + self._error_bpm(t)), rr_ms=()) if isinstance(one, HeartRate) else one
            for one in said
        ]


class Lived(NamedTuple):
    """Seconds at which the rate was doubted, at which an advice urged, and the causes that were given then."""

    doubted: list[int]
    urged: list[int]
    causes: set[str]


def live(
    seed: int,
    until_s: int,
    *,
    dry: DryStart | None = None,
    error_bpm: Error | None = None,
    guidance: GuidanceMaker = learned_guidance,
) -> Lived:
    """Live the first part of somebody's first session."""
    case = draw_case(seed, "ordinary")
    heart = np.random.default_rng((seed, 5))
    person = SimulatedPerson(case.participant, case.days[0], heart, model=case.model, habits=case.habits)
    trainee = person if error_bpm is None else Wrong(person, error_bpm)
    lived = Lived([], [], set())
    faults, rng = () if dry is None else (dry,), np.random.default_rng((seed, 77))
    plan = replace(case.plan, speed_step_kmh=0.2)
    for one in seconds(plan, PROTOCOL, trainee, faults=faults, rng=rng, guidance=guidance):
        if one.t > until_s:
            break
        state = one.state
        assert isinstance(state.guidance, BeliefState)
        if BeliefState.doubt.fget(state.guidance) is not None:  # type: ignore[attr-defined]
            lived.doubted.append(int(one.t))
            lived.causes.update(no_urging_because(state))
        for event in one.events:
            if isinstance(event, AdviceGiven) and asks_for_more_effort(
                event.advice, state.speed_kmh, state.incline_percent
            ):
                lived.urged.append(int(one.t))
    return lived


def asked_demands(
    seed: int, until_s: int, fault: DryStart, guidance: GuidanceMaker
) -> tuple[dict[PhaseKind, list[float]], float]:
    """The demands asked for in each kind of phase, in order, and the plan's own."""
    case = draw_case(seed, "ordinary")
    heart = np.random.default_rng((seed, 5))
    person = SimulatedPerson(case.participant, case.days[0], heart, model=case.model, habits=case.habits)
    plan = replace(case.plan, speed_step_kmh=0.2)
    assert plan.start is not None
    asked: dict[PhaseKind, list[float]] = {PhaseKind.WARM_UP: [], PhaseKind.INTERVAL: []}
    rng = np.random.default_rng((seed, 77))
    for one in seconds(plan, PROTOCOL, person, faults=(fault,), rng=rng, guidance=guidance):
        if one.t > until_s:
            break
        for event in one.events:
            if isinstance(event, AdviceGiven) and event.advice.speed_kmh is not None:
                of = demand(event.advice.speed_kmh, event.advice.incline_percent or 0.0)
                asked[one.state.phase.kind].append(of)
    return asked, demand(plan.start.speed_kmh, plan.start.incline_percent)


def dry(bpm: float, length_s: float) -> DryStart:
    """A strap that is dry from the first second on, and becomes wet from three fifths of this time on."""
    return DryStart(start_s=0.0, length_s=length_s, bpm=bpm)


@pytest.mark.parametrize(
    ("seed", "fault", "until_s", "doubted_from_s", "doubted_until_s"),
    [
        (24, dry(-45.0, 1000.0), 640, 134, 620),
        (27, dry(-45.0, 1000.0), 640, 34, 610),
        (27, dry(-50.0, 1000.0), 640, 9, 625),
        (24, dry(35.0, 650.0), 610, 384, 610),
        (31, dry(45.0, 650.0), 610, 389, 610),
    ],
    ids=["45 low", "45 low, other", "50 low", "35 high", "45 high"],
)
def test_a_dry_strap_is_doubted_and_nobody_is_urged_by_it(
    seed: int, fault: DryStart, until_s: int, doubted_from_s: int, doubted_until_s: int
) -> None:
    lived = live(seed, until_s, dry=fault)
    assert set(range(doubted_from_s, doubted_until_s)) <= set(lived.doubted)
    assert "model_disagrees" in lived.causes
    assert set(lived.urged) & set(lived.doubted) == set()
    trusted = live(seed, until_s, dry=fault, guidance=trusting)
    assert set(trusted.urged) & set(range(doubted_from_s, doubted_until_s))
    assert "model_disagrees" not in trusted.causes


@pytest.mark.parametrize(("seed", "from_s", "bpm"), [(24, 690, -25.0), (29, 690, -25.0), (29, 700, -30.0)])
def test_a_rate_that_slides_away_in_an_interval_is_doubted_and_nobody_is_urged_by_it(
    seed: int, from_s: int, bpm: float
) -> None:
    """Within ten seconds, slower than any check of the signal forbids."""

    def slides(t: float) -> float:
        return bpm * min(max(t - from_s, 0.0) / 10, 1.0)

    lived = live(seed, 800, error_bpm=slides)
    window = range(from_s + 12, 801)
    assert set(window) <= set(lived.doubted)
    assert "model_disagrees" in lived.causes
    assert set(lived.urged) & set(window) == set()
    assert set(live(seed, 800, error_bpm=slides, guidance=trusting).urged) & set(window)


@pytest.mark.parametrize("seed", [22, 24, 27, 29, 1006, 1012])
@pytest.mark.parametrize("bpm", [-12.0, -20.0, -35.0])
def test_a_dry_strap_that_none_can_tell_from_a_sound_one_asks_for_no_more_than_the_plan(seed: int, bpm: float) -> None:
    """A strap 12 bpm too low is like a slower heart: until it is proven, the plan alone raises a load."""
    fault = dry(bpm, 700.0)
    asked, plan = asked_demands(seed, 690, fault, learned_guidance)
    assert max(asked[PhaseKind.INTERVAL], default=0.0) <= plan * 1.03
    assert max(asked[PhaseKind.WARM_UP]) == asked[PhaseKind.WARM_UP][0]


def test_without_that_a_dry_strap_asks_for_more_than_the_plan() -> None:
    asked, plan = asked_demands(24, 690, dry(-35.0, 700.0), believing)
    assert max(asked[PhaseKind.INTERVAL]) > 1.1 * plan


def test_a_sound_strap_is_not_doubted() -> None:
    lived = live(1, 640)
    assert lived == Lived([], [0, 600], set())


def test_twenty_sound_straps_are_doubted_in_no_session() -> None:
    """Seeds that chose no number of the guards; until the first interval's end, where all of them are at work."""
    assert {seed: lived.doubted for seed in range(7000, 7020) if (lived := live(seed, 850)).doubted} == {}


@pytest.mark.parametrize(
    ("seed", "fault"),
    [
        (1000, dry(-36.1, 875.0)),
        (1006, dry(-35.0, 857.0)),
        (1012, dry(-48.0, 816.0)),
        (1027, dry(-49.0, 784.0)),
        (1062, dry(-50.0, 868.0)),
    ],
)
def test_no_interval_is_urged_on_while_a_strap_becomes_wet(seed: int, fault: DryStart) -> None:
    """The rate nears what a heart could have; that it rises at a kept load gives the strap away."""
    reads_low_until_s = int((DRY_FADES_FROM + log(-fault.bpm / 10) / 6) * fault.length_s)
    assert set(live(seed, reads_low_until_s, dry=fault).urged) & set(range(480, 900)) == set()
