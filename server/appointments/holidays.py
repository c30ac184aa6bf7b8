"""Norway's public holidays by law (LOV-1947-04-26-1, LOV-1995-02-24-12), as proposals of days to close."""

from datetime import date, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Word = str | Promise

FIXED: dict[tuple[int, int], Word] = {
    (1, 1): _("New Year's Day"),
    (5, 1): _("Labour Day"),
    (5, 17): _("Constitution Day"),
    (12, 25): _("Christmas Day"),
    (12, 26): _("Boxing Day"),
}
AFTER_EASTER: dict[int, Word] = {
    -3: _("Maundy Thursday"),
    -2: _("Good Friday"),
    0: _("Easter Sunday"),
    1: _("Easter Monday"),
    39: _("Ascension Day"),
    49: _("Pentecost"),
    50: _("Pentecost Monday"),
}


def easter(year: int) -> date:
    """Return Easter Sunday by the Gregorian calendar (Meeus, Jones and Butcher)."""
    century, of_century = divmod(year, 100)
    golden = year % 19
    epact = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    to_sunday = (32 + 2 * (century % 4) + 2 * (of_century // 4) - epact - of_century % 4) % 7
    correction = (golden + 11 * epact + 22 * to_sunday) // 451
    month, before = divmod(epact + to_sunday - 7 * correction + 114, 31)
    return date(year, month, before + 1)


def holiday_of(day: date) -> Word | None:
    """Return what the day is called, where it is a public holiday."""
    return FIXED.get((day.month, day.day)) or AFTER_EASTER.get((day - easter(day.year)) // timedelta(days=1))
