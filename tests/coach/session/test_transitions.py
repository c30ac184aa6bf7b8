"""Each transition of a session, held against the whole state, all events and all cues that it may bring."""

from msgspec.structs import replace

from coach.model.cue import Cue, CueName
from coach.model.events import (
    Advice,
    AdviceGiven,
    AnyEvent,
    Direction,
    ExertionReported,
    Level,
    MoodReported,
    NoticeCleared,
    NoticeRaised,
    PhaseEnded,
    PhaseStarted,
    QuestionAnswered,
    QuestionAsked,
    ReadinessAnswered,
    RecoveryExtended,
    SessionEnded,
    SessionPaused,
    SessionResumed,
    SessionStarted,
    Signal,
    SignalChanged,
    StrapBound,
    TreadmillChanged,
)
from coach.model.messages import (
    AllRightAnswer,
    AnyMessage,
    Exertion,
    HeartRate,
    Mood,
    Readiness,
    Restored,
    SessionCommand,
    SourceLost,
    StrapChosen,
    Time,
    TreadmillSpeed,
)
from coach.model.messages import CommandName as Name
from coach.model.protocol import Phase, PhaseKind, Zone
from coach.model.snapshot import NoticeNow
from coach.session.engine import step
from coach.session.signal_quality import HeartRateSource
from coach.session.state import Ceiling, PhaseRun, Question, SessionState
from coach.session.transition import Transition
from tests.support.led_session import PLAN, TWO_INTERVALS, LedSession, Says

NO_URGING = Advice(Direction.HOLD, reason="no_urging")
Whole = tuple[SessionState, tuple[AnyEvent, ...], tuple[Cue, ...]]


def after(state: SessionState, message: AnyMessage) -> Whole:
    stepped = step(state, message)
    return stepped.state, stepped.events, stepped.cues


def quiet(*, until_t: float = 70.0, bpm: float = 120.0, **plan: object) -> SessionState:
    """A session under a guidance that says nothing, at this time."""
    session = LedSession(replace(PLAN, **plan), guidance=lambda _: Says(), answers=False)
    return session.send(TreadmillSpeed(0.0, 6.0, 5.0)).live_until(until_t, bpm).state


# Pause


def test_a_pause_stops_the_clock_and_remembers_the_speed() -> None:
    state = quiet()
    halted, events, cues = after(state, SessionCommand(70.0, Name.PAUSE))
    assert halted == replace(
        state, stage="paused", paused_t=70.0, pause_reason="asked", paused_by="panel", speed_before_pause_kmh=6.0
    )
    assert (events, cues) == ((SessionPaused(70.0, "asked"),), (Cue(70.0, CueName.PAUSED, Level.INFORMATION, 0),))
    standing = after(state, TreadmillSpeed(70.0, 0.2, 0.0))[0]
    assert after(standing, SessionCommand(70.0, Name.PAUSE))[0].speed_before_pause_kmh is None


def test_a_restart_is_a_pause_of_its_own_reason_and_only_of_a_running_session() -> None:
    state = quiet()
    halted, events, _ = after(state, Restored(70.0))
    assert (halted.stage, halted.pause_reason, events) == ("paused", "restart", (SessionPaused(70.0, "restart"),))
    assert after(halted, Restored(70.0)) == (halted, (), ())


def test_going_on_moves_everything_that_was_under_way_by_the_length_of_the_pause() -> None:
    before = quiet()
    state = replace(
        before,
        source=replace(before.source, at_t=100.0),
        stage="paused",
        paused_t=70.0,
        paused_by="therapist",
        recent_bpm=(120.0,),
        question=Question("odd_fall", 65.0, speed_kmh=6.0),
        ceiling=Ceiling(over_since_t=60.0, below_since_t=66.0, times=1),
        silent_since_t=50.0,
        speed_before_pause_kmh=6.0,
        t=100.0,
    )
    resumed, events, cues = after(state, SessionCommand(100.0, Name.RESUME, source="therapist"))
    assert resumed == replace(
        state,
        stage="running",
        paused_t=None,
        anchor_t=90.0,
        recent_bpm=(),
        question=Question("odd_fall", 95.0, speed_kmh=6.0),
        ceiling=Ceiling(over_since_t=90.0, below_since_t=96.0, times=1),
        silent_since_t=100.0,
        resumed_t=100.0,
        advised_t=100.0,
    )
    assert events == (SessionResumed(100.0, 30.0),)
    assert cues == (Cue(100.0, CueName.RESUMED, Level.INFORMATION, 0),)
    plain = replace(state, question=None, ceiling=Ceiling(), silent_since_t=None)
    going = after(plain, SessionCommand(100.0, Name.RESUME))[0]
    assert (going.question, going.ceiling, going.silent_since_t) == (None, Ceiling(), None)


def test_after_a_pause_the_speed_from_before_is_asked_for_or_the_one_that_was_asked_last() -> None:
    def advised(**known: object) -> Advice:
        state = replace(quiet(), stage="paused", paused_t=70.0, speed_kmh=6.0, **known)
        return after(state, SessionCommand(70.0, Name.RESUME))[0].advice

    assert advised(speed_before_pause_kmh=5.5) == Advice(Direction.NONE, None, 5.5, 5.0, "resumed")
    assert advised(asked_kmh=4.5) == Advice(Direction.NONE, None, 4.5, 5.0, "resumed")
    off = Advice(reason="guidance_off")
    assert advised(speed_before_pause_kmh=5.5, advice=off) == off


def test_the_speed_to_go_back_to_is_shown_for_half_a_minute() -> None:
    state = after(replace(quiet(), stage="paused", paused_t=70.0, asked_kmh=5.0), SessionCommand(70.0, Name.RESUME))[0]
    assert after(state, Time(99.9))[0].advice == Advice(Direction.NONE, None, 5.0, 5.0, "resumed")
    assert after(state, Time(100.0))[0].advice == Advice(Direction.NONE, None, 5.0, 5.0, "none")


# Start and end


def test_the_start_begins_the_first_phase_at_its_second_nought() -> None:
    state = step(LedSession(started=False, guidance=lambda _: Says()).state, HeartRate(3.0, 120.0)).state
    started, events, cues = after(state, SessionCommand(3.0, Name.START))
    assert events[0] == SessionStarted(3.0)
    assert events[-1] == PhaseStarted(3.0, 0, PhaseKind.WARM_UP, 0, 60)
    assert [cue.name for cue in cues] == [CueName.WARM_UP]
    running = (started.stage, started.started_t, started.index, started.anchor_t, started.second, started.length_s)
    assert running == ("running", 3.0, 0, 3.0, 0, 60)


def test_each_phase_begins_afresh_where_the_last_one_ended() -> None:
    state = replace(quiet(until_t=59.0), extended_s=30, waited_s=60, recent_bpm=(120.0,), length_s=60)
    begun, events, _ = after(state, Time(60.0))
    assert events == (
        PhaseEnded(60.0, 0, PhaseKind.WARM_UP, 0, 60.0, "done"),
        PhaseStarted(60.0, 1, PhaseKind.INTERVAL, 1, 240),
    )
    fresh = (
        begun.index,
        begun.anchor_t,
        begun.second,
        begun.length_s,
        begun.training_before_s,
        begun.extended_s,
        begun.waited_s,
    )
    assert fresh == (1, 60.0, 0, 240, 60, 0, 0)
    assert (begun.recent_bpm, begun.ran) == ((), (PhaseRun(TWO_INTERVALS.phases[0], 0, 60, whole=True),))
    assert begun.tally.current is not None


def test_a_stop_ends_phase_and_session_and_offers_a_cool_down() -> None:
    state = replace(
        quiet(),
        notices=(NoticeNow("no_answer", Level.STOP_NOW, 50.0), NoticeNow("by_exertion", Level.INFORMATION, 40.0)),
        question=Question("odd_fall", 60.0),
        advice=Advice(Direction.HOLD),
    )
    ended, events, cues = after(state, SessionCommand(70.0, Name.STOP, source="therapist"))
    assert (ended.stage, ended.ended_t, ended.end_reason, ended.completed) == ("ended", 70.0, "stopped", False)
    assert (ended.advice, ended.question, ended.paused_t, ended.cool_down_offered) == (Advice(), None, None, True)
    assert ended.notices == (NoticeNow("no_answer", Level.STOP_NOW, 50.0),)
    assert ended.ran[-1] == PhaseRun(TWO_INTERVALS.phases[1], 60, 70, whole=False)
    assert events == (
        PhaseEnded(70.0, 1, PhaseKind.INTERVAL, 1, 10.0, "stopped"),
        SessionEnded(70.0, "stopped", completed=False),
    )
    assert [cue.name for cue in cues] == [CueName.STOPPED]
    assert ended.summary is not None


def test_a_second_stop_takes_the_cool_down_back_and_asks_for_exertion_once() -> None:
    ended = after(quiet(until_t=400.0), SessionCommand(400.0, Name.STOP))[0]
    done, events, cues = after(ended, SessionCommand(401.0, Name.STOP))
    assert done == replace(ended, t=401.0, cool_down_offered=False, before_stop=None)
    assert (events, [cue.name for cue in cues]) == ((), [CueName.SAY_EXERTION])
    assert after(done, SessionCommand(401.0, Name.STOP)) == (done, (), ())


def test_stopping_before_the_start_ends_without_phase_cool_down_or_exertion() -> None:
    state = LedSession(started=False, guidance=lambda _: Says()).state
    ended, events, cues = after(state, SessionCommand(5.0, Name.STOP))
    assert (ended.stage, ended.cool_down_offered, ended.ran) == ("ended", False, ())
    assert events == (SessionEnded(5.0, "stopped", completed=False),)
    assert [cue.name for cue in cues] == [CueName.STOPPED]
    assert ended.summary is not None
    assert (ended.summary.training_s, ended.end_reason) == (0, "stopped")


def test_a_cool_down_that_is_stopped_offers_no_other() -> None:
    state = replace(quiet(), index=4, second=10, length_s=120, training_before_s=720)
    ended = after(state, SessionCommand(70.0, Name.STOP))[0]
    assert (ended.cool_down_offered, ended.end_reason) == (False, "stopped")


def test_the_offered_cool_down_runs_and_its_end_is_still_a_stop() -> None:
    ended = replace(after(quiet(), SessionCommand(70.0, Name.STOP))[0], ceiling=Ceiling(over_since_t=65.0, times=1))
    cooling, events, _ = after(ended, SessionCommand(75.0, Name.START))
    cool_down = TWO_INTERVALS.phases[-1]
    assert (cooling.stage, cooling.ended_t, cooling.summary, cooling.cool_down_offered) == (
        "running",
        None,
        None,
        False,
    )
    assert cooling.program == (*TWO_INTERVALS.phases[:2], cool_down)
    assert (cooling.index, cooling.anchor_t, cooling.length_s, cooling.ceiling) == (2, 75.0, 120, Ceiling(times=1))
    assert PhaseStarted(75.0, 2, PhaseKind.COOL_DOWN, 0, 120) in events
    finished = after(cooling, Time(195.0))[0]
    assert (finished.stage, finished.end_reason, finished.cool_down_offered) == ("ended", "stopped", False)


def test_a_program_without_a_cool_down_offers_one_of_five_minutes() -> None:
    ended = after(quiet(), SessionCommand(70.0, Name.STOP))[0]
    ended = replace(ended, program=TWO_INTERVALS.phases[:2])
    cooling = after(ended, SessionCommand(70.0, Name.START))[0]
    assert cooling.program[-1] == Phase(PhaseKind.COOL_DOWN, 300, Zone(0.50, 0.65))


def test_a_session_that_nobody_answered_says_so_at_its_end() -> None:
    state = replace(quiet(), index=4, second=119, length_s=120, anchor_t=-50.0, training_before_s=720)
    state = replace(state, question=Question("phase_end", 20.0, repeated=True, called_t=60.0))
    ended, events, cues = after(state, Time(70.0 + 1.0))
    assert ended.end_reason == "no_answer"
    assert events[-1] == SessionEnded(70.0, "no_answer", completed=False) or events[-1].t == 71.0
    assert CueName.SAY_EXERTION not in [cue.name for cue in cues]


# Easing and cooling down


def test_easing_goes_to_the_recovery_that_follows() -> None:
    eased, events, _ = after(quiet(), SessionCommand(70.0, Name.EASE))
    assert (eased.index, eased.program) == (2, TWO_INTERVALS.phases)
    assert events[:2] == (
        PhaseEnded(70.0, 1, PhaseKind.INTERVAL, 1, 10.0, "eased"),
        PhaseStarted(70.0, 2, PhaseKind.RECOVERY, 0, 180),
    )


def test_easing_puts_a_recovery_in_where_work_would_follow() -> None:
    first, second = TWO_INTERVALS.phases[1], TWO_INTERVALS.phases[3]
    state = replace(quiet(), program=(TWO_INTERVALS.phases[0], first, second))
    eased = after(state, SessionCommand(70.0, Name.EASE))[0]
    recovery = Phase(PhaseKind.RECOVERY, 180, Zone(0.60, 0.70))
    assert (eased.program, eased.index) == ((TWO_INTERVALS.phases[0], first, recovery, second), 2)
    last = after(replace(state, program=(TWO_INTERVALS.phases[0], first)), SessionCommand(70.0, Name.EASE))[0]
    assert (last.program[-1], last.index) == (recovery, 2)


def test_cooling_down_leaves_no_work_and_is_said_once() -> None:
    turn = Transition(quiet())
    assert turn.cool_down("no_answer", "eased")
    assert (turn.state.cool_down_only, turn.state.phase.kind) == (("no_answer",), PhaseKind.COOL_DOWN)
    assert turn.state.program == (*TWO_INTERVALS.phases[:2], TWO_INTERVALS.phases[-1])
    before = len(turn.events)
    assert not turn.cool_down("no_answer", "eased")
    assert (turn.state.cool_down_only, len(turn.events)) == (("no_answer",), before)


def test_cooling_down_ends_no_phase_in_a_pause_nor_in_a_cool_down() -> None:
    paused = Transition(replace(quiet(), stage="paused", paused_t=70.0))
    assert not paused.cool_down("no_answer", "eased")
    assert paused.state.index == 1
    program = (*TWO_INTERVALS.phases, TWO_INTERVALS.phases[1])
    cooling = Transition(replace(quiet(), index=4, program=program))
    assert not cooling.cool_down("no_answer", "eased")
    assert cooling.state.program == TWO_INTERVALS.phases


# What the participant says


def test_a_readiness_without_a_yes_opens_the_session() -> None:
    state = LedSession(replace(PLAN, questions=("chest_pain", "fever", "withdrawal")), started=False).state
    answers = {"chest_pain": False, "fever": False, "withdrawal": False}
    ready = after(state, Readiness(1.0, answers))
    assert ready == (replace(state, t=1.0, stage="ready"), (ReadinessAnswered(1.0, ()),), ())


def test_a_yes_closes_the_session_and_an_urgent_one_says_what_to_do() -> None:
    state = LedSession(replace(PLAN, questions=("chest_pain", "withdrawal")), started=False).state
    closed, events, _ = after(state, Readiness(1.0, {"chest_pain": False, "withdrawal": True}))
    assert (closed.stage, closed.closed_because) == ("not_today", "readiness")
    assert events == (
        ReadinessAnswered(1.0, ("withdrawal",)),
        NoticeRaised(1.0, "not_ready", Level.ATTENTION, to_therapist=True),
    )
    urgent, events, _ = after(state, Readiness(1.0, {"chest_pain": True, "withdrawal": False}))
    assert (urgent.stage, urgent.closed_because) == ("not_today", "unwell")
    assert events == (
        ReadinessAnswered(1.0, ("chest_pain",)),
        NoticeRaised(1.0, "unwell", Level.STOP_NOW, to_therapist=True),
    )


def test_an_answer_ends_the_question_and_no_is_the_end_of_the_work() -> None:
    state = replace(
        quiet(), question=Question("odd_fall", 60.0), notices=(NoticeNow("no_answer", Level.STOP_NOW, 65.0),)
    )
    yes = after(state, AllRightAnswer(72.0))
    assert yes[0].question is None
    assert yes[1] == (QuestionAnswered(72.0, ok=True, after_s=12.0), NoticeCleared(72.0, "no_answer"))
    no, events, _ = after(state, AllRightAnswer(72.0, ok=False))
    assert (no.question, no.cool_down_only, no.phase.kind) == (None, ("not_all_right",), PhaseKind.COOL_DOWN)
    assert QuestionAnswered(72.0, ok=False, after_s=12.0) in events
    assert NoticeRaised(72.0, "not_all_right", Level.STOP_NOW, to_therapist=True) in events


def test_a_question_is_asked_once_with_the_speed_of_that_moment() -> None:
    turn = Transition(quiet())
    turn.ask("odd_fall")
    turn.ask("phase_end")
    assert turn.state.question == Question("odd_fall", 70.0, speed_kmh=6.0)
    assert (turn.events, [cue.name for cue in turn.cues]) == (
        [QuestionAsked(70.0, "odd_fall")],
        [CueName.ARE_YOU_ALL_RIGHT],
    )


def test_exertion_belongs_to_the_interval_and_after_the_end_to_the_session() -> None:
    state = quiet()
    within, events, _ = after(state, Exertion(70.0, 15))
    assert (within.new_borg, within.borg, events) == (15, None, (ExertionReported(70.0, 15, 1),))
    early = after(quiet(until_t=30.0), Exertion(30.0, 12))
    assert early[1] == (ExertionReported(30.0, 12, 0),)
    ended = after(state, SessionCommand(70.0, Name.STOP))[0]
    later, events, _ = after(ended, Exertion(72.0, 17))
    assert (later.borg, later.new_borg, events) == (17, None, (ExertionReported(72.0, 17, 0),))
    assert later.summary is not None
    assert later.summary.borg == 17


def test_a_mood_is_in_the_summary() -> None:
    ended = after(quiet(), SessionCommand(70.0, Name.STOP))[0]
    glad, events, _ = after(ended, Mood(72.0, 4))
    assert glad.summary is not None
    assert (glad.mood, glad.summary.mood, events) == (4, 4, (MoodReported(72.0, 4),))


def test_a_strap_is_bound_and_nothing_of_the_one_before_is_left() -> None:
    state = step(LedSession(started=False).state, HeartRate(1.0, 80.0)).state
    bound, events, _ = after(state, StrapChosen(2.0, "a", "A"))
    assert (bound.strap_key, bound.strap_name, bound.source) == ("a", "A", HeartRateSource())
    assert events == (StrapBound(2.0, "a", "A"), SignalChanged(2.0, Signal.LOST, Signal.LIVE, "never_seen"))


def test_a_treadmills_setting_is_noted_when_it_changes_and_dated_by_its_speed() -> None:
    state = quiet()
    assert after(state, TreadmillSpeed(70.0, 6.0, 5.0)) == (state, (), ())
    faster = after(state, TreadmillSpeed(71.0, 6.2, 5.0))
    assert (faster[0].speed_kmh, faster[0].speed_t, faster[1]) == (6.2, 71.0, (TreadmillChanged(71.0, 6.2, 5.0),))
    steeper = after(state, TreadmillSpeed(71.0, 6.0, 6.0))
    assert (steeper[0].incline_percent, steeper[0].speed_t) == (6.0, 0.0)
    assert steeper[1] == (TreadmillChanged(71.0, 6.0, 6.0),)


def test_a_recovery_that_is_extended_is_longer_by_that_and_remembers_it() -> None:
    state = replace(quiet(), index=2, second=10, length_s=180)
    longer = after(state, SessionCommand(70.0, Name.EXTEND_RECOVERY, 45))
    assert longer == (replace(state, length_s=225, extended_s=45), (RecoveryExtended(70.0, 45),), ())


def test_a_strap_that_the_adapter_lost_is_lost_for_its_reason() -> None:
    lost, events, cues = after(quiet(), SourceLost(70.0, "adapter_gone"))
    assert (lost.source.signal, lost.source.reason, lost.silent_since_t) == (Signal.LOST, "adapter_gone", 70.0)
    assert events == (
        SignalChanged(70.0, Signal.LOST, Signal.LIVE, "adapter_gone"),
        NoticeRaised(70.0, "signal_lost", Level.ATTENTION),
    )
    assert cues == (Cue(70.0, CueName.SIGNAL_LOST, Level.ATTENTION, 0),)


# What is shown and said


def test_an_advice_is_shown_once_and_spoken_when_it_is_to_be() -> None:
    faster = Advice(Direction.FASTER, 0.4, 6.4, 5.0, "below_zone")
    turn = Transition(quiet())
    turn.give(faster, spoken=False)
    assert (turn.state.advice, turn.state.asked_kmh, turn.state.advised_t) == (faster, 6.4, None)
    turn.give(faster, spoken=False)
    assert (turn.events, turn.cues) == ([AdviceGiven(70.0, faster)], [])
    turn.give(faster, spoken=True)
    assert (turn.events, turn.state.advised_t) == ([AdviceGiven(70.0, faster)] * 2, 70.0)
    assert turn.cues == [Cue(70.0, CueName.FASTER, Level.INFORMATION, 0, 6.4)]
    turn.give(Advice(Direction.HOLD), spoken=True)
    assert (turn.state.asked_kmh, turn.cues[-1].name) == (6.4, CueName.HOLD)


def test_hold_is_not_said_where_ordinary_speech_is_withheld() -> None:
    turn = Transition(replace(quiet(), notices=(NoticeNow("no_answer", Level.STOP_NOW, 60.0),)))
    turn.give(Advice(Direction.HOLD), spoken=True)
    turn.give(Advice(Direction.SLOWER, -0.4, 5.6, 5.0), spoken=True)
    assert [cue.name for cue in turn.cues] == [CueName.SLOWER]


def test_a_notice_is_raised_once_while_it_holds_and_remembered_once() -> None:
    turn = Transition(quiet())
    turn.raise_notice("by_exertion", Level.INFORMATION, to_therapist=True, detail="why")
    turn.raise_notice("by_exertion", Level.ATTENTION)
    assert turn.events == [NoticeRaised(70.0, "by_exertion", Level.INFORMATION, to_therapist=True, detail="why")]
    assert turn.state.notices == (NoticeNow("by_exertion", Level.INFORMATION, 70.0),)
    turn.clear_notice("by_exertion")
    turn.clear_notice("by_exertion")
    assert (turn.events[1:], turn.state.notices) == ([NoticeCleared(70.0, "by_exertion")], ())
    turn.raise_notice("by_exertion", Level.INFORMATION)
    assert turn.state.notice_codes == ("by_exertion",)


def test_only_an_urging_is_dropped_from_the_picture() -> None:
    turn = Transition(replace(quiet(), advice=Advice(Direction.FASTER, 0.4, 6.4)))
    turn.drop_urging()
    assert turn.state.advice == NO_URGING
    slower = Transition(replace(quiet(), advice=Advice(Direction.SLOWER, -0.4, 5.6)))
    slower.drop_urging()
    assert slower.state.advice == Advice(Direction.SLOWER, -0.4, 5.6)


def test_a_guidance_that_failed_is_put_out_of_action_once() -> None:
    turn = Transition(quiet())
    turn.guidance_failed("ValueError (learned.py:1)")
    turn.guidance_failed("KeyError (learned.py:2)")
    off = Advice(reason="guidance_off")
    assert turn.events == [
        NoticeRaised(70.0, "guidance_off", Level.INFORMATION, to_therapist=True, detail="ValueError (learned.py:1)"),
        AdviceGiven(70.0, off),
    ]
    assert (turn.state.guidance.place, turn.state.advice) == ("ValueError (learned.py:1)", off)  # type: ignore[attr-defined]
    over = Transition(replace(quiet(), advice=Advice(Direction.SLOWER, -1.0, 5.0, 5.0, "over_ceiling")))
    over.guidance_failed("ValueError (learned.py:1)")
    assert over.state.advice.reason == "over_ceiling"


# What falls due


def test_what_falls_due_first_is_a_second_the_silence_or_the_end_of_the_pause() -> None:
    state = quiet()
    assert Transition(state).next_due_t() == 71.0
    assert Transition(replace(state, anchor_t=66.0)).next_due_t() == 75.0
    assert Transition(replace(state, anchor_t=65.0)).next_due_t() == 75.0
    paused = replace(state, stage="paused", paused_t=70.0)
    assert Transition(paused).next_due_t() == 75.0
    assert Transition(replace(paused, source=HeartRateSource())).next_due_t() == 1870.0
    assert Transition(replace(paused, paused_t=-1726.0)).next_due_t() == 74.0
    assert Transition(replace(state, stage="ended", source=HeartRateSource())).next_due_t() is None


def test_time_that_passes_alone_changes_nothing_but_the_time() -> None:
    state = quiet()
    assert after(state, Time(70.5)) == (replace(state, t=70.5), (), ())


def test_the_fall_of_the_rate_is_measured_a_minute_after_the_interval() -> None:
    ended = after(quiet(), SessionCommand(70.0, Name.EASE))[0]
    assert (ended.tally.training_s, ended.fall_due_s) == (70, 130)


def test_the_same_speed_after_a_second_pause_is_no_new_advice() -> None:
    state = replace(quiet(), stage="paused", paused_t=70.0, speed_before_pause_kmh=5.5)
    going = after(state, SessionCommand(70.0, Name.RESUME))[0]
    again = after(replace(going, stage="paused", paused_t=70.0), SessionCommand(70.0, Name.RESUME))
    assert again[1] == (SessionResumed(70.0, 0.0),)
