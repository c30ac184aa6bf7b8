"""No speed under the plan's slowest walking speed is asked for, except standing still."""

import pytest
from msgspec.structs import replace

from coach.errors import PlanError
from coach.guidance.rules import rule_guidance
from coach.model.events import Advice, Direction
from coach.model.messages import TreadmillSpeed
from coach.model.plan import Load, Plan
from coach.session.limits import within_plan
from coach.session.state import begin
from tests.support.led_session import PLAN, TWO_INTERVALS, LedSession, Says

SLOWER = Advice(Direction.SLOWER, -1.0, 1.2, 5.0, "above_zone")


@pytest.mark.parametrize(
    ("advice", "now_kmh", "asked"),
    [
        (SLOWER, None, Advice(Direction.SLOWER, None, 2.0, 5.0, "above_zone")),
        (SLOWER, 2.6, Advice(Direction.SLOWER, -0.6, 2.0, 5.0, "above_zone")),
        (SLOWER, 2.0, Advice(Direction.HOLD, None, None, 5.0, "above_zone")),
        (SLOWER, 1.4, Advice(Direction.HOLD, None, None, 5.0, "above_zone")),
        (
            Advice(Direction.FASTER, 0.4, 1.4, 0.0, "below_zone"),
            1.0,
            Advice(Direction.FASTER, 1.0, 2.0, 0.0, "below_zone"),
        ),
        (Advice(Direction.SLOWER, -3.0, 0.0, 0.0, "x"), 3.0, Advice(Direction.SLOWER, -3.0, 0.0, 0.0, "x")),
        (Advice(Direction.SLOWER, -3.0, 2.0, 0.0, "x"), 5.0, Advice(Direction.SLOWER, -3.0, 2.0, 0.0, "x")),
        (Advice(Direction.HOLD), 5.0, Advice(Direction.HOLD)),
    ],
)
def test_an_advice_is_lifted_to_the_floor_and_never_urges_by_that(
    advice: Advice, now_kmh: float | None, asked: Advice
) -> None:
    assert within_plan(advice, PLAN, now_kmh) == asked


def test_whatever_the_guidance_asks_the_session_asks_for_the_slowest_speed_at_least() -> None:
    session = LedSession(guidance=lambda _: Says(SLOWER)).send(TreadmillSpeed(0, 5.0, 5.0)).live_until(200, 150)
    asked = {session.state.advice.speed_kmh}
    assert asked == {2.0}


def test_slower_at_the_ceiling_ends_at_the_slowest_speed_and_then_at_standing_still() -> None:
    session = LedSession(guidance=lambda _: Says()).send(TreadmillSpeed(0, 2.6, 5.0)).live_until(70, 130)
    session.live_until(88, 205)
    assert (session.seen.advice.reason, session.seen.advice.speed_kmh) == ("over_ceiling", 2.0)
    session.send(TreadmillSpeed(88, 2.0, 5.0)).live_until(110, 205)
    assert (session.seen.advice.speed_kmh, session.seen.advice.speed_change_kmh) == (0.0, -2.0)


def test_the_rules_ask_for_the_slowest_speed_at_least() -> None:
    plan = replace(PLAN, start=Load(3.0, 0.0), slowest_kmh=2.4)
    session = LedSession(plan, guidance=rule_guidance).live_until(60).live_until(470, 175)
    asked = [event.advice.speed_kmh for event in session.events if hasattr(event, "advice")]
    assert min(speed for speed in asked if speed) == 2.4


@pytest.mark.parametrize(
    ("plan", "floor_kmh"),
    [
        (PLAN, 2.0),
        (replace(PLAN, slowest_kmh=3.0), 3.0),
        (replace(PLAN, start=Load(1.2, 0.0)), 1.2),
        (replace(PLAN, start=None, max_speed_kmh=1.0), 1.0),
    ],
)
def test_a_start_or_a_highest_speed_below_it_lowers_the_floor(plan: Plan, floor_kmh: float) -> None:
    assert plan.floor_kmh == floor_kmh


@pytest.mark.parametrize("slowest_kmh", [0.0, -1.0, 0.4, 6.1, float("nan")])
def test_a_slowest_speed_that_nobody_walks_begins_no_session(slowest_kmh: float) -> None:
    with pytest.raises(PlanError, match="slowest_kmh"):
        begin(replace(PLAN, slowest_kmh=slowest_kmh), TWO_INTERVALS, rule_guidance)


@pytest.mark.parametrize("hours", [0.0, -1.0, 1000.0, float("nan")])
def test_a_time_for_which_a_yes_closes_training_is_hours_and_not_for_ever(hours: float) -> None:
    with pytest.raises(PlanError, match="closed_after_yes_h"):
        begin(replace(PLAN, closed_after_yes_h=hours), TWO_INTERVALS, rule_guidance)


@pytest.mark.parametrize(("now_kmh", "change_kmh"), [(None, None), (18.0, 2.0), (20.0, 0.0)])
def test_no_guidance_asks_for_more_than_the_plans_highest_speed(
    now_kmh: float | None, change_kmh: float | None
) -> None:
    asked = within_plan(Advice(Direction.FASTER, 80.0, 98.0, 5.0, "below_zone"), PLAN, now_kmh)
    assert asked == Advice(Direction.FASTER, change_kmh, PLAN.max_speed_kmh, 5.0, "below_zone")
