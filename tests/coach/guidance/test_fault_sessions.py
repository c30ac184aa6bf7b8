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
from coach.model.events import AdviceGiven, AnyEvent
from coach.model.messages import AnyMessage, HeartRate
from coach.model.plan import Plan
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


def dry(bpm: float, length_s: float) -> DryStart:
    """A strap that is dry from the first second on, and becomes wet from three fifths of this time on."""
    return DryStart(start_s=0.0, length_s=length_s, bpm=bpm)


@pytest.mark.parametrize(
    ("seed", "fault", "until_s", "doubted_from_s", "doubted_until_s"),
    [
        (22, dry(-35.0, 500.0), 530, 5, 530),
        (29, dry(-35.0, 500.0), 380, 5, 380),
        (24, dry(-45.0, 1000.0), 640, 5, 640),
        (27, dry(-45.0, 1000.0), 640, 5, 640),
        (24, dry(35.0, 650.0), 610, 400, 610),
        (31, dry(35.0, 650.0), 610, 30, 610),
    ],
    ids=["35 low", "35 low, other", "45 low", "45 low, other", "35 high", "35 high, other"],
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


def test_a_sound_strap_is_not_doubted_and_the_person_is_led_up_step_by_step() -> None:
    lived = live(1, 640)
    assert lived == Lived([], [0, 420, 600], set())


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
