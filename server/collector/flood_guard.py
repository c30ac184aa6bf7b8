"""Which machine floods: one of whose messages so many gave up their place within a minute."""

import time
from collections.abc import Callable

MOST_GIVEN_UP, WITHIN_S = 600, 60.0
"""A session in parts, the most that an honest machine sends at once, has 500 of 64 KiB; of whole ones, eight."""


class FloodGuard:
    """Counts what was given up, by machine. Not safe for several threads at once."""

    def __init__(self, most: int = MOST_GIVEN_UP, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is counted yet."""
        self._most, self._clock = most, clock
        self._given_up: dict[str, int] = {}
        self._since_s = clock()

    def floods(self, machine: str) -> bool:
        """Count a message that was given up. Return whether this one makes its machine one that floods."""
        if self._clock() - self._since_s > WITHIN_S:
            self._given_up.clear()
            self._since_s = self._clock()
        count = self._given_up.get(machine, 0) + 1
        self._given_up[machine] = 0 if count >= self._most else count
        return count >= self._most
