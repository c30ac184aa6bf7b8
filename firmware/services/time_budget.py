"""A time budget for the optional part of a step of the session engine: the guidance.

The guidance runs on the thread that also handles the stop button, so a guidance that hangs would hold up stop. A timer
of the operating system interrupts it. Off the main thread, where no signal handler may be set, an overrun is only
measured afterwards.
"""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

T = TypeVar("T")

GUIDANCE_BUDGET_S = 0.12
"""For all calls of the guidance within one step. Stop must take effect within 0.2 s (hazard H6); the slowest ordinary
step takes a few milliseconds."""


class OverrunError(Exception):
    """A call took longer than its time budget."""


class StepBudget:
    """The time budget of one step of the engine, shared by all calls in it."""

    def __init__(self, most_s: float = GUIDANCE_BUDGET_S) -> None:
        """Allow `most_s` seconds in all."""
        self._most_s = self._left_s = most_s

    def __call__(self, call: Callable[[], T], /) -> T:
        """Return what `call` returns. Raises OverrunError once the budget is used up, also in the middle of a call."""
        if self._left_s <= 0:
            raise OverrunError(self._sentence())
        began_s = time.monotonic()
        try:
            on_main_thread = threading.current_thread() is threading.main_thread()
            result = self._interruptible(call) if on_main_thread else call()
        finally:
            self._left_s -= time.monotonic() - began_s
        if self._left_s <= 0:
            raise OverrunError(self._sentence())
        return result

    def _sentence(self) -> str:
        return f"the guidance took longer than {self._most_s * 1000:.0f} ms"

    def _interruptible(self, call: Callable[[], T]) -> T:
        armed = True

        def interrupt(_number: int, _frame: FrameType | None) -> None:
            if armed:
                raise OverrunError(self._sentence())

        began_s = time.monotonic()
        before = signal.signal(signal.SIGALRM, interrupt)
        # A debugger's or a test runner's own timer is set again afterwards with what is left of it.
        outer_s, every_s = signal.setitimer(signal.ITIMER_REAL, self._left_s)
        try:
            try:
                return call()
            finally:
                armed = False
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
            if outer_s:
                passed_s = time.monotonic() - began_s
                signal.setitimer(signal.ITIMER_REAL, max(outer_s - passed_s, 1e-3), every_s)
