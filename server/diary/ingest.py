"""From stored sessions to diary entries, in quiet moments: the intake itself makes none, so it costs it nothing.

Sessions are read in the order of their ids. Two transactions may commit theirs in another order than they got their
ids, so an id that is not there yet is remembered as missing and looked for again, for a day: none is passed over.
What is entered twice is entered once, and of several revisions the newest wins, so several processes at once, an end
in the middle and beginning anew are all harmless.

Where a session counts towards somebody's cap or rest (hazard H13), every machine of the clinic is told in the same
transaction, so that none lets them train once more for having trained elsewhere.

A clinic that is not in the table gets no entries, since nobody could be allowed to see them. From which session
on it was passed over is remembered too; once the clinic is added, its sessions are entered by themselves.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, transaction
from django.db.models import Max, Q, QuerySet
from msgspec import Struct

from coach.model.plan import COUNTS_FROM_S
from coach.model.summary import IntervalSummary, Summary
from server.accounts.models import Clinic
from server.clinic_folder.transactions import in_transaction
from server.diary.models import DiaryEntry, Progress
from server.diary.signals import entries_changed
from server.diary.weekly_limits import reaches_back_to
from server.json_logging import log_fields
from server.live.plan_outbox import hand_out_counts
from server.models import Session
from server.people.models import Participant

_log = logging.getLogger(__name__)

AT_A_TIME = 200
MISSING_LOOKED_FOR_S = 86_400.0
"""An id that is missing for so long was given back: no transaction stays open for a day."""
MOST_GAPS = 500
LATEST_WALL_S = 253_370_764_800.0
"""The year 9999: what is later is no time of a training."""
MOST_COUNTED = 32_767

_READ = (
    "id",
    "session_id",
    "revision",
    "clinic",
    "machine",
    "participant",
    "protocol",
    "begun_wall_s",
    "clock_trusted",
    "completed",
    "summary",
)
_WRITTEN = tuple(
    field.attname
    for field in DiaryEntry._meta.concrete_fields  # noqa: SLF001 - Django's documented model API
    if field.attname not in ("id", "session_id")
)


class Gap(Struct, frozen=True):
    """Ids from `first` to `last`, both included, that were not there when those after them were; seen so first when."""

    first: int
    last: int
    since_wall_s: float


class Entered(Struct, frozen=True):
    """What one call did: how many stored sessions it looked at, and whether more are there now."""

    seen: int
    more: bool


def enter_some(at_a_time: int = AT_A_TIME, clock: Callable[[], float] = time.time) -> Entered:
    """Enter some of the sessions that have come. Raises StoreAwayError.

    Where another process is at it, nothing is done here.
    """
    return in_transaction(lambda: _enter_some(at_a_time, clock()))


def enter_all(clock: Callable[[], float] = time.time) -> int:
    """Make the entries anew from the first stored session on. Gives how many stored sessions were looked at.

    What people decided stays: whom an entry is counted for where it was reassigned, and their notes. Raises
    StoreAwayError.
    """
    in_transaction(lambda: Progress.objects.update(last_id=0, missing=[], passed_over={}))
    return enter_waiting(clock)


def enter_waiting(clock: Callable[[], float] = time.time) -> int:
    """Enter all that waits. Gives how many stored sessions were looked at. Raises StoreAwayError."""
    seen = 0
    while (done := enter_some(clock=clock)).more:
        seen += done.seen
    return seen + done.seen


def adopt(participant: Participant) -> int:
    """Count the clinic's unassigned sessions under this pseudonym for this participant; gives how many.

    For a participant who is added after they have trained. What a person has decided about is left as it is.
    """
    with transaction.atomic():
        adopted = DiaryEntry.objects.filter(
            clinic=participant.clinic, pseudonym=participant.pseudonym, participant=None, reassignments=None
        ).update(participant=participant)
        if adopted:
            hand_out_counts([participant.pk])
            entries_changed.send(DiaryEntry, participants={participant.pk})
    return adopted


def _enter_some(at_a_time: int, now_s: float) -> Entered:
    progress = _progress()
    if progress is None:
        return Entered(0, more=False)
    before = (progress.last_id, progress.missing, progress.passed_over)
    late = _late(progress, now_s)
    caught_up, more_to_catch_up = _catch_up(progress, at_a_time)
    fresh = list(_sessions(Q(id__gt=progress.last_id)).order_by("id")[:at_a_time])
    if fresh:
        _note_gaps(progress, [one["id"] for one in fresh], now_s)
        progress.last_id = fresh[-1]["id"]
    seen = [*late, *caught_up, *fresh]
    _enter(seen, progress, datetime.fromtimestamp(now_s, UTC))
    if (progress.last_id, progress.missing, progress.passed_over) != before:
        progress.save()
    return Entered(len(seen), more=len(fresh) == at_a_time or more_to_catch_up)


def _progress() -> Progress | None:
    """Return the one row, locked until the end of the transaction; None where another process holds it."""
    Progress.objects.get_or_create(pk=1)
    if connection.features.has_select_for_update_skip_locked:
        return Progress.objects.select_for_update(skip_locked=True).filter(pk=1).first()
    return Progress.objects.get(pk=1)


def _sessions(where: Q) -> QuerySet[Session, dict[str, Any]]:
    """Without the payload: the summary says all that an entry holds."""
    found: QuerySet[Session, dict[str, Any]] = Session.objects.filter(where).values(*_READ)
    return found


def _late(progress: Progress, now_s: float) -> list[dict[str, Any]]:
    """Return what has come under ids that were missing. The gaps that are left are kept in `progress`."""
    gaps = msgspec.convert(progress.missing, list[Gap])
    if not gaps:
        return []
    wanted = Q()
    for gap in gaps:
        wanted |= Q(id__gte=gap.first, id__lte=gap.last)
    found = list(_sessions(wanted).order_by("id")[:AT_A_TIME])
    there = {one["id"] for one in found}
    left = [
        piece
        for gap in gaps
        if now_s - gap.since_wall_s < MISSING_LOOKED_FOR_S
        for piece in (_without(gap, there) if there else (gap,))
    ]
    progress.missing = msgspec.to_builtins(left)
    return found


def _without(gap: Gap, there: set[int]) -> Iterable[Gap]:
    first = gap.first
    for found in sorted(one for one in there if gap.first <= one <= gap.last):
        if found > first:
            yield Gap(first, found - 1, gap.since_wall_s)
        first = found + 1
    if first <= gap.last:
        yield Gap(first, gap.last, gap.since_wall_s)


def _note_gaps(progress: Progress, ids: Sequence[int], now_s: float) -> None:
    gaps = list(progress.missing)
    before = progress.last_id
    for one in ids:
        if one > before + 1:
            gaps.append(msgspec.to_builtins(Gap(before + 1, one - 1, now_s)))
        before = one
    progress.missing = gaps[-MOST_GAPS:]


def _catch_up(progress: Progress, at_a_time: int) -> tuple[list[dict[str, Any]], bool]:
    """Sessions of a clinic that was passed over and has been added since."""
    if not progress.passed_over:
        return [], False
    code = Clinic.objects.filter(code__in=progress.passed_over).values_list("code", flat=True).order_by("code").first()
    if code is None:
        return [], False
    from_id = progress.passed_over[code]
    where = Q(clinic=code, id__gte=from_id, id__lte=progress.last_id)
    found = list(_sessions(where).order_by("id")[:at_a_time])
    if len(found) == at_a_time:
        progress.passed_over = {**progress.passed_over, code: found[-1]["id"] + 1}
    else:
        progress.passed_over = {key: value for key, value in progress.passed_over.items() if key != code}
    return found, len(found) == at_a_time or bool(progress.passed_over)


def _enter(rows: Sequence[Mapping[str, Any]], progress: Progress, now: datetime) -> None:
    if not rows:
        return
    clinics = {one.code: one for one in Clinic.objects.filter(code__in={row["clinic"] for row in rows})}
    newest: dict[UUID, Mapping[str, Any]] = {}
    passed_over = dict(progress.passed_over)
    for row in rows:
        if row["clinic"] not in clinics:
            passed_over[row["clinic"]] = min(row["id"], passed_over.get(row["clinic"], row["id"]))
        elif row["revision"] > newest.get(row["session_id"], {"revision": 0})["revision"]:
            newest[row["session_id"]] = row
    progress.passed_over = passed_over
    there = _there(newest)
    people = _people(newest.values(), clinics)
    entries = []
    for session_id, row in newest.items():
        before = there.get(session_id)
        if before is not None and before["stored__revision"] > row["revision"]:
            continue
        entry = _entry(row, clinics[row["clinic"]])
        if entry is None:
            _log.error("a stored summary cannot be read", extra=log_fields(session=str(session_id)))
            continue
        entry.participant_id = (
            before["participant_id"]
            if before is not None and _decided(before, entry)
            else people.get((entry.clinic_id, entry.pseudonym))
        )
        entries.append(entry)
    changed = _counted_anew(entries, there, reaches_back_to(now))
    if changed and connection.features.has_select_for_update:
        # In the order of `server.live.plan_outbox`: all whom entries point to, before the clinic.
        whose = changed | {one.participant_id for one in entries if one.participant_id is not None}
        held = Participant.objects.select_for_update(no_key=True).filter(pk__in=whose).order_by("pk")
        list(held.values_list("pk", flat=True))
    DiaryEntry.objects.bulk_create(
        entries, update_conflicts=True, unique_fields=["session_id"], update_fields=_WRITTEN, batch_size=AT_A_TIME
    )
    if changed:
        hand_out_counts(changed)
    _send_changed(entries, there)


def _send_changed(entries: Iterable[DiaryEntry], there: Mapping[UUID, Mapping[str, Any]]) -> None:
    """Let listeners know whose entries are other ones now."""
    now = {one.participant_id for one in entries}
    before = {one["participant_id"] for one in there.values()}
    entries_changed.send(DiaryEntry, participants=(now | before) - {None})


def _counted_anew(entries: Iterable[DiaryEntry], there: Mapping[UUID, Mapping[str, Any]], since: datetime) -> set[int]:
    """Those of whose sessions of late there are now others than before, or other ones."""
    changed: set[int] = set()
    for entry in entries:
        before = there.get(entry.session_id)
        now = (entry.participant_id, entry.begun_at, entry.training_s)
        was = now if before is None else (before["participant_id"], before["begun_at"], before["training_s"])
        if before is not None and was == now:
            continue
        for whose, begun_at, training_s in (was, now):
            if whose is not None and training_s >= COUNTS_FROM_S and begun_at >= since:
                changed.add(whose)
    return changed


def _decided(before: Mapping[str, Any], entry: DiaryEntry) -> bool:
    """Whether whom it is counted for stays: a person said so, or it is known already."""
    known = before["participant_id"] is not None and before["pseudonym"] == entry.pseudonym
    return known or before["decided"] is not None


def _there(session_ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return the entries that are there already, locked where possible, so that no reassignment comes between."""
    wanted = DiaryEntry.objects.filter(session_id__in=list(session_ids))
    if connection.features.has_select_for_update:
        list(wanted.select_for_update().order_by("id").values_list("id", flat=True))
    told = wanted.annotate(decided=Max("reassignments__pk"))
    names = ("session_id", "participant_id", "pseudonym", "stored__revision", "decided", "begun_at", "training_s")
    return {row["session_id"]: row for row in told.values(*names)}


def _people(rows: Iterable[Mapping[str, Any]], clinics: Mapping[str, Clinic]) -> dict[tuple[int, str], int]:
    """Participants by clinic and pseudonym."""
    pairs = {(clinics[row["clinic"]].pk, row["participant"]) for row in rows}
    found = Participant.objects.filter(
        clinic__in={clinic for clinic, _ in pairs}, pseudonym__in={pseudonym for _, pseudonym in pairs}
    )
    return {(clinic, pseudonym): pk for clinic, pseudonym, pk in found.values_list("clinic", "pseudonym", "pk")}


def _entry(row: Mapping[str, Any], clinic: Clinic) -> DiaryEntry | None:
    """Return the entry, not saved yet; None where this version cannot read the summary that another one stored."""
    try:
        summary = msgspec.convert(row["summary"], Summary)
    except msgspec.ValidationError:
        return None
    begun_at = datetime.fromtimestamp(min(max(row["begun_wall_s"], 0.0), LATEST_WALL_S), UTC)
    third = next((one for one in summary.intervals if one.third_minute_bpm is not None), None)
    first = third or next(iter(summary.intervals), None)
    falls = [one.recovery_fall_60s_bpm for one in summary.intervals if one.recovery_fall_60s_bpm is not None]
    return DiaryEntry(
        session_id=row["session_id"],
        stored_id=row["id"],
        clinic=clinic,
        pseudonym=row["participant"],
        machine=row["machine"],
        begun_at=begun_at,
        begun_on=clinic.day_of(begun_at),
        clock_trusted=row["clock_trusted"],
        protocol=row["protocol"],
        completed=row["completed"],
        end_reason="".join(letter for letter in summary.end_reason if letter.isprintable())[:64],
        training_s=_finite(summary.training_s) or 0.0,
        planned_intervals=_count(summary.planned_intervals),
        completed_intervals=_count(summary.completed_intervals),
        zone_s=_finite(summary.time_in_zone_s) or 0.0,
        above_95_s=_finite(summary.above_95_s) or 0.0,
        load=_finite(summary.load) or 0.0,
        hr_max_bpm=_finite(summary.hr_max_bpm),
        peak_bpm=_finite(summary.peak_bpm),
        third_minute_bpm=_finite(third.third_minute_bpm if third else None),
        third_minute_fraction=_finite(third.third_minute_fraction if third else None),
        speed_kmh=_finite(first.speed_kmh if first else None),
        incline_percent=_finite(first.incline_percent if first else None),
        first_time_to_zone_s=_finite(_first_time_to_zone_s(summary.intervals)),
        recovery_fall_bpm=_finite(sum(falls) / len(falls) if falls else None),
        borg=None if summary.borg is None else _count(summary.borg),
        mood=None if summary.mood is None else _count(summary.mood),
        live_fraction=_finite(summary.signal_quality_fraction) or 0.0,
    )


def _first_time_to_zone_s(intervals: Sequence[IntervalSummary]) -> float | None:
    return intervals[0].time_to_zone_s if intervals else None


def _finite(value: float | None) -> float | None:
    """Return a number that a database, a page and JSON can hold."""
    return value if value is not None and math.isfinite(value) else None


def _count(value: int) -> int:
    return min(max(value, 0), MOST_COUNTED)
