"""One look around for all who wait for something on the air: BlueZ lets a program scan once, not twice.

It runs only while somebody looks, and so never while a strap is connected and measured: Wi-Fi and Bluetooth share the
Pi's chip. Who looks keeps looking until the connection stands, and connects to the device as it was seen.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable

from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError
from dbus_fast import DBusFastError

from firmware.sensors.adapter import BluetoothAdapter

_log = logging.getLogger(__name__)

HEART_RATE_SERVICE = "0000180d-0000-1000-8000-00805f9b34fb"
FITNESS_MACHINE_SERVICE = "00001826-0000-1000-8000-00805f9b34fb"
STOP_WITHIN_S = 5.0

LINK_ERRORS = (BleakError, DBusFastError, OSError, EOFError, TimeoutError, AssertionError)
"""What bleak raises when a device, BlueZ or the bus goes away under it; assertions are its own."""

OnSeen = Callable[[BLEDevice, AdvertisementData], None]


class SharedScanner:
    """Who looks around gets every advertisement of the services that this machine uses."""

    def __init__(self, radio: BluetoothAdapter) -> None:
        """Nothing is looked for yet."""
        self._radio = radio
        self._daemon = 0
        self._lookers: list[OnSeen] = []
        self._scanner: BleakScanner | None = None
        self._turn = asyncio.Lock()
        self.connecting = asyncio.Lock()
        """Held while a connection is being made: a controller makes one at a time."""

    @contextlib.asynccontextmanager
    async def subscribe(self, on_seen: OnSeen) -> AsyncIterator[None]:
        """Look around as long as the context lasts. Raises one of LINK_ERRORS where the radio does not."""
        self._lookers.append(on_seen)
        try:
            async with self._turn:
                if self._scanner is not None and self._daemon != self._radio.daemons:
                    # It asked a bluetoothd that has gone.
                    await self._stop()
                if self._scanner is None:
                    await self._start()
            yield
        finally:
            self._lookers.remove(on_seen)
            async with self._turn:
                if not self._lookers:
                    await self._stop()

    async def look_anew(self) -> None:
        """Begin the look again: a controller that has stopped scanning by itself does not say so."""
        async with self._turn:
            if self._scanner is not None:
                await self._stop()
                await self._start()

    async def _start(self) -> None:
        # Every advertisement, not only the first of each: the list of straps shows who is near, and who has gone.
        options: dict[str, object] = {"filters": {"DuplicateData": True}}
        # Not bleak's own first adapter: the one that the radio watches, helps up and reports on.
        if self._radio.adapter_name is not None:
            options["adapter"] = self._radio.adapter_name
        self._daemon = self._radio.daemons
        scanner = BleakScanner(
            self._saw,
            [HEART_RATE_SERVICE, FITNESS_MACHINE_SERVICE],
            bluez=options,  # type: ignore[arg-type] # bleak's own mapping of these very keys
        )
        await scanner.start()
        self._scanner = scanner

    async def _stop(self) -> None:
        scanner, self._scanner = self._scanner, None
        if scanner is not None:
            try:
                async with asyncio.timeout(STOP_WITHIN_S):
                    await scanner.stop()
            except LINK_ERRORS as error:
                # The radio has gone, and its scan with it.
                _log.debug("The look around ended by itself: %s", error)

    def _saw(self, device: BLEDevice, advertisement: AdvertisementData) -> None:
        for looker in tuple(self._lookers):
            looker(device, advertisement)
