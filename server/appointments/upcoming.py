"""The appointments that a person has before them, as machines and pages tell them."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from server.appointments.models import Appointment
from server.people.models import Participant

MOST_TOLD = 8
"""So many of the next ones go to the machines: more than two weeks at three a week."""


def next_appointments(participants: Collection[int], now: datetime) -> dict[int, tuple[datetime, ...]]:
    """Return when each is expected next, the soonest first; one statement. Excused ones are left out."""
    rows = (
        Appointment.objects.filter(participant__in=participants, begins_at__gt=now, absence="")
        .order_by("begins_at")
        .values_list("participant", "begins_at")
    )
    found: dict[int, list[datetime]] = defaultdict(list)
    for participant, begins_at in rows:
        if len(found[participant]) < MOST_TOLD:
            found[participant].append(begins_at)
    return {participant: tuple(times) for participant, times in found.items()}


def next_of(participant: Participant, now: datetime, most: int = 3) -> list[Appointment]:
    """Return a person's next appointments, the soonest first."""
    return list(participant.appointments.filter(begins_at__gt=now).order_by("begins_at")[:most])
