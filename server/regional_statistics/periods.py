"""Months and quarters by number: month 0 is January of the year 0, and a quarter is three of them."""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

MONTHS = 3
SPAN_QUARTERS = 12
"""So many quarters are summed, the running one among them."""


def month_number(on: date) -> int:
    """Return the month of a day."""
    return on.year * 12 + on.month - 1


def month_begin(number: int) -> date:
    """Return a month's first day."""
    return date(number // 12, number % 12 + 1, 1)


class Quarters(Struct, frozen=True):
    """The quarters that are summed: from `first` to the running one; `today` decides what is over."""

    first: int
    today: date

    @property
    def running(self) -> int:
        """The quarter of today."""
        return month_number(self.today) // MONTHS

    @property
    def numbers(self) -> Sequence[int]:
        """All, oldest first."""
        return range(self.first, self.running + 1)

    @property
    def months(self) -> Sequence[int]:
        """Their months, oldest first."""
        return range(self.first * MONTHS, (self.running + 1) * MONTHS)

    def months_over(self, quarter: int) -> int:
        """How many months of a quarter are over."""
        return min(MONTHS, max(0, month_number(self.today) - quarter * MONTHS))


def span_until(today: date) -> Quarters:
    """Return the quarters that are summed today."""
    return Quarters(month_number(today) // MONTHS - SPAN_QUARTERS + 1, today)


class ReportingPeriod(Struct, frozen=True):
    """A month or a quarter by number."""

    kind: str
    number: int

    @property
    def quarter(self) -> int:
        """The quarter that it is, or is of."""
        return self.number if self.kind == "quarter" else self.number // MONTHS

    @property
    def begin(self) -> date:
        """Its first day."""
        return month_begin(self.number * MONTHS if self.kind == "quarter" else self.number)

    @property
    def end(self) -> date:
        """The first day after it."""
        return self.beside(1).begin

    def beside(self, by: int) -> "ReportingPeriod":
        """Return the one so many later."""
        return ReportingPeriod(self.kind, self.number + by)

    @property
    def text(self) -> str:
        """As it stands in an address: 2026-10, 2026-Q3."""
        begin = self.begin
        return f"{begin.year}-Q{begin.month // MONTHS + 1}" if self.kind == "quarter" else f"{begin:%Y-%m}"
