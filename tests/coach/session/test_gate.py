"""The gate: whatever the guidance says, nothing urges without a fresh, plausible rate, a known ceiling and no limit."""

from typing import Any

import pytest
from msgspec.structs import replace

from coach.guidance.interface import asks_for_more_effort
from coach.model.cue import CueName
from coach.model.events import Advice, AdviceGiven, Direction
from coach.model.messages import AllRightAnswer, HeartRate, SourceLost, Time, TreadmillSpeed
from coach.model.plan import Plan
from coach.session.limits import advice_now
from tests.support.led_session import PLAN, LedSession, Says

FASTER = Advice(Direction.FASTER, 0.4, 6.4, 5.0, "below_zone")


def led(advice: Advice | None, plan: Plan = PLAN) -> LedSession:
    """A session of somebody who hears this advice every second, 100 s into the first interval, at 150 bpm."""
    session = LedSession(plan, guidance=lambda _: Says(advice), answers=False)
    return session.send(TreadmillSpeed(0, 6.0, 5.0)).live_until(60).live_until(160, 150)


def urgings_after(session: LedSession, t: float) -> list[float]:
    return [
        event.t
        for event in session.events
        if isinstance(event, AdviceGiven) and event.t > t and event.advice.direction is Direction.FASTER
    ]


def test_a_live_rate_below_the_ceiling_lets_it_through() -> None:
    session = led(FASTER)
    assert session.seen.advice == FASTER
    assert session.cued(CueName.FASTER)[-1] == (150.0, CueName.FASTER)


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ([HeartRate(161, 190)], "signal_implausible"),
        ([HeartRate(161, 151, contact=False)], "signal_weak"),
        ([SourceLost(161, "disconnected")], "signal_lost"),
        ([Time(163)], "signal_not_fresh"),
        ([HeartRate(t, 151) for t in range(161, 173)], "signal_flat"),
        ([HeartRate(161, 0)], "signal_lost"),
    ],
)
def test_each_doubt_of_the_rate_takes_the_urging_from_the_picture_and_the_voice(what: list[Any], reason: str) -> None:
    session = led(FASTER)
    t = session.t
    session.send(*what)
    assert reason in session.seen.limits[-1].reasons
    seen = session.state.source.usable_bpm is not None
    # Nothing is held by a rate that nobody sees.
    assert session.seen.advice == Advice(Direction.HOLD if seen else Direction.NONE, reason="no_urging")
    if reason != "signal_flat":
        assert urgings_after(session, t) == []


def test_an_odd_fall_takes_it_away_until_it_is_answered() -> None:
    session = led(FASTER).live_until(170, lambda t: 150 - 4 * (t - 160))
    assert session.seen.question == "odd_fall"
    assert session.seen.advice.direction is Direction.HOLD
    session.send(AllRightAnswer(170))
    assert session.seen.advice == FASTER


def test_a_ceiling_that_nobody_knows_takes_it_away() -> None:
    session = led(FASTER, replace(PLAN, mode="exertion", hr_max_bpm=None))
    assert urgings_after(session, 0) == []
    assert session.seen.advice.direction is Direction.HOLD


def test_slowing_down_needs_neither_rate_nor_ceiling() -> None:
    slower = Advice(Direction.SLOWER, -0.4, 5.6, 5.0, "above_zone")
    session = led(slower, replace(PLAN, mode="exertion", hr_max_bpm=None)).silent_until(250)
    assert session.seen.advice == slower
    assert session.cued(CueName.SLOWER)


@pytest.mark.parametrize(
    ("advice", "urging"),
    [
        (FASTER, True),
        (Advice(Direction.HOLD, 0.2), True),
        (Advice(Direction.HOLD, None, 6.5), True),
        (Advice(Direction.HOLD, None, None, 6.0), True),
        (Advice(Direction.HOLD, 0.0, 6.0, 5.0), False),
        (Advice(Direction.SLOWER, -0.5, 5.5, 5.0), False),
        (Advice(), False),
    ],
)
def test_more_speed_and_more_incline_urge_whatever_they_are_called(advice: Advice, urging: bool) -> None:  # noqa: FBT001
    assert asks_for_more_effort(advice, 6.0, 5.0) is urging


def test_a_phase_that_may_not_begin_with_urging_begins_without() -> None:
    setting = Advice(Direction.FASTER, 2.0, 8.0, 5.0, "phase_start")
    session = LedSession(guidance=lambda _: Says(setting)).send(SourceLost(1, "disconnected")).silent_until(30)
    assert session.state.advice == Advice(Direction.HOLD, reason="no_urging")
    assert session.seen.advice == Advice(Direction.NONE, reason="no_urging")


def test_guidance_that_says_nothing_is_heard_saying_nothing() -> None:
    session = led(None)
    assert session.advice() == []


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("resumed", Advice(reason="resumed")),
        ("eased", Advice(reason="eased")),
        ("below_zone", Advice(Direction.HOLD, reason="no_urging")),
    ],
)
def test_a_setting_to_go_back_to_loses_its_speed_where_that_would_urge(reason: str, shown: Advice) -> None:
    """Somebody who walks more slowly now would be urged by the speed from before; what it is for stays to be read."""
    session = led(None).send(HeartRate(161, 151, contact=False))
    faster = Advice(Direction.NONE, None, 6.4, 5.0, reason)
    assert advice_now(replace(session.state, advice=faster)) == shown
