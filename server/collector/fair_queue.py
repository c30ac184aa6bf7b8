"""Messages that wait to be collected, shared fairly among machines: one that floods waits behind itself."""

from collections import OrderedDict, deque

from server.broker.mqtt_client import Received

MOST_WAITING_OF_ONE = 350
"""Messages of one machine that wait at most. A machine sends eight sessions at a time (docs/wire.md)."""

MOST_AT_ONCE_OF_ONE = 8
"""Messages of one machine in a batch: as many as it sends at a time. Another's does not wait long behind them."""


class FairQueue:
    """A queue for each machine, from which batches are taken in turn. Not safe for several threads at once."""

    def __init__(self, most_of_one: int = MOST_WAITING_OF_ONE, at_once_of_one: int = MOST_AT_ONCE_OF_ONE) -> None:
        """Start empty."""
        self._most_of_one, self._at_once_of_one = most_of_one, at_once_of_one
        self._machines: OrderedDict[str, deque[Received]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        """How many wait."""
        return self._count

    def put(self, message: Received) -> Received | None:
        """Add a message. Return the oldest of its machine, which gives up its place, where too many wait."""
        waiting = self._machines.setdefault(machine_of(message.topic), deque())
        waiting.append(message)
        if len(waiting) > self._most_of_one:
            return waiting.popleft()
        self._count += 1
        return None

    def take(self, most: int) -> list[Received]:
        """Take the next messages: a share of each machine in turn, each machine's own in their order."""
        taken: list[Received] = []
        for machine, waiting in tuple(self._machines.items()):
            share = min(len(waiting), self._at_once_of_one, most - len(taken))
            taken += [waiting.popleft() for _ in range(share)]
            # Whoever has had a share is last in turn.
            self._machines.move_to_end(machine)
            if not waiting:
                del self._machines[machine]
            if len(taken) >= most:
                break
        self._count -= len(taken)
        return taken


def machine_of(topic: str) -> str:
    """Return clinic and machine of a topic; one name for all topics that are not ours."""
    levels = topic.split("/", 4)
    return "/".join(levels[2:4]) if len(levels) > 4 else ""  # noqa: PLR2004 - ic/1/clinic/machine/kind
