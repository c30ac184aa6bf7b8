"""Reads the histories of several participants at once: as many statements for one as for hundreds."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from django.db.models import Max

from coach.model.summary import Summary
from server.accounts.models import Clinic
from server.appointments.attendance import AttendanceState, TrainedSession, attendance_of
from server.appointments.models import Appointment
from server.assessment.clearance import ClearanceStatus, statuses_of
from server.diary.course.schedule import CountedSession, CourseView, course_of
from server.diary.models import DiaryEntry
from server.diary.selectors import plan_of
from server.follow_up.history import (
    FollowUpHistory,
    HistoryAnswer,
    HistoryClearance,
    HistoryCourse,
    HistoryMissed,
    HistoryPlan,
    HistorySession,
    HrMaxSuggestion,
)
from server.follow_up.rules import LOOKED_BACK_DAYS
from server.live.models import RaisedNotice
from server.models import PlanOnMachine, Session
from server.people.models import Course, Participant, PlanVersion, course_end
from server.people.protocols import is_moderate

LOOKED_AT = 8
"""So many of the newest sessions are read with their summaries."""
MISSED_DAYS = 42
"""Missed appointments of so long ago are no news."""
FURTHEST_DAYS = 400
"""Older sessions than this, and than the course, are not looked at."""
_ENTRY = (
    "pk",
    "participant_id",
    "stored_id",
    "session_id",
    "begun_at",
    "begun_on",
    "completed",
    "end_reason",
    "planned_intervals",
    "completed_intervals",
    "zone_s",
    "live_fraction",
    "borg",
    "peak_bpm",
    "hr_max_bpm",
    "speed_kmh",
    "incline_percent",
    "third_minute_bpm",
    "third_minute_fraction",
)
Rows = list[dict[str, Any]]


def histories_of(clinic: Clinic, people: Sequence[Participant], now: datetime) -> dict[int, FollowUpHistory]:
    """Return the history of each participant of the clinic, by key."""
    today = clinic.day_of(now)
    keys = [one.pk for one in people]
    plans = _plans(keys)
    courses = {
        one.participant_id: one for one in Course.objects.filter(participant__in=keys).order_by("begins_on", "pk")
    }
    entries = _entries(keys, today)
    summaries = _summaries(entries)
    ends = _ends(keys)
    answers = _answers(clinic, people, now)
    refusing = _refusing(clinic, people)
    clearances = statuses_of(people, today)
    missed = _missed(keys, entries, now, today)
    made = {}
    for one in people:
        versions = plans.get(one.pk, [])
        newest = versions[-1] if versions else None
        rows = entries.get(one.pk, [])
        sessions = tuple(_session(row, summaries.get(row["stored_id"]), versions) for row in rows[:LOOKED_AT])
        course = courses.get(one.pk)
        made[one.pk] = FollowUpHistory(
            today=today,
            begun_on=clinic.day_of(one.made_at),
            plan=None if newest is None else _plan(newest),
            clearance=_clearance(clearances[one.pk]),
            course=None if course is None else _course(course, rows, today),
            sessions=sessions,
            first_session=_first(rows, course),
            last_on=ends.get(one.pk),
            answers=tuple(answers.get(one.pseudonym, ())),
            missed=missed.get(one.pk, ()),
            refusing_machines=tuple(
                machine for machine, version in refusing.get(one.pseudonym, ()) if newest and version == newest.version
            ),
        )
    return made


def _plans(keys: Sequence[int]) -> dict[int, list[PlanVersion]]:
    found: dict[int, list[PlanVersion]] = defaultdict(list)
    wanted = PlanVersion.objects.filter(participant__in=keys).only(
        "participant_id", "version", "made_at", "protocol", "mode", "hr_max_bpm", "ceiling_bpm", "valid_until",
        "training_opened_at", "withdrawn",
    )  # fmt: skip
    for one in wanted.order_by("participant_id", "version"):
        found[one.participant_id].append(one)
    return found


def _plan(version: PlanVersion) -> HistoryPlan:
    return HistoryPlan(
        version=version.version,
        withdrawn=version.withdrawn,
        hr_max_bpm=version.hr_max_bpm,
        ceiling_bpm=version.ceiling_bpm,
        valid_until=version.valid_until,
        opened_at=version.training_opened_at,
        needs_clearance=not is_moderate(version.protocol),
    )


def _clearance(status: ClearanceStatus) -> HistoryClearance:
    kept = status.clearance
    return HistoryClearance(
        state=status.state.value,
        last_day=status.last_day,
        key=None if kept is None else kept.pk,
        asked_at=None if kept is None else kept.renewal_asked_at,
        asked_code="" if kept is None else kept.renewal_code,
    )


def _entries(keys: Sequence[int], today: date) -> dict[int, Rows]:
    """Return the entries of each, newest first."""
    found: dict[int, Rows] = defaultdict(list)
    since = today - timedelta(days=FURTHEST_DAYS)
    rows = DiaryEntry.objects.filter(participant__in=keys, begun_on__gte=since).order_by("-begun_at", "-pk")
    for row in rows.values(*_ENTRY):
        found[row["participant_id"]].append(row)
    return found


def _summaries(entries: dict[int, Rows]) -> dict[int, Summary]:
    wanted = [row["stored_id"] for rows in entries.values() for row in rows[:LOOKED_AT]]
    found = {}
    for key, summary in Session.objects.filter(pk__in=wanted).values_list("pk", "summary"):
        try:
            found[key] = msgspec.convert(summary, Summary)
        except msgspec.ValidationError:
            continue
    return found


def _ends(keys: Sequence[int]) -> dict[int, date]:
    """Return the day of each one's newest session, however long ago."""
    newest = (
        DiaryEntry.objects.filter(participant__in=keys).values_list("participant_id").annotate(last=Max("begun_on"))
    )
    return dict(newest)


def _session(row: dict[str, Any], summary: Summary | None, versions: Sequence[PlanVersion]) -> HistorySession:
    before = [one for one in versions if one.made_at <= row["begun_at"]] or versions[:1]
    return HistorySession(
        key=str(row["session_id"]),
        on=row["begun_on"],
        completed=row["completed"],
        end_reason=row["end_reason"],
        planned_intervals=row["planned_intervals"],
        completed_intervals=row["completed_intervals"],
        zone_s=row["zone_s"],
        live_fraction=row["live_fraction"],
        borg=row["borg"],
        peak_bpm=row["peak_bpm"],
        hr_max_bpm=row["hr_max_bpm"],
        speed_kmh=row["speed_kmh"],
        incline_percent=row["incline_percent"],
        third_minute_bpm=row["third_minute_bpm"],
        third_minute_fraction=row["third_minute_fraction"],
        notices=() if summary is None else summary.notices,
        intervals=() if summary is None else summary.intervals,
        steered=not before or before[-1].mode == "heart_rate",
        suggestion=None if summary is None else _suggestion(summary),
    )


def _suggestion(summary: Summary) -> HrMaxSuggestion | None:
    """Return what guidance learned of HRmax; None where another guidance wrote the response."""
    response = summary.response
    found = response.get("hr_max") if isinstance(response, dict) else None
    try:
        return None if found is None else msgspec.convert(found, HrMaxSuggestion)
    except msgspec.ValidationError:
        return None


def _first(rows: Rows, course: Course | None) -> HistorySession | None:
    """Return the first session of the course with a rate in its third minute."""
    since = course.begins_on if course else date.min
    oldest = (one for one in reversed(rows) if one["begun_on"] >= since and one["third_minute_bpm"] is not None)
    row = next(oldest, None)
    return None if row is None else _session(row, None, [])


def _course(course: Course, rows: Rows, today: date) -> HistoryCourse:
    trained = [
        CountedSession(row["begun_on"], str(row["session_id"]), row["completed"], row["completed_intervals"])
        for row in rows
        if row["begun_on"] >= course.begins_on
    ]
    view = course_of(plan_of(course), trained, today)
    back = view.back
    return HistoryCourse(
        key=course.pk,
        begins_on=course.begins_on,
        done=view.attendance.done,
        due=view.attendance.due,
        of=view.attendance.of,
        fraction=view.attendance.fraction,
        ends_on=_ends_on(course, view),
        ended=course.ended_on is not None,
        back_to_week=back.back_to if back else None,
        break_days=back.days if back else 0,
    )


def _ends_on(course: Course, view: CourseView) -> date:
    planned = course_end(course.begins_on, course.weeks) - timedelta(days=1)
    return max(planned, view.ends_on or planned)


def _answers(clinic: Clinic, people: Iterable[Participant], now: datetime) -> dict[str, list[HistoryAnswer]]:
    """Return each one's yes before the start, as the room heard it, newest first."""
    found: dict[str, list[HistoryAnswer]] = defaultdict(list)
    heard = RaisedNotice.objects.filter(
        clinic=clinic,
        heard_at__gte=now - timedelta(days=LOOKED_BACK_DAYS),
        code__in=("unwell", "not_ready"),
        participant__in=[one.pseudonym for one in people],
    )
    for one in heard.order_by("-heard_at"):
        found[one.participant].append(HistoryAnswer(one.pk, one.code, one.heard_at, one.machine))
    return found


def _missed(
    keys: Sequence[int], entries: dict[int, Rows], now: datetime, today: date
) -> dict[int, tuple[HistoryMissed, ...]]:
    """Return each one's appointments without a session since the last that was kept, newest first; one statement."""
    since = today - timedelta(days=MISSED_DAYS)
    past = Appointment.objects.filter(participant__in=keys, on__gte=since, begins_at__lt=now).order_by("-begins_at")
    appointments = list(past)
    trained = [
        TrainedSession(key, row["begun_on"], row["begun_at"], str(row["session_id"]))
        for key in {one.participant_id for one in appointments}
        for row in entries.get(key, ())
        if row["begun_on"] >= since
    ]
    attended = attendance_of(appointments, trained, now)
    found: dict[int, list[HistoryMissed]] = defaultdict(list)
    kept: set[int] = set()
    for one in appointments:
        state = attended[one.pk].state
        if state is AttendanceState.CAME:
            kept.add(one.participant_id)
        elif one.participant_id not in kept and state in (AttendanceState.MISSING, AttendanceState.ABSENT):
            found[one.participant_id].append(HistoryMissed(one.pk, one.on, one.absence))
    return {key: tuple(rows) for key, rows in found.items()}


def _refusing(clinic: Clinic, people: Iterable[Participant]) -> dict[str, list[tuple[str, int]]]:
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    said = PlanOnMachine.objects.filter(
        clinic=clinic.code, participant__in=[one.pseudonym for one in people], refused_version__isnull=False
    )
    for pseudonym, machine, version in said.values_list("participant", "machine", "refused_version"):
        if version is not None:
            found[pseudonym].append((machine, version))
    return found
