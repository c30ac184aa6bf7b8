"""What the page of a course says comes next, and when it says that the course is over; and how its plots are told."""

from collections.abc import Sequence
from datetime import date, timedelta

from django.utils import translation

from server.diary.course.page import course_page
from server.diary.course.plots import FitnessAgeInput, Point, plots
from server.diary.course.schedule import CountedSession, CoursePlan, course_of

BEGINS = date(2026, 9, 30)
SOMEBODY = FitnessAgeInput(1980, "f")


def next_words(trained_days: Sequence[int], today: int, ended: int | None = None, language: str = "en") -> str:
    """A course of two weeks with four sessions; days are counted from its first."""
    plan = CoursePlan(BEGINS, 2, 4, None if ended is None else BEGINS + timedelta(days=ended))
    trained = [CountedSession(BEGINS + timedelta(days=at), str(at), whole=True, intervals=4) for at in trained_days]
    with translation.override(language):
        return course_page(course_of(plan, trained, BEGINS + timedelta(days=today)), [], SOMEBODY).next_words


def test_the_next_session_is_told_with_its_week_and_days() -> None:
    assert next_words([0], 1) == "Next: week 1, session 2, from 1 Oct to 6 Oct."
    assert next_words([0, 2], 6) == "Next: week 2, session 1, from 7 Oct to 13 Oct."


def test_the_last_week_is_called_so_while_it_runs() -> None:
    assert next_words([0, 2, 7], 9) == "Last week. Next: week 2, session 2, from 9 Oct to 13 Oct."
    assert next_words([0, 2, 7], 9, language="nb") == "Siste uke. Neste: uke 2, økt 2, fra 9. okt til 13. okt."


def test_a_course_is_not_over_before_its_last_day_has_gone() -> None:
    lasts = "Last week. Every session is trained or gone by. The course lasts until 13 Oct."
    assert [next_words([0, 2, 7, 9], today) for today in (9, 13, 14)] == [lasts, lasts, "The course is over."]
    assert next_words([0, 2, 7, 13], 13) == lasts


def test_a_course_that_a_therapist_ended_is_over_at_once() -> None:
    assert next_words([0, 2], 3, ended=3) == "The course is over."


def point(at: int, fall: float, borg: int) -> Point:
    return Point(
        session_id=str(at),
        on=BEGINS + timedelta(days=2 * at),
        zone_s=600.0 + 60 * at,
        above_95_s=0.0,
        third_minute_bpm=None,
        third_minute_fraction=None,
        speed_kmh=None,
        incline_percent=None,
        recovery_fall_bpm=fall,
        borg=borg,
        mood=None,
        completed=True,
        completed_intervals=4,
    )


def test_a_plots_words_tell_the_change_or_that_there_is_none() -> None:
    with translation.override("en"):
        told = {one.key: one.words for one in plots([point(0, 20.0, 15), point(1, 20.0, 13)], SOMEBODY)}
    assert told == {
        "zone": "From 10.0 to 11.0 min.",
        "fall": "Unchanged: 20 beats/min.",
        "borg": "From 15 to 13.",
    }
