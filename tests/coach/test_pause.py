"""A pause: the session's clock stands still, nothing is said, and a pause that lasts too long ends the session."""

import pytest
from msgspec.structs import replace

from coach.cue import CueName
from coach.engine import next_due_s
from coach.errors import Refused
from coach.events import PhaseEnded, SessionEnded, SessionPaused, SessionResumed, SignalChanged
from coach.messages import Command, CommandName, HeartRate, Restored, Time
from tests.coach.led_session import PLAN, LedSession


def paused() -> LedSession:
    """Paused 100.4 s into the session, 40.4 s into the first interval."""
    session = LedSession().live_until(60).live_until(100, 160)
    return session.send(Command(100.4, CommandName.PAUSE))


def test_time_in_a_pause_is_no_training_time() -> None:
    session = paused().live(0).send(Time(160.4), Command(160.4, CommandName.RESUME))
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
    session = paused().send(Command(160.4, CommandName.RESUME), HeartRate(160.5, 155)).live(210, 160)
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
    session = paused().send(Command(120, CommandName.RESUME))
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
        with pytest.raises(Refused):
            session.command(command)
    session.command(CommandName.RESUME)
    with pytest.raises(Refused, match="not paused"):
        session.command(CommandName.RESUME)


def test_after_a_restart_the_session_waits_for_the_person_and_goes_on_where_it_was() -> None:
    session = LedSession().live_until(60).live_until(100, 160).send(Restored(100))
    assert session.events[-1] == SessionPaused(100.0, "restart")
    assert session.seen.stage == "paused"
    session.send(Restored(101), Command(160, CommandName.RESUME))
    assert session.seen.phase_elapsed_s == 40.0


def test_a_silence_in_a_pause_counts_from_its_end() -> None:
    session = paused().send(Command(400, CommandName.RESUME), Time(419))
    assert session.seen.interval == 1
    session.silent_until(421)
    assert session.endings()[-1][2] == "signal_lost"


def test_a_pause_before_anything_was_seen_ends_too() -> None:
    plan = replace(PLAN, mode="exertion")
    session = LedSession(plan, started=False).send(Command(0, CommandName.START), Command(1, CommandName.PAUSE))
    assert next_due_s(session.state) == 1801.0
