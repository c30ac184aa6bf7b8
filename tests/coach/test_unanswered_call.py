"""H5: while nobody answers the call nothing urges, nothing begins, and the session ends honestly."""

import pytest
from msgspec.structs import replace

from coach.errors import MessageRefused
from coach.kiosk.flow import KioskState, face, press, session_ended
from coach.kiosk.view import Button, ScreenId
from coach.model.cue import CueName
from coach.model.events import Advice, Direction, Level, QuestionAnswered, QuestionAsked, SessionEnded
from coach.model.messages import AllRightAnswer, CommandName, Exertion, Restored, Time, TreadmillSpeed
from coach.model.protocol import Phase, PhaseKind, Protocol, Zone
from coach.session.limits import hardest_interval
from tests.support.led_session import PLAN, STEADY, TWO_INTERVALS, LedSession, Says, built_in

URGING = (CueName.FASTER, CueName.SPEED_UP)
ALWAYS = Advice(Direction.FASTER, 1.0, 9.0, 5.0, "below_zone")


def uncalled() -> LedSession:
    """310 s into a session under a guidance that always urges: the question has just been asked."""
    session = LedSession(guidance=lambda _: Says(ALWAYS), answers=False).send(
        TreadmillSpeed(0, 5.0, 5.0, "trusted_belt")
    )
    return session.live_until(60).live_until(300, 165).live_until(310, 150)


def called() -> LedSession:
    """The room has just been called, 350 s into the session."""
    return uncalled().live_until(350, 130)


def test_no_urging_and_no_interval_comes_while_nobody_answers_and_the_end_says_why() -> None:
    session = called().live_until(800, 120)
    late = [cue for cue in session.cues if cue.t > 310]
    assert [cue for cue in late if cue.name in (*URGING, CueName.INTERVAL, CueName.COUNTDOWN, CueName.HALFWAY)] == []
    assert [kind for _, kind in session.phases()] == ["warm_up", "interval", "recovery", "cool_down"]
    assert session.events[-1] == SessionEnded(600.0, "no_answer", completed=False)
    assert session.state.summary is not None
    assert (session.state.summary.end_reason, session.state.summary.completed) == ("no_answer", False)
    assert [cue.name for cue in late if cue.name in (CueName.DONE, CueName.SAY_EXERTION)] == []
    assert [notice.code for notice in session.seen.notices] == ["no_answer"]
    assert [cue.name for cue in session.cues if cue.t == 600.0] == [CueName.UNANSWERED]


def test_the_end_says_why_before_borg_is_asked_and_any_press_answers() -> None:
    session = called().live_until(700, 120)
    desk = session_ended(KioskState(chosen=True), session.state)
    assert face(desk, session.state) is ScreenId.ENDED
    for button in (Button.UP, Button.DOWN, Button.START):
        assert press(desk, session.state, button, 700.0).messages == (AllRightAnswer(700.0),)
    assert face(desk, session.send(AllRightAnswer(701)).state) is ScreenId.EXERTION


def test_the_call_is_repeated_calmly_each_minute() -> None:
    session = called().live_until(600, 120)
    calls = [(cue.t, cue.level) for cue in session.cues if cue.name is CueName.CALL_FOR_HELP]
    assert calls == [(350.0, Level.STOP_NOW), *((t, Level.ATTENTION) for t in (410.0, 470.0, 530.0, 590.0))]


def test_an_answer_before_the_cool_down_lets_the_session_go_on() -> None:
    session = called().live_until(400, 120).send(AllRightAnswer(400)).live_until(490, 120)
    assert session.seen.phase == "interval"
    assert session.seen.notices == ()


def test_an_answer_in_the_cool_down_leaves_a_session_that_ended_as_usual_but_without_work() -> None:
    session = called().live_until(500, 120).send(AllRightAnswer(500)).live_until(700, 120)
    assert session.events[-1] == SessionEnded(600.0, "done", completed=False)
    assert session.state.cool_down_only == ("no_answer",)


def test_a_call_in_work_eases_at_once_and_no_work_of_any_kind_comes_back() -> None:
    plan = replace(PLAN, hr_max_bpm=190.0)
    protocol = replace(STEADY, phases=(*STEADY.phases[:2], Phase(PhaseKind.MOTOR, 60), STEADY.phases[2]))
    session = LedSession(plan, protocol, answers=False).live_until(30).live_until(150, 170)
    session.live_until(158, lambda t: 170 - 4 * (t - 150)).live_until(900, 120)
    (asked,) = [event for event in session.events if isinstance(event, QuestionAsked)]
    assert asked.reason == "odd_fall"
    assert [kind for _, kind in session.phases()] == ["warm_up", "steady", "recovery", "cool_down"]
    assert session.phases()[2][0] == asked.t + 40
    assert session.state.end_reason == "no_answer"


def test_an_open_question_holds_a_short_recoverys_next_interval_back() -> None:
    phases = TWO_INTERVALS.phases
    short = replace(TWO_INTERVALS, phases=(*phases[:2], Phase(PhaseKind.RECOVERY, 20), *phases[3:]))
    session = LedSession(protocol=short, answers=False).live_until(60).live_until(300, 165).live_until(324, 150)
    assert session.seen.phase == "recovery"
    session.send(AllRightAnswer(324)).live_until(326, 150)
    assert session.seen.phase == "interval"


def test_a_speed_that_somebody_sets_and_that_stays_is_an_answer() -> None:
    session = called().send(TreadmillSpeed(352, 4.0, 5.0)).live_until(354, 120)
    assert session.seen.question == "phase_end"
    session.live_until(355, 120)
    assert session.events[-2] == QuestionAnswered(355.0, ok=True, after_s=45.0, by="treadmill")


def test_a_belt_that_was_already_on_its_way_to_another_speed_is_no_answer() -> None:
    """Some treadmills take 15 s from the interval's speed to the recovery's, and the question comes after 10 s."""
    session = (
        LedSession(answers=False).send(TreadmillSpeed(0, 9.0, 5.0, "trusted_belt")).live_until(60).live_until(300, 165)
    )
    for t in range(303, 319):
        session.live_until(t, 150).send(TreadmillSpeed(t, 9.0 - 0.25 * (t - 303), 5.0))
    session.live_until(345, 150)
    assert session.seen.question == "phase_end"
    session.send(TreadmillSpeed(345, 4.0, 5.0)).live_until(349, 150)
    assert session.seen.question is None


def test_a_belt_whose_reports_differ_by_a_tenth_is_no_answer_whatever_the_plans_steps() -> None:
    session = LedSession(replace(PLAN, speed_step_kmh=0.1), answers=False).send(
        TreadmillSpeed(0, 5.0, 5.0, "trusted_belt")
    )
    session.live_until(60).live_until(300, 165).live_until(312, 150).send(TreadmillSpeed(312, 5.1, 5.0)).live_until(
        330, 150
    )
    assert session.seen.question == "phase_end"


def test_staff_who_are_there_answer_the_call_and_the_session_goes_on() -> None:
    session = called().live_until(360, 120).send(AllRightAnswer(360, source="therapist"))
    assert QuestionAnswered(360.0, ok=True, after_s=50.0, by="therapist") in session.events
    assert (session.seen.question, session.seen.notices) == (None, ())
    assert session.live_until(490, 120).seen.phase == "interval"


def test_staff_who_are_there_after_the_end_take_the_notice_back_once() -> None:
    session = called().live_until(700, 120).send(AllRightAnswer(701, source="therapist"))
    assert session.seen.notices == ()
    with pytest.raises(MessageRefused, match="nothing was asked"):
        session.send(AllRightAnswer(702, source="therapist"))


@pytest.mark.parametrize(
    "speeds",
    [
        [(352, 0.0)],
        [(352, 5.1)],
        [(352, 4.0), (353, 3.0), (354, 2.0), (355, 1.0), (356, 0.0)],
    ],
)
def test_a_belt_that_stops_runs_out_or_wavers_is_no_answer(speeds: list[tuple[int, float]]) -> None:
    session = called()
    for t, speed_kmh in speeds:
        session.live_until(t, 120).send(TreadmillSpeed(t, speed_kmh, 5.0))
    session.live_until(380, 120)
    assert session.seen.question == "phase_end"


def test_where_the_belt_was_not_read_when_it_was_asked_its_first_speed_is_no_answer() -> None:
    session = LedSession(answers=False).live_until(60).live_until(300, 165).live_until(312, 150)
    session.send(TreadmillSpeed(312, 4.0, 5.0)).live_until(320, 150)
    assert session.seen.question == "phase_end"


def test_what_is_said_after_the_end_takes_the_notice_back() -> None:
    session = called().live_until(700, 120).send(Exertion(701, 13))
    assert session.seen.notices == ()


def test_a_stop_by_the_therapist_keeps_the_notice_open() -> None:
    session = called()
    session.command(CommandName.STOP, source="therapist")
    assert [notice.code for notice in session.seen.notices] == ["no_answer"]
    assert session.state.end_reason == "stopped"


@pytest.mark.parametrize(
    ("ask_after", "asked_t"),
    [("every_interval", [310.0, 730.0]), ("hardest_interval", [730.0]), ("odd_fall", [])],
)
def test_the_plan_says_after_which_intervals_it_is_asked(ask_after: str, asked_t: list[float]) -> None:
    session = LedSession(replace(PLAN, ask_after=ask_after)).live_until(60).live_until(300, 165).live_until(480, 130)
    session.live_until(720, 165).live_until(800, 120)
    assert [event.t for event in session.events if isinstance(event, QuestionAsked)] == asked_t


LONG_STEADY = Protocol(
    "steady",
    {"en": "Steady"},
    (
        Phase(PhaseKind.WARM_UP, 60, Zone(0.55, 0.7)),
        Phase(PhaseKind.STEADY, 2100, Zone(0.65, 0.75)),
        Phase(PhaseKind.COOL_DOWN, 300, Zone(0.5, 0.65)),
    ),
)


@pytest.mark.parametrize(
    ("ask_after", "mode", "asked_t"),
    [
        ("every_interval", "heart_rate", [660.0, 1260.0, 1860.0, 2170.0]),
        ("hardest_interval", "heart_rate", [2170.0]),
        ("odd_fall", "heart_rate", []),
        ("odd_fall", "exertion", [660.0, 1260.0, 1860.0, 2170.0]),
        ("hardest_interval", "exertion", [2170.0]),
    ],
)
def test_who_trains_steadily_alone_is_asked_every_ten_minutes_and_at_the_end(
    ask_after: str, mode: str, asked_t: list[float]
) -> None:
    plan = replace(PLAN, ask_after=ask_after, mode=mode)
    session = LedSession(plan, LONG_STEADY).live_until(60, 110).live_until(2160, 140).live_until(2300, 110)
    asked = [event for event in session.events if isinstance(event, QuestionAsked)]
    assert [event.t for event in asked] == asked_t
    assert [event.reason for event in asked] == ["long_work"] * (len(asked) - 1) + ["phase_end"] * bool(asked)


def test_long_work_is_not_asked_about_shortly_before_its_end() -> None:
    def asked_in(length_s: int) -> list[float]:
        phases = (Phase(PhaseKind.MOTOR, length_s), Phase(PhaseKind.COOL_DOWN, 60))
        session = LedSession(PLAN, Protocol("x", {"en": "X"}, phases)).live_until(length_s + 30, 110)
        return [event.t for event in session.events if isinstance(event, QuestionAsked)]

    assert asked_in(899) == [909.0]
    assert asked_in(900) == [600.0, 910.0]


def test_who_does_not_answer_in_steady_work_is_called_for_and_then_only_cools_down() -> None:
    session = LedSession(PLAN, LONG_STEADY, answers=False).live_until(60, 110).live_until(699, 140)
    assert [kind for _, kind in session.phases()] == ["warm_up", "steady"]
    session.live_until(701, 140)
    assert session.cued(CueName.CALL_FOR_HELP) == [(700.0, CueName.CALL_FOR_HELP)]
    assert session.phases()[-1] == (700.0, "cool_down")


@pytest.mark.parametrize("ask_after", ["every_interval", "hardest_interval", "odd_fall"])
def test_an_odd_fall_is_asked_about_in_every_plan(ask_after: str) -> None:
    session = LedSession(replace(PLAN, ask_after=ask_after), answers=False).live_until(60).live_until(150, 180)
    session.live_until(160, lambda t: 180 - 4 * (t - 150))
    assert [event.reason for event in session.events if isinstance(event, QuestionAsked)] == ["odd_fall"]


def test_the_hardest_interval_is_that_of_the_highest_zone_then_the_longest_then_the_last() -> None:
    def of(*phases: tuple[float, int]) -> int:
        made = [
            Phase(PhaseKind.INTERVAL, length_s, Zone(0.5, high) if high else None, interval=place)
            for place, (high, length_s) in enumerate(phases, 1)
        ]
        return hardest_interval(Protocol("x", {}, tuple(made)))

    assert of((0.9, 240), (0.95, 60), (0.9, 300)) == 2
    assert of((0.9, 240), (0.9, 300), (0.0, 600)) == 2
    assert of((0.9, 240), (0.9, 240)) == 2
    assert of() == 0
    assert hardest_interval(built_in("4x4")) == 4


def test_not_all_right_in_a_pause_leaves_only_cooling_down_once_it_goes_on() -> None:
    session = uncalled().command(CommandName.PAUSE, source="therapist").send(AllRightAnswer(312, ok=False))
    assert (session.seen.stage, session.state.cool_down_only) == ("paused", ("not_all_right",))
    session.command(CommandName.RESUME).live_until(520, 120)
    assert "interval" not in [kind for _, kind in session.phases()[2:]]


@pytest.mark.parametrize("by", ["restart", "therapist"])
def test_a_pause_neither_silences_the_call_nor_makes_its_end_look_usual(by: str) -> None:
    """A power cut in a call must not leave the person alone for the half hour that a pause may last."""
    session = called().live_until(360, 120)
    session.send(Restored(361)) if by == "restart" else session.command(CommandName.PAUSE, source="therapist")
    session.send(Time(2500))
    calls = [cue.t for cue in session.cues if cue.name is CueName.CALL_FOR_HELP]
    assert calls == [350.0 + 60.0 * number for number in range(len(calls))]
    assert calls[-1] > 2000
    assert (session.seen.stage, session.state.end_reason) == ("ended", "no_answer")
    assert session.cues[-1].name is CueName.UNANSWERED
    assert [notice.code for notice in session.seen.notices if notice.code == "no_answer"] == ["no_answer"]


def test_an_answer_in_a_pause_ends_the_call() -> None:
    session = called().live_until(360, 120).send(Restored(361), AllRightAnswer(400, source="therapist"), Time(1500))
    assert [cue.t for cue in session.cues if cue.name is CueName.CALL_FOR_HELP] == [350.0]
    assert session.seen.stage == "paused"


def test_staff_who_are_there_answer_no_other_question() -> None:
    """What the treadmill shows is asked of whoever stands before it, not of the room's page."""
    session = LedSession().send(TreadmillSpeed(0, 5.0)).live_until(60)
    session.state = replace(session.state, belt=replace(session.state.belt, question_kmh=6.0, question_t=60.0))
    with pytest.raises(MessageRefused):
        session.send(AllRightAnswer(61, source="therapist"))
    assert session.send(AllRightAnswer(61)).state.belt.question_kmh is None
