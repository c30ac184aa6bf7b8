"""What an address asks for: a month, a day, a page. What cannot be is no page: 404, never a broken one."""

import re
from datetime import date, timedelta

from django.http import Http404, HttpRequest
from msgspec import Struct

_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})\Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}\Z")
EARLIEST_YEAR, LATEST_YEAR = 1970, 9998
"""A machine whose clock was never set says 1970."""


class Month(Struct, frozen=True):
    """A month as its first day, with its neighbours."""

    first: date

    @property
    def last(self) -> date:
        """Its last day."""
        return self.next.first - timedelta(days=1)

    @property
    def next(self) -> "Month":
        """The month after it."""
        return Month((self.first + timedelta(days=32)).replace(day=1))

    @property
    def before(self) -> "Month":
        """The month before it."""
        return Month((self.first - timedelta(days=1)).replace(day=1))

    @property
    def text(self) -> str:
        """As it stands in an address: 2026-11."""
        return f"{self.first:%Y-%m}"

    def weeks(self) -> list[list[date]]:
        """All its weeks from Monday on, with the days of its neighbours that they hold."""
        day = self.first - timedelta(days=self.first.weekday())
        weeks = []
        while day <= self.last:
            weeks.append([day + timedelta(days=at) for at in range(7)])
            day += timedelta(days=7)
        return weeks


def month(request: HttpRequest, today: date) -> Month:
    """`?month=2026-11`, else this month. Raises Http404."""
    text = request.GET.get("month")
    if text is None:
        return Month(today.replace(day=1))
    found = _MONTH.match(text)
    try:
        first = date(int(found[1]), int(found[2]), 1) if found else None
    except ValueError:
        first = None
    if first is None or not EARLIEST_YEAR <= first.year <= LATEST_YEAR:
        raise Http404
    return Month(first)


def day(request: HttpRequest, today: date) -> date:
    """`?day=2026-11-22`, else today. Raises Http404."""
    text = request.GET.get("day")
    if text is None:
        return today
    try:
        found = date.fromisoformat(text) if _DAY.match(text) else None
    except ValueError:
        found = None
    if found is None or not EARLIEST_YEAR <= found.year <= LATEST_YEAR:
        raise Http404
    return found


def whole_number(request: HttpRequest, name: str) -> int | None:
    """`?name=7`; from 1 on; None where it is not asked. Raises Http404."""
    text = request.GET.get(name)
    if text is None:
        return None
    if not _NUMBER.match(text):
        raise Http404
    return int(text)
