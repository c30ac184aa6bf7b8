"""Plans on their way to the machines: written with what they tell, published soon after, never forgotten.

A plan tells which sessions count towards its cap and rest. Whoever writes rows holds the clinic's row and reads only
then: so the last row of a topic has the newest plan and the newest sessions, whoever changed the other at the same
time. Of what is locked in one transaction, a diary's entries come first, then participants, the clinic, and the access
log's end: whoever keeps to that waits for nobody in a circle. What points to a participant or a clinic locks it, too,
and does so at the commit: so only a deletion locks more than «no key».

`hand_out_plan` and `withdraw_plan` write rows inside the caller's own transaction, so a plan that is saved is also on
its way, and one that is not saved never is. A web worker publishes them (`server.live.outbox_publisher`); until the
broker has confirmed, a row waits.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery

from server.accounts.models import Clinic
from server.assessment.clearance import last_days
from server.diary.course.sent_progress import course_progress
from server.diary.weekly_limits import known_sessions
from server.live.models import Outgoing, SuppliedMachine
from server.live.wire_plans import holds, limits, plan_on_wire
from server.models import MachineState, PlanOnMachine
from server.people.models import Participant, PlanVersion
from sync.wire.codec import encode
from sync.wire.topics import Kind, Topic, build

_wakers: list[Callable[[], None]] = []


def hand_out_plan(plan_version: PlanVersion) -> int:
    """Hand this plan to each machine of its clinic, or withdraw it where it does not hold. Gives how many machines.

    Call it in the transaction that saves the plan.
    """
    if not holds(plan_version):
        return withdraw_plan(plan_version.participant)
    participant = plan_version.participant
    with transaction.atomic():
        clinic = _locked(participant.clinic_id)
        return _write(clinic, [plan_version], machines_of(clinic))


def withdraw_plan(participant: Participant) -> int:
    """Take a participant's plan from each machine of the clinic. Gives how many machines.

    Call it in the transaction that ends the plan, or deletes the participant.
    """
    with transaction.atomic():
        clinic = _locked(participant.clinic_id)
        machines = sorted(machines_of(clinic))
        Outgoing.objects.bulk_create(_row(clinic, machine, participant, b"") for machine in machines)
        transaction.on_commit(_wake)
    return len(machines)


def withdraw_left(code: str, machine: str) -> int:
    """Take from a machine what it said it has, and should have no more. Gives how many plans.

    For one that was away when a plan was withdrawn: a broker keeps a plan for it, and no empty message.
    """
    if not _left(code, machine):
        return 0
    with transaction.atomic():
        clinic = Clinic.objects.filter(code=code).values_list("pk", flat=True).first()
        if clinic is None:
            return 0
        held = _locked(clinic)
        left = _left(code, machine)
        topics = [build(Topic(code, machine, Kind.PLAN, one)) for one in left]
        Outgoing.objects.bulk_create(Outgoing(clinic=held, topic=topic, payload=b"") for topic in topics)
        transaction.on_commit(_wake)
    return len(left)


def _left(code: str, machine: str) -> list[str]:
    """Pseudonyms whose plan is at the machine, and of whom no plan was given or the last one was withdrawn."""
    rows = PlanOnMachine.objects.filter(clinic=code, machine=machine).exclude(version=None)
    there = set(rows.values_list("participant", flat=True))
    if not there:
        return []
    newest = PlanVersion.objects.filter(participant=OuterRef("pk")).order_by("-version").values("withdrawn")[:1]
    people = Participant.objects.filter(clinic__code=code, pseudonym__in=there, active=True)
    theirs = people.annotate(gone=Subquery(newest)).filter(gone=False).values_list("pseudonym", flat=True)
    return sorted(there - set(theirs))


def hand_out_counts(participants: Iterable[int]) -> int:
    """Hand out again, as they are, the plans with a cap or a rest of these participants, whose sessions have changed.

    Call it in the transaction that changes their sessions. Gives how many rows.
    """
    return _hand_out_of(participants, limits)


def hand_out_courses(participants: Iterable[int]) -> int:
    """Hand out again, as they are, the plans of these participants, whose course or appointments have changed.

    Call it in the transaction that changes them. Return how many rows.
    """
    return _hand_out_of(participants, lambda _plan: True)


def _hand_out_of(participants: Iterable[int], wanted: Callable[[PlanVersion], bool]) -> int:
    written = 0
    with transaction.atomic():
        whose = Participant.objects.select_for_update(no_key=True).filter(pk__in=list(participants)).order_by("pk")
        found = list(whose.values_list("pk", "clinic"))
        for pk in sorted({clinic for _, clinic in found}):
            clinic = _locked(pk)
            there = PlanVersion.objects.filter(participant__in=[one for one, _ in found])
            written += _write(clinic, [one for one in _in_force(clinic, there) if wanted(one)], machines_of(clinic))
    return written


def supply_machine(clinic: Clinic, machine: str) -> int:
    """Give a machine that was never heard before all plans that hold. Gives how many; 0 where it has them."""
    with transaction.atomic():
        _locked(clinic.pk)
        _, new = SuppliedMachine.objects.get_or_create(clinic=clinic, machine=machine)
        return hand_out_all(clinic, [machine]) if new else 0


def hand_out_all(clinic: Clinic, machines: Iterable[str] | None = None) -> int:
    """Hand all plans that hold to these machines, or to all: for a new machine, or a broker that lost its store."""
    with transaction.atomic():
        _locked(clinic.pk)
        to = machines_of(clinic) if machines is None else machines
        return _write(clinic, _in_force(clinic, PlanVersion.objects.all()), to)


def machines_of(clinic: Clinic) -> set[str]:
    """Every machine of a clinic that was ever heard."""
    supplied = SuppliedMachine.objects.filter(clinic=clinic).values_list("machine", flat=True)
    return {*supplied, *MachineState.objects.filter(clinic=clinic.code).values_list("machine", flat=True)}


def on_waiting(wake: Callable[[], None]) -> None:
    """Have this called after each commit that wrote something; for whoever publishes."""
    _wakers.append(wake)


def no_longer(wake: Callable[[], None]) -> None:
    """Call it no more."""
    _wakers.remove(wake)


def _locked(clinic: int) -> Clinic:
    """Lock the clinic: all else that writes rows for its machines waits. Rows that point to it are no hindrance."""
    return Clinic.objects.select_for_update(no_key=True).get(pk=clinic)


def _in_force(clinic: Clinic, versions: QuerySet[PlanVersion]) -> list[PlanVersion]:
    """Return the newest plan of each participant in training, where it holds."""
    newest: dict[int, PlanVersion] = {}
    there = versions.filter(participant__clinic=clinic, participant__active=True)
    for version in there.select_related("participant__clinic").order_by("participant", "version"):
        newest[version.participant_id] = version
    return [one for one in newest.values() if holds(one)]


def _write(clinic: Clinic, plans: list[PlanVersion], machines: Iterable[str]) -> int:
    """Write a row for each plan and machine. The clinic is locked."""
    to, now = sorted(machines), datetime.now(UTC)
    limited = [one.participant for one in plans if limits(one)]
    known = known_sessions(clinic, limited, now) if limited else {}
    progress = course_progress(plans, now) if plans and to else {}
    cleared = last_days(plans, clinic.day_of(now)) if to else {}
    told = []
    for one in plans:
        who = one.participant_id
        made = plan_on_wire(one, known.get(who), now, progress.get(who), cleared.get(who))
        told.append((one.participant, encode(made)))
    Outgoing.objects.bulk_create(_row(clinic, machine, who, payload) for who, payload in told for machine in to)
    transaction.on_commit(_wake)
    return len(told) * len(to)


def _row(clinic: Clinic, machine: str, participant: Participant, payload: bytes) -> Outgoing:
    topic = build(Topic(clinic.code, machine, Kind.PLAN, participant.pseudonym))
    return Outgoing(clinic=clinic, topic=topic, payload=payload)


def _wake() -> None:
    for wake in tuple(_wakers):
        wake()
