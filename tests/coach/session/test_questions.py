"""H5: «are you all right?» at the end of an interval and on an odd fall; a loud call when nobody answers."""

from coach.errors import MessageRefused
from coach.model.cue import Cue, CueName
from coach.model.events import Level, Limit, NoticeRaised, QuestionAnswered, QuestionAsked
from coach.model.messages import AllRightAnswer, CommandName, Exertion, SessionCommand, Time
from tests.support.led_session import PLAN, LedSession


def asked() -> LedSession:
    """310 s into the session: the question after the first interval has just been asked."""
    return LedSession(answers=False).live_until(60).live_until(300, 175).live_until(310, 150)


def test_each_interval_is_followed_by_the_question() -> None:
    session = LedSession().live_until(60).live_until(300, 175).live_until(480, 130).live_until(720, 178)
    session.live_until(840, 120)
    questions = [event for event in session.events if isinstance(event, QuestionAsked)]
    assert questions == [QuestionAsked(310.0, "phase_end"), QuestionAsked(730.0, "phase_end")]
    assert session.cued(CueName.ARE_YOU_ALL_RIGHT) == [
        (310.0, CueName.ARE_YOU_ALL_RIGHT),
        (730.0, CueName.ARE_YOU_ALL_RIGHT),
    ]


def test_nobody_is_asked_after_the_warm_up() -> None:
    session = LedSession().live_until(60).live_until(120, 165)
    assert not [event for event in session.events if isinstance(event, QuestionAsked)]


def test_twenty_seconds_without_an_answer_ask_once_more_in_the_same_calm_way() -> None:
    session = asked().live_until(349)
    asked_twice = [cue for cue in session.cues if cue.name is CueName.ARE_YOU_ALL_RIGHT]
    assert asked_twice == [Cue(310.0, CueName.ARE_YOU_ALL_RIGHT), Cue(330.0, CueName.ARE_YOU_ALL_RIGHT)]
    assert len([event for event in session.events if isinstance(event, QuestionAsked)]) == 1
    assert not session.seen.notices


def test_forty_seconds_without_an_answer_call_for_help_loudly_once_and_tell_the_therapist() -> None:
    session = asked().live_until(349)
    assert not session.cued(CueName.CALL_FOR_HELP)
    session.live_until(420)
    assert [cue for cue in session.cues if cue.name is CueName.CALL_FOR_HELP][:1] == [
        Cue(350.0, CueName.CALL_FOR_HELP, Level.STOP_NOW)
    ]
    assert NoticeRaised(350.0, "no_answer", Level.STOP_NOW, to_therapist=True) in session.events
    assert session.seen.question == "phase_end"


def test_an_answer_ends_the_question_and_the_notice() -> None:
    session = asked().live_until(355).send(AllRightAnswer(355))
    assert session.events[-2:] == [QuestionAnswered(355.0, ok=True, after_s=45.0), session.events[-1]]
    assert session.notices()[-1] == (355.0, "-no_answer")
    assert session.seen.question is None


def test_any_button_is_an_answer() -> None:
    session = asked().command(CommandName.PAUSE)
    assert QuestionAnswered(310.0, ok=True, after_s=0.0) in session.events


def test_a_command_from_the_therapist_is_no_answer() -> None:
    session = asked().command(CommandName.EXTEND_RECOVERY, source="therapist")
    assert session.seen.question == "phase_end"


def test_perceived_exertion_is_an_answer() -> None:
    assert asked().send(Exertion(312, 15)).seen.question is None


def test_not_all_right_leaves_only_cooling_down_and_tells_the_therapist() -> None:
    session = asked().send(AllRightAnswer(312, ok=False))
    assert session.endings()[-1] == (312.0, "recovery", "eased")
    assert session.seen.phase == "cool_down"
    assert NoticeRaised(312.0, "not_all_right", Level.STOP_NOW, to_therapist=True) in session.events
    assert Limit("cool_down_only", ("not_all_right",)) in session.seen.limits


def test_an_answer_to_nothing_is_refused() -> None:
    session = LedSession().live_until(10)
    try:
        session.send(AllRightAnswer(10))
    except MessageRefused as refusal:
        assert refusal.code == "no_question"  # noqa: PT017 - the refusal is the outcome under test
    else:
        raise AssertionError


def test_a_rate_that_falls_oddly_in_work_makes_the_coach_ask_and_forbids_urging() -> None:
    session = LedSession(answers=False).live_until(60).live_until(150, 180)
    session.live_until(160, lambda t: 180 - 4 * (t - 150))
    assert [event for event in session.events if isinstance(event, QuestionAsked)] == [QuestionAsked(157.0, "odd_fall")]
    assert "question" in session.seen.limits[-1].reasons


def test_a_fall_in_the_first_half_minute_of_work_is_not_odd() -> None:
    session = LedSession().live_until(60, 160).live_until(89, lambda t: 160 - 2.5 * max(0, t - 70))
    assert not [event for event in session.events if isinstance(event, QuestionAsked)]


def test_a_falling_rate_in_recovery_is_not_odd() -> None:
    session = LedSession().live_until(60).live_until(300, 180).live_until(400, lambda t: max(100, 180 - 2 * (t - 300)))
    assert [event.reason for event in session.events if isinstance(event, QuestionAsked)] == ["phase_end"]


def test_one_question_at_a_time() -> None:
    session = LedSession(answers=False).live_until(60).live_until(150, 180)
    session.live_until(164, lambda t: 180 - 4 * (t - 150)).live_until(320, 124)
    assert [event.reason for event in session.events if isinstance(event, QuestionAsked)] == ["odd_fall"]


def test_a_question_waits_through_a_pause_with_its_time() -> None:
    session = asked().live_until(315, 140).command(CommandName.PAUSE, source="therapist").live_until(375, 110)
    session.command(CommandName.RESUME, source="therapist").live_until(409, 110)
    assert not session.cued(CueName.CALL_FOR_HELP)
    session.live_until(410, 110)
    assert session.cued(CueName.CALL_FOR_HELP) == [(410.0, CueName.CALL_FOR_HELP)]
    session.send(AllRightAnswer(411))
    assert session.events[-2] == QuestionAnswered(411.0, ok=True, after_s=41.0)


def test_the_end_of_the_session_ends_the_question() -> None:
    session = asked().send(SessionCommand(310, CommandName.STOP, source="therapist"))
    assert session.seen.question is None
    session.send(Time(400))
    assert not session.cued(CueName.CALL_FOR_HELP)


def test_the_plan_is_not_touched_by_any_of_it() -> None:
    assert asked().state.plan is PLAN


def test_not_all_right_twice_is_one_limit() -> None:
    session = LedSession(answers=False).live_until(60).live_until(150, 180).live_until(160, lambda t: 780 - 4 * t)
    session.send(AllRightAnswer(160, ok=False)).live_until(170, 140)
    assert session.seen.question == "phase_end"
    session.send(AllRightAnswer(170, ok=False))
    assert session.state.cool_down_only == ("not_all_right",)
    assert session.seen.phase == "cool_down"
