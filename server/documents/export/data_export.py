"""Everything about one participant, for themselves (GDPR article 15 and 20): one ZIP with an index in their language.

index.html          what is here, in words
participant.json    who, plans, clearances, appointments, measurements, courses, notes, the diary's rows,
                    decisions, packages, who has looked
sessions.csv        a row for each session
who-looked.csv      the access log's lines about them
sessions/           each session as JSON, and as CSV and FIT where the raw data is kept
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import IO, Any
from uuid import UUID

import msgspec
from django.db import DatabaseError, models
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from server.audit.models import Entry
from server.audit.words import action_words
from server.diary import selectors
from server.diary.models import DiaryEntry, Reassignment
from server.documents.export import session_files
from server.documents.export.archive import zipped
from server.documents.export.tables import as_csv
from server.people.models import Participant

_log = logging.getLogger(__name__)

FORMAT = 1

_ENTRY_COLUMNS = (
    "session_id", "begun_at", "clock_trusted", "machine", "pseudonym", "protocol", "completed", "end_reason",
    "training_s", "planned_intervals", "completed_intervals", "zone_s", "above_95_s", "load", "hr_max_bpm", "peak_bpm",
    "third_minute_bpm", "third_minute_fraction", "speed_kmh", "incline_percent", "first_time_to_zone_s",
    "recovery_fall_bpm", "borg", "mood", "live_fraction",
)  # fmt: skip


def everything(participant: Participant, left_out: list[str]) -> IO[bytes]:
    """Return the ZIP, open at its beginning; add to `left_out` the names of sessions that cannot be written."""
    with translation.override(participant.language), timezone.override(participant.clinic.time_zone):
        return zipped(_files(participant, left_out))


def files_of(entries: Iterable[DiaryEntry], folder: str = "", *, left_out: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield every file of these sessions, and a table of them; add to `left_out` those that cannot be written."""
    rows = list(entries)
    yield "sessions.csv", sessions_csv(rows)
    for entry in rows:
        try:
            made = list(session_files.all_files(entry))
        except DatabaseError:
            raise
        except Exception:  # noqa: BLE001 - whatever is wrong with one session, the others are handed out
            _log.exception("a session was left out of an export")
            left_out.append(session_files.name_of(entry))
            continue
        for name, content in made:
            yield folder + name, content
    if left_out:
        yield "left-out.txt", f"{left_out_words(left_out)}\n".encode()


def left_out_words(names: Sequence[str]) -> str:
    """Return which sessions an export leaves out, in a sentence."""
    return ngettext(
        "%(count)d session left out, for its data cannot be written: %(names)s. What is kept of it is unchanged.",
        "%(count)d sessions left out, for their data cannot be written: %(names)s. What is kept of them is unchanged.",
        len(names),
    ) % {"count": len(names), "names": ", ".join(names)}


def sessions_csv(entries: Iterable[DiaryEntry]) -> bytes:
    """Return a row for each session."""
    rows = ([_to_plain_value(getattr(one, name)) for name in _ENTRY_COLUMNS] for one in entries)
    return as_csv(_ENTRY_COLUMNS, rows)


def _files(participant: Participant, left_out: list[str]) -> Iterator[tuple[str, bytes]]:
    entries = list(selectors.entries_of(participant).select_related("clinic", "participant"))
    looked = list(
        Entry.objects.filter(clinic=participant.clinic.code, participant=participant.pseudonym).order_by("number")
    )
    told = _participant(participant, entries, looked)
    named = [(one, session_files.name_of(one)) for one in entries]
    shown = {"participant": participant, "named": named, "looked": len(looked), "made_at": timezone.localtime(),
             "language": participant.language}  # fmt: skip
    yield "index.html", render_to_string("papers/everything.html", shown).encode()
    yield "participant.json", msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"
    headings = (_("When"), _("Who"), _("As"), _("What"))
    rows = ((timezone.localtime(one.at).isoformat(), one.account, one.role, action_words(one.action)) for one in looked)
    yield "who-looked.csv", as_csv(headings, rows)
    yield from files_of(entries, "sessions/", left_out=left_out)


def _participant(participant: Participant, entries: list[DiaryEntry], looked: list[Entry]) -> dict[str, Any]:
    reassignments = Reassignment.objects.filter(
        models.Q(before=participant) | models.Q(after=participant) | models.Q(entry__participant=participant)
    ).order_by("made_at")
    return {
        "format": FORMAT,
        "made_at": timezone.localtime().isoformat(),
        "clinic": {"code": participant.clinic.code, "name": participant.clinic.name},
        "participant": _row(participant, without=("id", "clinic", "searched")),
        "plans": [_row(one, without=("id", "participant")) for one in participant.plans.order_by("version")],
        "courses": [_row(one, without=("id", "participant")) for one in participant.courses.order_by("begins_on")],
        "clearances": [
            _row(one, without=("id", "participant")) for one in participant.clearances.order_by("cleared_on", "pk")
        ],
        "appointments": [
            _row(one, without=("id", "participant", "clinic", "fixed_time"))
            for one in participant.appointments.order_by("begins_at")
        ],
        "measurements": [
            _row(one, without=("id", "participant")) for one in participant.measurements.order_by("taken_on", "pk")
        ],
        "notes": [_row(one, without=("id", "participant")) for one in participant.notes.order_by("made_at")],
        "sessions": [{name: _to_plain_value(getattr(one, name)) for name in _ENTRY_COLUMNS} for one in entries],
        "counted_for_another": [
            {"session_id": str(one.entry.session_id), "made_at": one.made_at.isoformat(), "reason": one.reason}
            for one in reassignments.select_related("entry")
        ],
        "taken_over": [_row(one, without=("id", "participant", "clinic")) for one in participant.taken_over.all()],
        "looked": [
            {"at": one.at.isoformat(), "who": one.account, "role": one.role, "action": one.action} for one in looked
        ],
    }


def _row(one: models.Model, *, without: Iterable[str]) -> dict[str, Any]:
    """Return a row as JSON can say it; who did something, by user name."""
    skipped = set(without)
    made = {}
    for field in one._meta.fields:  # noqa: SLF001 - Django's documented model API
        if field.name in skipped:
            continue
        value = getattr(one, field.name)
        made[field.name] = str(value) if isinstance(value, models.Model) else _to_plain_value(value)
    return made


def _to_plain_value(value: object) -> object:
    match value:
        case datetime() | date():
            return value.isoformat()
        case UUID():
            return str(value)
        case _:
            return value
