"""When to connect again: full jitter, so that a room, or a nation, whose broker came back does not come all at once.

Pure: chance and time are handed in.
"""

import random
from enum import Enum


class Ended(Enum):
    """How the last attempt or connection ended."""

    LOST = "lost"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    TAKEN_OVER = "taken_over"


LEAST_S, FIRST_S, MOST_S = 0.5, 5.0, 60.0
"""A connection lost: anywhere from `LEAST_S` to 5, then to 10, 20 … 60 s, so that all are back within two minutes."""

REFUSED_LEAST_S, REFUSED_MOST_S = 30.0, 600.0
"""Refused or thrown out: only a person can change that, so at most two attempts a minute, and soon much fewer."""

STEADY_S = 60.0
"""A connection that lived so long was a good one: begin anew with short waits."""

SHORT_S = 20.0
SHORT_IN_A_ROW = 3
"""So many connections in a row that lived shorter than `SHORT_S` are a loop, whatever the broker says it was."""


class Backoff:
    """How long to wait before the next attempt."""

    def __init__(self, chance: random.Random) -> None:
        """Begin with short waits."""
        self._chance = chance
        self._failed = 0
        self._thrown_out = 0
        self._short = 0

    @property
    def loops(self) -> bool:
        """Whether connections end again and again as soon as they stand."""
        return self._short >= SHORT_IN_A_ROW

    def wait_s(self, ended: Ended, lived_s: float | None) -> float:
        """Seconds until the next attempt. `lived_s`: how long the connection stood, None where none was made."""
        if lived_s is not None and lived_s >= STEADY_S:
            self._failed = self._thrown_out = self._short = 0
        if lived_s is not None:
            self._short = self._short + 1 if lived_s < SHORT_S else 0
        slow = ended in (Ended.REFUSED, Ended.TAKEN_OVER) or self.loops
        if slow:
            most_s = min(REFUSED_MOST_S, 2 * REFUSED_LEAST_S * 2**self._thrown_out)
            self._thrown_out = min(self._thrown_out + 1, 10)
            return self._chance.uniform(REFUSED_LEAST_S, most_s)
        most_s = min(MOST_S, FIRST_S * 2**self._failed)
        self._failed = min(self._failed + 1, 10)
        return self._chance.uniform(LEAST_S, most_s)
