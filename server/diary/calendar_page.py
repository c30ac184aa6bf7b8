"""A month as a page shows it: weeks of days, and what was trained on each."""

from collections.abc import Iterable
from datetime import date

from django.utils.translation import gettext as _
from msgspec import Struct

from server.diary.formatting import minutes
from server.diary.models import DiaryEntry
from server.diary.query_params import Month


class CalendarSession(Struct, frozen=True):
    """One session on a day. `whole`: trained to its end; `counts`: at least one whole interval or all of it."""

    session_id: str
    whole: bool
    counts: bool
    flawed: bool
    words: str
    short: str


class CalendarDay(Struct, frozen=True):
    """One day of the grid. `inside`: of the month itself."""

    on: date
    inside: bool
    today: bool
    sessions: tuple[CalendarSession, ...]


class CalendarPage(Struct, frozen=True):
    """A month of one participant."""

    month: Month
    weeks: tuple[tuple[CalendarDay, ...], ...]
    sessions: int
    zone_minutes: str


def calendar_page(month: Month, entries: Iterable[DiaryEntry], today: date) -> CalendarPage:
    """Lay the month's entries out, oldest first in each day."""
    by_day: dict[date, list[CalendarSession]] = {}
    count, zone_s = 0, 0.0
    for entry in sorted(entries, key=lambda one: (one.begun_at, one.pk)):
        by_day.setdefault(entry.begun_on, []).append(trained(entry))
        if month.first <= entry.begun_on <= month.last:
            count += 1
            zone_s += entry.zone_s
    return CalendarPage(
        month=month,
        weeks=tuple(
            tuple(
                CalendarDay(on, month.first <= on <= month.last, on == today, tuple(by_day.get(on, ()))) for on in week
            )
            for week in month.weeks()
        ),
        sessions=count,
        zone_minutes=minutes(zone_s, 0),
    )


def trained(entry: DiaryEntry) -> CalendarSession:
    """Return an entry in a calendar's words."""
    counts = entry.completed or entry.completed_intervals > 0
    told = {"done": entry.completed_intervals, "of": entry.planned_intervals, "minutes": minutes(entry.zone_s)}
    whole = _("whole session") if entry.completed else _("not the whole session") if counts else _("stopped early")
    words = whole + ", " + _("%(minutes)s min in the zone") % told
    if entry.planned_intervals:
        words = _("%(done)s of %(of)s intervals") % told + ", " + words
    return CalendarSession(
        session_id=str(entry.session_id),
        whole=entry.completed,
        counts=counts,
        flawed=bool(getattr(entry, "flaw", "")),
        words=words,
        short=_("%(minutes)s min") % {"minutes": minutes(entry.zone_s, 0)},
    )
