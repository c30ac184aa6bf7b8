"""The demo's people who need a therapist: one for each rule of the follow-up list, and what makes them so."""

from datetime import timedelta

from coach.model.events import SessionEnded
from coach.model.messages import AllRightAnswer, AnyMessage, CommandName, Exertion, Mood, SessionCommand
from coach.model.plan import Load, Plan
from firmware.demo import needs
from firmware.simulation.person import Habits
from server.follow_up.rules import BY_CODE

UNTIL_WALL_S = 1_795_330_000.0
DAY_S = 86_400.0
WHEN = [UNTIL_WALL_S - days * DAY_S for days in range(40, 0, -2)]
BY_ITSELF = {"unassigned"}
"""A session whose participant is not registered."""


class Says:
    """A person who says the same in every second."""

    rate_bpm = 120.0

    def second(self, t: float, _snapshot: object, events: object) -> list[AnyMessage]:
        """Yes, and Borg 16; a mood at the end."""
        return [AllRightAnswer(t), Mood(t, 1) if events else Exertion(t, 16)]


def said(how: str) -> list[AnyMessage]:
    return needs.CoursePerson(Says(), how).second(1.0, None, ())  # type: ignore[arg-type] # as a person does


def test_every_rule_has_somebody_in_the_demo() -> None:
    assert set(needs.NEEDS) | BY_ITSELF == set(BY_CODE)
    assert len(set(needs.NEEDS)) == len(needs.NEEDS)
    assert [needs.need_of(number) for number in (0, 3, 4, 3 + len(needs.NEEDS), 4 + len(needs.NEEDS))] == [
        "", "", needs.NEEDS[0], needs.NEEDS[-1], "",
    ]  # fmt: skip


def test_somebody_who_is_away_has_not_trained_for_more_than_a_week() -> None:
    assert max(needs.times_of("absence", WHEN, UNTIL_WALL_S)) < UNTIL_WALL_S - 8 * DAY_S


def test_somebody_who_is_back_trained_last_after_a_break() -> None:
    *_, before, last = needs.times_of("return", WHEN, UNTIL_WALL_S)
    assert last == WHEN[-1]
    assert last - before > timedelta(days=10).total_seconds()


def test_who_comes_seldom_still_came_lately() -> None:
    seldom = needs.times_of("low_attendance", WHEN, UNTIL_WALL_S)
    assert seldom[-2:] == WHEN[-2:]
    assert len(seldom) < 0.6 * len(WHEN)


def test_a_session_without_a_need_is_as_anybody_s() -> None:
    plan = Plan(participant="p-1", hr_max_bpm=180.0)
    assert needs.plan_of("", plan) == plan
    assert needs.habits_of("whole", Habits(), plan) == Habits()
    assert needs.times_of("", WHEN, UNTIL_WALL_S) == WHEN
    assert needs.faults_of("whole") == ()


def test_answers_are_those_of_the_need() -> None:
    assert said("said_no") == [AllRightAnswer(1.0, ok=False), Exertion(1.0, 16)]
    assert said("no_answer") == [Exertion(1.0, 16)]
    assert said("easy_in_zone") == [AllRightAnswer(1.0), Exertion(1.0, needs.EASY_BORG)]


def test_somebody_who_finds_it_very_hard_walks_slowly() -> None:
    plan = Plan(participant="p-1", hr_max_bpm=180.0, start=Load(7.0, 5.0))
    assert needs.habits_of("hard_under_zone", Habits(), plan).fastest_kmh == 2.8
    trainee = needs.CoursePerson(Says(), "hard_under_zone")  # type: ignore[arg-type] # as a person does
    said_borg = [one.borg for t in range(4) for one in trainee.second(t, None, ()) if isinstance(one, Exertion)]
    assert said_borg == [16, 16, 16, needs.HARD_BORG]
    assert said("never_in_zone") == [AllRightAnswer(1.0), Exertion(1.0, needs.HARD_BORG)]


def test_afterwards_somebody_says_how_hard_the_hardest_interval_was_and_the_mood_of_the_day() -> None:
    trainee = needs.CoursePerson(Says(), "", mood=4)  # type: ignore[arg-type] # as a person does
    assert trainee.second(1.0, None, ()) == [AllRightAnswer(1.0), Exertion(1.0, 16)]
    ended = SessionEnded(2.0, "done", completed=True)
    assert trainee.second(2.0, None, (ended,)) == [AllRightAnswer(2.0), Exertion(2.0, 16), Mood(2.0, 4)]


def test_somebody_who_leaves_presses_stop() -> None:
    trainee = needs.CoursePerson(Says(), "stopped_early", leaves_at_s=3.0)  # type: ignore[arg-type] # as above
    assert SessionCommand(3.0, CommandName.STOP) not in trainee.second(2.0, None, ())
    assert trainee.second(3.0, None, ())[-1] == SessionCommand(3.0, CommandName.STOP)
