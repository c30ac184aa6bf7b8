"""What a course looks like: weeks, places, breaks, attendance and what comes next."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from server.diary.course.schedule import (
    Attendance,
    Break,
    CountedSession,
    CoursePlan,
    CourseStatus,
    CourseView,
    Next,
    SchedulePosition,
    Week,
    WeeklyAdherence,
    course_of,
)

MONDAY = date(2026, 9, 7)
PLAN = CoursePlan(MONDAY)


def day(number: int) -> date:
    """Day `number` of the course, from 1."""
    return MONDAY + timedelta(days=number - 1)


def trained(*numbers: int, whole: bool = True) -> list[CountedSession]:
    return [CountedSession(day(number), f"s{number}", whole, 4 if whole else 2) for number in numbers]


def states(view: CourseView) -> list[str]:
    """Each row in short: the week's number and its places, or a break."""
    return [
        f"break {row.days} → {row.back_to}"
        if isinstance(row, Break)
        else f"{row.number}{'*' if row.again else ''}{'<' if row.running else ''} "
        + " ".join(place.state.value for place in row.places)
        for row in view.rows
    ]


def test_before_it_begins_all_is_ahead() -> None:
    view = course_of(PLAN, (), day(-3))
    assert states(view) == [f"{week} ahead ahead ahead" for week in range(1, 9)]
    assert view.attendance == Attendance(0, 0, 24, None, WeeklyAdherence.NOT_YET)
    assert view.next == Next(1, 1, day(1), day(7))
    assert (view.rows[0], view.ends_on) == (
        Week(1, day(1), day(7), (SchedulePosition(CourseStatus.AHEAD),) * 3),
        day(56),
    )


def test_a_week_under_way_has_room_left_and_misses_nothing_yet() -> None:
    view = course_of(PLAN, [*trained(1, 3, 5), *trained(8, whole=False)], day(12))
    assert states(view)[:3] == ["1 done done done", "2< part left left", "3 ahead ahead ahead"]
    assert view.attendance == Attendance(4, 4, 24, 1.0, WeeklyAdherence.STEADY)
    assert view.next == Next(2, 2, day(12), day(14))


def test_after_todays_session_the_next_one_is_tomorrow_at_the_earliest() -> None:
    assert course_of(PLAN, trained(1), day(1)).next == Next(1, 2, day(2), day(7))
    assert course_of(PLAN, trained(7), day(7)).next == Next(2, 1, day(8), day(14))


def test_missed_and_extra_sessions_are_told_apart() -> None:
    view = course_of(PLAN, trained(1, 5, 8, 9, 11, 13), day(16))
    assert states(view)[:3] == ["1 done done missed", "2 done done done extra", "3< left left left"]
    assert view.attendance == Attendance(6, 6, 24, 1.0, WeeklyAdherence.STEADY)


def test_two_sessions_on_a_day_are_one_training() -> None:
    twice = [
        CountedSession(day(1), "a", whole=False, intervals=1),
        CountedSession(day(1), "b", whole=True, intervals=4),
    ]
    view = course_of(PLAN, twice, day(2))
    assert view.rows[0] == Week(
        1,
        day(1),
        day(7),
        (
            SchedulePosition(CourseStatus.DONE, day(1), ("a", "b")),
            SchedulePosition(CourseStatus.LEFT),
            SchedulePosition(CourseStatus.LEFT),
        ),
        running=True,
    )
    assert view.attendance.done == 1


def test_a_session_without_a_whole_interval_does_not_count() -> None:
    begun = CountedSession(day(2), "begun", whole=False, intervals=0)
    view = course_of(PLAN, [begun], day(3))
    assert (states(view)[0], view.outside) == ("1< left left left", (begun,))


def test_after_a_break_one_goes_back_a_week() -> None:
    view = course_of(PLAN, trained(1, 3, 5, 8, 10, 12, 15, 25), day(26))
    assert states(view) == [
        "1 done done done",
        "2 done done done",
        "3 done missed missed",
        "break 9 → 2",
        "2*< done left left",
        *[f"{week} ahead ahead ahead" for week in range(3, 9)],
    ]
    assert (view.back, view.pause) == (Break(day(16), day(24), 9, 2), None)
    assert view.ends_on == day(25 + 49 - 1)
    assert view.attendance == Attendance(8, 10, 24, 0.8, WeeklyAdherence.GOOD)


def test_six_days_without_a_session_are_no_break_and_seven_are_one() -> None:
    assert states(course_of(PLAN, trained(1, 8), day(8)))[:2] == ["1 done missed missed", "2< done left left"]
    assert states(course_of(PLAN, trained(1, 9), day(9)))[:3] == [
        "1 done missed missed",
        "break 7 → 1",
        "1*< done left left",
    ]


def test_a_break_that_lasts_says_with_which_week_to_go_on() -> None:
    view = course_of(PLAN, trained(1, 3, 5, 8, 10, 12), day(23))
    assert states(view)[:4] == ["1 done done done", "2 done done done", "break 10 → 1", "1*< left left left"]
    assert view.pause == view.back == Break(day(13), None, 10, 1)
    assert view.next == Next(1, 1, day(23), day(29))


def test_a_late_beginning_is_no_going_back() -> None:
    view = course_of(PLAN, trained(15), day(15))
    assert states(view)[:2] == ["break 14 → 1", "1< done left left"]
    assert view.attendance == Attendance(1, 7, 24, 1 / 7, WeeklyAdherence.FEW)


def test_a_course_is_over_after_its_last_week() -> None:
    all_days = [week * 7 + at for week in range(8) for at in (1, 3, 5)]
    view = course_of(PLAN, trained(*all_days, 80), day(90))
    assert states(view) == [f"{week} done done done" for week in range(1, 9)]
    assert (view.next, view.pause) == (None, None)
    assert (view.attendance, view.outside) == (Attendance(24, 24, 24, 1.0, WeeklyAdherence.STEADY), tuple(trained(80)))


def test_one_that_the_therapist_ended_asks_for_nothing_more() -> None:
    view = course_of(CoursePlan(MONDAY, ended_on=day(10)), trained(1, 3, 5, 8, 12), day(30))
    assert states(view) == ["1 done done done", "2< done"]
    assert (view.next, view.outside) == (None, tuple(trained(12)))


def test_sessions_that_do_not_divide_by_weeks_are_spread() -> None:
    plan = CoursePlan(MONDAY, weeks=3, sessions=7)
    assert [plan.planned_in(week) for week in (1, 2, 3)] == [2, 2, 3]


plans = st.builds(
    CoursePlan,
    begins_on=st.just(MONDAY),
    weeks=st.integers(1, 16),
    sessions=st.integers(1, 60),
    ended_on=st.none() | st.integers(1, 120).map(day),
)
sessions = st.lists(
    st.builds(
        CountedSession,
        on=st.integers(-10, 140).map(day),
        key=st.uuids().map(str),
        whole=st.booleans(),
        intervals=st.integers(0, 4),
    ),
    max_size=60,
)


@given(plan=plans, came=sessions, today=st.integers(-10, 150).map(day))
def test_every_session_stands_in_one_place_and_every_row_follows_the_one_before(
    plan: CoursePlan, came: list[CountedSession], today: date
) -> None:
    view = course_of(plan, came, today)
    weeks = [row for row in view.rows if isinstance(row, Week)]
    placed = [key for row in weeks for place in row.places for key in place.keys]
    assert sorted([*placed, *(one.key for one in view.outside)]) == sorted(one.key for one in came)
    ends = plan.begins_on - timedelta(days=1)
    for row in view.rows:
        assert row.begins_on == ends + timedelta(days=1) or (isinstance(row, Week) and row.begins_on > ends)
        ends = row.ends_on or today - timedelta(days=1)
    for row in weeks:
        assert all(row.begins_on <= place.on <= row.ends_on for place in row.places if place.on)
        counted = [place for place in row.places if place.state is not CourseStatus.EXTRA]
        assert len(counted) <= plan.planned_in(row.number)
    for before, after in pairwise(weeks):
        assert after.number in (before.number + 1, before.number, max(1, before.number - 1))
        assert (after.number == before.number + 1) or after.again
    assert sum(row.running for row in weeks) <= 1
    if plan.ended_on is None:
        assert weeks[-1].number == plan.weeks
    for row in view.rows:
        if isinstance(row, Break):
            assert row.days >= 7
            assert not any(
                row.begins_on <= one.on <= (row.ends_on or row.begins_on)
                for one in came
                if one.counts and one.on <= today
            )


@given(plan=plans, came=sessions, today=st.integers(-10, 150).map(day))
def test_attendance_is_a_share_and_next_is_neither_past_nor_trained(
    plan: CoursePlan, came: list[CountedSession], today: date
) -> None:
    view = course_of(plan, came, today)
    told = view.attendance
    assert 0 <= told.due <= plan.sessions
    assert told.fraction is None or 0 <= told.fraction <= 1
    assert told.done == len(
        {place.on for row in view.rows if isinstance(row, Week) for place in row.places if place.on}
    )
    if view.next is not None:
        assert today <= view.next.from_on <= view.next.by_on
        assert view.next.from_on not in {one.on for one in came if one.counts and one.on <= today}
