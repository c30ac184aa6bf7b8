"""H13, H14: the questions before the start, the weekly cap and the rest between sessions; and plans nobody can have."""

import pytest
from msgspec.structs import replace

from coach.errors import MessageRefused, PlanError
from coach.model.events import Level, NoticeRaised, ReadinessAnswered, SessionStarted
from coach.model.messages import AllRightAnswer, CommandName, Readiness, SessionCommand
from coach.model.plan import Load, Plan, formula_hr_max_bpm
from tests.support.led_session import PLAN, LedSession

ASKING = replace(PLAN, questions=("chest_pain", "fever"))


def asking() -> LedSession:
    return LedSession(ASKING, started=False)


def refusal(session: LedSession, *messages: SessionCommand | Readiness) -> str:
    kept = session.state
    with pytest.raises(MessageRefused) as refused:
        session.send(*messages)
    assert session.state == kept
    assert refused.value.reason
    return refused.value.code


def test_no_to_every_question_opens_the_start() -> None:
    session = asking().send(Readiness(3, {"chest_pain": False, "fever": False}))
    assert session.events == [ReadinessAnswered(3.0, ())]
    assert session.seen.stage == "ready"
    assert session.send(SessionCommand(4, CommandName.START)).events[1] == SessionStarted(4.0)


def test_a_yes_means_no_session_and_tells_the_therapist() -> None:
    session = asking().send(Readiness(3, {"chest_pain": False, "fever": True}))
    assert session.events == [
        ReadinessAnswered(3.0, ("fever",)),
        NoticeRaised(3.0, "not_ready", Level.ATTENTION, to_therapist=True),
    ]
    assert (session.seen.stage, session.state.closed_because) == ("not_today", "readiness")
    assert refusal(session, SessionCommand(3, CommandName.START)) == "not_today"


def test_nobody_starts_before_the_questions_are_answered() -> None:
    assert refusal(asking(), SessionCommand(1, CommandName.START)) == "unanswered"


def test_a_question_left_out_is_refused() -> None:
    assert refusal(asking(), Readiness(1, {"fever": False})) == "unanswered"
    assert refusal(asking(), Readiness(1, {"fever": True})) == "unanswered"
    assert refusal(asking(), Readiness(1, {"fainting": True})) == "unanswered"


def test_answers_that_nobody_asked_for_are_refused() -> None:
    assert refusal(LedSession(), Readiness(0, {})) == "no_question"


def test_a_session_starts_once() -> None:
    assert refusal(LedSession(), SessionCommand(0, CommandName.START)) == "started"


@pytest.mark.parametrize(
    ("plan", "because"),
    [
        (replace(PLAN, weekly_cap=3, sessions_last_7_days=3), "weekly_cap"),
        (replace(PLAN, weekly_cap=3, sessions_last_7_days=4), "weekly_cap"),
        (replace(PLAN, rest_hours=24.0, hours_since_last=23.9), "rest"),
        (replace(ASKING, weekly_cap=0), "weekly_cap"),
    ],
)
def test_too_much_training_closes_the_session_until_the_therapist_releases_it(plan: Plan, because: str) -> None:
    session = LedSession(plan, started=False)
    assert (session.seen.stage, session.state.closed_because) == ("not_today", because)
    assert refusal(session, SessionCommand(0, CommandName.START)) == "not_today"
    released = LedSession(replace(plan, cap_released=True), started=False)
    assert released.seen.stage == ("questions" if plan.questions else "ready")


@pytest.mark.parametrize(
    "plan",
    [
        replace(PLAN, weekly_cap=3, sessions_last_7_days=2),
        replace(PLAN, rest_hours=24.0, hours_since_last=24.0),
        replace(PLAN, rest_hours=24.0),
    ],
)
def test_enough_rest_opens_it(plan: Plan) -> None:
    assert LedSession(plan, started=False).seen.stage == "ready"


@pytest.mark.parametrize(
    ("plan", "about"),
    [
        (replace(PLAN, hr_max_bpm=None), "no HRmax"),
        (replace(PLAN, hr_max_bpm=79.0), "hr_max_bpm is 79"),
        (replace(PLAN, hr_max_bpm=241.0), "hr_max_bpm is 241"),
        (replace(PLAN, hr_max_bpm=float("nan")), "hr_max_bpm is nan"),
        (replace(PLAN, ceiling_bpm=70.0), "ceiling_bpm is 70"),
        (replace(PLAN, speed_step_kmh=0.0), "speed_step_kmh is 0"),
        (replace(PLAN, speed_step_kmh=2.0), "speed_step_kmh is 2"),
        (replace(PLAN, start=Load(0.0)), "start is 0 km/h"),
        (replace(PLAN, start=Load(21.0)), "start is 21 km/h"),
        (replace(PLAN, start=Load(5.0, 31.0)), "at 31 %"),
    ],
)
def test_no_session_begins_from_a_plan_that_no_person_has(plan: Plan, about: str) -> None:
    with pytest.raises(PlanError, match=about):
        LedSession(plan)


def test_hr_max_may_be_unknown_in_exertion_mode_only() -> None:
    plan = replace(PLAN, mode="exertion", hr_max_bpm=None)
    assert plan.effective_ceiling_bpm is None
    assert LedSession(plan, started=False).seen.mode == "exertion"


def test_the_formulas_for_hr_max() -> None:
    assert formula_hr_max_bpm(50) == pytest.approx(179.0)
    assert formula_hr_max_bpm(50, beta_blocked=True) == pytest.approx(129.0)


def test_a_yes_to_chest_pain_says_what_to_do_now_and_calls_the_therapist_first() -> None:
    session = asking().send(Readiness(3, {"chest_pain": True, "fever": False}))
    assert session.events[-1] == NoticeRaised(3.0, "unwell", Level.STOP_NOW, to_therapist=True)
    assert (session.seen.stage, session.state.closed_because) == ("not_today", "unwell")


@pytest.mark.parametrize(("yes", "because"), [(("chest_pain",), "unwell"), (("fever", "intoxication"), "readiness")])
def test_training_that_a_yes_has_closed_begins_closed_also_where_the_cap_is_released(
    yes: tuple[str, ...], because: str
) -> None:
    session = LedSession(replace(ASKING, closed_by_yes=yes, cap_released=True), started=False)
    assert (session.seen.stage, session.state.closed_because) == ("not_today", because)
    assert refusal(session, SessionCommand(0, CommandName.START)) == "not_today"


def not_all_right() -> LedSession:
    """A session in which the person answered "no, stop" to the question after the first interval."""
    session = LedSession(answers=False).live_until(60).live_until(300, 175).live_until(312, 150)
    return session.send(AllRightAnswer(312, ok=False), SessionCommand(312, CommandName.STOP))


def test_after_not_all_right_no_cool_down_is_offered_and_the_reason_is_asked_once() -> None:
    session = not_all_right()
    assert (session.seen.stage, session.seen.cool_down_offered) == ("ended", False)
    answers = {"chest_pain": True, "fainting": False, "dizziness": True, "injury": False}
    session.send(Readiness(330, answers))
    assert ReadinessAnswered(330.0, ("chest_pain", "dizziness")) in session.events
    assert NoticeRaised(330.0, "unwell", Level.STOP_NOW, to_therapist=True) in session.events
    assert refusal(session, Readiness(331, answers)) == "no_question"


def test_a_session_that_went_well_asks_no_reason() -> None:
    session = LedSession().live_until(60).command(CommandName.STOP)
    assert refusal(session, Readiness(61, {})) == "no_question"
