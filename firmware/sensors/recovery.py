"""The recovery ladder of a strap that gives nothing: reconnect, forget it, power-cycle the adapter, restart bluetoothd.

Each time that connecting failed or a connection stayed silent is one step up; a measurement is the way down. A known
cause has an order of rungs of its own: what no rung can mend is waited for, and a stumbling radio is switched off and
on at once. The upper rungs disturb everything on the radio, so each has a rest of its own before it is used again.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType

from firmware.sensors.refusal import ConnectionRefusal
from firmware.sensors.timings import StrapTimings


class RecoveryStep(StrEnum):
    """What is done before the next attempt."""

    PAUSE = "pause"
    WAIT = "wait"
    RECONNECT = "reconnect"
    REMOVE_DEVICE = "remove_device"
    POWER_CYCLE = "power_cycle"
    RESTART = "restart"


_ORDERS: Mapping[ConnectionRefusal, tuple[RecoveryStep, ...]] = MappingProxyType(
    {
        ConnectionRefusal.PAIRING_WANTED: (RecoveryStep.WAIT,),
        ConnectionRefusal.NO_HEART_RATE: (RecoveryStep.REMOVE_DEVICE, RecoveryStep.WAIT),
        ConnectionRefusal.HELD_ELSEWHERE: (RecoveryStep.RECONNECT, RecoveryStep.REMOVE_DEVICE, RecoveryStep.WAIT),
        ConnectionRefusal.TOO_FAR: (
            RecoveryStep.RECONNECT,
            RecoveryStep.RECONNECT,
            RecoveryStep.REMOVE_DEVICE,
            RecoveryStep.POWER_CYCLE,
        ),
        ConnectionRefusal.RADIO_BUSY: (
            RecoveryStep.PAUSE,
            RecoveryStep.RECONNECT,
            RecoveryStep.POWER_CYCLE,
            RecoveryStep.RECONNECT,
            RecoveryStep.RESTART,
        ),
        ConnectionRefusal.RADIO_STUMBLED: (
            RecoveryStep.POWER_CYCLE,
            RecoveryStep.RECONNECT,
            RecoveryStep.RESTART,
            RecoveryStep.PAUSE,
        ),
        ConnectionRefusal.REFUSED: (
            RecoveryStep.RECONNECT,
            RecoveryStep.REMOVE_DEVICE,
            RecoveryStep.POWER_CYCLE,
            RecoveryStep.RECONNECT,
            RecoveryStep.RESTART,
        ),
    }
)


class RecoveryEscalation:
    """Where the recovery stands. `now` reads a monotonic clock."""

    def __init__(self, timings: StrapTimings, now: Callable[[], float]) -> None:
        """Stand on the ground."""
        self._now = now
        self._rest_s = {
            RecoveryStep.POWER_CYCLE: timings.power_cycle_every_s,
            RecoveryStep.RESTART: timings.restart_every_s,
        }
        self._used_s: dict[RecoveryStep, float] = {}
        self._steps: dict[ConnectionRefusal, int] = {}
        self.failures = 0

    def failed(self, cause: ConnectionRefusal = ConnectionRefusal.REFUSED) -> RecoveryStep:
        """Return what to do before the next attempt, after one more that gave nothing."""
        order, step = _ORDERS[cause], self._steps.get(cause, 0)
        rung = order[step % len(order)]
        self._steps[cause] = step + 1
        self.failures += 1
        return rung if self.may(rung) else RecoveryStep.RECONNECT

    def may(self, rung: RecoveryStep) -> bool:
        """Whether the rung has rested; if so it is used now."""
        rest_s = self._rest_s.get(rung)
        if rest_s is not None:
            if self._now() - self._used_s.get(rung, float("-inf")) < rest_s:
                return False
            self._used_s[rung] = self._now()
        return True

    def heard(self) -> None:
        """Note that a measurement came."""
        self._steps.clear()
        self.failures = 0
