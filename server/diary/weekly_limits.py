"""Which sessions count towards a participant's weekly cap and rest, by all machines (hazard H13).

Machines are told them one by one and not as a number: so each counts what is in its own diary once, and every session
leaves the week at its own time, also on a machine that hears nothing more.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q

from coach.model.plan import COUNTS_FROM_S, WEEK_S, KnownSession
from server.accounts.models import Clinic
from server.diary.models import DiaryEntry, Reassignment
from server.people.models import Participant

MOST_TOLD = 64
"""The newest: far more than any cap, so that a machine gone mad makes no plan too large for the wire."""

LONGEST = timedelta(days=1)
"""No session lasts longer."""

AHEAD_AT_MOST_S = 86_400.0
"""No session ended after it was stored. A machine's clock that is less ahead was set wrong, and the session counts from
its storing; one further ahead was no clock at all, and the session is left out, as the machine does."""


def reaches_back_to(now: datetime) -> datetime:
    """Sessions that began earlier count for nothing any more: neither the week nor the longest rest is longer."""
    return now - timedelta(seconds=WEEK_S) - LONGEST


def known_sessions(
    clinic: Clinic, participants: Collection[Participant], now: datetime
) -> dict[int, tuple[KnownSession, ...]]:
    """Return what the machines are told of each, by participant, oldest first; one statement, however many they are.

    Also of those trained under their pseudonym that a therapist has counted for somebody else.
    """
    by_name = {one.pseudonym: one.pk for one in participants}
    found: dict[int, list[KnownSession]] = {one: [] for one in by_name.values()}
    rows = (
        DiaryEntry.objects.filter(begun_at__gte=reaches_back_to(now), training_s__gte=COUNTS_FROM_S)
        .filter(Q(participant__in=by_name.values()) | Q(clinic=clinic, pseudonym__in=by_name))
        .values_list(
            "session_id",
            "participant",
            "pseudonym",
            "begun_at",
            "training_s",
            F("stored__summary__duration_s"),
            F("stored__stored_wall_s"),
            Exists(Reassignment.objects.filter(entry=OuterRef("pk"))),
        )
    )
    for session_id, counted_for, pseudonym, begun_at, training_s, duration_s, stored_s, decided in rows:
        ended_s = begun_at.timestamp() + max(training_s, duration_s or 0.0)
        if ended_s > stored_s + AHEAD_AT_MOST_S:
            continue
        known = KnownSession(str(session_id), min(ended_s, stored_s))
        trained_as = by_name.get(pseudonym)
        if counted_for in found:
            found[counted_for].append(known)
        if trained_as not in (None, counted_for) and (counted_for is not None or decided):
            found[trained_as].append(KnownSession(known.session_id, known.ended_wall_s, counts=False))
    return {one: tuple(sorted(told, key=lambda known: known.ended_wall_s)[-MOST_TOLD:]) for one, told in found.items()}
