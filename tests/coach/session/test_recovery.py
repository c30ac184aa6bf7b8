"""The active recovery: made longer on request, and work eased into it."""

import pytest

from coach.errors import MessageRefused
from coach.model.cue import CueName
from coach.model.events import RecoveryExtended, TreadmillChanged
from coach.model.messages import CommandName, Exertion, HeartRate, TreadmillSpeed
from tests.support.led_session import TWO_INTERVALS, LedSession, built_in


def recovering() -> LedSession:
    """320 s into the session, 20 s into the recovery."""
    return LedSession().live_until(60).live_until(300, 175).live_until(320, 140)


def test_it_is_made_thirty_seconds_longer() -> None:
    session = recovering().command(CommandName.EXTEND_RECOVERY)
    assert session.events[-1] == RecoveryExtended(320.0, 30)
    assert (session.seen.phase_length_s, session.seen.phase_remaining_s) == (210, 190.0)
    session.live_until(510, 120)
    assert session.phases()[-1] == (510.0, "interval")
    assert [t for t, _ in session.cued(CueName.COUNTDOWN)][-3:] == [507.0, 508.0, 509.0]


def test_it_grows_by_three_minutes_at_most() -> None:
    session = recovering().command(CommandName.EXTEND_RECOVERY, seconds=170)
    with pytest.raises(MessageRefused, match="10 s left"):
        session.command(CommandName.EXTEND_RECOVERY, seconds=11)
    assert session.command(CommandName.EXTEND_RECOVERY, seconds=10).seen.phase_length_s == 360


@pytest.mark.parametrize("seconds", [0, -5])
def test_it_never_becomes_shorter(seconds: int) -> None:
    with pytest.raises(MessageRefused, match="cannot extend"):
        recovering().command(CommandName.EXTEND_RECOVERY, seconds=seconds)


def test_only_a_recovery_can_be_extended() -> None:
    with pytest.raises(MessageRefused, match="only a running recovery"):
        LedSession().live_until(100).command(CommandName.EXTEND_RECOVERY)


def test_the_next_recovery_may_be_extended_anew() -> None:
    session = LedSession(protocol=built_in("4x4")).live_until(600).live_until(840, 175).live_until(850, 140)
    session.command(CommandName.EXTEND_RECOVERY, seconds=180).live_until(1200, 120).live_until(1440, 175)
    session.live_until(1450, 140)
    assert session.command(CommandName.EXTEND_RECOVERY, seconds=180).seen.phase_length_s == 360


def test_easing_turns_work_into_the_recovery_that_follows() -> None:
    session = LedSession().live_until(60).live_until(200, 170).command(CommandName.EASE, source="therapist")
    assert session.endings()[-1] == (200.0, "interval", "eased")
    assert (session.seen.phase, session.seen.phase_length_s) == ("recovery", 180)
    assert len(session.state.program) == len(TWO_INTERVALS.phases)


def test_only_work_can_be_eased() -> None:
    with pytest.raises(MessageRefused, match="only work"):
        recovering().command(CommandName.EASE)


def test_an_eased_interval_is_not_a_completed_one() -> None:
    session = LedSession().live_until(60).live_until(200, 170).command(CommandName.EASE).live_until(380, 130)
    session.live_until(620, 175).live_until(740)
    summary = session.seen.summary
    assert summary is not None
    assert (summary.completed, summary.completed_intervals, [one.completed for one in summary.intervals]) == (
        False,
        1,
        [False, True],
    )


@pytest.mark.parametrize(
    "message",
    [
        HeartRate(320, -1),
        HeartRate(320, 70000),
        HeartRate(320, float("nan")),
        TreadmillSpeed(320, -0.1),
        TreadmillSpeed(320, 31.0),
        TreadmillSpeed(320, 5.0, 41.0),
        TreadmillSpeed(320, float("nan")),
        Exertion(320, 5),
        Exertion(320, 21),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(message: HeartRate | TreadmillSpeed | Exertion) -> None:
    session = recovering()
    kept = session.state
    with pytest.raises(MessageRefused):
        session.send(message)
    assert session.state == kept


def test_exertion_needs_a_session() -> None:
    with pytest.raises(MessageRefused, match="has started"):
        LedSession(started=False).send(Exertion(0, 13))


def test_a_setting_that_is_told_again_is_no_news() -> None:
    session = recovering().send(TreadmillSpeed(320, 5.0, 2.0), TreadmillSpeed(321, 5.0, 2.0))
    assert [event.t for event in session.events if isinstance(event, TreadmillChanged)] == [320.0]
