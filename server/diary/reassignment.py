"""Counting a session for another participant than it was trained as (hazard H12): logged, and undone the same way."""

from django.db import transaction

from server.accounts.models import Account
from server.accounts.roles import Permission
from server.audit.record import record
from server.diary.models import DiaryEntry, Reassignment
from server.diary.signals import entries_changed
from server.live.plan_outbox import hand_out_counts
from server.people.models import Note, Participant

ACTION = "reassign session"


class SessionConflictError(Exception):
    """Somebody else has reassigned the session since the page was shown."""


def reassign(
    entry: DiaryEntry, before: Participant | None, after: Participant | None, account: Account, reason: str
) -> Reassignment:
    """Count this session for `after` (None: nobody yet). Its notes go with it. Undone by reassigning it back.

    Both participants' machines are told, since it counts towards another's cap and rest now. The log tells it about
    both, without the reason, which may say more than a log should. Raises ChangedMeanwhileError where it is not counted
    for `before` any more.
    """
    with transaction.atomic():
        held = DiaryEntry.objects.select_for_update().get(pk=entry.pk)
        if held.participant_id != (before.pk if before else None):
            raise SessionConflictError
        held.participant = after
        held.save(update_fields=["participant"])
        if before is not None and after is not None:
            Note.objects.filter(session_id=entry.session_id, participant=before).update(participant=after)
        made = Reassignment.objects.create(entry=held, before=before, after=after, made_by=account, reason=reason)
        told = {
            "session": str(entry.session_id),
            "before": before.pseudonym if before else "",
            "after": after.pseudonym if after else "",
        }
        about = [one for one in (before, after) if one is not None]
        hand_out_counts(one.pk for one in about)
        entries_changed.send(DiaryEntry, participants={one.pk for one in about})
        for participant in about:
            record(account, ACTION, clinic=entry.clinic, may=Permission.CHANGE_DIARY, participant=participant, **told)
    entry.participant = after
    return made
