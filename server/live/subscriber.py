"""One browser's share of the stream: a bounded queue that never makes anybody wait.

A browser that does not keep up loses its queue and gets the whole room as it stands then, so what it holds here is
never more than `MOST_WAITING` small pieces, and what it shows next is never old.
"""

import asyncio
from collections import deque

MOST_WAITING = 40
"""Pieces, of which there are 20 a second at most."""


class StreamSubscriber:
    """One browser. Belongs to the event loop: no other thread touches it."""

    def __init__(self) -> None:
        """Begin in need of the whole room."""
        self._waiting: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._news.set()
        self.needs_whole = True

    def offer(self, piece: bytes) -> None:
        """Hand it a piece; never waits."""
        if self.needs_whole:
            return
        if len(self._waiting) >= MOST_WAITING:
            self.start_anew()
            return
        self._waiting.append(piece)
        self._news.set()

    def start_anew(self) -> None:
        """Ask for the whole room next: what waits is too much, or no longer right."""
        self._waiting.clear()
        self.needs_whole = True
        self._news.set()

    def begin(self) -> None:
        """Begin with the whole room, which is made now: from here on pieces follow it."""
        self._news.clear()
        self._waiting.clear()
        self.needs_whole = False

    async def wait(self, seconds: float) -> bool:
        """Wait until something is there, so long at most. Gives whether there is."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    def take(self) -> bytes:
        """All pieces that wait, in one; empty where the whole room is due first, or nothing waits."""
        self._news.clear()
        pieces = b"".join(self._waiting)
        self._waiting.clear()
        return pieces
