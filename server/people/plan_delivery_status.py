"""Which machines have a plan: what waits for the broker, and what each machine has said that it took or refused."""

from datetime import UTC, datetime

from django.utils import timezone
from msgspec import Struct

from server.live.models import Outgoing
from server.live.plan_outbox import machines_of
from server.models import MachineState, PlanOnMachine
from server.natural_sort import by_name
from server.people.models import Participant
from sync.wire.topics import Kind, Topic, build


class OnMachine(Struct, frozen=True, kw_only=True):
    """`sent`: the broker has the newest plan, or its withdrawal, and hands it to the machine once that is connected.

    `version`: what the machine says that it goes by, since when; None: it has said nothing, or that it has no plan.
    `refused`: a version that it does not use; the one before stays in force.
    """

    machine: str
    sent: bool
    online: bool
    version: int | None = None
    since: datetime | None = None
    refused: int | None = None

    @property
    def since_today(self) -> bool:
        """Whether the time of day says enough, where the page is read."""
        return self.since is not None and timezone.localdate(self.since) == timezone.localdate()


def on_machines(participant: Participant) -> tuple[OnMachine, ...]:
    """Every machine of the clinic, by name."""
    clinic = participant.clinic
    machines = sorted(machines_of(clinic), key=by_name)
    topics = {build(Topic(clinic.code, one, Kind.PLAN, participant.pseudonym)): one for one in machines}
    waiting = Outgoing.objects.filter(published_at=None, topic__in=topics).values_list("topic", flat=True)
    waits = {topics[topic] for topic in waiting}
    online = set(MachineState.objects.filter(clinic=clinic.code, online=True).values_list("machine", flat=True))
    said = {
        row.machine: row for row in PlanOnMachine.objects.filter(clinic=clinic.code, participant=participant.pseudonym)
    }
    return tuple(_build_status(one, said.get(one), sent=one not in waits, online=one in online) for one in machines)


def _build_status(machine: str, row: PlanOnMachine | None, *, sent: bool, online: bool) -> OnMachine:
    if row is None:
        return OnMachine(machine=machine, sent=sent, online=online)
    return OnMachine(
        machine=machine,
        sent=sent,
        online=online,
        version=row.version,
        since=None if row.version is None else datetime.fromtimestamp(row.since_wall_s, UTC),
        refused=row.refused_version,
    )
