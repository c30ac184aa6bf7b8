"""Deleting all about a participant, here and, by a withdrawn plan, at the broker and on the machines.

What goes: the participant, plans, notes, courses, every session counted for them or trained under their pseudonym with
all revisions and raw data, what waits for a person (quarantine, dead letters, parts), commands and notices of the live
room, plans on their way. What stays: the access log, which knows the pseudonym alone; a session that a therapist has
counted for somebody else, from which the pseudonym is taken; withdrawals until the broker has them, and a day longer;
backups until they expire (docs/papers.md).
"""

import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import Q
from msgspec import Struct

from server.accounts.models import Account, Clinic
from server.accounts.roles import Permission
from server.audit.record import record
from server.audit.seal import access_log_folder
from server.clinic_folder.deleted_list import FILE, read_list
from server.diary.models import DiaryEntry, ImportedSession, Reassignment
from server.live.models import Acknowledgement, GivenCommand, Outgoing, RaisedNotice
from server.live.plan_outbox import withdraw_plan
from server.models import (
    CommandOutcome,
    DeadLetter,
    DeletedPseudonym,
    MachineState,
    PlanOnMachine,
    QuarantinedSession,
    Session,
    SessionPart,
)
from server.people.deleted_participants import bury, write_file
from server.people.models import Note, Participant
from sync.wire.envelope import Unreadable, holds, seal, unseal
from sync.wire.topics import Kind

ACTION = "papers.participant_deleted"


class Deleted(Struct, frozen=True, kw_only=True):
    """What was taken away. `machines`: to how many the withdrawal goes; `mentioned`: notes on others with the name."""

    sessions: int
    kept_for_others: int
    notes: int
    plans: int
    machines: int
    mentioned: int


def delete(participant: Participant, account: Account | str) -> Deleted:
    """Delete all about them, in one transaction. A machine that is away gets the withdrawal when it is back."""
    clinic, pseudonym, name = participant.clinic, participant.pseudonym, participant.name
    with transaction.atomic():
        notes, plans = participant.notes.count(), participant.plans.count()
        ids = _session_ids(participant)
        kept = _hand_on(clinic, pseudonym, ids)
        _forget_in_room(clinic, pseudonym, ids)
        _forget_waiting(clinic, pseudonym, ids)
        for one in Reassignment.objects.filter(Q(before=participant) | Q(after=participant)):
            # Whoever gave the reason may have written the name.
            Reassignment.objects.filter(pk=one.pk).update(reason="–")
        DiaryEntry.objects.filter(session_id__in=ids).delete()
        Session.objects.filter(session_id__in=ids).delete()
        ImportedSession.objects.filter(session_id__in=ids).delete()
        Outgoing.objects.filter(clinic=clinic, topic__endswith=f"/{Kind.PLAN.value}/{pseudonym}").delete()
        # In the order of `server.live.plan_outbox`: entries, participant, clinic, log.
        Participant.objects.select_for_update().get(pk=participant.pk)
        machines = withdraw_plan(participant)
        Note.objects.filter(session_id__in=ids).delete()
        participant.delete()
        bury(clinic.code, pseudonym)
        if (folder := access_log_folder()) is not None:
            transaction.on_commit(lambda: write_file(folder))
        mentioned = Note.objects.filter(participant__clinic=clinic, text__icontains=name).count()
        # The line names the pseudonym alone, as the log always does.
        record(
            account,
            ACTION,
            clinic=clinic,
            may=Permission.DELETE_PERSON,
            participant=_gone(clinic, pseudonym),
            sessions=len(ids),
        )
    return Deleted(
        sessions=len(ids), kept_for_others=kept, notes=notes, plans=plans, machines=machines, mentioned=mentioned
    )


def delete_left(clinic: Clinic, pseudonym: str, account: Account | str) -> int:
    """Delete sessions that a machine delivered after the participant was deleted. Gives how many."""
    with transaction.atomic():
        entries = DiaryEntry.objects.filter(clinic=clinic, pseudonym=pseudonym, participant=None)
        ids = {
            *entries.values_list("session_id", flat=True),
            *Session.objects.filter(clinic=clinic.code, participant=pseudonym)
            .exclude(session_id__in=DiaryEntry.objects.exclude(participant=None).values("session_id"))
            .values_list("session_id", flat=True),
        }
        _forget_in_room(clinic, pseudonym, ids)
        _forget_waiting(clinic, pseudonym, ids)
        DiaryEntry.objects.filter(session_id__in=ids).delete()
        Session.objects.filter(session_id__in=ids).delete()
        ImportedSession.objects.filter(session_id__in=ids).delete()
        if ids:
            gone = _gone(clinic, pseudonym)
            record(account, ACTION, clinic=clinic, may=Permission.DELETE_PERSON, participant=gone, sessions=len(ids))
    return len(ids)


def delete_again(folder: Path, account: Account | str) -> list[str]:
    """Delete those whom the folder's file knows as deleted and a restored, older database does not. Return a line each.

    Raises ServerError where the file cannot be read.
    """
    told = []
    known = set(DeletedPseudonym.objects.values_list("clinic", "pseudonym"))
    for one in read_list(folder / FILE):
        if (one.clinic, one.pseudonym) in known or one.until_wall_s <= time.time():
            continue
        with transaction.atomic():
            before = Participant.objects.filter(clinic__code=one.clinic, pseudonym=one.pseudonym).first()
            if before is not None:
                delete(before, account)
            clinic = Clinic.objects.filter(code=one.clinic).first()
            left = 0 if clinic is None else delete_left(clinic, one.pseudonym, account)
            values = {"deleted_wall_s": one.deleted_wall_s, "until_wall_s": one.until_wall_s}
            DeletedPseudonym.objects.update_or_create(clinic=one.clinic, pseudonym=one.pseudonym, defaults=values)
        if before is not None or left:
            told.append(f"{one.pseudonym} of {one.clinic} was deleted before, and is deleted again.")
    return told


def _gone(clinic: Clinic, pseudonym: str) -> Participant:
    """Who is there no more, for the log alone; never saved."""
    return Participant(clinic=clinic, pseudonym=pseudonym)


def _session_ids(participant: Participant) -> set[UUID]:
    """Return those counted for them, and trained under their pseudonym unless counted for another."""
    clinic, pseudonym = participant.clinic, participant.pseudonym
    others = DiaryEntry.objects.filter(clinic=clinic, pseudonym=pseudonym).exclude(
        Q(participant=participant) | Q(participant=None)
    )
    trained = Session.objects.filter(clinic=clinic.code, participant=pseudonym)
    return {
        *DiaryEntry.objects.filter(participant=participant).values_list("session_id", flat=True),
        *trained.exclude(session_id__in=others.values("session_id")).values_list("session_id", flat=True),
    }


def _hand_on(clinic: Clinic, pseudonym: str, ids: Iterable[UUID]) -> int:
    """Take the pseudonym from sessions that were trained under it and are somebody else's. Gives how many."""
    theirs = DiaryEntry.objects.filter(clinic=clinic, pseudonym=pseudonym).exclude(session_id__in=list(ids))
    count = 0
    for entry in theirs.select_related("participant"):
        if entry.participant is None:
            continue
        new = entry.participant.pseudonym
        for stored in Session.objects.filter(session_id=entry.session_id):
            stored.participant = new
            stored.summary = _replaced(stored.summary, pseudonym, new)
            stored.payload = None if stored.payload is None else _renamed(bytes(stored.payload), pseudonym, new)
            stored.save(update_fields=["participant", "summary", "payload"])
        entry.pseudonym = new
        entry.save(update_fields=["pseudonym"])
        count += 1
    return count


def _renamed(payload: bytes, before: str, after: str) -> bytes | None:
    """Return the same delivery under another pseudonym; nothing where it cannot be read."""
    content = unseal(payload)
    if isinstance(content, Unreadable):
        return None
    try:
        tree = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return seal(msgspec.json.encode(_replaced(tree, before, after)))


def _replaced(tree: Any, before: str, after: str) -> Any:  # noqa: ANN401 - any JSON
    match tree:
        case dict():
            return {key: _replaced(value, before, after) for key, value in tree.items()}
        case list():
            return [_replaced(value, before, after) for value in tree]
        case str():
            return after if tree == before else tree
        case _:
            return tree


def _forget_in_room(clinic: Clinic, pseudonym: str, ids: Iterable[UUID]) -> None:
    sessions = list(ids)
    given = GivenCommand.objects.filter(clinic=clinic, participant=pseudonym)
    outcomes = CommandOutcome.objects.filter(clinic=clinic.code)
    outcomes.filter(command_id__in=list(given.values_list("command_id", flat=True))).delete()
    for outcome in outcomes.filter(reason__contains=pseudonym):
        if _mentions(outcome.reason, pseudonym):
            outcome.delete()
    given.delete()
    RaisedNotice.objects.filter(Q(participant=pseudonym) | Q(session_id__in=sessions), clinic=clinic).delete()
    Acknowledgement.objects.filter(clinic=clinic, session_id__in=sessions).delete()
    # Where a machine has the plan yet, this must be known until it has let go of it.
    PlanOnMachine.objects.filter(clinic=clinic.code, participant=pseudonym, version=None).delete()
    for state in MachineState.objects.filter(clinic=clinic.code):
        findings = state.state.get("findings", [])
        left = [one for one in findings if not _mentions(msgspec.json.encode(one).decode(), pseudonym)]
        if len(left) < len(findings):
            state.state = {**state.state, "findings": left}
            state.save(update_fields=["state"])


def _forget_waiting(clinic: Clinic, pseudonym: str, ids: Iterable[UUID]) -> None:
    """Forget what a person was to look at, and sessions of which parts are missing."""
    sessions = {str(one) for one in ids}
    for kept in QuarantinedSession.objects.filter(clinic=clinic.code).iterator(chunk_size=20):
        if kept.session_id in sessions or _names(bytes(kept.payload), pseudonym):
            kept.delete()
    at = f"ic/1/{clinic.code}/"
    for dead in DeadLetter.objects.filter(topic__startswith=at).iterator(chunk_size=20):
        told = f"{dead.topic} {dead.reason}"
        if _mentions(told, pseudonym) or any(one in told for one in sessions) or _names(bytes(dead.payload), pseudonym):
            dead.delete()
    parts = SessionPart.objects.filter(clinic=clinic.code)
    parts.filter(session_id__in=sessions).delete()
    for first in parts.filter(number=0).iterator(chunk_size=20):
        if _names(bytes(first.content), pseudonym):
            parts.filter(machine=first.machine, session_id=first.session_id, whole=first.whole).delete()


def _mentions(text: str, pseudonym: str) -> bool:
    """Whether a text holds the pseudonym as a word of its own: `p-1` is not in `p-10`."""
    return re.search(rf"(?<![A-Za-z0-9_-]){re.escape(pseudonym)}(?![A-Za-z0-9_-])", text) is not None


def _names(payload: bytes, pseudonym: str) -> bool:
    """Return whether a message names them, in an envelope, in the beginning of one, or plainly."""
    return holds(payload, msgspec.json.encode(pseudonym))
