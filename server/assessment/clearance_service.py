"""Keeping clearances: each change is logged, and the plan in force goes out again in the same transaction."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from server.accounts.models import Account
from server.accounts.roles import Permission
from server.assessment.clearance import ENDS, newest_of
from server.assessment.models import Clearance
from server.audit.record import record
from server.live.models import RaisedNotice
from server.live.signals import notice_raised
from server.people.models import Participant
from server.people.plan_service import hand_out_again

ASKS = (ENDS, "not_ready")
"""Codes of answers before a start that are a reason to look at the clearance again."""


def save_clearance(made: Clearance, account: Account) -> None:
    """Keep a new clearance, and hand the plan in force out again, which may last longer now or end earlier."""
    participant = made.participant
    with transaction.atomic():
        made.made_by = account
        made.save(force_insert=True)
        hand_out_again(participant)
        record(
            account, "clearance.recorded", clinic=participant.clinic, may=Permission.CHANGE_PEOPLE,
            participant=participant,
        )  # fmt: skip


def answer_renewal(kept: Clearance, account: Account, answer: str) -> None:
    """Keep why the clearance holds although a yes asked for a renewal, and hand the plan in force out again."""
    participant = kept.participant
    with transaction.atomic():
        kept.renewal_asked_at, kept.renewal_code = None, ""
        kept.renewal_answer, kept.renewal_answered_at, kept.renewal_answered_by = answer, timezone.now(), account
        kept.save()
        hand_out_again(participant)
        record(
            account, "clearance.upheld", clinic=participant.clinic, may=Permission.CHANGE_PEOPLE,
            participant=participant,
        )  # fmt: skip


def connect() -> None:
    """Listen to what machines report before a start."""
    notice_raised.connect(ask_renewal, dispatch_uid="assessment notices")


def ask_renewal(notice: RaisedNotice, **_more: Any) -> None:  # noqa: ANN401 - Django's own arguments
    """Ask for a renewal of the newest clearance; a graver answer takes the place of a lighter one."""
    if notice.code not in ASKS:
        return
    participant = Participant.objects.filter(clinic=notice.clinic, pseudonym=notice.participant).first()
    kept = None if participant is None else newest_of(participant)
    if participant is None or kept is None or kept.made_at > notice.heard_at or kept.renewal_code == ENDS:
        return
    if kept.renewal_answered_at is not None and kept.renewal_answered_at > notice.heard_at:
        return
    with transaction.atomic():
        kept.renewal_asked_at, kept.renewal_code = notice.heard_at, notice.code
        kept.save(update_fields=["renewal_asked_at", "renewal_code"])
        if notice.code == ENDS:
            hand_out_again(participant)
