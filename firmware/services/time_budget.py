"""A time budget for the optional part of a step of the session engine: the guidance.

The guidance runs on the thread that also handles the stop button, so a guidance that hangs would hold up stop. A timer
of the operating system interrupts it. Off the main thread, where no signal handler may be set, an overrun is only
measured afterwards.

The budget counts the time in which the call computed or slept, not the time in which its thread waited for a processor
(`/proc/thread-self/schedstat`). A machine that is slow or busy stretches every call, and is no fault of the guidance.
In a step that stops the session, the whole time counts; so it does in any other step once a press waits to be handled.
"""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

T = TypeVar("T")

GUIDANCE_BUDGET_S = 0.12
"""For all calls of the guidance within one step. Stop must take effect within 0.2 s (hazard H6). On a fifth of a busy
core, the longest of 2,402 calls took 70 ms, and 133 ms with waiting (`python -m benchmarks.bench_time_budget`)."""
MOST_WALL_S = 1.0
"""However long its thread waits, no call holds the session up for longer."""
LOOK_EVERY_S = 0.02
"""How often a call that is over its budget by waiting alone looks whether a press waits."""
SCHEDSTAT = "/proc/thread-self/schedstat"
LEAST_TIMER_S = 0.002


def waited_s() -> float:
    """Return how long this thread has waited for a processor since it began; 0.0 where the kernel does not count it."""
    try:
        with open(SCHEDSTAT, "rb") as file:  # noqa: PTH123 - once a second on a small machine
            return int(file.read().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


class OverrunError(Exception):
    """A call took longer than its time budget."""


class StepBudget:
    """The time budget of one step of the engine, shared by all calls in it."""

    def __init__(
        self,
        most_s: float = GUIDANCE_BUDGET_S,
        *,
        most_wall_s: float = MOST_WALL_S,
        waited: Callable[[], float] = waited_s,
        press_waits: Callable[[], bool] = lambda: False,
    ) -> None:
        """Allow `most_s` seconds in all, and `most_wall_s` with waiting for a processor, which `waited` returns.

        Once `press_waits` returns True, a call that has taken `most_s` seconds is ended, whether its thread waited or
        not. `press_waits` is called from a signal handler and must not raise.
        """
        self._most_s = self._left_s = most_s
        self._most_wall_s = self._left_wall_s = most_wall_s
        self._waited, self._press_waits = waited, press_waits

    def __call__(self, call: Callable[[], T], /) -> T:
        """Return what `call` returns. Raises OverrunError once the budget is used up, also in the middle of a call."""
        if self._left() <= 0:
            raise OverrunError(self._sentence())
        began_s, waited_s, left_s, left_wall_s = time.monotonic(), self._waited(), self._left_s, self._left_wall_s

        def left() -> float:
            wall_s = time.monotonic() - began_s
            self._left_s = left_s - (wall_s - (self._waited() - waited_s))
            self._left_wall_s = left_wall_s - wall_s
            return self._left()

        def left_for_others() -> float:
            left_s = left()
            used_wall_s = self._most_wall_s - self._left_wall_s
            return min(left_s, self._most_s - used_wall_s) if self._press_waits() else left_s

        try:
            on_main_thread = threading.current_thread() is threading.main_thread()
            result = self._interruptible(call, left_for_others) if on_main_thread else call()
        finally:
            left()
        if self._left() <= 0:
            raise OverrunError(self._sentence())
        return result

    def _left(self) -> float:
        return min(self._left_s, self._left_wall_s)

    def _sentence(self) -> str:
        return f"the guidance took longer than {self._most_s * 1000:.0f} ms"

    def _interruptible(self, call: Callable[[], T], left: Callable[[], float]) -> T:
        armed = True

        def interrupt(_number: int, _frame: FrameType | None) -> None:
            if not armed:
                return
            left_s = left()
            if left_s > 0:
                signal.setitimer(signal.ITIMER_REAL, max(min(left_s, LOOK_EVERY_S), LEAST_TIMER_S))
            else:
                raise OverrunError(self._sentence())

        began_s = time.monotonic()
        before = signal.signal(signal.SIGALRM, interrupt)
        # A debugger's or a test runner's own timer is set again afterwards with what is left of it.
        outer_s, every_s = signal.setitimer(signal.ITIMER_REAL, self._left())
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


def stop_budget() -> StepBudget:
    """Return the budget of a step that stops the session: the whole time counts, whatever the machine does (H6)."""
    return StepBudget(most_wall_s=GUIDANCE_BUDGET_S)
