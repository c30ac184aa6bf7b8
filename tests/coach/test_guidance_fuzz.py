"""The guidance that learns under anything: the short form of `make campaign-guidance`, and the kinds that it found."""

from math import isfinite
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from benchmarks.campaign_guidance import Outcome, carried
from coach.errors import PlanError
from coach.guidance.advice_policy import Setting, SpeedRange
from coach.guidance.carried_response import read_response
from coach.guidance.heart_model import HIGHEST_STATE, LOWEST_STATE
from coach.guidance.learned import LearnedGuidance, learned_guidance
from coach.guidance.priors import plan_hr_max_bpm
from coach.model.events import AdviceGiven, PhaseStarted
from coach.model.messages import TreadmillSpeed as Belt
from coach.model.plan import HIGHEST_HR_MAX_BPM, LOWEST_HR_MAX_BPM, Load, Plan
from coach.model.protocol import Phase, PhaseKind, Protocol, Zone
from tests.support.led_session import PLAN, TWO_INTERVALS, LedSession


def test_random_sessions_bring_no_exception_no_endless_number_and_no_speed_under_the_floor() -> None:
    outcome = Outcome()
    for seed in range(30):
        carried(seed, 250, outcome)
    assert outcome.failures == []
    assert outcome.sessions >= 25
    assert outcome.advice > 100


def led(plan: Plan, protocol: Protocol = TWO_INTERVALS) -> LedSession:
    """A session by the guidance that learns, in which nothing may go wrong with it."""
    return LedSession(plan, protocol, guidance=learned_guidance)


def whole(session: LedSession) -> None:
    """The guidance is still in action, and all that it asked for can be done."""
    assert "guidance_off" not in session.state.notice_codes
    for event in session.events:
        if isinstance(event, AdviceGiven) and event.advice.speed_kmh is not None:
            assert isfinite(event.advice.speed_kmh)
            assert session.state.plan.floor_kmh <= event.advice.speed_kmh <= session.state.plan.max_speed_kmh


@pytest.mark.parametrize(
    "plan",
    [
        replace(PLAN, start=None, max_speed_kmh=2.0),
        replace(PLAN, start=Load(0.6, 0.0), max_speed_kmh=0.6),
        replace(PLAN, start=None, speed_step_kmh=1.0, max_speed_kmh=2.0),
        replace(PLAN, start=None, slowest_kmh=6.0, max_speed_kmh=6.4, speed_step_kmh=0.7),
    ],
)
def test_a_treadmill_with_one_setting_leaves_no_candidate_and_no_advice_to_change_it(plan: Plan) -> None:
    """The fault of a belt that stood: beside the setting now no candidate was left, and the best of none was asked."""
    session = led(plan).live_until(60).live_until(420, 120)
    whole(session)
    assert session.state.phase.kind is PhaseKind.RECOVERY


def test_a_belt_that_stands_in_an_interval_brings_no_exception() -> None:
    session = led(replace(PLAN, start=None)).live_until(60).send(Belt(60, 0.0, 0.0))
    session.live_until(300, 95).send(Belt(300, 0.1, 0.0)).live_until(480, 90)
    session.send(Belt(480, 30.0, 40.0)).live_until(560, 180).send(Belt(560, 0.0, -10.0)).live_until(860, 70)
    whole(session)


@pytest.mark.parametrize("length_s", [1, 2, 19, 20, 21])
def test_phases_of_a_second_are_led_like_others(length_s: int) -> None:
    kinds = [PhaseKind.WARM_UP, PhaseKind.INTERVAL, PhaseKind.RECOVERY, PhaseKind.INTERVAL, PhaseKind.STEADY]
    zone = Zone(0.6, 0.9)
    phases = tuple(
        Phase(kind, length_s, zone, interval=place if kind is PhaseKind.INTERVAL else 0)
        for place, kind in enumerate((*kinds, PhaseKind.MOTOR, PhaseKind.COOL_DOWN))
    )
    session = led(PLAN, Protocol("short", {"nb": "Kort", "en": "Short"}, phases)).live(8 * length_s, 130)
    whole(session)
    assert next(event.kind for event in session.events if isinstance(event, PhaseStarted)) is PhaseKind.WARM_UP


@pytest.mark.parametrize("age", [-5, 0, 120, 400])
def test_a_formula_never_leaves_what_a_heart_can_do(age: int) -> None:
    plan = replace(PLAN, hr_max_bpm=None, mode="exertion", age=age)
    assert LOWEST_HR_MAX_BPM <= plan_hr_max_bpm(plan) <= HIGHEST_HR_MAX_BPM
    whole(led(plan).live_until(420, 150))


def test_no_reading_drives_the_belief_beyond_its_bounds() -> None:
    session = led(PLAN)
    assert isinstance(session.state.guidance, LearnedGuidance)
    bank = session.state.guidance.bank
    for bpm in (1e6, -1e6, 1e6):
        bank, surprise = bank.update(bpm)
        assert isfinite(surprise)
    assert np.isfinite(bank.weight).all()
    assert (bank.mean >= LOWEST_STATE).all()
    assert (bank.mean <= HIGHEST_STATE).all()


@pytest.mark.parametrize("place", ["log_weight", "mean", "cov"])
def test_a_carried_response_with_an_endless_number_is_refused(place: str) -> None:
    session = led(PLAN).live_until(60)
    response: dict[str, Any] = session.state.guidance.response
    kind = response["kinds"][0]
    kind[place] = {"log_weight": float("inf"), "mean": [float("inf")] * 5, "cov": [[float("inf")] * 5] * 5}[place]
    with pytest.raises(PlanError):
        read_response(response)


def test_the_candidates_around_a_setting_are_never_none() -> None:
    for step_kmh in (0.05, 0.1, 0.37, 1.0):
        for fastest_kmh in (0.5, 2.0, 2.05, 20.0):
            slowest_kmh = min(2.0, fastest_kmh)
            treadmill = SpeedRange(step_kmh, fastest_kmh, slowest_kmh, most_demand=0.0)
            for speed_kmh in (0.0, 0.3, 2.0, 25.0):
                around = treadmill.around(Setting(speed_kmh, 5.0))
                assert around
                assert all(slowest_kmh <= one.speed_kmh <= fastest_kmh for one in around)
