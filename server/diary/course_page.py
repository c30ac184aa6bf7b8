"""What the page of a course tells, and its papers: the weeks, how steadily, what is next, and how it goes.

Made from the course, the diary entries and what is known of the participant; every plot carries its table.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from statistics import median
from typing import Any, Literal, cast

import msgspec
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from msgspec import Struct

from server.diary import fitness
from server.diary.course import Break, CourseView, Next, Week, Word
from server.diary.session_page import WORK_MIN
from server.diary.wording import NOTHING, Table, day, days, minutes, number, percent

FEWEST_TO_COMPARE = 2


class Point(Struct, frozen=True, kw_only=True):
    """What a session is to the plots; one diary entry. Times in s, rates in bpm."""

    session_id: str
    on: date
    zone_s: float
    above_95_s: float
    third_minute_bpm: float | None
    third_minute_fraction: float | None
    speed_kmh: float | None
    incline_percent: float | None
    recovery_fall_bpm: float | None
    borg: int | None
    mood: int | None
    completed: bool
    completed_intervals: int

    @property
    def vo2(self) -> float | None:
        """The load: oxygen uptake in ml/kg/min that the setting asks for."""
        return None if self.speed_kmh is None else fitness.vo2_at(self.speed_kmh, self.incline_percent or 0.0)


class Person(Struct, frozen=True):
    """What the fitness age needs."""

    birth_year: int
    sex: Literal["f", "m"] | None


class Plot(Struct, frozen=True, kw_only=True):
    """One plot and its table. `y` over `x`; `marks` names each point; `level` and `band` lie across.

    `later`: for a plot of points, those of the second half, drawn filled.
    """

    key: str
    title: str
    words: str
    kind: Literal["bars", "line", "points"]
    x_title: str
    y_title: str
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    marks: tuple[str, ...]
    decimals: int = 0
    x_decimals: int = 0
    y_low: float | None = None
    y_high: float | None = None
    level: float | None = None
    level_title: str = ""
    later: tuple[int, ...] = ()
    legend: tuple[str, ...] = ()
    table: Table


class CoursePage(Struct, frozen=True, kw_only=True):
    """The course on one day. `kind_words`: how steadily, kindly. `back_words`: after a break, else empty."""

    view: CourseView
    done_words: str
    attendance_words: str
    kind_words: str
    back_words: str
    next_words: str
    plots: tuple[Plot, ...]
    fitness_note: str


STEADINESS: Mapping[Word, str | Promise] = {
    Word.NOT_YET: gettext_lazy("No session has been due yet."),
    Word.STEADY: gettext_lazy("Very steady."),
    Word.GOOD: gettext_lazy("Good: about two sessions a week or more."),
    Word.SOME: gettext_lazy("More than a third of the sessions. Each of them counts."),
    Word.FEW: gettext_lazy("It has been hard to come. Worth a talk about what would help."),
}


def course_page(view: CourseView, points: Sequence[Point], person: Person) -> CoursePage:
    """What is told of a course, in the language at hand. `points`: oldest first."""
    told = view.attendance
    of_due = ""
    if told.fraction is not None:
        of_due = _("%(share)s of the %(due)s that the plan has had so far") % {
            "share": percent(told.fraction),
            "due": told.due,
        }
    return CoursePage(
        view=view,
        done_words=_("%(done)s of %(of)s sessions") % {"done": told.done, "of": told.of},
        attendance_words=of_due,
        kind_words=str(STEADINESS[told.word]),
        back_words=_back(view, points),
        next_words=_next(view.next),
        plots=plots(points, person),
        fitness_note=fitness_note(),
    )


def fitness_note() -> str:
    """How far the fitness age can be believed."""
    return _(
        "An estimate from speed, incline and the rate in minute 3 (ACSM's equations; Swain 1994), set against the mean "
        "of each age group in the HUNT study. One in three is off by more than 15 %, more where HRmax is by formula, a "
        "beta-blocker is taken or the handrail is held. The direction says more than the number."
    )


def plots(points: Sequence[Point], person: Person) -> tuple[Plot, ...]:
    """All that have at least one point."""
    made = (
        _zone(points),
        _third_minute(points),
        _fall(points),
        _fitness_age(points, person),
        _said(points, "borg", _("Perceived exertion (Borg)"), _("Borg"), 6, 20, lambda one: one.borg),
        _said(points, "mood", _("Mood after the session"), _("Mood, 1–5"), 1, 5, lambda one: one.mood),
    )
    return tuple(plot for plot in made if any(y is not None for y in plot.y))


def told(plot: Plot) -> dict[str, Any]:
    """A plot for the script that draws it: all but its table, which the page holds."""
    return {
        name: value for name, value in msgspec.structs.asdict(plot).items() if name not in ("table", "words", "title")
    }


def week_words(week: Week) -> str:
    """«Week 2, once more · 15.–21. Sept.»."""
    title = _("Week %(number)s, once more") if week.again else _("Week %(number)s")
    return title % {"number": week.number}


def row_days(row: Week | Break) -> str:
    """From when to when."""
    return days(row.begins_on, row.ends_on)


def break_words(row: Break) -> str:
    """A break, kindly."""
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
    """The setting with which the week that one goes back to was last begun."""
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


def _next(following: Next | None) -> str:
    if following is None:
        return _("The course is over.")
    told = {
        "week": following.week,
        "place": following.place,
        "from": day(following.from_on),
        "by": day(following.by_on),
    }
    if following.from_on == following.by_on:
        return _("Next: week %(week)s, session %(place)s, on %(by)s.") % told
    return _("Next: week %(week)s, session %(place)s, from %(from)s to %(by)s.") % told


def _table(plot_title: str, value_title: str, points: Sequence[Point], value: Callable[[Point], str]) -> Table:
    return Table(
        caption=plot_title,
        headings=(_("Session"), _("Day"), value_title),
        rows=tuple((str(place), day(one.on), value(one)) for place, one in enumerate(points, 1)),
        numeric=(0, 2),
    )


def _marks(points: Sequence[Point]) -> tuple[str, ...]:
    return tuple(
        _("Session %(number)s, %(day)s") % {"number": at, "day": day(one.on)} for at, one in enumerate(points, 1)
    )


def _change(values: Sequence[float | None], decimals: int, unit: str) -> str:
    """From the first third's median to the last third's, in words; empty where there is little to compare."""
    known = [value for value in values if value is not None]
    if len(known) < FEWEST_TO_COMPARE:
        return ""
    part = max(1, len(known) // 3)
    told = {
        "before": number(median(known[:part]), decimals),
        "after": number(median(known[-part:]), decimals),
        "unit": unit,
    }
    return (_("From %(before)s to %(after)s %(unit)s.") if unit else _("From %(before)s to %(after)s.")) % told


def _zone(points: Sequence[Point]) -> Plot:
    title = _("Minutes in the target zone, of %(of)s") % {"of": WORK_MIN}
    values = tuple(one.zone_s / 60 for one in points)
    return Plot(
        key="zone",
        title=title,
        words=_change(values, 1, _("min")),
        kind="bars",
        x_title=_("Session"),
        y_title=_("min"),
        x=_numbers(points),
        y=values,
        marks=_marks(points),
        decimals=1,
        y_low=0,
        y_high=WORK_MIN,
        level=WORK_MIN,
        level_title=_("all of 4×4's work"),
        table=_table(title, _("Minutes in zone"), points, lambda one: minutes(one.zone_s)),
    )


def _third_minute(points: Sequence[Point]) -> Plot:
    title = _("Rate in minute 3 against load")
    known = [
        (at, one, vo2)
        for at, one in enumerate(points)
        if one.third_minute_bpm is not None and (vo2 := one.vo2) is not None
    ]
    known.sort(key=lambda three: (three[2], three[0]))
    marks = _marks(points)
    return Plot(
        key="third",
        title=title,
        words=_("Points that move right and down over time mean more work at the same rate."),
        kind="points",
        x_title=_("Load, ml oxygen per kg and min"),
        y_title=_("beats/min"),
        x=tuple(round(vo2, 2) for _at, _one, vo2 in known),
        y=tuple(one.third_minute_bpm for _at, one, _vo2 in known),
        marks=tuple(f"{marks[at]} · {_setting(one)}" for at, one, _vo2 in known),
        x_decimals=1,
        later=tuple(int(at >= len(points) / 2) for at, _one, _vo2 in known),
        legend=(_("first half"), _("second half")),
        table=Table(
            caption=title,
            headings=(_("Session"), _("Day"), _("Setting"), _("Load, ml/kg/min"), _("Rate in minute 3")),
            rows=tuple(
                (str(at), day(one.on), _setting(one), number(one.vo2, 1), number(one.third_minute_bpm))
                for at, one in enumerate(points, 1)
            ),
            numeric=(0, 3, 4),
        ),
    )


def _setting(one: Point) -> str:
    if one.speed_kmh is None:
        return NOTHING
    speed = _("%(number)s km/h") % {"number": number(one.speed_kmh, 1)}
    return f"{speed}, {percent((one.incline_percent or 0.0) / 100)}"


def _fall(points: Sequence[Point]) -> Plot:
    title = _("Fall of the rate in the first minute of recovery")
    values = tuple(one.recovery_fall_bpm for one in points)
    return Plot(
        key="fall",
        title=title,
        words=_change(values, 0, _("beats/min")),
        kind="line",
        x_title=_("Session"),
        y_title=_("beats/min"),
        x=_numbers(points),
        y=values,
        marks=_marks(points),
        y_low=0,
        table=_table(title, _("Fall, beats/min"), points, lambda one: number(one.recovery_fall_bpm)),
    )


def _fitness_age(points: Sequence[Point], person: Person) -> Plot:
    title = _("Fitness age")
    ages: list[fitness.FitnessAge | None] = []
    estimates = [fitness.vo2_max(one.speed_kmh, one.incline_percent, one.third_minute_fraction) for one in points]
    for vo2_max in estimates:
        known = vo2_max is not None and person.sex is not None
        ages.append(fitness.fitness_age(cast("float", vo2_max), cast("fitness.Sex", person.sex)) if known else None)
    own = [one.on.year - person.birth_year for one in points]
    values = tuple(None if age is None else round(age.years, 1) for age in ages)
    told_ages = [age for age in ages if age is not None]
    return Plot(
        key="fitness",
        title=title,
        words=_("From %(before)s to %(after)s %(unit)s.")
        % {"before": age_in_words(told_ages[0]), "after": age_in_words(told_ages[-1]), "unit": _("years")}
        if len(told_ages) >= FEWEST_TO_COMPARE
        else "",
        kind="line",
        x_title=_("Session"),
        y_title=_("years"),
        x=_numbers(points),
        y=values,
        marks=_marks(points),
        y_low=20,
        y_high=80,
        level=float(own[-1]) if own else None,
        level_title=_("own age"),
        table=Table(
            caption=title,
            headings=(_("Session"), _("Day"), _("Estimated VO₂max, ml/kg/min"), _("Fitness age")),
            rows=tuple(
                (str(at), day(one.on), number(estimate), age_in_words(age))
                for at, (one, estimate, age) in enumerate(zip(points, estimates, ages, strict=True), 1)
            ),
            numeric=(0, 2, 3),
        ),
    )


def age_in_words(age: fitness.FitnessAge | None) -> str:
    """«43», «25 or younger»."""
    if age is None:
        return NOTHING
    told = {"age": number(age.years)}
    match age.beyond:
        case "younger":
            return _("%(age)s or younger") % told
        case "older":
            return _("%(age)s or older") % told
        case _:
            return number(age.years)


def _said(
    points: Sequence[Point],
    key: str,
    title: str,
    value_title: str,
    low: float,
    high: float,
    value: Callable[[Point], int | None],
) -> Plot:
    values = tuple(value(one) for one in points)
    return Plot(
        key=key,
        title=title,
        words=_change(values, 0, ""),
        kind="line",
        x_title=_("Session"),
        y_title=value_title,
        x=_numbers(points),
        y=values,
        marks=_marks(points),
        y_low=low,
        y_high=high,
        table=_table(title, value_title, points, lambda one: number(value(one))),
    )


def _numbers(points: Sequence[Point]) -> tuple[float, ...]:
    return tuple(float(at) for at in range(1, len(points) + 1))
