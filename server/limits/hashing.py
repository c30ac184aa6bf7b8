"""Argon2 with a budget: passwords are hashed on few threads of low priority, behind a short queue.

A hash takes 100 MiB of memory and all processor cores. Hashed on the threads that serve pages, the log-ins of strangers
hold up every page; here they wait for each other only. Where the queue is full the caller is asked to try again.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from django.contrib.auth.hashers import Argon2PasswordHasher

HASHING_THREADS = 1
MOST_WAITING = 8
"""Hashes that wait for a thread; one takes some tenths of a second."""

NICENESS = 19
"""Pages come first: a hash works on eight threads, which together get an eighth of what a page gets."""

TRY_AGAIN_S = 5

Result = TypeVar("Result")


class HashingBusyError(Exception):
    """The queue of passwords to check is full; the caller may try again in `TRY_AGAIN_S`."""


class HashingQueue:
    """Runs work on few threads of low priority; refuses it where too much waits already."""

    def __init__(self, threads: int = HASHING_THREADS, most_waiting: int = MOST_WAITING) -> None:
        """Start no thread before the first work."""
        self._places = threading.BoundedSemaphore(threads + most_waiting)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="hashing", initializer=_lower_priority)

    def run(self, work: Callable[[], Result]) -> Result:
        """Run the work and return its result. Raises HashingBusyError."""
        if not self._places.acquire(blocking=False):
            raise HashingBusyError
        try:
            return self._pool.submit(work).result()
        finally:
            self._places.release()


def _lower_priority() -> None:
    # Linux keeps both for each thread, and argon2's own threads inherit them. A sandbox may forbid it.
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
    with suppress(OSError):
        # The other half of the processor's cores is left to pages.
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[: max(1, len(cores) // 2)])


_queue = HashingQueue()


class QueuedArgon2Hasher(Argon2PasswordHasher):
    """Django's Argon2 hasher, with the same hashes, whose work goes through the queue."""

    def encode(self, password: str, salt: str) -> str:
        """Hash a password. Raises HashingBusyError."""
        return _queue.run(lambda: super(QueuedArgon2Hasher, self).encode(password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        """Return whether the password belongs to the hash. Raises HashingBusyError."""
        return _queue.run(lambda: super(QueuedArgon2Hasher, self).verify(password, encoded))
