"""Which machines have a plan: what waits for the broker, what has been handed to it, and who is connected now."""

from msgspec import Struct

from server.models import MachineState
from server.people.models import Participant
from server.room.models import Outgoing
from server.room.outgoing import machines_of
from sync.topics import Kind, Topic, build


class OnMachine(Struct, frozen=True):
    """`sent`: the broker has the newest version and gives it to the machine as soon as that is connected."""

    machine: str
    sent: bool
    online: bool

    @property
    def there(self) -> bool:
        """Whether the machine has it, as far as a server can know."""
        return self.sent and self.online


def on_machines(participant: Participant) -> tuple[OnMachine, ...]:
    """Every machine of the clinic, by name."""
    clinic = participant.clinic
    machines = sorted(machines_of(clinic))
    topics = {build(Topic(clinic.code, one, Kind.PLAN, participant.pseudonym)): one for one in machines}
    waiting = Outgoing.objects.filter(published_at=None, topic__in=topics).values_list("topic", flat=True)
    waits = {topics[topic] for topic in waiting}
    online = set(MachineState.objects.filter(clinic=clinic.code, online=True).values_list("machine", flat=True))
    return tuple(OnMachine(one, one not in waits, one in online) for one in machines)
