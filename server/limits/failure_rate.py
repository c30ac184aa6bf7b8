"""Counting what failed of late, by who tried and in all: wrong codes, wrong passwords."""

import threading
import time
from collections import deque
from collections.abc import Callable


class FailureRate:
    """Counts failures within a sliding window. Memory is bounded by `from_all`; safe to use from several threads."""

    def __init__(
        self, *, from_one: int, from_all: int, within_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start with none. `from_one`: as many from one caller are too many; `from_all`: from all together."""
        self._from_one, self._from_all, self._within_s = from_one, from_all, within_s
        self._clock = clock
        self._failures: deque[tuple[float, str]] = deque(maxlen=from_all)
        self._lock = threading.Lock()

    def note(self, who: str) -> None:
        """Count one more failure of this caller."""
        with self._lock:
            self._failures.append((self._clock(), who))

    def too_many(self, who: str) -> bool:
        """Return whether this caller has to wait."""
        since_s = self._clock() - self._within_s
        with self._lock:
            recent = [caller for at_s, caller in self._failures if at_s > since_s]
        return len(recent) >= self._from_all or recent.count(who) >= self._from_one

    def clear(self) -> None:
        """Forget all failures."""
        with self._lock:
            self._failures.clear()
