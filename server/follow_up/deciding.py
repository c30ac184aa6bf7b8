"""What is decided of a person's reasons: done, put off, handed to a colleague, or opened again. Each is logged."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal

from django.db import transaction
from django.utils import timezone

from server.accounts.models import Account, Clinic
from server.accounts.roles import Permission
from server.audit.record import record
from server.follow_up.checking import items_of
from server.follow_up.models import FollowUpItem

LONGEST_DELAY = timedelta(days=180)
Decision = Literal["done", "later", "hand", "open"]
_ACTIONS: dict[Decision, str] = {
    "done": "follow_up.done",
    "later": "follow_up.put_off",
    "hand": "follow_up.handed",
    "open": "follow_up.opened_again",
}


def decide(
    clinic: Clinic,
    account: Account,
    keys: Iterable[int],
    decision: Decision,
    *,
    until: date | None = None,
    owner: Account | None = None,
) -> list[FollowUpItem]:
    """Decide these items of the clinic. `until`: the first day on which what was put off is open again."""
    with transaction.atomic():
        items = list(items_of(clinic, keys).select_for_update(of=("self",)).order_by("pk"))
        for one in items:
            one.decided_by, one.decided_at = account, timezone.now()
            if decision == "hand":
                one.owner, one.state, one.until = owner, "open", None
            else:
                one.state, one.until = decision, until if decision == "later" else None
            one.save(update_fields=["state", "until", "owner", "decided_by", "decided_at"])
        for participant in {one.participant_id: one.participant for one in items}.values():
            told: dict[str, object] = {"day": until.isoformat()} if until else {}
            if owner is not None:
                told["people"] = owner.get_username()
            action = _ACTIONS[decision]
            record(account, action, clinic=clinic, may=Permission.CHANGE_DIARY, participant=participant, **told)
    return items
