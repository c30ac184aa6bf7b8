"""A course: so many sessions over so many weeks, what has been trained of it, and what comes next. Pure.

    begins ──► week 1 ──► week 2 ──► … ──► the last week ──► over
                             │ 7 whole days without a session
                             ▼
                           break ──► the week before, once more ──► …

24 sessions over 8 weeks, two to three a week (Flemmen 2014). «After a break, go back a week in the plan»
(rusfeltet.no, «4 x 4 intervalltrening»); that source does not say how long a break is. Here it is 7 whole days
without a session, since the plan itself never leaves more than four. The weeks of the plan are counted from the first
day after a break, so they need not be the calendar's.

A day counts once, however many sessions were begun on it: one that was broken off and begun anew is one training.
Attendance is measured against the plan as it was made, breaks and all, so that a figure means the same everywhere.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import StrEnum

from msgspec import Struct

BREAK_DAYS = 7
"""So many whole days without a session are a break."""
STEADY_FRACTION, GOOD_FRACTION, SOME_FRACTION = 0.85, 2 / 3, 0.4
"""Of the sessions that were due. Two thirds is two a week where three are planned, the field's lower bound."""
_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)


class CoursePlan(Struct, frozen=True):
    """What was agreed. `ended_on`: the day on which a therapist ended it, the last that counts."""

    begins_on: date
    weeks: int = 8
    sessions: int = 24
    ended_on: date | None = None

    def planned_in(self, week: int) -> int:
        """How many sessions the week of this number has: 3 of 24 in 8, and what does not divide is spread."""
        return week * self.sessions // self.weeks - (week - 1) * self.sessions // self.weeks


class CountedSession(Struct, frozen=True):
    """One session on the clinic's day `on`. `whole`: all work ran its whole length. `intervals`: whole ones."""

    on: date
    key: str
    whole: bool
    intervals: int

    @property
    def counts(self) -> bool:
        """Whether it was a training: at least one whole interval, or all of a session that has none."""
        return self.whole or self.intervals > 0


class CourseStatus(StrEnum):
    """What became of a place in a week."""

    DONE = "done"
    PART = "part"
    MISSED = "missed"
    LEFT = "left"
    AHEAD = "ahead"
    EXTRA = "extra"


class SchedulePosition(Struct, frozen=True):
    """One of a week's sessions. `part`: trained, though not to the end. `left`: this week still has room for it."""

    state: CourseStatus
    on: date | None = None
    keys: tuple[str, ...] = ()


class Week(Struct, frozen=True):
    """A week of the plan as it was, is or will be trained. `again`: gone back to after a break."""

    number: int
    begins_on: date
    ends_on: date
    places: tuple[SchedulePosition, ...]
    again: bool = False
    running: bool = False


class Break(Struct, frozen=True):
    """Days without a session, both included; without an end it still lasts. `back_to`: the week to go on with."""

    begins_on: date
    ends_on: date | None
    days: int
    back_to: int


class WeeklyAdherence(StrEnum):
    """How steadily, in one word."""

    NOT_YET = "not_yet"
    STEADY = "steady"
    GOOD = "good"
    SOME = "some"
    FEW = "few"


class Attendance(Struct, frozen=True):
    """`done`: days trained. `due`: sessions that the plan had so far, of the running week no more than were trained."""

    done: int
    due: int
    of: int
    fraction: float | None
    word: WeeklyAdherence


class Next(Struct, frozen=True):
    """The session that comes next: the place in its week, and from when to when."""

    week: int
    place: int
    from_on: date
    by_on: date


class CourseView(Struct, frozen=True):
    """The whole course on one day. `outside`: sessions before, after or beside it that do not count."""

    plan: CoursePlan
    today: date
    rows: tuple[Week | Break, ...]
    attendance: Attendance
    next: Next | None
    outside: tuple[CountedSession, ...]

    @property
    def pause(self) -> Break | None:
        """The break that still lasts."""
        return next((row for row in self.rows if isinstance(row, Break) and row.ends_on is None), None)

    @property
    def back(self) -> Break | None:
        """The break after which one is to go back now: it lasts, or its first week afterwards runs."""
        for before, row in zip((None, *self.rows), self.rows, strict=False):
            if isinstance(row, Break) and row.ends_on is None:
                return row
            if isinstance(row, Week) and row.running and isinstance(before, Break):
                return before
        return None

    @property
    def ends_on(self) -> date | None:
        """The last day of the last week, as it looks today."""
        return next((row.ends_on for row in reversed(self.rows) if isinstance(row, Week)), None)


def course_of(plan: CoursePlan, trained: Iterable[CountedSession], today: date) -> CourseView:
    """Lay a course out as it stands today."""
    until = today if plan.ended_on is None else min(today, plan.ended_on)
    days: dict[date, list[CountedSession]] = {}
    outside = []
    for one in sorted(trained, key=lambda one: (one.on, one.key)):
        if one.counts and plan.begins_on <= one.on <= until:
            days.setdefault(one.on, []).append(one)
        else:
            outside.append(one)
    rows = _Laying(plan, until, days).rows()
    placed = {key for row in rows if isinstance(row, Week) for place in row.places for key in place.keys}
    outside += [one for ones in days.values() for one in ones if one.key not in placed]
    return CourseView(
        plan=plan,
        today=today,
        rows=rows,
        attendance=_attendance(plan, rows, until),
        next=None if plan.ended_on is not None and plan.ended_on <= today else _next(rows, until, days),
        outside=tuple(sorted(outside, key=lambda one: (one.on, one.key))),
    )


class _Laying:
    """Rows, stretch by stretch: what lies between two breaks."""

    def __init__(self, plan: CoursePlan, until: date, days: dict[date, list[CountedSession]]) -> None:
        self.plan, self.until, self.days = plan, until, days
        self.made: list[Week | Break] = []

    def rows(self) -> tuple[Week | Break, ...]:
        anchor, number, again = self.plan.begins_on, 1, False
        for last, following in self.breaks():
            if last >= anchor:
                number = self.weeks(anchor, number, again, last)
                if number >= self.plan.weeks:
                    # The last week was under way: what comes after it is no break of this course.
                    return tuple(self.made)
                number = max(1, number - 1)
            over = self.plan.ended_on is not None and self.plan.ended_on <= self.until
            end = (self.until if over else None) if following is None else following - _DAY
            missed_days = ((end or self.until - _DAY) - last).days
            self.made.append(Break(last + _DAY, end, missed_days, number))
            anchor, again = following or self.until, last >= self.plan.begins_on
            if following is None and over:
                return tuple(self.made)
        self.weeks(anchor, number, again, None)
        return tuple(self.made)

    def breaks(self) -> list[tuple[date, date | None]]:
        """Return the last day before and the first after each break; without one the break lasts."""
        ends: Sequence[date] = sorted(self.days)
        before = [self.plan.begins_on - _DAY, *ends]
        after: list[date | None] = [*ends, None]
        return [
            (last, following)
            for last, following in zip(before, after, strict=True)
            if ((following or self.until) - last).days > BREAK_DAYS
        ]

    def weeks(self, anchor: date, number: int, again: bool, last: date | None) -> int:  # noqa: FBT001 - one of a row's facts
        """Rows from `anchor` on to the week of `last`, or to the course's end. Gives the last row's number."""
        for week in range(number, self.plan.weeks + 1):
            full_end = anchor + _WEEK - _DAY
            broken = last is not None and last <= full_end and week < self.plan.weeks
            end = last if broken and last is not None else full_end
            if self.plan.ended_on is not None and anchor > self.plan.ended_on:
                return week
            self.made.append(self.week(week, anchor, end, broken, again and week == number))
            if last is not None and last <= full_end:
                return week
            anchor += _WEEK
        return self.plan.weeks

    def week(self, number: int, begins: date, ends: date, broken: bool, again: bool) -> Week:  # noqa: FBT001 - as above
        trained = [day for day in sorted(self.days) if begins <= day <= ends]
        planned = self.plan.planned_in(number)
        places = [
            SchedulePosition(
                CourseStatus.EXTRA
                if place >= planned
                else CourseStatus.DONE
                if any(t.whole for t in self.days[day])
                else CourseStatus.PART,
                day,
                tuple(one.key for one in self.days[day]),
            )
            for place, day in enumerate(trained)
        ]
        rest = CourseStatus.LEFT
        if broken or ends < self.until:
            rest = CourseStatus.MISSED
        elif begins > self.until:
            rest = CourseStatus.AHEAD
        ended = self.plan.ended_on is not None and ends >= self.plan.ended_on
        places += [SchedulePosition(rest)] * (0 if ended else max(0, planned - len(trained)))
        return Week(number, begins, ends, tuple(places), again, running=begins <= self.until <= ends and not broken)


def _attendance(plan: CoursePlan, rows: Sequence[Week | Break], until: date) -> Attendance:
    days = [place.on for row in rows if isinstance(row, Week) for place in row.places if place.on is not None]
    whole_weeks = min(plan.weeks, max(0, (until - plan.begins_on + _DAY).days // 7))
    due = whole_weeks * plan.sessions // plan.weeks
    if whole_weeks < plan.weeks:
        running_from = plan.begins_on + whole_weeks * _WEEK
        due += min(sum(1 for day in days if day >= running_from), plan.planned_in(whole_weeks + 1))
    fraction = min(len(days), due) / due if due else None
    return Attendance(len(days), due, plan.sessions, fraction, _word(fraction))


def _word(fraction: float | None) -> WeeklyAdherence:
    if fraction is None:
        return WeeklyAdherence.NOT_YET
    if fraction >= STEADY_FRACTION:
        return WeeklyAdherence.STEADY
    if fraction >= GOOD_FRACTION:
        return WeeklyAdherence.GOOD
    return WeeklyAdherence.SOME if fraction >= SOME_FRACTION else WeeklyAdherence.FEW


def _next(rows: Sequence[Week | Break], today: date, days: dict[date, list[CountedSession]]) -> Next | None:
    earliest = today + _DAY if today in days else today
    for row in rows:
        if not isinstance(row, Week) or row.ends_on < earliest:
            continue
        place = next(
            (at for at, one in enumerate(row.places) if one.state in (CourseStatus.LEFT, CourseStatus.AHEAD)), None
        )
        if place is not None:
            return Next(row.number, place + 1, max(earliest, row.begins_on), row.ends_on)
    return None
