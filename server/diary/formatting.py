"""Numbers and times as pages and papers write them, in the language at hand: units, comma or point, a dash for none."""

import math
import re
from datetime import date, datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from msgspec import Struct

NOTHING = "–"


class TextTable(Struct, frozen=True):
    """A table of texts. `numeric`: the columns that are set flush right."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()

    @property
    def columns(self) -> tuple[tuple[str, bool], ...]:
        """Each heading, and whether its column holds numbers."""
        return tuple((heading, place in self.numeric) for place, heading in enumerate(self.headings))

    @property
    def cells(self) -> tuple[tuple[tuple[str, str, bool], ...], ...]:
        """Each row's cells with their headings, and whether they are numbers."""
        return tuple(
            tuple((text, heading, numeric) for text, (heading, numeric) in zip(row, self.columns, strict=True))
            for row in self.rows
        )


def number(value: float | None, decimals: int = 0) -> str:
    """Return a number; a real minus sign, and from 10,000 on its thousands apart."""
    if value is None:
        return NOTHING
    try:
        rounded = round(float(value), decimals) + 0.0
    except OverflowError:
        # Four hundred digits, typed or sent: a whole number that no float holds.
        rounded = math.inf if value > 0 else -math.inf
    grouped = abs(rounded) >= 10_000  # noqa: PLR2004 - as bokmål and English are set: 9999, 10 000
    return number_format(rounded, decimals, use_l10n=True, force_grouping=grouped).replace("-", "−")


def clock(seconds: float | None) -> str:
    """Minutes and seconds, or hours as well: 1:05, 12:30, 1:02:03."""
    if seconds is None:
        return NOTHING
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def minutes(seconds: float | None, decimals: int = 1) -> str:
    """Minutes with a decimal, without a unit."""
    return number(None if seconds is None else seconds / 60, decimals)


def percent(fraction: float | None) -> str:
    """Return a share: «85 %» in bokmål, «85%» in English."""
    # Translators: a number of percent. Bokmål has a space before the sign.
    return NOTHING if fraction is None else _("%(number)s%%") % {"number": number(fraction * 100)}


def rate(bpm: float | None, fraction: float | None = None) -> str:
    """Return a heart rate, with its share of HRmax where that is known."""
    if bpm is None:
        return NOTHING
    return number(bpm) if fraction is None else f"{number(bpm)} ({percent(fraction)})"


def day(on: date) -> str:
    """Return a day without its year: «7. sep.»."""
    return date_format(on, pgettext("date format of Django", "j M"))


def days(first: date, last: date | None) -> str:
    """From one day to another; open where it lasts."""
    if last is None:
        return _("since %(day)s") % {"day": day(first)}
    return day(first) if first == last else f"{day(first)} – {day(last)}"


def short_protocol(name: str) -> str:
    """Return a protocol's name as people write it: «4×4»."""
    return re.sub(r"(?<=\d)x(?=\d)", "×", name)


def moment(at: datetime) -> str:
    """Return a day with its year, and the time of day in the zone at hand: the clinic's."""
    return date_format(timezone.localtime(at), pgettext("date format of Django", "j M Y, H:i"))


def month_of(on: date) -> str:
    """«september 2026»."""
    return date_format(on, "F Y")


def weekday_initials() -> tuple[tuple[str, str], ...]:
    """Monday to Sunday, short and in full."""
    monday = date(2024, 1, 1)
    return tuple(
        (date_format(monday + timedelta(days=at), "D"), date_format(monday + timedelta(days=at), "l"))
        for at in range(7)
    )
