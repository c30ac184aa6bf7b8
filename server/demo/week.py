"""The demo clinic's week: fixed times by group at six machines, past appointments as people trained, coming ones."""

from collections.abc import Container
from datetime import datetime, time, timedelta

from django.utils import timezone

from server.accounts.models import Account, Clinic
from server.appointments.appointment_service import at_clinic, fill_from_groups
from server.appointments.calendar_week import week_of
from server.appointments.models import Appointment, FixedTime
from server.diary.models import DiaryEntry
from server.people.models import Participant
from server.people.participant_list import groups_of

MACHINES = 6
DAYS = (0, 2, 4)
FIRST_HOUR, MINUTES = 9, 60
EXCUSED = ("sick", "leave")


def make_week(clinic: Clinic, account: Account, missed: Container[str]) -> None:
    """Make fixed times, this week and the next from them, and the past of two weeks from the sessions.

    `missed`: pseudonyms of those who did not come to their last time.
    """
    now = timezone.now()
    monday = week_of(clinic.day_of(now))
    FixedTime.objects.bulk_create(
        FixedTime(
            clinic=clinic, weekday=weekday, begins=time(FIRST_HOUR + at), minutes=MINUTES, machine=f"molle-{number}",
            group=group, begun_on=monday.later(-8).monday,
        )
        for at, group in enumerate(reversed(groups_of(clinic)))
        for weekday in DAYS
        for number in range(1, MACHINES + 1)
    )  # fmt: skip
    for week in (monday, monday.later(1)):
        fill_from_groups(clinic, account, week)
    clinic.appointments.filter(begins_at__lt=now).delete()
    _past(clinic, account, now, missed)


def _past(clinic: Clinic, account: Account, now: datetime, missed: Container[str]) -> None:
    since = week_of(clinic.day_of(now)).later(-1).monday
    entries = DiaryEntry.objects.filter(clinic=clinic, begun_on__gte=since, begun_at__lt=now)
    made = {}
    for one in entries.exclude(participant=None).select_related("participant"):
        begins_at = one.begun_at.replace(minute=0, second=0, microsecond=0)
        made[one.participant_id, begins_at] = Appointment(
            clinic=clinic, participant=one.participant, begins_at=begins_at, on=one.begun_on, minutes=MINUTES,
            machine=one.machine, made_by=account,
        )  # fmt: skip
    here = list(Participant.objects.filter(clinic=clinic, active=True).order_by("pk"))
    absences = [(person, reason, since + timedelta(days=1)) for person, reason in zip(here, EXCUSED, strict=False)]
    yesterday = clinic.day_of(now) - timedelta(days=1)
    absences += [(person, "no_show", yesterday) for person in here if person.pseudonym in missed]
    for person, reason, on in absences:
        begins_at = at_clinic(clinic, on, time(FIRST_HOUR))
        made[person.pk, begins_at] = Appointment(
            clinic=clinic, participant=person, begins_at=begins_at, on=on, minutes=MINUTES,
            machine="molle-1", made_by=account, absence=reason, absence_at=now, absence_by=account,
        )  # fmt: skip
    Appointment.objects.bulk_create(made.values())
