"""Weeks by ISO 8601, as Norway counts them: from Monday, with a number."""

import re
from datetime import date, timedelta

from msgspec import Struct

WEEK_DAYS = 7
FIRST_YEAR, LAST_YEAR = 2000, 2100
_WRITTEN = re.compile(r"([0-9]{4})-W([0-9]{2})\Z")


class CalendarWeek(Struct, frozen=True):
    """One week, by its Monday."""

    monday: date

    @property
    def number(self) -> int:
        """Return the week's number in its year."""
        return self.monday.isocalendar().week

    @property
    def name(self) -> str:
        """Return how an address names it: 2026-W49."""
        year, number, _day = self.monday.isocalendar()
        return f"{year}-W{number:02}"

    @property
    def days(self) -> tuple[date, ...]:
        """Return Monday to Sunday."""
        return tuple(self.monday + timedelta(days=at) for at in range(WEEK_DAYS))

    @property
    def sunday(self) -> date:
        """Return the last day."""
        return self.days[-1]

    def later(self, weeks: int) -> "CalendarWeek":
        """Return the week so many weeks later."""
        return CalendarWeek(self.monday + timedelta(weeks=weeks))


def week_of(day: date) -> CalendarWeek:
    """Return the week in which a day lies."""
    return CalendarWeek(day - timedelta(days=day.weekday()))


def read_week(text: str) -> CalendarWeek | None:
    """Return the week of a name; None where there is no such week, or it is not between 2000 and 2100."""
    found = _WRITTEN.match(text)
    if found is None or not FIRST_YEAR <= int(found[1]) <= LAST_YEAR:
        return None
    try:
        return CalendarWeek(date.fromisocalendar(int(found[1]), int(found[2]), 1))
    except ValueError:
        return None
