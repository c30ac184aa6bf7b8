"""Changing a plan: each change is a new version, logged, and on its way to every machine in the same transaction.

The log tells which fields were changed and never to what: values are health data. Whoever changes a plan says from
which version they came; where a newer one is there, nothing is changed and they are told.
"""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from server.accounts.models import Account
from server.accounts.roles import Permission
from server.assessment.clearance import status_of
from server.audit.record import record
from server.live.plan_outbox import hand_out_plan, withdraw_plan
from server.models import PlanOnMachine
from server.people.errors import EditConflictError, NotClearedError
from server.people.models import Participant, PlanVersion
from server.people.plan_rules import COMPARED, Values, changed, values_of
from server.people.protocols import is_moderate


def newest_of(participant: Participant) -> PlanVersion | None:
    """Return the newest version, which may be a withdrawn one."""
    return participant.plans.select_related("made_by").order_by("-version").first()


def in_force(participant: Participant) -> PlanVersion | None:
    """Return the newest version, unless it was withdrawn."""
    newest = newest_of(participant)
    return None if newest is None or newest.withdrawn else newest


def save_plan(participant: Participant, account: Account, values: Values, *, base: int, reason: str) -> PlanVersion:
    """Make the next version and hand it out. `base`: the version it was made from, 0 for none.

    Raises EditConflictError, and NotClearedError for a plan beyond moderate effort without a clearance in force.
    """
    with transaction.atomic():
        newest = _locked(participant, base)
        if not is_moderate(values.protocol) and not status_of(participant).cleared:
            raise NotClearedError("No clearance for more than moderate effort is in force. Record it first.")
        before = None if newest is None or newest.withdrawn else values_of(newest)
        made = _next(participant, account, values, newest, reason)
        hand_out_plan(made)
        _log(participant, account, "plan.changed", made, fields=list(changed(before, values)))
    return made


def end_plan(participant: Participant, account: Account, *, base: int, reason: str) -> None:
    """Withdraw the plan from every machine. Raises EditConflictError."""
    with transaction.atomic():
        newest = _locked(participant, base)
        if newest is None or newest.withdrawn:
            return
        made = _next(participant, account, values_of(newest), newest, reason, withdrawn=True)
        withdraw_plan(participant)
        _log(participant, account, "plan.withdrawn", made)


def open_training(participant: Participant, account: Account, *, base: int, reason: str) -> None:
    """Open training that a yes before the start has closed on a machine (H14). Raises EditConflictError."""
    with transaction.atomic():
        newest = _locked(participant, base)
        if newest is None or newest.withdrawn:
            return
        made = _next(participant, account, values_of(newest), newest, reason, opened_at=timezone.now())
        hand_out_plan(made)
        _log(participant, account, "plan.changed", made, fields=["training_opened_at"])


def republish_plan(participant: Participant, account: Account, reason: str) -> None:
    """Hand the plan out under a new version, since what machines show of its person has changed.

    Call it in the transaction that saves the participant.
    """
    Participant.objects.select_for_update(no_key=True).get(pk=participant.pk)
    newest = newest_of(participant)
    if newest is None or newest.withdrawn:
        return
    made = _next(participant, account, values_of(newest), newest, reason)
    hand_out_plan(made)
    _log(participant, account, "plan.changed", made, fields=[])


def hand_out_again(participant: Participant) -> None:
    """Hand out the plan in force as it is, with the participant's course as it is now. Call it in a transaction."""
    Participant.objects.select_for_update(no_key=True).get(pk=participant.pk)
    newest = in_force(participant)
    if newest is not None:
        newest.participant = participant
        hand_out_plan(newest)


def _locked(participant: Participant, base: int) -> PlanVersion | None:
    """Lock the plan and return its newest version: other changes wait. Raises EditConflictError."""
    Participant.objects.select_for_update(no_key=True).get(pk=participant.pk)
    newest = newest_of(participant)
    if base != (newest.version if newest else 0):
        raise EditConflictError("Somebody else has changed this plan meanwhile. Look at it again, then save.")
    return newest


def _next(
    participant: Participant,
    account: Account,
    values: Values,
    newest: PlanVersion | None,
    reason: str,
    *,
    withdrawn: bool = False,
    opened_at: datetime | None = None,
) -> PlanVersion:
    told = {name: getattr(values, name) for name in COMPARED}
    made = PlanVersion(
        participant=participant,
        version=1 + max(newest.version if newest else 0, _highest_on_machines(participant)),
        made_by=account,
        reason=reason,
        withdrawn=withdrawn,
        training_opened_at=opened_at or (newest.training_opened_at if newest else None),
        **{**told, "questions": list(values.questions)},
    )
    made.save(force_insert=True)
    return made


def _highest_on_machines(participant: Participant) -> int:
    """Return the highest version that a machine said it has seen: after a restore it may be beyond the newest here."""
    said = PlanOnMachine.objects.filter(clinic=participant.clinic.code, participant=participant.pseudonym)
    seen = said.values_list("version", "refused_version")
    return max((version for pair in seen for version in pair if version is not None), default=0)


def _log(participant: Participant, account: Account, action: str, made: PlanVersion, **detail: object) -> None:
    may = Permission.CHANGE_PEOPLE
    record(account, action, clinic=participant.clinic, may=may, participant=participant, version=made.version, **detail)
