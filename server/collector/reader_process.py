"""A process of its own that reads large sessions, so that their reading holds up no thread of the collector.

It starts with the first of them, ends when it has been idle, and a message that ends it or takes too long is a dead
letter: whatever its content does to memory or time, the collector goes on.
"""

import contextlib
import multiprocessing
import os
import time
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from server.collector import parser
from server.collector.messages import Arrival, Dead, MessageSource

WITHIN_S = 60.0
IDLE_S = 60.0
_NICE = 10
_STARTED = b"started"
_START_WITHIN_S = 120.0


class ReaderProcess:
    """Reads one message after the other. Not safe for several threads at once."""

    def __init__(self, within_s: float = WITHIN_S) -> None:
        """Start nothing yet."""
        self._within_s = within_s
        self._process: SpawnProcess | None = None
        self._line: Connection | None = None
        self._used_s = 0.0

    @property
    def pid(self) -> int | None:
        """The process id, None where no process runs."""
        return None if self._process is None else self._process.pid

    def read(self, topic: str, payload: bytes) -> Arrival:
        """Read a message whole. One that ends the process is tried once more, since it may have been another's doing.

        Raises OSError where no process can be started.
        """
        for _ in range(2):
            line = self._line or self._start()
            try:
                line.send((topic, payload))
                found = line.recv() if line.poll(self._within_s) else None
            except (EOFError, OSError):
                found = None
            self._used_s = time.monotonic()
            if found is not None:
                arrival: Arrival = found
                return arrival
            self.stop()
        reason = "Reading it took too long, or ended the process that read it."
        return Dead(source=MessageSource(topic[:200]), why="too_large", reason=reason, payload=payload)

    def stop_idle(self) -> None:
        """End the process where it has read nothing for a while."""
        if self._process is not None and time.monotonic() - self._used_s > IDLE_S:
            self.stop()

    def stop(self) -> None:
        """End the process."""
        if self._line is not None:
            self._line.close()
        if self._process is not None:
            self._process.kill()
            self._process.join(5.0)
        self._process, self._line = None, None

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), name="reader", daemon=True)
        process.start()
        # With the last of its other ends closed, the process ends by itself when the collector is gone.
        theirs.close()
        self._process, self._line = process, ours
        if ours.poll(_START_WITHIN_S):
            with contextlib.suppress(EOFError):
                ours.recv()
        return ours


def _serve(line: Connection) -> None:
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    line.send(_STARTED)
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            topic, payload = line.recv()
            line.send(parser.arrival(topic, payload))
