"""The collector's processor time, in a budget for each machine: what one spends does not delay the others."""

import time
from collections import OrderedDict
from collections.abc import Callable

MOST_S, REFILL = 1.0, 0.1
"""A machine may spend a second at once, and a tenth of each second from then on; a usual session takes 20 ms."""

MOST_MACHINES = 10_000
"""Machines remembered; of more, the one that spent longest ago has its whole budget again."""


USUAL_S = 0.05
"""What a whole session may take of it for nothing: after an outage a machine hands over months of them."""


class ProcessorTime:
    """A token bucket in seconds for each machine. Not safe for several threads at once."""

    def __init__(
        self, most_s: float = MOST_S, refill: float = REFILL, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Give every machine its whole budget."""
        self._most_s, self._refill, self._clock = most_s, refill, clock
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spend(self, machine: str, seconds: float) -> None:
        """Charge a machine for work that was done for it. The debt is bounded, so it is paid within a minute."""
        self._spent[machine] = min(self._spent_by(machine) + seconds, 6 * self._most_s), self._clock()
        self._spent.move_to_end(machine)
        while len(self._spent) > MOST_MACHINES:
            self._spent.popitem(last=False)

    def is_spent(self, machine: str) -> bool:
        """Return whether the machine has used up its budget for now."""
        return self._spent_by(machine) > self._most_s

    def _spent_by(self, machine: str) -> float:
        spent_s, at_s = self._spent.get(machine, (0.0, 0.0))
        return max(0.0, spent_s - self._refill * (self._clock() - at_s))
