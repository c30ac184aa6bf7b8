"""The recovery ladder of a strap that gives nothing: reconnect, forget it, power-cycle the adapter, restart bluetoothd.

Each time that connecting failed or a connection stayed silent is one step up; a measurement is the way down. A known
cause has an order of rungs of its own: what no rung can mend is waited for, and a stumbling radio is switched off and
on at once. The upper rungs disturb everything on the radio, so each has a rest of its own before it is used again.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType

from firmware.sensors.refusal import Refusal
from firmware.sensors.timings import StrapTimings


class Rung(StrEnum):
    """What is done before the next attempt."""

    PAUSE = "pause"
    WAIT = "wait"
    RECONNECT = "reconnect"
    REMOVE_DEVICE = "remove_device"
    POWER_CYCLE = "power_cycle"
    RESTART = "restart"


_ORDERS: Mapping[Refusal, tuple[Rung, ...]] = MappingProxyType(
    {
        Refusal.PAIRING_WANTED: (Rung.WAIT,),
        Refusal.NO_HEART_RATE: (Rung.REMOVE_DEVICE, Rung.WAIT),
        Refusal.HELD_ELSEWHERE: (Rung.RECONNECT, Rung.REMOVE_DEVICE, Rung.WAIT),
        Refusal.TOO_FAR: (Rung.RECONNECT, Rung.RECONNECT, Rung.REMOVE_DEVICE, Rung.POWER_CYCLE),
        Refusal.RADIO_BUSY: (Rung.PAUSE, Rung.RECONNECT, Rung.POWER_CYCLE, Rung.RECONNECT, Rung.RESTART),
        Refusal.RADIO_STUMBLED: (Rung.POWER_CYCLE, Rung.RECONNECT, Rung.RESTART, Rung.PAUSE),
        Refusal.REFUSED: (Rung.RECONNECT, Rung.REMOVE_DEVICE, Rung.POWER_CYCLE, Rung.RECONNECT, Rung.RESTART),
    }
)


class Ladder:
    """Where the recovery stands. `now` reads a monotonic clock."""

    def __init__(self, timings: StrapTimings, now: Callable[[], float]) -> None:
        """Stand on the ground."""
        self._now = now
        self._rest_s = {Rung.POWER_CYCLE: timings.power_cycle_every_s, Rung.RESTART: timings.restart_every_s}
        self._used_s: dict[Rung, float] = {}
        self._steps: dict[Refusal, int] = {}
        self.failures = 0

    def failed(self, cause: Refusal = Refusal.REFUSED) -> Rung:
        """Return what to do before the next attempt, after one more that gave nothing."""
        order, step = _ORDERS[cause], self._steps.get(cause, 0)
        rung = order[step % len(order)]
        self._steps[cause] = step + 1
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
        self._steps.clear()
        self.failures = 0
