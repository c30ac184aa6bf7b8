"""H6: stop is one press, always obeyed, at once. It ends cues, offers a cool-down and saves."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from coach.errors import MessageRefused
from coach.model.cue import Cue, CueName
from coach.model.events import PhaseEnded, SessionEnded, SessionResumed
from coach.model.messages import (
    AllRightAnswer,
    CommandName,
    HeartRate,
    Mood,
    Readiness,
    SessionCommand,
    Time,
    TreadmillSpeed,
)
from coach.session.transition import TAKE_BACK_LIMIT_S
from tests.support.led_session import PLAN, STEADY, LedSession

ASKING = replace(PLAN, questions=("chest_pain",))


def not_today() -> LedSession:
    return LedSession(ASKING, started=False).send(Readiness(1, {"chest_pain": True}))


def paused() -> LedSession:
    return LedSession().live_until(100, 150).command(CommandName.PAUSE)


def ended() -> LedSession:
    return LedSession().live_until(60).live_until(300, 175).live_until(480, 130).live_until(720, 178).live_until(840)


STAGES: dict[str, Callable[[], LedSession]] = {
    "questions": lambda: LedSession(ASKING, started=False),
    "ready": lambda: LedSession(started=False),
    "not_today": not_today,
    "running": lambda: LedSession().live_until(100, 150),
    "paused": paused,
    "ended": ended,
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("source", ["panel", "therapist"])
def test_stop_is_never_refused_in_any_stage(stage: str, source: str) -> None:
    session = STAGES[stage]()
    assert session.seen.stage == stage
    session.command(CommandName.STOP, source=source)
    assert session.seen.stage == ("not_today" if stage == "not_today" else "ended")


def test_stop_in_every_second_of_a_phase_and_twice_at_once() -> None:
    session = LedSession().live_until(60).live_until(90, 150)
    for _ in range(3):
        session.command(CommandName.STOP)
    assert [event for event in session.events if isinstance(event, SessionEnded)] == [
        SessionEnded(90.0, "stopped", completed=False)
    ]


def test_stop_ends_the_phase_and_all_cues_at_that_moment() -> None:
    session = LedSession().live_until(60).live_until(90, 150).send(Time(90.4)).command(CommandName.STOP)
    assert session.events[-2:] == [
        PhaseEnded(90.4, 1, session.state.phase.kind, 1, 30.0, "stopped"),
        SessionEnded(90.4, "stopped", completed=False),
    ]
    assert session.cues[-1] == Cue(90.4, CueName.STOPPED)
    before = len(session.cues)
    session.send(Time(5000))
    assert len(session.cues) == before


def test_stop_makes_the_summary_at_once() -> None:
    summary = LedSession().live_until(60).live_until(90, 150).command(CommandName.STOP).seen.summary
    assert summary is not None
    assert (summary.end_reason, summary.completed, summary.duration_s, summary.training_s) == (
        "stopped",
        False,
        90.0,
        90.0,
    )


def test_stop_offers_a_cool_down_that_start_takes() -> None:
    session = LedSession().live_until(60).live_until(290, 150).command(CommandName.STOP)
    assert session.seen.cool_down_offered
    session.live(30, 130).send(SessionCommand(session.t, CommandName.START))
    assert (session.seen.stage, session.seen.phase, session.seen.phase_length_s) == ("running", "cool_down", 120)
    session.live(120, 110)
    ends = [event for event in session.events if isinstance(event, SessionEnded)]
    assert ends[-1] == SessionEnded(440.0, "stopped", completed=False)
    assert session.cues[-2:] == [Cue(440.0, CueName.DONE), Cue(440.0, CueName.SAY_EXERTION)]
    assert not session.seen.cool_down_offered


def test_a_second_stop_declines_the_cool_down_and_asks_for_borg() -> None:
    session = LedSession().live_until(60).live_until(310, 150).command(CommandName.STOP)
    assert not session.cued(CueName.SAY_EXERTION)
    session.command(CommandName.STOP)
    assert not session.seen.cool_down_offered
    assert session.cued(CueName.SAY_EXERTION) == [(310.0, CueName.SAY_EXERTION)]
    with pytest.raises(MessageRefused, match="started already"):
        session.send(SessionCommand(310, CommandName.START))


def test_a_protocol_without_a_cool_down_offers_one_all_the_same() -> None:
    short = replace(STEADY, phases=STEADY.phases[:2])
    session = LedSession(protocol=short).live_until(60).command(CommandName.STOP).command(CommandName.START)
    assert (session.seen.phase, session.seen.phase_length_s) == ("cool_down", 300)


def test_stop_before_the_start_and_in_the_cool_down_offers_none() -> None:
    assert not LedSession(started=False).command(CommandName.STOP).seen.cool_down_offered
    session = LedSession().live_until(60).live_until(300, 175).live_until(480, 130).live_until(720, 178).live_until(730)
    assert session.command(CommandName.STOP).seen.cool_down_offered is False
    assert session.seen.stage == "ended"


def test_a_stop_in_the_cool_down_takes_nothing_from_the_work_done() -> None:
    session = LedSession().live_until(60).live_until(300, 175).live_until(480, 130).live_until(720, 178).live_until(730)
    session.command(CommandName.STOP)
    assert session.events[-1] == SessionEnded(730.0, "stopped", completed=True)


def test_a_steady_session_that_was_stopped_is_not_completed_by_its_cool_down() -> None:
    session = LedSession(protocol=STEADY).live_until(60).command(CommandName.STOP).command(CommandName.START)
    session.live(60, 110)
    assert session.events[-1] == SessionEnded(120.0, "stopped", completed=False)


def test_a_steady_session_that_ran_is_completed() -> None:
    session = LedSession(protocol=STEADY).live_until(330, 140).live_until(390)
    assert session.events[-1] == SessionEnded(390.0, "done", completed=True)


def test_after_the_end_work_cannot_be_commanded_and_the_mood_has_its_range() -> None:
    session = LedSession().live_until(100).command(CommandName.STOP).live_until(100 + TAKE_BACK_LIMIT_S)
    for name in (CommandName.PAUSE, CommandName.RESUME, CommandName.EASE, CommandName.SKIP_WARM_UP):
        with pytest.raises(MessageRefused):
            session.command(name)
    with pytest.raises(MessageRefused, match="after the session"):
        LedSession().send(Mood(0, 3))
    with pytest.raises(MessageRefused, match="1–5"):
        session.send(Mood(160, 6))
    assert session.send(Mood(160, 5)).seen.summary == replace(session.state.summary, mood=5)


def test_a_stop_can_be_taken_back_for_a_minute_and_the_session_goes_on_where_it_was() -> None:
    session = LedSession().live_until(60).live_until(100, 170).send(TreadmillSpeed(100, 6.0, 5.0))
    before = session.state
    session.command(CommandName.STOP).live_until(130, 150)
    assert session.seen.stop_can_be_taken_back
    session.command(CommandName.RESUME)
    assert SessionResumed(130.0, 30.0) in session.events
    now = session.state
    assert (now.stage, now.index, now.second, now.tally) == ("running", before.index, before.second, before.tally)
    assert (now.ended_t, now.summary, now.end_reason, now.before_stop) == (None, None, None, None)
    assert (session.seen.bpm, session.seen.advice.reason) == (150, "resumed")
    session.live_until(900, 150)
    assert session.events[-1] == SessionEnded(870.0, "done", completed=True)


def test_a_paused_session_that_was_stopped_goes_on_as_well() -> None:
    session = LedSession().live_until(100, 150).command(CommandName.PAUSE).live_until(110, 140)
    session.command(CommandName.STOP).live_until(120, 140).command(CommandName.RESUME)
    assert (session.state.stage, session.state.second) == ("running", 40)


def test_a_stop_because_somebody_was_unwell_is_not_taken_back() -> None:
    session = LedSession(answers=False).live_until(60).live_until(300, 175).live_until(312, 150)
    session.send(AllRightAnswer(312.0, ok=False)).command(CommandName.STOP)
    assert not session.seen.stop_can_be_taken_back


def test_a_strap_that_went_silent_after_the_stop_is_silent_when_the_session_goes_on() -> None:
    session = LedSession().live_until(60).live_until(100, 170).command(CommandName.STOP)
    session.send(Time(140.0)).command(CommandName.RESUME)
    assert "signal_lost" in {notice.code for notice in session.seen.notices}


def test_the_strap_may_go_on_after_the_end() -> None:
    session = LedSession().live_until(100).command(CommandName.STOP)
    summary = session.seen.summary
    assert session.send(HeartRate(101, 220), HeartRate(102, 120)).seen.summary == summary
