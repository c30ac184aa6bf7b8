"""Runs services as child processes: starts them, starts again what dies, and ends exactly those that it started.

On a Pi systemd does this; here a desk, a demo and the tests do without it.
"""

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import IO, Self

_log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
STEADY_AFTER_S = 10.0
END_WITHIN_S = 3.0
REFUSED = 2
"""Exit status of a service that was asked for something impossible: starting it again would not help."""

PARENT_VARIABLE = "INTERVAL_COACH_PARENT"
_PR_SET_PDEATHSIG = 1


LEAN = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "131072", "OPENBLAS_NUM_THREADS": "1"}
"""For a small machine: one heap for all threads, given back soon, and no buffers for a second thread of algebra."""

OF_SYSTEMD = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class Service:
    """One child process."""

    def __init__(self, name: str, arguments: Sequence[str], errors: IO[bytes] | int | None = None) -> None:
        """`arguments` of `interval-coach`, of which the first is the service's subcommand."""
        self.name = name
        self._arguments = tuple(arguments)
        self._errors = errors
        self._pause_s = FIRST_PAUSE_S
        self._start_at_s = 0.0
        self._started_s = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process."""
        self._started_s = time.monotonic()
        command = [sys.executable, "-m", "firmware.cli", *self._arguments]
        # What systemd gave this process to speak with is its own, not its children's.
        inherited = {name: value for name, value in os.environ.items() if name not in OF_SYSTEMD}
        environment = {**LEAN, **inherited, PARENT_VARIABLE: str(os.getpid())}
        # In a session of its own, so that Ctrl-C reaches the parent, which ends its children in order.
        self.process = subprocess.Popen(  # noqa: S603 - this program itself, with arguments that it made
            command, env=environment, stdin=subprocess.DEVNULL, stderr=self._errors, start_new_session=True
        )

    def look_after(self) -> int | None:
        """Start again what has died. Gives the exit status of a process that is not to be started again, else None."""
        now_s = time.monotonic()
        if self.process is None:
            if now_s >= self._start_at_s:
                self.start()
            return None
        status = self.process.poll()
        if status is None:
            if now_s - self._started_s > STEADY_AFTER_S:
                self._pause_s = FIRST_PAUSE_S
            return None
        if status in (0, REFUSED):
            return status
        _log.warning("%s ended (status %d) and is started again.", self.name, status)
        self.process = None
        self._start_at_s = now_s + self._pause_s
        self._pause_s = min(LONGEST_PAUSE_S, 2 * self._pause_s)
        return None

    def ask_to_end(self) -> None:
        """Tell the process to end."""
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                # A frozen process hears nothing until it goes on.
                self.process.send_signal(signal.SIGTERM)
                self.process.send_signal(signal.SIGCONT)

    def wait(self, until_s: float) -> None:
        """Wait for its end up to a monotonic time; what has not ended then is ended."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, until_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Supervisor:
    """Several services, ended together. Use as a context: whatever happens inside, no child is left."""

    def __init__(self, services: Sequence[Service]) -> None:
        """Nothing is started before `start`."""
        self.services = tuple(services)

    def start(self) -> None:
        """Start all, in order."""
        for service in self.services:
            service.start()

    def look_after(self) -> tuple[Service, int] | None:
        """Start again what has died. Gives a service that ended by itself for good, with its exit status."""
        for service in self.services:
            status = service.look_after()
            if status is not None:
                return service, status
        return None

    def end(self) -> None:
        """End all, the last started first; the coach closes its diary before it goes."""
        for service in reversed(self.services):
            service.ask_to_end()
        until_s = time.monotonic() + END_WITHIN_S
        for service in reversed(self.services):
            service.wait(until_s)

    def __enter__(self) -> Self:
        """Start all."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End all."""
        self.end()


def end_with_parent(parent: int | None = None) -> None:
    """In a child: end when the parent is gone, even by kill -9. Does nothing in a process without one.

    `parent`: its process id; by default the one that the supervisor has told.
    """
    if parent is None:
        told = os.environ.get(PARENT_VARIABLE)
        if told is None:
            return
        parent = int(told)
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit(0)
