"""The treadmill, where it speaks FTMS: its speed and incline are read, and nothing is ever written to it.

It is the one whose name (or address) the settings give, or the only one in reach. It is connected while nobody is
measured: a look around would disturb the strap, so that a treadmill lost in a session is only called back, not sought.
Without it, what the participant confirms on the panel stays in force.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from msgspec import Struct

from coach.session.belt import KM_PER_MILE
from firmware.sensors import gatt_treadmill
from firmware.sensors.adapter import BluetoothAdapter
from firmware.sensors.gatt_treadmill import TreadmillDataError
from firmware.sensors.odd_reports import OddReports
from firmware.sensors.refusal import refusal_of, words_of
from firmware.sensors.scanner import FITNESS_MACHINE_SERVICE, LINK_ERRORS, SharedScanner

_log = logging.getLogger(__name__)

TREADMILL_DATA = "00002acd-0000-1000-8000-00805f9b34fb"


UNREACHED_AFTER = 3
"""So many attempts in a row that failed, and the doctor reports it."""


class TreadmillTimings(Struct, frozen=True, kw_only=True):
    """In seconds. `settle_s`: how long others are waited for before the only one is taken for the only one.

    `tell_again_s`: an unchanged setting is told again, for whoever has begun a session meanwhile.
    """

    settle_s: float = 5.0
    look_for_s: float = 20.0
    rest_s: float = 20.0
    connect_s: float = 10.0
    ask_s: float = 5.0
    silent_s: float = 15.0
    tell_again_s: float = 10.0


class BluetoothTreadmill:
    """`wanted`: the beginning of its name, or its address; empty: the only one in reach. `measuring`: a strap is."""

    def __init__(
        self,
        radio: BluetoothAdapter,
        lookout: SharedScanner,
        *,
        wanted: str = "",
        in_miles: bool = False,
        measuring: Callable[[], bool] = lambda: False,
        timings: TreadmillTimings | None = None,
    ) -> None:
        """Nothing is sought before `run`. `in_miles`: its speed counts miles an hour, as the settings say."""
        self._factor = KM_PER_MILE if in_miles else 1.0
        self._radio, self._lookout = radio, lookout
        self._wanted, self._measuring = wanted.casefold(), measuring
        self._timings = TreadmillTimings() if timings is None else timings
        self._seen: dict[str, BLEDevice] = {}
        self._device: BLEDevice | None = None
        self._incline_percent: float | None = None
        self._told: tuple[float, float | None] | None = None
        self._told_s = 0.0
        self._heard_s = 0.0
        self._too_many = ""
        self._odd = OddReports("treadmill")
        self._refusals = 0
        self._said = ""

    @property
    def noted(self) -> tuple[tuple[str, str], ...]:
        """What the doctor should report of it: codes of findings, each with its detail."""
        odd = (("treadmill_odd_data", self._odd.detail),) if self._odd.count else ()
        unreached = (("treadmill_unreached", self._said),) if self._refusals >= UNREACHED_AFTER else ()
        several = (("treadmill_several", f"{self._too_many}; treadmill.name chooses"),) if self._too_many else ()
        return (*odd, *several, *unreached)

    @property
    def address(self) -> str:
        """Address of the treadmill that was connected last; empty where none was."""
        return "" if self._device is None else self._device.address

    async def run(self, tell: Callable[[float, float | None], None]) -> None:
        """Tell speed in km/h and incline in percent (None: it does not say) as they change, until cancelled."""
        await self._radio.open()
        try:
            while True:
                while self._radio.condition != "ready":
                    await self._radio.changed(self._timings.rest_s)
                try:
                    await self._radio.clear_phantoms(FITNESS_MACHINE_SERVICE)
                    await self._once(tell)
                except LINK_ERRORS as error:
                    self._refusals += 1
                    self._said = f"{refusal_of(error)}: {words_of(error)}"
                    _log.info("The treadmill was not reached: %s", self._said)
                except Exception:  # noqa: BLE001 - see below
                    # As for the strap: what is not foreseen must not end a session.
                    _log.exception("The treadmill's adapter stumbled, and begins again")
                await self._radio.changed(self._timings.rest_s)
        finally:
            await self._radio.close()

    async def _once(self, tell: Callable[[float, float | None], None]) -> None:
        daemons = self._radio.daemons
        gone = asyncio.Event()
        if self._measuring():
            if self._device is None:
                return
            client = await self._connected(self._device, gone)
        else:
            async with self._lookout.subscribe(self._saw):
                device = await self._found()
                if device is None:
                    return
                client = await self._connected(device, gone)
            self._device = device
        try:
            await self._listen(client, gone, tell, daemons)
        finally:
            try:
                async with asyncio.timeout(self._timings.ask_s):
                    await client.disconnect()
            except LINK_ERRORS as error:
                _log.debug("The treadmill had gone already: %s", error)

    def _saw(self, device: BLEDevice, advertisement: AdvertisementData) -> None:
        if FITNESS_MACHINE_SERVICE in advertisement.service_uuids:
            self._seen[device.address] = device

    async def _found(self) -> BLEDevice | None:
        """Return the treadmill, or None where it is not in reach or not told from others."""
        self._seen = {}
        began_s = time.monotonic()
        while self._radio.condition == "ready" and (since_s := time.monotonic() - began_s) < self._timings.look_for_s:
            await asyncio.sleep(0.2)
            if self._wanted:
                for device in self._seen.values():
                    name = (device.name or "").casefold()
                    if name.startswith(self._wanted) or device.address.casefold() == self._wanted:
                        return device
            elif self._seen and since_s >= self._timings.settle_s:
                return self._only_one()
        return None

    def _only_one(self) -> BLEDevice | None:
        if len(self._seen) == 1:
            self._too_many = ""
            return next(iter(self._seen.values()))
        names = ", ".join(sorted(device.name or device.address for device in self._seen.values()))
        if names != self._too_many:
            _log.warning("Several treadmills are in reach (%s): name this machine's in the settings.", names)
            self._too_many = names
        return None

    async def _connected(self, device: BLEDevice, gone: asyncio.Event) -> BleakClient:
        client = BleakClient(
            device,
            disconnected_callback=lambda _: gone.set(),
            services=[FITNESS_MACHINE_SERVICE],
            timeout=self._timings.connect_s,
        )
        async with self._lookout.connecting:
            await client.connect()
        return client

    async def _listen(
        self, client: BleakClient, gone: asyncio.Event, tell: Callable[[float, float | None], None], daemons: int
    ) -> None:
        self._told, self._incline_percent, self._heard_s = None, None, time.monotonic()

        def notified(_: BleakGATTCharacteristic, payload: bytearray) -> None:
            self._notified(payload, tell)

        async with asyncio.timeout(self._timings.ask_s):
            await client.start_notify(TREADMILL_DATA, notified, bluez={"use_start_notify": True})
        _log.info("The treadmill tells its speed: %s.", client.name)
        while self._radio.condition == "ready" and self._radio.daemons == daemons and not gone.is_set():
            if time.monotonic() - self._heard_s > self._timings.silent_s:
                _log.info("The treadmill is connected and silent; it is connected anew.")
                return
            change = self._radio.next_change()
            going = asyncio.create_task(gone.wait(), name="treadmill gone")
            try:
                both: tuple[asyncio.Future[None] | asyncio.Task[bool], ...] = (going, change)
                await asyncio.wait(both, timeout=self._timings.silent_s / 3, return_when=asyncio.FIRST_COMPLETED)
            finally:
                going.cancel()
                change.cancel()
                await asyncio.gather(going, change, return_exceptions=True)

    def _notified(self, payload: bytearray, tell: Callable[[float, float | None], None]) -> None:
        # Also a report that cannot be read shows that the connection lives: connecting again would change nothing.
        now_s = self._heard_s = time.monotonic()
        self._refusals = 0
        try:
            told = gatt_treadmill.read(payload)
        except TreadmillDataError as error:
            self._odd.note(str(error), payload)
            return
        if told.odd is not None:
            self._odd.note(told.odd, payload)
        # «More data»: the incline may come in another notification than the speed.
        if told.incline_percent is not None:
            self._incline_percent = told.incline_percent
        if told.speed_kmh is None:
            return
        setting = (round(told.speed_kmh * self._factor, 2), self._incline_percent)
        if setting != self._told or now_s - self._told_s >= self._timings.tell_again_s:
            self._told, self._told_s = setting, now_s
            tell(*setting)
