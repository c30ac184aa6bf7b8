"""Plans on their way to the machines: written with what they tell, published soon after, never forgotten.

`hand_out_plan` and `withdraw_plan` write rows inside the caller's own transaction, so a plan that is saved is also on
its way, and one that is not saved never is. A web worker publishes them (`server.room.publishing`); until the broker
has confirmed, a row waits.
"""

from collections.abc import Callable, Iterable

from django.db import transaction

from server.clinics.models import Clinic
from server.models import MachineState
from server.people.models import Participant, PlanVersion
from server.room.models import Outgoing, SuppliedMachine
from server.room.wire_plans import holds, plan_on_wire
from sync.reading import encode
from sync.topics import Kind, Topic, build

_wakers: list[Callable[[], None]] = []


def hand_out_plan(plan_version: PlanVersion) -> int:
    """Hand this plan to each machine of its clinic, or withdraw it where it does not hold. Gives how many machines.

    Call it in the transaction that saves the plan.
    """
    if not holds(plan_version):
        return withdraw_plan(plan_version.participant)
    return _write(plan_version.participant, encode(plan_on_wire(plan_version)))


def withdraw_plan(participant: Participant) -> int:
    """Take a participant's plan from each machine of the clinic. Gives how many machines.

    Call it in the transaction that ends the plan, or deletes the participant.
    """
    return _write(participant, b"")


def supply_machine(clinic: Clinic, machine: str) -> int:
    """Give a machine that was never heard before all plans that hold. Gives how many; 0 where it has them."""
    with transaction.atomic():
        Clinic.objects.select_for_update().get(pk=clinic.pk)
        _, new = SuppliedMachine.objects.get_or_create(clinic=clinic, machine=machine)
        return hand_out_all(clinic, [machine]) if new else 0


def hand_out_all(clinic: Clinic, machines: Iterable[str] | None = None) -> int:
    """Hand all plans that hold to these machines, or to all: for a new machine, or a broker that lost its store."""
    with transaction.atomic():
        Clinic.objects.select_for_update().get(pk=clinic.pk)
        to = sorted(machines_of(clinic) if machines is None else machines)
        newest: dict[int, PlanVersion] = {}
        versions = PlanVersion.objects.filter(participant__clinic=clinic, participant__active=True)
        for version in versions.select_related("participant__clinic").order_by("participant", "version"):
            newest[version.participant_id] = version
        plans = [(one.participant, encode(plan_on_wire(one))) for one in newest.values() if holds(one)]
        Outgoing.objects.bulk_create(_row(clinic, machine, who, told) for who, told in plans for machine in to)
        transaction.on_commit(_wake)
    return len(plans) * len(to)


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


def _write(participant: Participant, payload: bytes) -> int:
    clinic = participant.clinic
    with transaction.atomic():
        # Whoever supplies a new machine waits here, so that it gets the plan either from them or from us.
        Clinic.objects.select_for_update().get(pk=clinic.pk)
        machines = sorted(machines_of(clinic))
        Outgoing.objects.bulk_create(_row(clinic, machine, participant, payload) for machine in machines)
        transaction.on_commit(_wake)
    return len(machines)


def _row(clinic: Clinic, machine: str, participant: Participant, payload: bytes) -> Outgoing:
    topic = build(Topic(clinic.code, machine, Kind.PLAN, participant.pseudonym))
    return Outgoing(clinic=clinic, topic=topic, payload=payload)


def _wake() -> None:
    for wake in tuple(_wakers):
        wake()
