"""A pause: the session's clock stands still, nothing is said, and a pause that lasts too long ends the session."""

import pytest
from msgspec.structs import replace

from coach.errors import MessageRefused
from coach.model.cue import CueName
from coach.model.events import Advice, Direction, PhaseEnded, SessionEnded, SessionPaused, SessionResumed, SignalChanged
from coach.model.messages import CommandName, HeartRate, Restored, SessionCommand, Time, TreadmillSpeed
from coach.session.engine import next_due_s
from tests.support.led_session import PLAN, LedSession, Says


def paused() -> LedSession:
    """Paused 100.4 s into the session, 40.4 s into the first interval."""
    session = LedSession().live_until(60).live_until(100, 160)
    return session.send(SessionCommand(100.4, CommandName.PAUSE))


def test_time_in_a_pause_is_no_training_time() -> None:
    session = paused().live(0).send(Time(160.4), SessionCommand(160.4, CommandName.RESUME))
    assert [event for event in session.events if isinstance(event, SessionPaused | SessionResumed)] == [
        SessionPaused(100.4, "asked"),
        SessionResumed(160.4, 60.0),
    ]
    assert session.seen.phase_elapsed_s == pytest.approx(40.4)
    assert session.seen.session_elapsed_s == pytest.approx(100.4)
    session.send(HeartRate(160.5, 150), HeartRate(161, 150))
    assert session.seen.phase_remaining_s == pytest.approx(199.0)


def test_the_second_under_way_goes_on() -> None:
    """The interval's 240 s end exactly 60 s later than without the pause."""
    session = paused().send(SessionCommand(160.4, CommandName.RESUME), HeartRate(160.5, 155)).live(210, 160)
    ended = [event for event in session.events if isinstance(event, PhaseEnded) and event.interval]
    assert [(event.t, event.elapsed_s, event.reason) for event in ended] == [(360.0, 240.0, "done")]


def test_the_picture_stands_still_in_a_pause() -> None:
    session = paused()
    before = session.seen
    after = session.send(HeartRate(130, 150)).seen
    assert (after.stage, after.phase, after.phase_elapsed_s, after.session_elapsed_s) == (
        "paused",
        "interval",
        before.phase_elapsed_s,
        before.session_elapsed_s,
    )


def test_nothing_is_said_while_paused() -> None:
    session = paused().send(HeartRate(101, 199), HeartRate(102, 215), Time(500))
    assert [cue.name for cue in session.cues if cue.t > 100] == [CueName.PAUSED]
    assert [event for event in session.events if isinstance(event, SignalChanged)][-1].signal == "lost"


def test_a_pause_says_paused_and_going_on_says_so() -> None:
    session = paused().send(SessionCommand(120, CommandName.RESUME))
    assert session.cued()[-2:] == [(100.4, CueName.PAUSED), (120.0, CueName.RESUMED)]


def test_half_an_hour_of_pause_ends_the_session() -> None:
    session = paused()
    assert next_due_s(session.silent_until(130).state) == 1900.4
    session.silent_until(1900)
    assert session.seen.stage == "paused"
    session.silent_until(2000)
    assert session.events[-1] == SessionEnded(1900.4, "pause_limit", completed=False)
    assert not session.seen.cool_down_offered


def test_what_falls_due_first_in_a_pause_is_told() -> None:
    assert next_due_s(paused().state) == 105.0


def test_only_a_running_session_can_be_paused_and_only_a_paused_one_goes_on() -> None:
    session = paused()
    for command in (CommandName.PAUSE, CommandName.EASE, CommandName.EXTEND_RECOVERY, CommandName.SKIP_WARM_UP):
        with pytest.raises(MessageRefused):
            session.command(command)
    session.command(CommandName.RESUME)
    with pytest.raises(MessageRefused, match="not paused"):
        session.command(CommandName.RESUME)


def test_a_therapist_ends_a_therapists_pause_and_no_other() -> None:
    session = LedSession().live_until(100, 160).command(CommandName.PAUSE, source="therapist").live(20)
    session.command(CommandName.RESUME, source="therapist")
    assert session.state.stage == "running"
    session.command(CommandName.PAUSE)
    with pytest.raises(MessageRefused, match="a therapist made"):
        session.command(CommandName.RESUME, source="therapist")


def test_a_therapist_takes_no_stop_back() -> None:
    session = LedSession().live_until(100, 150).command(CommandName.PAUSE, source="therapist").live(5)
    session.command(CommandName.STOP)
    assert session.seen.stop_can_be_taken_back
    with pytest.raises(MessageRefused, match="a therapist made"):
        session.command(CommandName.RESUME, source="therapist")
    assert session.state.stage == "ended"


def test_the_participant_ends_a_therapists_pause() -> None:
    session = LedSession().live_until(100, 160).command(CommandName.PAUSE, source="therapist").live(5)
    assert session.command(CommandName.RESUME).state.stage == "running"


def test_after_a_restart_the_session_waits_for_the_person_and_goes_on_where_it_was() -> None:
    session = LedSession().live_until(60).live_until(100, 160).send(Restored(100))
    assert session.events[-1] == SessionPaused(100.0, "restart")
    assert session.seen.stage == "paused"
    session.send(Restored(101), SessionCommand(160, CommandName.RESUME))
    assert session.seen.phase_elapsed_s == 40.0


def test_a_silence_in_a_pause_counts_from_its_end() -> None:
    session = paused().send(SessionCommand(400, CommandName.RESUME), Time(419))
    assert session.seen.interval == 1
    session.silent_until(421)
    assert session.endings()[-1][2] == "signal_lost"


def test_a_pause_before_anything_was_seen_ends_too() -> None:
    plan = replace(PLAN, mode="exertion")
    session = LedSession(plan, started=False).send(
        SessionCommand(0, CommandName.START), SessionCommand(1, CommandName.PAUSE)
    )
    assert next_due_s(session.state) == 1801.0


HOLDS = Advice(Direction.HOLD, 0.0, 6.0, 5.0, "in_zone")


def resumed(*, speed_kmh: float | None = None, then_kmh: float | None = None, bpm: float = 150) -> LedSession:
    """Back after a minute's pause in the first interval; the treadmill perhaps says its speed before and after."""
    session = LedSession(guidance=lambda _: Says(HOLDS)).live_until(60).live_until(160, 176)
    if speed_kmh is not None:
        session.send(TreadmillSpeed(160, speed_kmh, 5.0))
    session.command(CommandName.PAUSE)
    if then_kmh is not None:
        session.send(TreadmillSpeed(160, then_kmh, 5.0))
    return session.live(60, bpm).command(CommandName.RESUME)


def test_after_a_pause_the_speed_from_before_it_is_asked_for_and_none_is_held() -> None:
    for session, back_kmh in (
        (resumed(), 6.0),
        (resumed(speed_kmh=7.6), 7.6),
        (resumed(speed_kmh=7.6, then_kmh=0), 7.6),
    ):
        advice = session.seen.advice
        assert (advice.direction, advice.speed_kmh, advice.reason) == (Direction.NONE, back_kmh, "resumed")
        session.live(55, 150)
        assert session.seen.advice.direction is Direction.NONE


def test_after_a_pause_nobody_is_urged_back_to_a_speed_by_a_rate_that_is_not_live() -> None:
    session = LedSession(guidance=lambda _: Says(HOLDS)).live_until(60).live_until(160, 176)
    session.send(TreadmillSpeed(160, 7.6, 5.0)).command(CommandName.PAUSE).send(
        TreadmillSpeed(160, 0.0, 5.0), Time(300)
    )
    advice = session.command(CommandName.RESUME).seen.advice
    assert (advice.direction, advice.speed_kmh) == (Direction.NONE, None)


def test_no_speed_is_held_by_somebody_who_stands_still() -> None:
    session = LedSession(guidance=lambda _: Says(HOLDS)).live_until(60).live_until(160, 176)
    assert session.seen.advice.direction is Direction.HOLD
    session.send(TreadmillSpeed(160, 6.0, 5.0), TreadmillSpeed(160, 0.0, 5.0))
    held = len(session.cued(CueName.HOLD))
    assert session.live(60, 150).seen.advice.direction is Direction.NONE
    assert len(session.cued(CueName.HOLD)) == held
