"""What is done about a strap or a radio that refuses: its cause is told once it is certain, and a rung is climbed."""

import logging
import time
from collections.abc import Callable

from firmware.sensors.adapter import BluetoothAdapter
from firmware.sensors.recovery import RecoveryEscalation, RecoveryStep
from firmware.sensors.refusal import ConnectionRefusal, refusal_of, words_of
from firmware.sensors.strap_link.status import StrapStatus
from firmware.sensors.timings import StrapTimings

_log = logging.getLogger(__name__)

TOLD_AFTER = 2
"""So many refusals in a row for one cause, and the person is told; a single one may pass by itself."""


class RadioHelp:
    """Counts refusals by cause, and carries out the rungs of the recovery ladder.

    `stands` says whether the radio is ready and the same as before: what a fallen radio refuses has no other cause.
    """

    def __init__(
        self, radio: BluetoothAdapter, status: StrapStatus, timings: StrapTimings, stands: Callable[[], bool]
    ) -> None:
        """Nothing has been refused yet."""
        self._radio, self._status, self._timings, self._stands = radio, status, timings, stands
        self._scan_ladder = RecoveryEscalation(timings, time.monotonic)
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget the refusals: a measurement came, or another strap is sought."""
        self._refusals = 0
        self._refusal: ConnectionRefusal | None = None

    def scanning(self, *, bound: bool) -> None:
        """Note that the look around stands."""
        self._scan_ladder.heard()
        if not bound:
            self._status.clear_trouble(ConnectionRefusal.RADIO_BUSY, ConnectionRefusal.RADIO_STUMBLED)

    async def strap_refused(
        self, address: str, ladder: RecoveryEscalation, error: BaseException, *, connected: bool
    ) -> None:
        """Answer a strap that is on the air and does not let itself be connected, or measured."""
        if not self._stands():
            # The radio has gone; that is what the person is told next.
            return
        await self.climb(address, ladder, self._tell_cause(error, connected=connected))

    async def scan_refused(self, error: BaseException) -> None:
        """Answer a look around that was refused or interrupted: a radio that goes on refusing it is helped up."""
        _log.info("The look for straps was interrupted: %s", words_of(error))
        if self._stands():
            cause = self._tell_cause(error)
            if cause is not ConnectionRefusal.RADIO_BUSY and self._refusals >= TOLD_AFTER:
                # No strap takes part in a look around, so what refuses it is the radio, whatever it calls it.
                cause = ConnectionRefusal.RADIO_STUMBLED
                self._status.lost(cause.value)
            if self._refusals >= TOLD_AFTER:
                await self.climb(None, self._scan_ladder, cause)
        await self._radio.changed(self._timings.retry_s)

    def _tell_cause(self, error: BaseException, *, connected: bool = False) -> ConnectionRefusal:
        """Note a refusal; tell its cause once it is certain, or has come again."""
        cause = refusal_of(error, connected=connected)
        self._refusals = self._refusals + 1 if cause is self._refusal else 1
        self._refusal = cause
        if cause.certain or self._refusals >= TOLD_AFTER:
            self._status.said = words_of(error)
            self._status.lost(cause.value)
        return cause

    async def climb(
        self, address: str | None, ladder: RecoveryEscalation, cause: ConnectionRefusal = ConnectionRefusal.REFUSED
    ) -> None:
        """Do what the ladder says for this cause, before the next attempt."""
        rung = ladder.failed(cause)
        _log.info("The strap is sought again (%s): %s.", cause, rung)
        match rung:
            case RecoveryStep.RECONNECT:
                pass
            case RecoveryStep.PAUSE:
                await self._rest(self._timings.pause_s)
            case RecoveryStep.WAIT:
                await self._rest(self._timings.wait_s)
            case RecoveryStep.REMOVE_DEVICE:
                if address is not None:
                    await self._forget(address)
            case RecoveryStep.POWER_CYCLE:
                await self._radio.power_cycle()
            case RecoveryStep.RESTART:
                await self._radio.restart_daemon()

    async def _rest(self, rest_s: float) -> None:
        """Do nothing for so long, or until the radio falls."""
        until_s = time.monotonic() + rest_s
        while self._stands() and (left_s := until_s - time.monotonic()) > 0:
            await self._radio.changed(left_s)

    async def _forget(self, address: str) -> None:
        path = self._radio.adapter_path
        if path is not None:
            await self._radio.remove(f"{path}/dev_{address.upper().replace(':', '_')}")
