"""What a participant sees of their own training: figures against themselves, never a loss, and kind to breaks."""

from itertools import pairwise

import pytest
from msgspec.structs import replace

from coach.model.course_progress import CourseProgress, PastSession, TherapistWord
from coach.model.plan import Load, Plan
from coach.progress.my_training import (
    TrainingDay,
    known_sessions,
    my_training,
    next_appointment,
    step_back,
    with_moment,
)

DAY_S = 86_400.0
MONDAY_S = 4 * DAY_S + 2900 * 7 * DAY_S
"""Midnight between a Sunday and a Monday."""
PLAN = Plan(participant="p1", hr_max_bpm=185.0, hr_max_source="measured", start=Load(6.4, 5.0))


def session(day: float, *, good_s: float = 800.0, bpm: float | None = 160.0, kmh: float | None = 6.0) -> PastSession:
    """A session that ended at noon so many days after the Monday."""
    at_s = MONDAY_S + day * DAY_S + DAY_S / 2
    return PastSession(
        session_id=f"s{day}",
        ended_wall_s=at_s,
        good_s=good_s,
        planned_s=960.0,
        third_minute_bpm=bpm,
        speed_kmh=kmh,
        incline_percent=5.0,
    )


def on(day: float) -> TrainingDay:
    return TrainingDay(MONDAY_S + day * DAY_S + DAY_S / 2 + 60)


def line_of(*sessions: PastSession) -> tuple[str, float]:
    training = my_training(sessions, PLAN, None, on(30))
    return training.line, training.amount


def test_before_the_first_session_there_is_nothing_but_the_course() -> None:
    training = my_training((), PLAN, None, on(0))
    assert (training.shares, training.week_done, training.week_goal, training.line) == ((), 0, 3, "begun")
    assert (training.weeks, training.back_after_days, training.sessions) == (0, None, ())


def test_dots_are_filled_by_the_share_of_good_work() -> None:
    training = my_training((session(0, good_s=480), session(2, good_s=2000), session(4, good_s=0)), PLAN, None, on(4))
    assert training.shares == (0.5, 1.0, 0.0)
    assert [one.number for one in training.sessions] == [3, 2, 1]


def test_a_session_without_planned_work_fills_its_dot() -> None:
    assert replace(session(0), planned_s=0.0).share == 1.0


def test_sessions_that_this_machine_does_not_know_are_counted_first() -> None:
    training = my_training((session(0, good_s=480),), PLAN, None, on(0), done=3)
    assert training.shares == (1.0, 1.0, 0.5)
    assert training.sessions[0].number == 3


def test_only_the_running_course_is_shown() -> None:
    assert len(my_training([session(at) for at in range(5)], PLAN, None, on(5), done=2).shares) == 2


def test_the_week_is_the_calendars_by_local_time() -> None:
    past = (session(-0.6), session(0), session(2))
    assert my_training(past, PLAN, None, on(3)).week_done == 2
    late = TrainingDay(MONDAY_S - 1800, utc_offset_s=3600.0)
    assert late.week_of(MONDAY_S - 1800) == late.week_of(MONDAY_S + 60)


@pytest.mark.parametrize(("a_week", "cap", "goal"), [(None, None, 3), (2, None, 2), (None, 2, 2), (4, 5, 4)])
def test_the_weeks_goal_is_what_was_agreed_and_never_above_the_cap(
    a_week: int | None, cap: int | None, goal: int
) -> None:
    plan = replace(PLAN, weekly_cap=cap)
    assert my_training((), plan, CourseProgress(a_week=a_week), on(0)).week_goal == goal


@pytest.mark.parametrize(
    ("days", "today", "weeks"),
    [
        ((0, 7, 14), 15, 3),
        ((0, 7, 14), 21, 3),
        ((0, 14, 21), 22, 3),
        ((0, 21), 22, 1),
        ((0, 7), 30, 0),
        ((), 3, 0),
    ],
)
def test_weeks_in_a_row_forgive_one_week_without_a_session(days: tuple[int, ...], today: int, weeks: int) -> None:
    assert my_training([session(at) for at in days], PLAN, None, on(today)).weeks == weeks


def test_the_line_tells_a_lower_rate_at_the_same_speed() -> None:
    assert line_of(session(0, bpm=164), session(2, bpm=160)) == ("same_speed", 4.0)
    assert line_of(session(0, bpm=164), session(2, bpm=170, kmh=7.0), session(4, bpm=159)) == ("same_speed", 5.0)


def test_the_line_tells_a_higher_speed_at_no_higher_rate() -> None:
    assert line_of(session(0, bpm=160, kmh=6.0), session(2, bpm=161, kmh=6.4)) == ("faster", 0.4)


def test_the_line_tells_more_good_minutes() -> None:
    assert line_of(session(0, good_s=600, kmh=None), session(2, good_s=720, kmh=None)) == ("more_minutes", 120.0)


@pytest.mark.parametrize(
    "worse",
    [
        session(2, bpm=170, good_s=300),
        session(2, bpm=175, kmh=5.0, good_s=0),
        session(2, bpm=None, good_s=100),
        session(2, bpm=175, kmh=7.0, good_s=100),
        replace(session(2, bpm=150, kmh=7.0), incline_percent=0.0),
        replace(session(2, bpm=150), incline_percent=0.0),
    ],
)
def test_the_line_is_never_a_loss(worse: PastSession) -> None:
    assert line_of(session(0), worse) == ("sessions", 2.0)
    assert line_of(worse) == ("sessions", 1.0)


def test_fitness_is_shown_from_the_fourth_session_and_only_with_a_sex() -> None:
    past = [session(at) for at in range(8)]
    assert my_training(past, PLAN, None, on(8)).fitness is None
    assert my_training(past[:3], PLAN, CourseProgress(sex="f"), on(8)).fitness is None
    shown = my_training(past, PLAN, CourseProgress(sex="f"), on(8)).fitness
    assert shown is not None
    assert (shown.before, shown.sessions, shown.younger) == (None, 8, False)
    assert shown.low < shown.now < shown.high


def test_a_certain_gain_is_shown_from_the_start_and_a_loss_is_not() -> None:
    gained = [session(at, kmh=6.0 + at * 0.06) for at in range(24)]
    lost = [session(at, kmh=7.4 - at * 0.06) for at in range(24)]
    told = CourseProgress(sex="f")
    now, worse = (my_training(one, PLAN, told, on(24)).fitness for one in (gained, lost))
    assert now is not None
    assert worse is not None
    assert now.before is not None
    assert now.before > now.now
    assert worse.before is None


def test_the_fitness_age_of_a_growing_course_moves_by_few_years_from_point_to_point() -> None:
    past = [session(at, bpm=160.0 + (7 * at) % 9 - 4) for at in range(24)]
    told = CourseProgress(sex="f")
    shown = [my_training(past[:count], PLAN, told, on(count)).fitness for count in range(4, 25)]
    ages = [one.now for one in shown if one is not None]
    assert len(ages) == len(shown)
    assert max(abs(one - other) for one, other in pairwise(ages)) <= 4


def test_an_age_beyond_the_tables_end_is_not_shown_to_the_person() -> None:
    past = [session(at, kmh=4.0) for at in range(8)]
    assert my_training(past, PLAN, CourseProgress(sex="m"), on(8)).fitness is None
    fit = [session(at, kmh=14.0) for at in range(8)]
    shown = my_training(fit, PLAN, CourseProgress(sex="f"), on(8)).fitness
    assert shown is not None
    assert shown.younger


def test_after_seven_whole_days_one_is_welcomed_back_and_steps_back_a_week() -> None:
    past = [session(at, kmh=6.0 + 0.1 * at) for at in range(5)]
    assert my_training(past, PLAN, None, on(11)).back_after_days is None
    assert my_training(past, PLAN, None, on(12.1)).back_after_days == 8
    assert step_back(past, PLAN, on(11)) == PLAN
    assert step_back(past, PLAN, on(20)).start == Load(6.1, 5.0)


def test_stepping_back_never_makes_the_start_harder_and_never_slower_than_agreed() -> None:
    faster = [session(at, kmh=9.0) for at in range(5)]
    assert step_back(faster, PLAN, on(20)).start == Load(6.2, 5.0)
    assert step_back(faster[:2], PLAN, on(20)).start == Load(6.2, 5.0)
    slow = replace(PLAN, start=Load(2.0, 0.0))
    assert step_back(faster, slow, on(20)).start == Load(2.0, 0.0)
    assert step_back(faster, replace(PLAN, start=None), on(20)).start is None
    assert step_back((), PLAN, on(20)) == PLAN


def test_a_word_is_shown_until_a_session_has_come_after_it() -> None:
    word = TherapistWord("Sterkt i går!", MONDAY_S + 3 * DAY_S)
    told = CourseProgress(word=word)
    assert my_training((session(2),), PLAN, told, on(4)).word == word
    assert my_training((session(2), session(4)), PLAN, told, on(5)).word is None
    assert my_training((), PLAN, told, on(5)).word == word


def test_an_appointment_is_shown_until_it_has_gone() -> None:
    told = CourseProgress(appointment_wall_s=MONDAY_S + 5 * DAY_S)
    assert my_training((), PLAN, told, on(3)).appointment_wall_s == MONDAY_S + 5 * DAY_S
    assert my_training((), PLAN, told, on(6)).appointment_wall_s is None


def test_of_several_appointments_the_next_is_told_and_not_the_one_at_hand() -> None:
    monday, thursday = MONDAY_S + 36_000.0, MONDAY_S + 3 * DAY_S + 36_000.0
    told = CourseProgress(appointment_wall_s=monday, appointments_wall_s=(monday, thursday))
    assert next_appointment(told, monday - 7200.0) == monday
    assert next_appointment(told, monday - 600.0) == thursday
    assert next_appointment(told, thursday) is None
    assert next_appointment(CourseProgress(appointment_wall_s=monday), monday - 7200.0) == monday
    assert next_appointment(told, None) is None
    assert next_appointment(None, monday) is None


@pytest.mark.parametrize(("count", "moment"), [(5, None), (6, 6), (12, 12), (13, None), (24, 24)])
def test_there_is_a_calm_moment_at_four_points_of_the_course(count: int, moment: int | None) -> None:
    past = [session(at) for at in range(count)]
    assert with_moment(my_training(past, PLAN, None, on(count))).moment == moment


def test_sessions_of_machine_and_server_are_each_counted_once_since_the_course_began() -> None:
    own = (session(0), replace(session(2), good_s=1.0))
    told = CourseProgress(sessions=(session(2), session(1), session(-9)), begun_wall_s=MONDAY_S)
    assert known_sessions(own, told) == (own[0], session(1), own[1])
    assert known_sessions(own, None) == own
