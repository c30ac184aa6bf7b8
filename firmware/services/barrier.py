"""The barrier between the session and the parts that it can do without."""

import logging
from collections.abc import Callable
from typing import TypeVar

from coach.guidance.barrier import place_of

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Barrier:
    """Runs optional work: a failure is logged, with its trace the first time, and never reaches the session."""

    def __init__(self) -> None:
        """No failure has been seen."""
        self._seen: set[str] = set()

    def run(self, what: str, act: Callable[[], T], otherwise: T) -> T:
        """Return what `act` returns, or `otherwise` where it fails. `what` names the part, as a noun."""
        try:
            return act()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - the barrier: whatever an optional part raises
            self.failed(what, error)
            return otherwise

    def failed(self, what: str, error: BaseException) -> None:
        """Log a failure, with its trace where this one is new."""
        place = f"{what}: {place_of(error)}"
        new = place not in self._seen
        self._seen.add(place)
        _log.error("A part failed, and the session goes on without it: %s", place, exc_info=error if new else None)
