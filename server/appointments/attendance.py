"""Who came: each appointment with the session of its day, if there is one, and how it stands without.

A session counts for the appointment of the same person on the same day of the clinic; where a day has several, each
session counts for the one it is nearest to, and for one alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from server.appointments.models import Appointment
from server.diary.models import DiaryEntry

GRACE = timedelta(minutes=30)
"""So long after an appointment's end its session may still be on its way from the machine."""


class AttendanceState(StrEnum):
    """How an appointment stands. `MISSING`: it is over, no session came, and no one has said why."""

    CAME = "came"
    EXPECTED = "expected"
    NOW = "now"
    MISSING = "missing"
    ABSENT = "absent"


class TrainedSession(Struct, frozen=True):
    """A session as attendance needs it. `key`: its id."""

    participant_id: int
    on: date
    begun_at: datetime
    key: str


class Attended(Struct, frozen=True):
    """How an appointment stands, and the session that it was kept with."""

    state: AttendanceState
    session: TrainedSession | None = None


def sessions_between(participants: Iterable[int], first: date, last: date) -> list[TrainedSession]:
    """Return the sessions of these people on these days, both included; one statement."""
    rows = DiaryEntry.objects.filter(participant__in=set(participants), begun_on__gte=first, begun_on__lte=last)
    return [
        TrainedSession(participant, on, begun_at, str(key))
        for participant, on, begun_at, key in rows.values_list("participant_id", "begun_on", "begun_at", "session_id")
    ]


def attendance_of(
    appointments: Sequence[Appointment], sessions: Iterable[TrainedSession], now: datetime
) -> dict[int, Attended]:
    """Return how each appointment stands, by its key."""
    kept = _matched(appointments, sessions)
    return {one.pk: _attended(one, kept.get(one.pk), now) for one in appointments}


def attended_in(appointments: Sequence[Appointment], now: datetime) -> dict[int, Attended]:
    """Return the same, with the sessions of their days read here."""
    if not appointments:
        return {}
    days = [one.on for one in appointments]
    sessions = sessions_between((one.participant_id for one in appointments), min(days), max(days))
    return attendance_of(appointments, sessions, now)


def _matched(appointments: Sequence[Appointment], sessions: Iterable[TrainedSession]) -> dict[int, TrainedSession]:
    of_day: dict[tuple[int, date], list[TrainedSession]] = defaultdict(list)
    for session in sessions:
        of_day[session.participant_id, session.on].append(session)
    pairs = [
        (abs(session.begun_at - one.begins_at), one.begins_at, one.pk, session)
        for one in appointments
        for session in of_day.get((one.participant_id, one.on), ())
    ]
    kept: dict[int, TrainedSession] = {}
    used: set[str] = set()
    for _apart, _at, key, session in sorted(pairs, key=lambda pair: pair[:3]):
        if key not in kept and session.key not in used:
            kept[key] = session
            used.add(session.key)
    return kept


def _attended(appointment: Appointment, session: TrainedSession | None, now: datetime) -> Attended:
    if session is not None:
        return Attended(AttendanceState.CAME, session)
    if appointment.absence:
        return Attended(AttendanceState.ABSENT)
    if now < appointment.begins_at:
        return Attended(AttendanceState.EXPECTED)
    late = now >= appointment.ends_at + GRACE
    return Attended(AttendanceState.MISSING if late else AttendanceState.NOW)
