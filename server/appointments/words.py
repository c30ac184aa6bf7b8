"""How the week is said on its pages: states, reasons, days."""

from datetime import date

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from server.appointments.attendance import AttendanceState
from server.appointments.calendar_week import CalendarWeek
from server.appointments.models import REASONS

STATES: dict[AttendanceState, str | Promise] = {
    AttendanceState.CAME: gettext_lazy("came"),
    AttendanceState.EXPECTED: gettext_lazy("expected"),
    AttendanceState.NOW: gettext_lazy("expected now"),
    AttendanceState.MISSING: gettext_lazy("no session"),
}
LOOKS: dict[AttendanceState, str] = {
    AttendanceState.CAME: "mark-in",
    AttendanceState.NOW: "mark-below",
    AttendanceState.MISSING: "mark-above",
}
ABSENCES: dict[str, str | Promise] = dict(REASONS)


def state_words(state: AttendanceState, absence: str) -> str:
    """Return how an appointment stands; of an absence its reason."""
    return str(ABSENCES.get(absence, absence)) if state is AttendanceState.ABSENT else str(STATES[state])


def long_day(on: date) -> str:
    """Return the day in words, as in mandag 30. november."""
    return date_format(on, pgettext("date format of Django", "l j F"))


def week_words(week: CalendarWeek) -> str:
    """Return the week by its number and its days."""
    told = {
        "number": week.number,
        "first": date_format(week.monday, pgettext("date format of Django", "j M")),
        "last": date_format(week.sunday, pgettext("date format of Django", "j M Y")),
    }
    return _("Week %(number)s, %(first)s – %(last)s") % told
