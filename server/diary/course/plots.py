"""How a course goes, in plots: minutes in zone, the rate against the load, the fall in recovery, fitness, Borg, mood.

Most show one value along the sessions: those are rows of `ALONG`. Every plot carries its table.
"""

from collections.abc import Callable, Sequence
from datetime import date
from statistics import median
from typing import Any, Literal

import msgspec
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import Struct

from coach.model.course_progress import Sex
from coach.progress import fitness
from server.diary.formatting import NOTHING, TextTable, day, number, percent
from server.diary.session_page import WORK_MIN

Word = str | Promise
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
    hr_max_bpm: float | None = None

    @property
    def vo2(self) -> float | None:
        """The load: oxygen uptake in ml/kg/min that the setting asks for."""
        return None if self.speed_kmh is None else fitness.vo2_at(self.speed_kmh, self.incline_percent or 0.0)


class FitnessAgeInput(Struct, frozen=True):
    """What the fitness age needs of a participant: the newest plan's HRmax, which counts for all sessions.

    Without one, the newest session's counts.
    """

    birth_year: int
    sex: Literal["f", "m"] | None
    hr_max_bpm: float | None = None
    hr_max_source: str | None = None


class SeriesPlot(Struct, frozen=True, kw_only=True):
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
    table: TextTable


class CoursePlots(Struct, frozen=True, kw_only=True):
    """A value of each session, drawn along the sessions. `column`: the table's heading of it. `unit`: in a sentence."""

    key: str
    title: Word
    y_title: Word
    column: Word
    value: Callable[[Point], float | None]
    kind: Literal["bars", "line"] = "line"
    unit: Word = ""
    decimals: int = 0
    y_low: float
    y_high: float | None = None
    level: float | None = None
    level_title: Word = ""


_BEATS = gettext_lazy("beats/min")
ALONG = (
    CoursePlots(
        key="zone",
        title=format_lazy(gettext_lazy("Minutes in the target zone, of {of}"), of=WORK_MIN),
        y_title=gettext_lazy("min"),
        column=gettext_lazy("Minutes in zone"),
        value=lambda one: one.zone_s / 60,
        kind="bars",
        unit=gettext_lazy("min"),
        decimals=1,
        y_low=0,
        y_high=WORK_MIN,
        level=WORK_MIN,
        level_title=gettext_lazy("all of 4×4's work"),
    ),
    CoursePlots(
        key="fall",
        title=gettext_lazy("HR recovery in the first minute"),
        y_title=_BEATS,
        column=gettext_lazy("Fall, beats/min"),
        value=lambda one: one.recovery_fall_bpm,
        unit=_BEATS,
        y_low=0,
    ),
    CoursePlots(
        key="borg",
        title=gettext_lazy("Perceived exertion (Borg)"),
        y_title=gettext_lazy("Borg"),
        column=gettext_lazy("Borg"),
        value=lambda one: one.borg,
        y_low=6,
        y_high=20,
    ),
    CoursePlots(
        key="mood",
        title=gettext_lazy("Mood after the session"),
        y_title=gettext_lazy("Mood, 1–5"),
        column=gettext_lazy("Mood, 1–5"),
        value=lambda one: one.mood,
        y_low=1,
        y_high=5,
    ),
)


def plots(points: Sequence[Point], person: FitnessAgeInput) -> tuple[SeriesPlot, ...]:
    """All that have at least one point."""
    zone, fall, borg, mood = (_along(points, shape) for shape in ALONG)
    made = (zone, _third_minute(points), fall, _fitness_age(points, person), borg, mood)
    return tuple(plot for plot in made if any(y is not None for y in plot.y))


def plot_to_json(plot: SeriesPlot) -> dict[str, Any]:
    """Return a plot for the script that draws it: all but its table, which the page holds."""
    return {
        name: value for name, value in msgspec.structs.asdict(plot).items() if name not in ("table", "words", "title")
    }


def fitness_note() -> str:
    """Say how far the fitness age can be believed."""
    return _(
        "One estimate over all sessions, from speed, incline and the heart rate in minute 3 (ACSM's equations; "
        "Swain 1994) with the plan's HRmax, set against the mean of each age group in the HUNT study. The range is "
        "what differs from day to day. The age itself can be off by %(years)s years, more where HRmax is by formula; "
        "ACSM's equations and a held handrail make it too good. The direction says more than the number."
    ) % {"years": fitness.VALUE_OFF_BY_YEARS}


def fitness_trend_of(points: Sequence[Point], person: FitnessAgeInput) -> fitness.FitnessTrend | None:
    """Return the estimate over these sessions, oldest first, as the machine makes it, too."""
    evidence = [fitness.FitnessEvidence(one.third_minute_bpm, one.speed_kmh, one.incline_percent) for one in points]
    hr_max_bpm = person.hr_max_bpm
    if hr_max_bpm is None:
        hr_max_bpm = next((one.hr_max_bpm for one in reversed(points) if one.hr_max_bpm is not None), None)
    return fitness.fitness_trend(evidence, hr_max_bpm, person.hr_max_source)


def _along(points: Sequence[Point], shape: CoursePlots) -> SeriesPlot:
    values = tuple(shape.value(one) for one in points)
    title = str(shape.title)
    return SeriesPlot(
        key=shape.key,
        title=title,
        words=_change(values, shape.decimals, str(shape.unit)),
        kind=shape.kind,
        x_title=_("Session"),
        y_title=str(shape.y_title),
        x=tuple(float(at) for at in range(1, len(points) + 1)),
        y=values,
        marks=_marks(points),
        decimals=shape.decimals,
        y_low=shape.y_low,
        y_high=shape.y_high,
        level=shape.level,
        level_title=str(shape.level_title),
        table=_table(points, title, (str(shape.column),), [(number(value, shape.decimals),) for value in values]),
    )


def _third_minute(points: Sequence[Point]) -> SeriesPlot:
    title = _("Heart rate in minute 3 against load")
    known = [
        (at, one, vo2)
        for at, one in enumerate(points)
        if one.third_minute_bpm is not None and (vo2 := one.vo2) is not None
    ]
    known.sort(key=lambda three: (three[2], three[0]))
    marks = _marks(points)
    return SeriesPlot(
        key="third",
        title=title,
        words=_("Points that move right and down over time mean more work at the same heart rate."),
        kind="points",
        x_title=_("Load, ml oxygen per kg and min"),
        y_title=_("beats/min"),
        x=tuple(round(vo2, 2) for _at, _one, vo2 in known),
        y=tuple(one.third_minute_bpm for _at, one, _vo2 in known),
        marks=tuple(f"{marks[at]} · {_setting(one)}" for at, one, _vo2 in known),
        x_decimals=1,
        later=tuple(int(at >= len(points) / 2) for at, _one, _vo2 in known),
        legend=(_("first half"), _("second half")),
        table=TextTable(
            caption=title,
            headings=(_("Session"), _("Day"), _("Setting"), _("Load, ml/kg/min"), _("Heart rate in minute 3")),
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


def _fitness_age(points: Sequence[Point], person: FitnessAgeInput) -> SeriesPlot:
    trend, sex = fitness_trend_of(points, person), person.sex
    told = () if trend is None or sex is None else trend.points
    own_age = points[-1].on.year - person.birth_year if points else None
    title = _("Fitness age")
    ages = [] if sex is None else [one.age(sex) for one in told]
    marks = _marks(points)
    return SeriesPlot(
        key="fitness",
        title=title,
        words="" if trend is None or sex is None else _fitness_words(trend, sex),
        kind="line",
        x_title=_("Session"),
        y_title=_("years"),
        x=tuple(float(one.at) for one in told),
        y=tuple(round(age.years, 1) for age in ages),
        marks=tuple(marks[one.at - 1] for one in told),
        y_low=20 if own_age is None else min(20, own_age // 10 * 10),
        y_high=80 if own_age is None else max(80, -(-own_age // 10) * 10),
        level=own_age,
        level_title=_("own age"),
        table=TextTable(
            caption=title,
            headings=(_("Session"), _("Day"), _("Estimated VO₂max, ml/kg/min"), title),
            rows=()
            if sex is None
            else tuple(
                (
                    str(one.at),
                    day(points[one.at - 1].on),
                    uptake_in_words(one),
                    years_in_words(one, sex, with_range=True),
                )
                for one in told
            ),
            numeric=(0, 2, 3),
        ),
    )


def _fitness_words(trend: fitness.FitnessTrend, sex: Sex) -> str:
    """Return the change and its range, and the HRmax by which all of it was computed."""
    told = {
        "before": years_in_words(trend.first, sex),
        "after": years_in_words(trend.newest, sex, with_range=True),
        "sessions": trend.newest.sessions,
        "rate": number(trend.hr_max_bpm),
    }
    words = _("%(after)s, by %(sessions)s sessions and HRmax %(rate)s.") % told
    first, newest = trend.first.age(sex), trend.newest.age(sex)
    # Beyond the table's end nothing is known of a change.
    at_the_end = first.beyond and first.beyond == newest.beyond
    if len(trend.points) < FEWEST_TO_COMPARE or at_the_end:
        return words
    if trend.change_is_certain:
        return _("From %(before)s to %(after)s, by %(sessions)s sessions and HRmax %(rate)s.") % told
    return words + " " + _("The change from %(before)s is no larger than from day to day.") % told


def uptake_in_words(point: fitness.FitnessPoint) -> str:
    """Return the estimated VO2max with its range, in ml/kg/min, such as "41 (39–43)"."""
    return f"{number(point.vo2_max)} ({number(point.low)}–{number(point.high)})"


def years_in_words(point: fitness.FitnessPoint, sex: Sex, *, with_range: bool = False) -> str:
    """Return the age with its unit, such as "43 years", "43 years (38–45)", "75 years or older"."""
    age = point.age(sex)
    told = {"age": number(age.years), "range": age_range_in_words(point, sex)}
    match age.beyond:
        case "younger":
            return _("%(age)s years or younger") % told
        case "older":
            return _("%(age)s years or older") % told
        case _:
            return (_("%(age)s years (%(range)s)") if with_range else _("%(age)s years")) % told


def age_range_in_words(point: fitness.FitnessPoint, sex: Sex) -> str:
    """Return the range of the estimate in whole years, such as "38–45"."""
    younger, older = point.ages(sex)
    return f"{number(younger.years)}–{number(older.years)}"


def _table(
    points: Sequence[Point], caption: str, headings: tuple[str, ...], texts: Sequence[tuple[str, ...]]
) -> TextTable:
    """Return a row of each session: its number, its day, and `texts`."""
    return TextTable(
        caption=caption,
        headings=(_("Session"), _("Day"), *headings),
        rows=tuple((str(at), day(one.on), *told) for at, (one, told) in enumerate(zip(points, texts, strict=True), 1)),
        numeric=(0, *range(2, 2 + len(headings))),
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
    return _from_to(number(median(known[:part]), decimals), number(median(known[-part:]), decimals), unit)


def _from_to(before: str, after: str, unit: str) -> str:
    told = {"before": before, "after": after, "unit": unit}
    if before == after:
        return (_("Unchanged: %(after)s %(unit)s.") if unit else _("Unchanged: %(after)s.")) % told
    return (_("From %(before)s to %(after)s %(unit)s.") if unit else _("From %(before)s to %(after)s.")) % told
