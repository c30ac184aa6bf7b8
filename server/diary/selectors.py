"""What the diary's pages and papers read from the database, always within a clinic; a payload for one session only."""

from collections.abc import Iterable
from uuid import UUID

import msgspec
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.shortcuts import get_object_or_404

from coach.model.summary import Summary
from server.accounts.models import Clinic
from server.diary.course.plots import FitnessAgeInput, Point
from server.diary.course.schedule import CountedSession, CoursePlan
from server.diary.course.sent_progress import sex_of
from server.diary.models import DiaryEntry, ImportedSession
from server.errors import UnreadableSessionError
from server.models import Session
from server.people.models import Course, Participant, course_weeks
from sync.wire.codec import read_session
from sync.wire.envelope import Unreadable
from sync.wire.messages import SessionDelivery


class SessionDetail(msgspec.Struct, frozen=True):
    """A session with all that is kept of it. `flaw`: what was wrong with it, in words; `delivery`: None where gone."""

    entry: DiaryEntry
    summary: Summary
    delivery: SessionDelivery | None
    flaw: str
    revision: int


def entries_of(participant: Participant) -> QuerySet[DiaryEntry]:
    """Return a participant's entries, newest first; `flaw` says what is wrong with a session."""
    return flawed(DiaryEntry.objects.filter(participant=participant)).order_by("-begun_at", "-pk")


def unassigned_in(clinic: Clinic) -> QuerySet[DiaryEntry]:
    """Entries that are counted for nobody, newest first."""
    return flawed(DiaryEntry.objects.filter(clinic=clinic, participant=None)).order_by("-begun_at", "-pk")


def flawed(entries: QuerySet[DiaryEntry]) -> QuerySet[DiaryEntry]:
    """Return the same, each with its flaw, and with the other clinic where it was trained (`trained_at`), or None."""
    elsewhere = ImportedSession.objects.filter(session_id=OuterRef("session_id")).values("clinic_name")[:1]
    return entries.annotate(flaw=F("stored__flaw"), trained_at=Subquery(elsewhere))


def trained_here(entries: QuerySet[DiaryEntry]) -> QuerySet[DiaryEntry]:
    """Leave out what was trained at another clinic, and counts there."""
    return entries.exclude(session_id__in=ImportedSession.objects.values("session_id"))


def entry_in(clinic: Clinic, session_id: UUID) -> DiaryEntry:
    """One entry of this clinic. Raises Http404."""
    found = flawed(DiaryEntry.objects.select_related("participant"))
    return get_object_or_404(found, clinic=clinic, session_id=session_id)


def one_session(entry: DiaryEntry) -> SessionDetail:
    """Read a session through. Raises UnreadableSessionError where this version cannot read its summary."""
    stored = Session.objects.only("summary", "flaw", "payload", "revision").get(pk=entry.stored_id)
    delivery, flaw = None, stored.flaw
    if stored.payload is not None:
        found = read_session(bytes(stored.payload))
        if isinstance(found, Unreadable):
            flaw = flaw or found.reason
        else:
            delivery = found
    try:
        summary = msgspec.convert(stored.summary, Summary)
    except msgspec.ValidationError as error:
        raise UnreadableSessionError(str(error)) from error
    return SessionDetail(entry, summary, delivery, flaw, stored.revision)


def neighbours_of(entry: DiaryEntry) -> tuple[DiaryEntry | None, DiaryEntry | None]:
    """Return the participant's session before this one and the one after it."""
    if entry.participant_id is None:
        return None, None
    others = DiaryEntry.objects.filter(participant=entry.participant_id).exclude(pk=entry.pk)
    before = others.filter(begun_at__lte=entry.begun_at).order_by("-begun_at", "-pk").first()
    after = others.filter(begun_at__gt=entry.begun_at).order_by("begun_at", "pk").first()
    return before, after


def summary_of(entry: DiaryEntry) -> Summary | None:
    """Return a session's summary without its raw data; None where this version cannot read it."""
    kept = Session.objects.only("summary").get(pk=entry.stored_id)
    try:
        return msgspec.convert(kept.summary, Summary)
    except msgspec.ValidationError:
        return None


def plan_of(course: Course) -> CoursePlan:
    """Return the course as the pure room knows it."""
    return CoursePlan(course.begins_on, course_weeks(course.weeks), max(1, course.sessions), course.ended_on)


def points_of(entries: Iterable[DiaryEntry]) -> list[Point]:
    """Return what the plots need, oldest first."""
    names = (
        "zone_s",
        "above_95_s",
        "third_minute_bpm",
        "third_minute_fraction",
        "hr_max_bpm",
        "speed_kmh",
        "incline_percent",
        "recovery_fall_bpm",
        "borg",
        "mood",
        "completed",
        "completed_intervals",
    )
    return [
        Point(session_id=str(one.session_id), on=one.begun_on, **{name: getattr(one, name) for name in names})
        for one in sorted(entries, key=lambda one: (one.begun_at, one.pk))
    ]


def trained_of(points: Iterable[Point]) -> list[CountedSession]:
    """Return what the course needs of them."""
    return [CountedSession(one.on, one.session_id, one.completed, one.completed_intervals) for one in points]


def person_of(participant: Participant) -> FitnessAgeInput:
    """Return what the fitness age needs of a participant."""
    sex = sex_of(participant)
    plan = participant.plans.order_by("-version").only("hr_max_bpm", "hr_max_source").first()
    if plan is None:
        return FitnessAgeInput(participant.birth_year, sex)
    return FitnessAgeInput(participant.birth_year, sex, plan.hr_max_bpm, plan.hr_max_source)
