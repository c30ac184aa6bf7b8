"""A part of the machine that may come and go: told of once when lost and once when back, tried again ever slower."""

import logging

_log = logging.getLogger(__name__)

FIRST_RETRY_S, LONGEST_RETRY_S = 3.0, 60.0


class LossLogger:
    """Tells once when something is lost, and once when it is back."""

    def __init__(self, what: str) -> None:
        """Say that `what` is lost or back."""
        self._what = what
        self._lost = False

    def lost(self, reason: object) -> None:
        """Note that it does not work now."""
        if not self._lost:
            self._lost = True
            _log.warning("%s: lost (%s); the rest goes on, and it is tried again.", self._what, reason)

    def back(self) -> None:
        """Note that it works."""
        if self._lost:
            self._lost = False
            _log.warning("%s: back.", self._what)


class RetryDelay:
    """How long to leave a lost part alone: twice as long each time, until it works again."""

    def __init__(self, first_s: float = FIRST_RETRY_S, longest_s: float = LONGEST_RETRY_S) -> None:
        """Begin with the shortest pause."""
        self._first_s, self._longest_s = first_s, longest_s
        self._pause_s = first_s

    def pause_s(self) -> float:
        """Return the pause before the next try."""
        pause_s, self._pause_s = self._pause_s, min(2 * self._pause_s, self._longest_s)
        return pause_s

    def works(self) -> None:
        """Note that it works: the next loss is tried again soon."""
        self._pause_s = self._first_s
