"""The recovery ladder of a strap that gives nothing: reconnect, forget it, power-cycle the adapter, restart bluetoothd.

Each time that connecting failed or a connection stayed silent is one step up; a measurement is the way down. The upper
rungs disturb everything on the radio, so each has a rest of its own before it is used again.
"""

from collections.abc import Callable
from enum import StrEnum

from firmware.bluetooth_timings import StrapTimings


class Rung(StrEnum):
    """What is done before the next attempt."""

    RECONNECT = "reconnect"
    REMOVE_DEVICE = "remove_device"
    POWER_CYCLE = "power_cycle"
    RESTART = "restart"


_ORDER = (Rung.RECONNECT, Rung.REMOVE_DEVICE, Rung.POWER_CYCLE, Rung.RECONNECT, Rung.RESTART)


class Ladder:
    """Where the recovery stands. `now` reads a monotonic clock."""

    def __init__(self, timings: StrapTimings, now: Callable[[], float]) -> None:
        """Stand on the ground."""
        self._now = now
        self._rest_s = {Rung.POWER_CYCLE: timings.power_cycle_every_s, Rung.RESTART: timings.restart_every_s}
        self._used_s: dict[Rung, float] = {}
        self.failures = 0

    def failed(self) -> Rung:
        """One more attempt gave nothing: what to do before the next."""
        rung = _ORDER[self.failures % len(_ORDER)]
        self.failures += 1
        return rung if self.may(rung) else Rung.RECONNECT

    def may(self, rung: Rung) -> bool:
        """Whether the rung has rested; if so it is used now."""
        rest_s = self._rest_s.get(rung)
        if rest_s is not None:
            if self._now() - self._used_s.get(rung, float("-inf")) < rest_s:
                return False
            self._used_s[rung] = self._now()
        return True

    def heard(self) -> None:
        """A measurement came."""
        self.failures = 0
