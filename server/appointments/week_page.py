"""What the pages of the week show: days with their places, each with its person and how it stands."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _
from msgspec import Struct

from server.accounts.models import Clinic
from server.appointments.attendance import AttendanceState, Attended, attended_in
from server.appointments.calendar_week import CalendarWeek
from server.appointments.holidays import holiday_of
from server.appointments.models import Appointment, ClosedDay
from server.appointments.week_plan import WeekDay, WeekRow, days_of
from server.appointments.words import LOOKS, long_day, state_words
from server.live.words import called
from server.natural_sort import by_name

UNSAID_DAYS = 14
"""So long a missed appointment is listed until a reason is given."""
MOST_UNSAID = 60


class ShownRow(Struct, frozen=True):
    """A line of a day as a page shows it. `look`: the class of its mark; `words` of a free place are empty."""

    row: WeekRow
    machine: str
    attended: Attended | None = None
    words: str = ""
    look: str = ""

    @property
    def appointment(self) -> Appointment | None:
        """Return the appointment there, if any."""
        return self.row.appointment

    @property
    def may_say_why(self) -> bool:
        """Return whether a reason for an absence can be given."""
        return self.attended is not None and self.attended.state is not AttendanceState.CAME


class ShownHour(Struct, frozen=True):
    """What begins at one hour of a day. `past`: it is over, so that its free places are of no use."""

    hour: time
    rows: tuple[ShownRow, ...]
    past: bool

    @property
    def groups(self) -> str:
        """Return the groups of the hour."""
        return ", ".join(dict.fromkeys(row.row.group for row in self.rows if row.row.group))

    @property
    def free(self) -> str:
        """Return the places that can still be taken, by their machines."""
        if self.past:
            return ""
        return ", ".join(row.machine or _("place") for row in self.rows if row.appointment is None)


class ShownDay(Struct, frozen=True):
    """A day as a page shows it, its lines by the hour. `holiday`: a public holiday that is not closed yet."""

    on: date
    title: str
    hours: tuple[ShownHour, ...]
    today: bool
    closed: bool
    reason: str
    holiday: str

    @property
    def rows(self) -> tuple[ShownRow, ...]:
        """Return all lines."""
        return tuple(row for one in self.hours for row in one.rows)


class ShownWeek(Struct, frozen=True):
    """A week as a page shows it. `came`, `over`: how many came of those that are over and no one excused."""

    week: CalendarWeek
    days: tuple[ShownDay, ...]
    booked: int
    came: int
    over: int
    free: int


def appointments_in(clinic: Clinic, first: date, last: date, now: datetime) -> list[Appointment]:
    """Return the appointments of these days; those ahead only of people who train; one statement."""
    stands = Q(begins_at__lt=now) | Q(participant__active=True)
    found = clinic.appointments.filter(stands, on__gte=first, on__lte=last)
    return list(found.select_related("participant").order_by("begins_at", "machine", "pk"))


def shown_week(clinic: Clinic, week: CalendarWeek, now: datetime) -> ShownWeek:
    """Read a week; four statements."""
    appointments = appointments_in(clinic, week.monday, week.sunday, now)
    closed = dict(
        ClosedDay.objects.filter(clinic=clinic, on__gte=week.monday, on__lte=week.sunday).values_list("on", "reason")
    )
    fixed_times = list(clinic.fixed_times.all())
    begins = {one.pk: one.begins_at.astimezone(clinic.zone).time() for one in appointments}
    days = days_of(week.days, fixed_times, closed, appointments, begins)
    attended = attended_in(appointments, now)
    today = clinic.day_of(now)
    shown = tuple(_day(one, attended, today) for one in days if one.rows or one.closed or one.on.weekday() < 5)  # noqa: PLR2004 - Saturday
    states = [one.state for one in attended.values()]
    return ShownWeek(
        week,
        shown,
        booked=len(appointments),
        came=states.count(AttendanceState.CAME),
        over=sum(state in (AttendanceState.CAME, AttendanceState.MISSING, AttendanceState.ABSENT) for state in states),
        free=sum(row.appointment is None for day in shown if day.on >= today for row in day.rows),
    )


def unsaid(clinic: Clinic, now: datetime) -> list[tuple[Appointment, str]]:
    """Return the missed appointments of which no one has said why, the newest first, each with its time in words."""
    today = clinic.day_of(now)
    past = clinic.appointments.filter(
        on__gte=today - timedelta(days=UNSAID_DAYS), begins_at__lt=now, absence="", participant__active=True
    )
    appointments = list(past.select_related("participant").order_by("-begins_at", "machine", "pk"))
    attended = attended_in(appointments, now)
    missed = [one for one in appointments if attended[one.pk].state is AttendanceState.MISSING]
    return [(one, time_words(one, clinic)) for one in missed[:MOST_UNSAID]]


def time_words(one: Appointment, clinic: Clinic) -> str:
    """Return an appointment's day and hour, and its machine."""
    at = one.begins_at.astimezone(clinic.zone)
    words = f"{long_day(one.on)}, {at:%H:%M}"
    return f"{words}, {called(one.machine)}" if one.machine else words


def machines_in(days: Iterable[ShownDay]) -> list[str]:
    """Return the machines that a week's places name, in their order."""
    return sorted({row.row.machine for day in days for row in day.rows if row.row.machine}, key=by_name)


def _day(day: WeekDay, attended: Mapping[int, Attended], today: date) -> ShownDay:
    hours: dict[time, list[ShownRow]] = {}
    for row in day.rows:
        hours.setdefault(row.begins, []).append(_row(row, attended))
    holiday = holiday_of(day.on)
    return ShownDay(
        on=day.on,
        title=long_day(day.on),
        hours=tuple(ShownHour(hour, tuple(rows), day.on < today) for hour, rows in hours.items()),
        today=day.on == today,
        closed=day.closed,
        reason=day.reason,
        holiday="" if holiday is None or day.closed else str(holiday),
    )


def _row(row: WeekRow, attended: Mapping[int, Attended]) -> ShownRow:
    machine = called(row.machine) if row.machine else ""
    if row.appointment is None:
        return ShownRow(row, machine)
    found = attended[row.appointment.pk]
    return ShownRow(row, machine, found, state_words(found.state, row.appointment.absence), LOOKS.get(found.state, ""))
