"""Admission to expensive requests of people who are not known yet: few at a time, some more wait, the rest is refused.

A refusal is made before Django sees the request, so that two hundred of them cost less than one page.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

TRY_AGAIN_S = 5


class AdmissionError(Exception):
    """No place: too many wait already."""


class Admission:
    """Places for expensive requests. Belongs to one event loop."""

    def __init__(
        self,
        *,
        at_once: int = 2,
        from_one: int = 1,
        waiting: int = 24,
        waiting_from_one: int = 6,
        patience_s: float = 8.0,
    ) -> None:
        """All places are free. `from_one`: places, and places to wait in, that one address may take."""
        self._at_once, self._from_one = at_once, from_one
        self._most_waiting, self._most_waiting_from_one = waiting, waiting_from_one
        self._patience_s = patience_s
        self._inside: Counter[str] = Counter()
        self._waiting: deque[tuple[str, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def place(self, caller: str) -> AsyncIterator[None]:
        """Hold a place for this caller; wait for one for a while. Raises AdmissionError."""
        if self._has_room(caller):
            self._inside[caller] += 1
        else:
            await self._wait(caller)
        try:
            yield
        finally:
            self._leave(caller)

    def _leave(self, caller: str) -> None:
        self._inside[caller] -= 1
        if not self._inside[caller]:
            del self._inside[caller]
        self._let_in()

    def _has_room(self, caller: str) -> bool:
        return self._inside.total() < self._at_once and self._inside[caller] < self._from_one

    async def _wait(self, caller: str) -> None:
        own = sum(one == caller for one, _turn in self._waiting)
        if len(self._waiting) >= self._most_waiting or own >= self._most_waiting_from_one:
            raise AdmissionError
        turn = asyncio.get_running_loop().create_future()
        entry = (caller, turn)
        self._waiting.append(entry)
        try:
            done, _pending = await asyncio.wait((turn,), timeout=self._patience_s)
        except asyncio.CancelledError:
            if entry in self._waiting:
                self._waiting.remove(entry)
            else:
                self._leave(caller)
            raise
        if not done:
            self._waiting.remove(entry)
            raise AdmissionError

    def _let_in(self) -> None:
        """Give free places to those who wait, in their order, each address within its own share."""
        for entry in tuple(self._waiting):
            caller, turn = entry
            if not turn.done() and self._has_room(caller):
                self._waiting.remove(entry)
                self._inside[caller] += 1
                turn.set_result(None)
