"""What the page of a course tells, and its papers: the weeks, how steadily, what is next, and how it goes.

Made from the course, the diary entries and what is known of the participant.
"""

from collections.abc import Mapping, Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from msgspec import Struct

from server.diary.course.plots import FitnessAgeInput, Point, SeriesPlot, fitness_note, plots
from server.diary.course.schedule import Break, CourseView, Week, WeeklyAdherence
from server.diary.formatting import day, days, number, percent


class CoursePage(Struct, frozen=True, kw_only=True):
    """The course on one day. `kind_words`: how steadily, kindly. `back_words`: after a break, else empty."""

    view: CourseView
    done_words: str
    attendance_words: str
    kind_words: str
    back_words: str
    next_words: str
    plots: tuple[SeriesPlot, ...]
    fitness_note: str


STEADINESS: Mapping[WeeklyAdherence, str | Promise] = {
    WeeklyAdherence.NOT_YET: gettext_lazy("No session has been due yet."),
    WeeklyAdherence.STEADY: gettext_lazy("Very steady."),
    WeeklyAdherence.GOOD: gettext_lazy("Good: about two sessions a week or more."),
    WeeklyAdherence.SOME: gettext_lazy("More than a third of the sessions. Each of them counts."),
    WeeklyAdherence.FEW: gettext_lazy("It has been hard to come. Worth a talk about what would help."),
}


def course_page(view: CourseView, points: Sequence[Point], person: FitnessAgeInput) -> CoursePage:
    """Return what is told of a course, in the language at hand. `points`: oldest first."""
    told = view.attendance
    of_due = ""
    if told.fraction is not None:
        of_due = ngettext(
            "%(done)s of %(due)s session planned so far (%(share)s)",
            "%(done)s of %(due)s sessions planned so far (%(share)s)",
            told.due,
        ) % {"share": percent(told.fraction), "due": told.due, "done": min(told.done, told.due)}
    return CoursePage(
        view=view,
        done_words=ngettext("%(done)s of %(of)s session", "%(done)s of %(of)s sessions", told.of)
        % {"done": told.done, "of": told.of},
        attendance_words=of_due,
        kind_words=str(STEADINESS[told.word]),
        back_words=_back(view, points),
        next_words=_next(view),
        plots=plots(points, person),
        fitness_note=fitness_note(),
    )


def week_words(week: Week) -> str:
    """«Week 2, once more · 15.–21. Sept.»."""
    title = _("Week %(number)s, once more") if week.again else _("Week %(number)s")
    return title % {"number": week.number}


def row_days(row: Week | Break) -> str:
    """From when to when."""
    return days(row.begins_on, row.ends_on)


def break_words(row: Break) -> str:
    """Return a break, kindly."""
    counted = ngettext("A break of %(days)s day", "A break of %(days)s days", row.days) % {"days": row.days}
    return counted + " · " + _("on with week %(number)s") % {"number": row.back_to}


def _back(view: CourseView, points: Sequence[Point]) -> str:
    pause = view.back
    if pause is None:
        return ""
    words = (_("Good to have you back.") if pause.ends_on else _("Welcome back when you are ready.")) + " "
    if not any(isinstance(row, Week) and row.begins_on < pause.begins_on for row in view.rows):
        return words + _("Begin with week 1.")
    words += _(
        "After %(days)s days without a session it is wise to go back a week in the plan: go on with week %(number)s."
    ) % {"days": pause.days, "number": pause.back_to}
    load = _load_in(view, pause, points)
    return f"{words} {load}" if load else words


def _load_in(view: CourseView, pause: Break, points: Sequence[Point]) -> str:
    """Return the setting with which the week that one goes back to was last begun."""
    weeks = [
        row
        for row in view.rows
        if isinstance(row, Week) and row.number == pause.back_to and row.begins_on < pause.begins_on
    ]
    keys = {key for row in weeks[-1:] for place in row.places for key in place.keys}
    point = next((one for one in points if one.session_id in keys and one.speed_kmh is not None), None)
    if point is None:
        return ""
    return _("Then the intervals began at %(speed)s km/h and %(incline)s %% incline.") % {
        "speed": number(point.speed_kmh, 1),
        "incline": number(point.incline_percent or 0.0, 1),
    }


def _next(view: CourseView) -> str:
    """Return what comes next; that the course is over is told after its last day, not in its last week."""
    following, ends = view.next, view.ends_on
    if following is None:
        if ends is None or view.today > ends or view.plan.ended_on is not None:
            return _("The course is over.")
        words = _("Every session is trained or gone by. The course lasts until %(day)s.") % {"day": day(ends)}
    else:
        told = {
            "week": following.week,
            "place": following.place,
            "from": day(following.from_on),
            "by": day(following.by_on),
        }
        if following.from_on == following.by_on:
            words = _("Next: week %(week)s, session %(place)s, on %(by)s.") % told
        else:
            words = _("Next: week %(week)s, session %(place)s, from %(from)s to %(by)s.") % told
    last_week = any(isinstance(row, Week) and row.running and row.number == view.plan.weeks for row in view.rows)
    return _("Last week.") + " " + words if last_week else words
