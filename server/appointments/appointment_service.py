"""Changing the week: people into places, whole weeks copied, reasons for absences; logged, and told to the machines.

What a person's machine shows as their next appointment goes with their plan, in the same transaction. A change locks
the clinic's fixed times: two who fill the week at once wait for each other, and neither overwrites the other. They are
locked before participants, the clinic and the access log's end, which `server.live.plan_outbox` locks in this order.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, time

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from msgspec import Struct

from server.accounts.models import Account, Clinic
from server.accounts.roles import Permission
from server.appointments.calendar_week import WEEK_DAYS, CalendarWeek
from server.appointments.models import Appointment, ClosedDay, FixedTime
from server.appointments.signals import appointments_changed
from server.appointments.week_plan import USUAL_A_WEEK, WeekPlace, spread
from server.audit.record import record
from server.live.plan_outbox import hand_out_courses
from server.natural_sort import by_name
from server.people.models import Course, Participant


class TypedPlace(Struct, frozen=True):
    """What was typed into a place. `before`, `after`: keys of participants, None for no one."""

    place: WeekPlace
    before: int | None
    after: int | None


class WeekFilled(Struct, frozen=True, kw_only=True):
    """What a change did. `taken`: places that another person has filled since. `twice`: where one is booked already."""

    made: int = 0
    removed: int = 0
    left_out: int = 0
    taken: tuple[WeekPlace, ...] = ()
    twice: tuple[WeekPlace, ...] = ()


def at_clinic(clinic: Clinic, on: date, begins: time) -> datetime:
    """Return the instant of a time of day at the clinic; of an hour that a clock change repeats, the first."""
    return datetime.combine(on, begins, clinic.zone)


class _Week:
    """A week while it is filled: who is where, and what is changed. The clinic is locked."""

    def __init__(self, clinic: Clinic, week: CalendarWeek, account: Account) -> None:
        """Read the week."""
        self.clinic, self.account = clinic, account
        self.days = week.days
        self.closed = set(
            ClosedDay.objects.filter(clinic=clinic, on__gte=week.monday, on__lte=week.sunday).values_list(
                "on", flat=True
            )
        )
        self.fixed_times = [one for one in clinic.fixed_times.all() if any(one.is_on(day) for day in self.days)]
        self.by_place: dict[tuple[int, date], list[Appointment]] = defaultdict(list)
        self.starts: set[tuple[int, datetime]] = set()
        self.days_of: dict[int, set[date]] = defaultdict(set)
        for one in _between(clinic, week.monday, week.sunday):
            self._note(one)
        self.made: list[Appointment] = []
        self.removed: list[Appointment] = []

    def _note(self, one: Appointment) -> None:
        if one.fixed_time_id is not None:
            self.by_place[one.fixed_time_id, one.on].append(one)
        self.starts.add((one.participant_id, one.begins_at))
        self.days_of[one.participant_id].add(one.on)

    def fixed(self, key: int) -> FixedTime | None:
        """Return a fixed time of this week."""
        return next((one for one in self.fixed_times if one.pk == key), None)

    def free_on(self, fixed: FixedTime) -> list[date]:
        """Return the days of the week on which a fixed time has a place left."""
        return [
            day
            for day in self.days
            if fixed.is_on(day) and day not in self.closed and len(self.by_place[fixed.pk, day]) < fixed.places
        ]

    def put(self, participant: int, fixed: FixedTime, on: date) -> bool:
        """Book a person; False where they are booked at that time already."""
        begins_at = at_clinic(self.clinic, on, fixed.begins)
        if (participant, begins_at) in self.starts:
            return False
        one = Appointment(
            clinic=self.clinic, participant_id=participant, fixed_time=fixed, begins_at=begins_at, on=on,
            minutes=fixed.minutes, machine=fixed.machine, made_by=self.account,
        )  # fmt: skip
        self._note(one)
        self.made.append(one)
        return True

    def remove(self, one: Appointment) -> None:
        """Take an appointment away."""
        if one.fixed_time_id is not None:
            self.by_place[one.fixed_time_id, one.on].remove(one)
        self.starts.discard((one.participant_id, one.begins_at))
        self.days_of[one.participant_id].discard(one.on)
        self.removed.append(one)

    def take_back(self, one: Appointment) -> None:
        """Let a removed appointment stay after all, where its person has not been put elsewhere at that time."""
        if (one.participant_id, one.begins_at) not in self.starts:
            self.removed.remove(one)
            self._note(one)

    def save(self, action: str) -> None:
        """Write the changes, log them for each person, and hand their plans out with the new times."""
        gone = [one.pk for one in self.removed]
        Appointment.objects.filter(pk__in=gone).delete()
        Appointment.objects.bulk_create(self.made)
        changed(self.clinic, self.account, {one.participant_id for one in (*self.made, *self.removed)}, action)


def fill_week(
    clinic: Clinic, account: Account, week: CalendarWeek, typed: Sequence[TypedPlace], *, all_week: bool
) -> WeekFilled:
    """Apply what was typed into places. `all_week`: put each new person at the same time on further days, too.

    A place that another person has changed since the page was made stays as it is, and is told.
    """
    with transaction.atomic():
        lock_week(clinic)
        there = _Week(clinic, week, account)
        a_week = sessions_a_week({one.after for one in typed if one.after is not None})
        taken: list[WeekPlace] = []
        twice: list[WeekPlace] = []
        put: list[tuple[int, FixedTime]] = []
        open_places: list[tuple[TypedPlace, Appointment | None]] = []
        for one in typed:
            booked = there.by_place[one.place.fixed_time, one.place.on]
            kept = next((booking for booking in booked if booking.participant_id == one.before), None)
            if there.fixed(one.place.fixed_time) is None or (one.before is not None and kept is None):
                taken.append(one.place)
                continue
            if kept is not None:
                there.remove(kept)
            open_places.append((one, kept))
        for one, kept in open_places:
            fixed = there.fixed(one.place.fixed_time)
            if one.after is None or fixed is None:
                continue
            full = one.place.on not in there.free_on(fixed)
            if not full and there.put(one.after, fixed, one.place.on):
                put.append((one.after, fixed))
                continue
            (taken if full else twice).append(one.place)
            if kept is not None:
                there.take_back(kept)
        if all_week:
            for person, fixed in put:
                _put_further(there, person, fixed, a_week.get(person, USUAL_A_WEEK))
        there.save("appointments.filled")
    return WeekFilled(made=len(there.made), removed=len(there.removed), taken=tuple(taken), twice=tuple(twice))


def _put_further(there: _Week, person: int, fixed: FixedTime, count: int) -> None:
    """Book the same hour and machine on further days of the week, as far apart as can be."""
    alike = [
        one
        for one in there.fixed_times
        if (one.begins, one.machine, one.group) == (fixed.begins, fixed.machine, fixed.group)
    ]
    by_day = {day: one for one in alike for day in there.free_on(one)}
    booked = there.days_of[person]
    for day in spread([one for one in by_day if one not in booked], count, taken=booked):
        there.put(person, by_day[day], day)


def fill_from_groups(clinic: Clinic, account: Account, week: CalendarWeek) -> WeekFilled:
    """Put the members of each group into the group's free places, each on as many days as their course has a week.

    `left_out`: how many people of these groups have fewer days than that.
    """
    with transaction.atomic():
        lock_week(clinic)
        there = _Week(clinic, week, account)
        groups = sorted({one.group for one in there.fixed_times if one.group})
        people = list(Participant.objects.filter(clinic=clinic, active=True, group__in=groups).order_by("name", "pk"))
        a_week = sessions_a_week([one.pk for one in people])
        left_out = 0
        for group in groups:
            times = [one for one in there.fixed_times if one.group == group]
            for person in (one for one in people if one.group == group):
                count = a_week.get(person.pk, USUAL_A_WEEK)
                _put_in_group(there, person.pk, times, count)
                left_out += len(there.days_of[person.pk]) < count
        there.save("appointments.filled")
    return WeekFilled(made=len(there.made), left_out=left_out)


def _put_in_group(there: _Week, person: int, times: Sequence[FixedTime], count: int) -> None:
    """Book a person at the hour and machine of the group that leave the most days free, then on any others."""
    while len(there.days_of[person]) < count:
        booked = there.days_of[person]
        of_place: dict[tuple[time, str], dict[date, FixedTime]] = defaultdict(dict)
        for one in times:
            for day in there.free_on(one):
                if day not in booked:
                    of_place[one.begins, one.machine][day] = one
        if not of_place:
            return
        best = max(sorted(of_place, key=lambda at: (at[0], by_name(at[1]))), key=lambda at: len(of_place[at]))
        days = spread(list(of_place[best]), count, taken=booked)
        put = [there.put(person, of_place[best][day], day) for day in days]
        if not any(put):
            return


def copy_week(clinic: Clinic, account: Account, week: CalendarWeek, weeks: int) -> WeekFilled:
    """Copy a week's appointments to each of the next `weeks` weeks, where place, person and day are free.

    Absences are not copied, nor people who train no more. `left_out`: how many could not be copied.
    """
    with transaction.atomic():
        lock_week(clinic)
        source = [
            one
            for one in _between(clinic, week.monday, week.sunday).select_related("fixed_time", "participant")
            if one.participant.active
        ]
        made, left_out, people = 0, 0, set()
        for later in range(1, weeks + 1):
            there = _Week(clinic, week.later(later), account)
            for one in source:
                if _copy(there, one, week.monday):
                    made += 1
                else:
                    left_out += 1
            Appointment.objects.bulk_create(there.made)
            people |= {one.participant_id for one in there.made}
        changed(clinic, account, people, "appointments.filled")
    return WeekFilled(made=made, left_out=left_out)


def _copy(there: _Week, one: Appointment, monday: date) -> bool:
    on = there.days[(one.on - monday).days % WEEK_DAYS]
    if one.fixed_time is not None:
        return on in there.free_on(one.fixed_time) and there.put(one.participant_id, one.fixed_time, on)
    begins_at = at_clinic(there.clinic, on, one.begins_at.astimezone(there.clinic.zone).time())
    if on in there.closed or (one.participant_id, begins_at) in there.starts:
        return False
    there.made.append(
        Appointment(
            clinic=there.clinic, participant_id=one.participant_id, begins_at=begins_at, on=on, minutes=one.minutes,
            machine=one.machine, made_by=there.account,
        )
    )  # fmt: skip
    return True


def add_single(
    clinic: Clinic, account: Account, participant: Participant, begins_at: datetime, minutes: int, machine: str
) -> bool:
    """Book a person at a time of its own; False where they are booked then already."""
    with transaction.atomic():
        lock_week(clinic)
        if participant.appointments.filter(begins_at=begins_at).exists():
            return False
        Appointment.objects.create(
            clinic=clinic, participant=participant, begins_at=begins_at, on=clinic.day_of(begins_at), minutes=minutes,
            machine=machine, made_by=account,
        )  # fmt: skip
        changed(clinic, account, {participant.pk}, "appointments.filled")
    return True


def remove_appointment(one: Appointment, account: Account) -> None:
    """Take one appointment away."""
    with transaction.atomic():
        lock_week(one.clinic)
        one.delete()
        changed(one.clinic, account, {one.participant_id}, "appointments.filled")


def say_absence(one: Appointment, account: Account, reason: str) -> None:
    """Keep why a person did not or will not come; "" takes it back."""
    with transaction.atomic():
        lock_week(one.clinic)
        one.absence = reason
        one.absence_at, one.absence_by = (timezone.now(), account) if reason else (None, None)
        one.save(update_fields=["absence", "absence_at", "absence_by", "changed_at"])
        changed(one.clinic, account, {one.participant_id}, "appointments.absence")


def end_fixed_time(fixed: FixedTime, account: Account, today: date) -> int:
    """End a fixed time from today on, with the appointments that lie ahead in it; returns how many those were."""
    with transaction.atomic():
        lock_week(fixed.clinic)
        ahead = list(fixed.appointments.filter(begins_at__gt=timezone.now()))
        Appointment.objects.filter(pk__in=[one.pk for one in ahead]).delete()
        if fixed.appointments.exists() or fixed.begun_on < today:
            fixed.ended_on = today
            fixed.save(update_fields=["ended_on"])
        else:
            fixed.delete()
        changed(fixed.clinic, account, {one.participant_id for one in ahead}, "appointments.filled")
        record(account, "appointments.times", clinic=fixed.clinic, may=Permission.CHANGE_DIARY)
    return len(ahead)


def close_day(clinic: Clinic, account: Account, on: date, reason: str) -> int:
    """Close a day and take its coming appointments away; returns how many those were."""
    with transaction.atomic():
        lock_week(clinic)
        ClosedDay.objects.update_or_create(clinic=clinic, on=on, defaults={"reason": reason})
        ahead = list(clinic.appointments.filter(on=on, begins_at__gt=timezone.now()))
        Appointment.objects.filter(pk__in=[one.pk for one in ahead]).delete()
        changed(clinic, account, {one.participant_id for one in ahead}, "appointments.filled")
        record(account, "appointments.times", clinic=clinic, may=Permission.CHANGE_DIARY, day=on.isoformat())
    return len(ahead)


def open_day(clinic: Clinic, account: Account, on: date) -> None:
    """Open a closed day again; its appointments do not come back."""
    with transaction.atomic():
        ClosedDay.objects.filter(clinic=clinic, on=on).delete()
        record(account, "appointments.times", clinic=clinic, may=Permission.CHANGE_DIARY, day=on.isoformat())


def sessions_a_week(people: Collection[int]) -> dict[int, int]:
    """Return how many sessions a week each one's running course has."""
    rows = Course.objects.filter(participant__in=people, ended_on=None).order_by("begins_on", "pk")
    return {
        participant: max(1, min(round(sessions / weeks), WEEK_DAYS))
        for participant, weeks, sessions in rows.values_list("participant", "weeks", "sessions")
        if weeks
    }


def lock_week(clinic: Clinic) -> None:
    """Have all others who change this clinic's week wait until the transaction's end."""
    locked = FixedTime.objects.select_for_update(no_key=True).filter(clinic=clinic).order_by("pk")
    list(locked.values_list("pk", flat=True))


def changed(clinic: Clinic, account: Account, participants: Iterable[int], action: str) -> None:
    """Log the change for each person, hand their plans out with their next times, and let listeners know."""
    people = list(Participant.objects.filter(pk__in=set(participants)).order_by("pk"))
    if not people:
        return
    hand_out_courses(one.pk for one in people)
    for one in people:
        record(account, action, clinic=clinic, may=Permission.CHANGE_DIARY, participant=one)
    appointments_changed.send(Appointment, participants={one.pk for one in people})


def _between(clinic: Clinic, first: date, last: date) -> QuerySet[Appointment]:
    return clinic.appointments.filter(on__gte=first, on__lte=last).order_by("begins_at", "machine", "pk")
