"""What the engine refuses, each with its code and its whole sentence; a refusal changes nothing."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from coach.errors import MessageRefused
from coach.model.events import Level, NoticeRaised, SessionEnded
from coach.model.messages import (
    AllRightAnswer,
    AnyMessage,
    CommandName,
    Exertion,
    HeartRate,
    Mood,
    Readiness,
    SessionCommand,
    StrapChosen,
    Time,
    TreadmillSpeed,
)
from coach.model.protocol import Phase, PhaseKind, Protocol, Zone
from coach.session.engine import guidance_off, skip_refusal, step, without_guidance
from tests.support.led_session import PLAN, LedSession


def fresh() -> LedSession:
    return LedSession(started=False)


def asking() -> LedSession:
    return LedSession(replace(PLAN, questions=("chest_pain", "fever")), started=False)


def running() -> LedSession:
    return LedSession().live_until(10)


def paused() -> LedSession:
    return running().command(CommandName.PAUSE)


def working() -> LedSession:
    return LedSession().live_until(70)


def recovering() -> LedSession:
    return LedSession().live_until(60).live_until(300, 165).live_until(320, 140)


def ended() -> LedSession:
    session = running().command(CommandName.STOP)
    return session.send(SessionCommand(session.t, CommandName.STOP))


def not_today() -> LedSession:
    session = asking()
    return session.send(Readiness(0.0, {"chest_pain": False, "fever": True}))


def skipping() -> LedSession:
    return LedSession(replace(PLAN, early_warm_up_end=True)).live_until(10)


def command(
    name: CommandName, seconds: int | None = None, lowered: float | None = None
) -> Callable[[float], AnyMessage]:
    return lambda t: SessionCommand(t, name, seconds, "therapist", lowered)


START, RESUME, PAUSE = (command(name) for name in (CommandName.START, CommandName.RESUME, CommandName.PAUSE))
EASE, SKIP = command(CommandName.EASE), command(CommandName.SKIP_WARM_UP)


def extend(seconds: int) -> Callable[[float], AnyMessage]:
    return command(CommandName.EXTEND_RECOVERY, seconds)


def adjust(lowered: float | None) -> Callable[[float], AnyMessage]:
    return command(CommandName.ADJUST, None, lowered)


NO_TARGET = "a target can be lowered by 0–0.1 of HRmax, never raised"
NO_SETTING = "is no treadmill's setting; 0–30 km/h and -10–40 % are"


@pytest.mark.parametrize(
    ("session", "message", "code", "reason"),
    [
        (running, lambda _: Time(9.9), "time_backwards", "t is 9.9, but the session is at 10 s already; "),
        (running, lambda _: Time(float("nan")), "time_backwards", "t is nan, but"),
        (running, lambda t: HeartRate(t, -1.0), "bad_heart_rate", "bpm is -1; a strap sends 0 (no rate) or more"),
        (running, lambda t: HeartRate(t, 65536.0), "bad_heart_rate", "bpm is 65536; "),
        (running, lambda t: TreadmillSpeed(t, 30.1, 0.0), "bad_treadmill", f"30.1 km/h at 0 % {NO_SETTING}"),
        (running, lambda t: TreadmillSpeed(t, -0.1, 0.0), "bad_treadmill", f"-0.1 km/h at 0 % {NO_SETTING}"),
        (running, lambda t: TreadmillSpeed(t, 5.0, -10.1), "bad_treadmill", f"5 km/h at -10.1 % {NO_SETTING}"),
        (running, lambda t: TreadmillSpeed(t, 5.0, 40.1), "bad_treadmill", f"5 km/h at 40.1 % {NO_SETTING}"),
        (running, lambda t: Exertion(t, 5), "bad_borg", "borg is 5; Borg's scale is 6–20"),
        (running, lambda t: Exertion(t, 21), "bad_borg", "borg is 21; Borg's scale is 6–20"),
        (fresh, lambda t: Exertion(t, 15), "not_started", "perceived exertion belongs to a session that has started"),
        (running, lambda t: Mood(t, 3), "not_ended", "the mood is asked after the session"),
        (ended, lambda t: Mood(t, 0), "bad_mood", "mood is 0; it must lie in 1–5"),
        (ended, lambda t: Mood(t, 6), "bad_mood", "mood is 6; it must lie in 1–5"),
        (running, AllRightAnswer, "no_question", "nothing was asked"),
        (running, lambda t: AllRightAnswer(t, ok=False), "no_question", "nothing was asked"),
        (running, lambda t: Readiness(t, {}), "no_question", "no questions about how the person feels are open now"),
        (ended, lambda t: Readiness(t, {}), "no_question", "no questions about how the person feels are open now"),
        (asking, lambda t: Readiness(t, {"fever": False}), "unanswered", "not all questions are answered: chest_pain"),
        (asking, START, "unanswered", "answer the questions before the start"),
        (not_today, START, "not_today", "no session today (readiness); the therapist can release it"),
        (running, START, "started", "the session has started already"),
        (ended, START, "started", "the session has started already"),
        (paused, PAUSE, "not_running", "only a running session can be paused"),
        (ended, PAUSE, "not_running", "only a running session can be paused"),
        (running, RESUME, "not_paused", "the session is not in a pause that a therapist made"),
        (running, lambda t: SessionCommand(t, CommandName.RESUME), "not_paused", "the session is not paused"),
        (running, EASE, "not_in_work", "only work can be eased into recovery"),
        (lambda: working().command(CommandName.PAUSE), EASE, "not_in_work", "only work can be eased into recovery"),
        (running, SKIP, "no_skip", "the plan does not allow a shorter warm-up"),
        (skipping, SKIP, "no_skip", "the warm-up lasts at least 5 min"),
        (working, SKIP, "no_skip", "only a running warm-up can be skipped"),
        (fresh, SKIP, "no_skip", "only a running warm-up can be skipped"),
        (working, extend(30), "not_in_recovery", "only a running recovery can be extended"),
        (
            lambda: recovering().command(CommandName.PAUSE),
            extend(30),
            "not_in_recovery",
            "only a running recovery can be extended",
        ),
        (recovering, extend(0), "bad_extension", "cannot extend by 0 s"),
        (recovering, extend(181), "too_long", "a recovery can be extended by 180 s in all; 180 s left"),
        (ended, adjust(0.05), "not_running", "there is no session to adjust"),
        (not_today, adjust(0.05), "not_running", "there is no session to adjust"),
        (running, adjust(-0.01), "bad_adjustment", f"lowered_fraction is -0.01; {NO_TARGET}"),
        (running, adjust(0.11), "bad_adjustment", f"lowered_fraction is 0.11; {NO_TARGET}"),
        (running, adjust(None), "bad_adjustment", f"lowered_fraction is None; {NO_TARGET}"),
        (
            lambda: running().send(StrapChosen(10.0, "a", "A")),
            lambda t: StrapChosen(t, "b", "B"),
            "other_strap",
            "this session belongs to the strap a; end it before another one is worn",
        ),
    ],
)
def test_a_refusal_has_its_code_and_says_what_would_be_right(
    session: Callable[[], LedSession], message: Callable[[float], AnyMessage], code: str, reason: str
) -> None:
    state = session().state
    with pytest.raises(MessageRefused) as refused:
        step(state, message(state.t))
    assert refused.value.code == code
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "message",
    [
        HeartRate(10.0, 65535.0),
        HeartRate(10.0, 0.0),
        TreadmillSpeed(10.0, 30.0, 40.0),
        TreadmillSpeed(10.0, 0.0, -10.0),
        Exertion(10.0, 6),
        Exertion(10.0, 20),
        Time(10.0),
        SessionCommand(10.0, CommandName.ADJUST, lowered_fraction=0.1),
        StrapChosen(10.0, "a", "A"),
    ],
)
def test_what_lies_at_the_bounds_is_taken(message: AnyMessage) -> None:
    state = running().state
    assert step(state, message).state.t == 10.0


@pytest.mark.parametrize("mood", [1, 5])
def test_every_mood_is_taken_after_the_end(mood: int) -> None:
    assert ended().send(Mood(10.0, mood)).state.mood == mood


def test_a_recovery_is_extended_by_half_a_minute_or_by_what_was_asked_up_to_three_minutes() -> None:
    session = recovering()
    session.command(CommandName.EXTEND_RECOVERY).command(CommandName.EXTEND_RECOVERY, seconds=150)
    assert (session.seen.phase_length_s, session.state.extended_s) == (360, 180)


def test_the_strap_may_be_chosen_anew_before_the_start_and_once_more_is_no_change() -> None:
    session = fresh().send(StrapChosen(0.0, "a", "A"), StrapChosen(0.0, "b", "B"))
    assert (session.state.strap_key, session.state.strap_name) == ("b", "B")
    again = step(session.state, StrapChosen(0.0, "b", "B"))
    assert (again.state, again.events) == (session.state, ())


def test_a_warm_up_may_be_skipped_from_its_fifth_minute_on_once_the_rate_has_reached_its_zone() -> None:
    phases = (
        Phase(PhaseKind.WARM_UP, 600, Zone(0.6, 0.75)),
        Phase(PhaseKind.INTERVAL, 240, Zone(0.85, 0.95), interval=1),
    )
    plan = replace(PLAN, early_warm_up_end=True)

    def refusal(bpm: float, until_t: float) -> str | None:
        session = LedSession(plan, Protocol("p", {"en": "p"}, phases)).live_until(until_t, bpm)
        try:
            session.command(CommandName.SKIP_WARM_UP)
        except MessageRefused as refused:
            return str(refused)
        return session.seen.phase

    assert "at least 5 min" in (refusal(121, 299) or "")
    assert refusal(121, 300) == "interval"
    assert "has not reached the warm-up's zone" in (refusal(118, 300) or "")


def test_stop_and_pause_work_at_their_own_time_though_living_through_the_time_fails() -> None:
    spoilt = replace(running().state, trace=None)
    with pytest.raises(TypeError):
        step(spoilt, Time(130.0))
    stopped = step(spoilt, SessionCommand(130.0, CommandName.STOP))
    assert (stopped.state.stage, stopped.state.t, stopped.state.ended_t) == ("ended", 130.0, 130.0)
    assert stopped.events[-1] == SessionEnded(130.0, "stopped", completed=False)
    halted = step(spoilt, SessionCommand(130.0, CommandName.PAUSE)).state
    assert (halted.stage, halted.paused_t) == ("paused", 130.0)
    with pytest.raises(TypeError):
        step(spoilt, SessionCommand(130.0, CommandName.ADJUST, lowered_fraction=0.1))


def test_easing_and_not_all_right_work_though_living_through_the_time_fails() -> None:
    eased = step(replace(working().state, trace=None), SessionCommand(130.0, CommandName.EASE)).state
    assert (eased.phase.kind, eased.t) == (PhaseKind.RECOVERY, 130.0)
    asked = LedSession(answers=False).live_until(60).live_until(300, 165).live_until(312, 150).state
    answered = step(replace(asked, trace=None), AllRightAnswer(400.0, ok=False)).state
    assert (answered.cool_down_only, answered.phase.kind) == (("not_all_right",), PhaseKind.COOL_DOWN)
    with pytest.raises(TypeError):
        step(replace(asked, trace=None), AllRightAnswer(400.0))


def test_where_the_guidance_failed_is_found_in_the_journal() -> None:
    other = NoticeRaised(4.0, "unwell", Level.STOP_NOW, detail="chest_pain")
    failed = NoticeRaised(5.0, "guidance_off", Level.INFORMATION, detail="ValueError (learned.py:1)")
    ending = SessionEnded(6.0, "done", completed=True)
    assert guidance_off((other, failed, ending)) == "ValueError (learned.py:1)"
    assert guidance_off((other, ending)) is None


def test_a_restored_session_stays_without_the_guidance_that_failed_before() -> None:
    state = without_guidance(running().state, "ValueError (learned.py:1)")
    assert state.notices[-1].code == "guidance_off"
    assert state.guidance.place == "ValueError (learned.py:1)"  # type: ignore[attr-defined]


def test_only_a_warm_up_is_skipped_also_where_a_protocol_begins_with_something_else() -> None:
    steady = Protocol("no-warm-up", {"nb": "Rolig", "en": "Steady"}, (Phase(PhaseKind.STEADY, 900, Zone(0.50, 0.75)),))
    session = LedSession(replace(PLAN, early_warm_up_end=True), steady).live_until(400, 120)
    assert skip_refusal(session.state) == "only a running warm-up can be skipped"


def test_a_rate_at_the_lower_end_of_the_zone_has_reached_it() -> None:
    long = Protocol("p", {"en": "p"}, (Phase(PhaseKind.WARM_UP, 600, Zone(0.6, 0.75)),))
    session = LedSession(replace(PLAN, early_warm_up_end=True), long).live_until(310, 130)
    zone = session.state.zone_bpm
    assert zone is not None
    at = replace(session.state, source=replace(session.state.source, bpm=zone[0]))
    assert skip_refusal(at) is None
    below = replace(at, source=replace(at.source, bpm=zone[0] - 0.1))
    assert skip_refusal(below) == "the rate has not reached the warm-up's zone"


def test_the_strap_of_the_session_may_be_told_again_after_the_start() -> None:
    session = fresh().send(StrapChosen(0.0, "aa", "H10 1")).command(CommandName.START).live_until(10)
    before = session.state
    assert session.send(StrapChosen(session.t, "aa", "H10 1")).state.strap_key == before.strap_key == "aa"


def test_the_speed_that_a_participant_says_is_believed_and_kept_as_confirmed() -> None:
    session = running().send(TreadmillSpeed(10.0, 6.0, 5.0, source="participant"))
    assert session.state.speed_kmh == 6.0
    assert session.state.belt.confirmed_kmh == 6.0
    told = running().send(TreadmillSpeed(10.0, 6.0, 5.0))
    assert told.state.belt.confirmed_kmh is None
