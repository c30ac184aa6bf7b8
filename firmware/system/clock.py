"""The passing of time, as something that can be handed over: real, sped up, or moved by hand.

Every clock counts seconds from its own beginning and never goes backwards. Durations come from the monotonic clock
alone.
"""

import asyncio
import heapq
import math
import time
from itertools import count
from typing import Protocol

from firmware.system.errors import FirmwareError

AHEAD_S = 1.0
"""So far a demo's clock runs ahead of its simulated person: with the second between two measurements less than 2.5 s,
after which a rate is no longer fresh (`coach.session.limits.URGE_FRESH_S`)."""


class ClockError(FirmwareError, ValueError):
    """A clock that was asked to go backwards, to stand still or to run at no speed."""


class Clock(Protocol):
    """Seconds since the clock began, and a way to wait for one of them."""

    def now(self) -> float:
        """Return the seconds since the clock began."""
        ...

    async def sleep_until(self, t: float) -> None:
        """Wait until `now()` is at least `t`. Always gives way to others once, also where `t` has passed."""
        ...


class ScaledClock:
    """The machine's monotonic clock, running `speed` times as fast."""

    def __init__(self, speed: float = 1.0) -> None:
        """Begin now. Raises ClockError unless `speed` is above 0."""
        if not 0 < speed < float("inf"):
            raise ClockError(f"A clock cannot run at {speed:g} times real time: give a number above 0.")
        self._speed = speed
        self._began = time.monotonic()

    def now(self) -> float:
        """Return the scaled seconds since the clock began."""
        return (time.monotonic() - self._began) * self._speed

    def monotonic_s(self, t: float) -> float:
        """Return the machine's monotonic time at which this clock reads `t`."""
        return self._began + t / self._speed

    async def sleep_until(self, t: float) -> None:
        """Wait until `t`; the loop may wake a little early, so look again."""
        await asyncio.sleep(max(0.0, (t - self.now()) / self._speed))
        while (left := t - self.now()) > 0:  # noqa: ASYNC110 - it waits for time, and no event tells of that
            await asyncio.sleep(left / self._speed)


class SystemClock(ScaledClock):
    """Real time."""

    def __init__(self) -> None:
        """Begin now."""
        super().__init__(1.0)


class DemoClock(ScaledClock):
    """A sped-up clock on which a simulated person lives: it stands still while the computer gives that person no turn.

    At 400 times real time a busy computer that withholds 60 ms would take 24 s from the person: the strap would be
    silent for so long, and the session would leave its interval. Real time passes here unused instead.
    """

    def __init__(self, speed: float) -> None:
        """Begin now. Nobody sleeps yet, so nothing holds the clock."""
        super().__init__(speed)
        self._latest = math.inf
        self._read = 0.0

    def now(self) -> float:
        """Return the scaled seconds, at most `AHEAD_S` more than the moment for which somebody last waited."""
        ahead = super().now() - self._latest
        if ahead > 0:
            self._began += ahead / self._speed
        self._read = max(self._read, min(super().now(), self._latest))
        return self._read

    async def sleep_until(self, t: float) -> None:
        """Wait until `t`. Until the next wait the clock does not run far past it."""
        self._latest = t + AHEAD_S
        await super().sleep_until(t)

    def run_free(self) -> None:
        """Wait for nobody any more: a recording is over."""
        self._latest = math.inf


class HandClock:
    """A clock that stands still until somebody moves it: for tests, and for sessions that pass in a blink."""

    def __init__(self) -> None:
        """Begin at 0."""
        self._now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> float:
        """Return where the hand stands."""
        return self._now

    async def sleep_until(self, t: float) -> None:
        """Wait until the clock has been moved to `t`."""
        if t <= self._now:
            await asyncio.sleep(0)
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (t, next(self._order), sleeper))
        await sleeper

    async def advance(self, seconds: float) -> None:
        """Let time pass: wake each sleeper at its own moment, in order, and let it act before time goes on.

        Raises ClockError for a negative length.
        """
        if seconds < 0:
            raise ClockError(f"Time does not run backwards ({seconds:g} s): advance by 0 or more.")
        end = self._now + seconds
        await _let_others_act()
        while self._sleepers and self._sleepers[0][0] <= end:
            self._now, _, sleeper = heapq.heappop(self._sleepers)
            if not sleeper.done():
                sleeper.set_result(None)
                await _let_others_act()
        self._now = end
        await _let_others_act()


async def _let_others_act() -> None:
    """Give every ready task a few turns; what waits for something else than this clock is not waited for."""
    for _ in range(5):
        await asyncio.sleep(0)
