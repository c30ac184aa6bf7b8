"""The warm-up: its length, and the shorter one of 5 minutes that a plan may allow."""

import pytest
from msgspec.structs import replace

from coach.errors import MessageRefused
from coach.model.messages import CommandName, HeartRate, SessionCommand, Time
from coach.session.engine import next_due_s, skip_refusal
from tests.support.led_session import PLAN, LedSession, built_in

ALLOWED = replace(PLAN, early_warm_up_end=True)


def warming(plan: object = ALLOWED, until_s: float = 300, bpm: float = 125) -> LedSession:
    return LedSession(plan, built_in("4x4")).live_until(until_s, bpm)  # type: ignore[arg-type]


def test_it_may_end_after_five_minutes_once_the_zone_is_reached() -> None:
    session = warming()
    assert session.seen.can_skip_warm_up
    session.command(CommandName.SKIP_WARM_UP)
    assert session.endings() == [(300.0, "warm_up", "skipped")]
    assert (session.seen.phase, session.seen.interval) == ("interval", 1)


@pytest.mark.parametrize(
    ("session", "about"),
    [
        (lambda: warming(PLAN), "plan does not allow"),
        (lambda: warming(until_s=299), "at least 5 min"),
        (lambda: warming(bpm=110), "has not reached"),
        (lambda: warming().silent_until(310), "has not reached"),
        (lambda: warming(until_s=600).live(10, 150), "only a running warm-up"),
        (lambda: LedSession(ALLOWED, started=False), "only a running warm-up"),
    ],
)
def test_otherwise_it_goes_on_and_the_refusal_says_why(session: object, about: str) -> None:
    led: LedSession = session()  # type: ignore[operator]
    kept = led.state
    assert not led.seen.can_skip_warm_up
    with pytest.raises(MessageRefused, match=about):
        led.command(CommandName.SKIP_WARM_UP)
    assert led.state == kept
    assert skip_refusal(kept) is not None


def test_without_hr_max_no_zone_can_be_reached() -> None:
    plan = replace(ALLOWED, mode="exertion", hr_max_bpm=None)
    assert skip_refusal(warming(plan).state) == "the rate has not reached the warm-up's zone"


def test_time_never_runs_backwards() -> None:
    session = warming()
    for t in (299.9, float("nan"), float("inf")):
        with pytest.raises(MessageRefused, match="never fall") as refused:
            session.send(Time(t))
        assert refused.value.code == "time_backwards"
    assert session.send(Time(300)).t == 300


def test_what_falls_due_next_is_known() -> None:
    session = LedSession(started=False)
    assert next_due_s(session.state) is None
    session.send(HeartRate(0.25, 120))
    assert next_due_s(session.state) == 5.25
    session.send(SessionCommand(0.5, CommandName.START))
    assert next_due_s(session.state) == 1.5
    assert next_due_s(session.silent_until(5.0).state) == 5.25
