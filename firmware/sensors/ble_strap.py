"""A pulse strap over Bluetooth Low Energy, by bleak and BlueZ (hazards H2, H4).

Theory of operation. The strap is *idle* while nobody is at the machine, *looking* while somebody chooses, and *bound*
to one identity after they confirmed it. Bound, it looks for that identity alone and connects to nothing else; it goes
on until it is released, whatever goes away in between:

    find it ─► connect, while still looking ─► listen ─► lost, or silent ─► (a rung of the ladder) ─► find it …
      └ the radio cannot be used: say why, help it, wait for it

What comes in is measured, never invented. A reason is told once, when there is nothing to deliver and it is known why;
a strap that is back within seconds was never lost. `recovery` says how a wedged radio is recovered, and
docs/strap.md what all of it costs in seconds.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice

from coach.kiosk.strap_choice import StrapScene
from coach.model.strap_advertisement import StrapSeen
from coach.session.pace import LEAST_GAPS, Pace
from firmware.sensors import gatt_heart_rate
from firmware.sensors.adapter import BluetoothAdapter, forget_bluez
from firmware.sensors.discovery import AdvertisementTracker
from firmware.sensors.gatt_heart_rate import HeartRateMeasurementError
from firmware.sensors.odd_reports import OddReports
from firmware.sensors.recovery import RecoveryEscalation, RecoveryStep
from firmware.sensors.refusal import words_of
from firmware.sensors.scanner import FITNESS_MACHINE_SERVICE, HEART_RATE_SERVICE, LINK_ERRORS, SharedScanner
from firmware.sensors.strap import Delivery, Measurement, SelectedStrap
from firmware.sensors.strap_identity import serial_in
from firmware.sensors.strap_link.radio_help import RadioHelp
from firmware.sensors.strap_link.status import StrapStatus
from firmware.sensors.strap_link.verification import (
    BATTERY_SERVICE,
    DEVICE_SERVICE,
    WrongStrapError,
    follow_battery,
    is_bound_device,
    verify,
)
from firmware.sensors.timings import StrapTimings

_log = logging.getLogger(__name__)

MEASUREMENT = "00002a37-0000-1000-8000-00805f9b34fb"


class BluetoothStrap:
    """The strap of whoever is at this machine. `run` it once; `look`, `bind` and `release` change what it does."""

    def __init__(
        self,
        radio: BluetoothAdapter,
        lookout: SharedScanner,
        *,
        bond: SelectedStrap | None = None,
        timings: StrapTimings | None = None,
    ) -> None:
        """Bound to `bond` from the start, else idle."""
        self._radio, self._lookout = radio, lookout
        self._timings = StrapTimings() if timings is None else timings
        self._bond = self._last = bond
        self._looks = False
        self._turned = asyncio.Event()
        self._on_air = AdvertisementTracker(self._timings)
        self._status = StrapStatus(self._listed, lambda: self._bond is not None)
        self._help = RadioHelp(radio, self._status, self._timings, lambda: self._radio_stands)
        self._measured_s = float("-inf")
        self._odd = OddReports("strap")
        self._pace = Pace()
        self._others: set[str] = set()
        self._daemons = 0

    # What is asked of it

    @property
    def name(self) -> str:
        """What the bound strap calls itself, or the one bound last; empty where there was none."""
        bond = self._bond or self._last
        return "" if bond is None else bond.name

    @property
    def serial(self) -> str | None:
        """The bound strap's serial, as printed on it where its name carries it."""
        if self._bond is None:
            return None
        kind, _, value = self._bond.key.partition(":")
        return value if kind == "serial" else serial_in(self._bond.name) or self._bond.device_serial

    @property
    def battery_percent(self) -> int | None:
        """Charge of that strap's battery, where it has told it."""
        return self._status.battery_percent

    @property
    def noted(self) -> tuple[tuple[str, str], ...]:
        """What the doctor should report of it: codes of findings, each with its detail."""
        odd = (("strap_odd_data", self._odd.detail),) if self._odd.count else ()
        return (*odd, *self._status.noted)

    @property
    def scene(self) -> StrapScene:
        """What a person should see now."""
        return self._status.scene

    @property
    def measuring(self) -> bool:
        """Whether a strap is bound, so that nobody should scan for anything else."""
        return self._bond is not None

    @property
    def radio(self) -> BluetoothAdapter:
        """The radio it is heard by."""
        return self._radio

    @property
    def lookout(self) -> SharedScanner:
        """The look around that it shares with others."""
        return self._lookout

    def shown_to(self, on_scene: Callable[[StrapScene], None], on_bond: Callable[[SelectedStrap], None]) -> None:
        """Tell `on_scene` what a person should see when it changes, `on_bond` when the strap has told its serial."""
        self._status.on_scene, self._status.on_bond = on_scene, on_bond

    def look(self) -> None:
        """Be bound to none, and list those on the air."""
        self._turn(None, looks=True)

    def bind(self, bond: SelectedStrap) -> None:
        """Measure this strap and no other."""
        if bond.key != (None if self._bond is None else self._bond.key):
            self._turn(bond, looks=False)

    def release(self) -> None:
        """Let go of the strap, so that another machine can have it."""
        self._turn(None, looks=False)

    def _turn(self, bond: SelectedStrap | None, *, looks: bool) -> None:
        if bond is not None and (self._last is None or bond.key != self._last.key):
            self._last, self._status.battery_percent = bond, None
            self._pace, self._odd, self._others = Pace(), OddReports("strap"), set()
        self._bond, self._looks = bond, looks
        self._turned.set()

    # Life

    async def run(self, deliver: Callable[[Delivery], None]) -> None:
        """Deliver what the bound strap measures, until cancelled."""
        self._status.deliver = deliver
        await self._radio.open()
        try:
            while True:
                self._turned.clear()
                self._begin_anew()
                following = asyncio.create_task(self._follow(), name="strap")
                turned = asyncio.create_task(self._turned.wait(), name="strap turned")
                try:
                    await asyncio.wait({following, turned}, return_when=asyncio.FIRST_COMPLETED)
                    if following.done():
                        following.result()
                finally:
                    for task in (following, turned):
                        task.cancel()
                    await asyncio.gather(following, turned, return_exceptions=True)
        finally:
            self._status.close()
            await self._radio.close()

    def _begin_anew(self) -> None:
        self._on_air.clear()
        self._measured_s = float("-inf")
        self._help.begin_anew()
        self._status.begin_anew()

    async def _follow(self) -> None:
        bond = self._bond
        if bond is None and not self._looks:
            await asyncio.Event().wait()
        while True:
            await self._until_ready()
            try:
                await self._clear_phantoms()
                if bond is None:
                    await self._list()
                else:
                    await self._measure(bond)
            except LINK_ERRORS as error:
                await self._help.scan_refused(error)
            except Exception:  # noqa: BLE001 - see below
                # What BlueZ or bleak make of a radio that falls is not all foreseen, and no session may end by it.
                _log.exception("The strap's adapter stumbled, and begins again")
                await asyncio.sleep(STUMBLED_S)

    # The radio

    async def _until_ready(self) -> None:
        """Wait for the radio, say why it cannot be used, and help it. A new bluetoothd is begun with from scratch."""
        tried_s = float("-inf")
        while (condition := self._radio.condition) != "ready":
            self._status.lost(condition)
            self._on_air.clear()
            if condition == "bluetooth_off" and _now_s() - tried_s >= self._timings.power_on_every_s:
                tried_s = _now_s()
                await self._radio.power_on()
                continue
            await self._radio.changed(self._timings.power_on_every_s)
        if self._radio.daemons != self._daemons:
            if self._daemons:
                forget_bluez()
            self._daemons = self._radio.daemons
        self._status.clear_trouble("no_bluetoothd", "no_adapter", "bluetooth_off", "bluetooth_blocked")

    @property
    def _radio_stands(self) -> bool:
        return self._radio.condition == "ready" and self._radio.daemons == self._daemons

    # Looking

    async def _list(self) -> None:
        """Show who is on the air, as long as the radio stands."""
        began_s = _now_s()
        async with self._lookout.subscribe(self._on_air.on_advertisement):
            self._help.scanning(bound=self._bond is not None)
            while self._radio_stands:
                if not self._on_air.silent:
                    self._status.trouble = None
                elif _now_s() - began_s >= self._timings.not_found_s:
                    self._status.trouble = "not_found"
                self._status.show()
                await self._radio.changed(self._timings.tell_every_s)

    def _listed(self) -> tuple[StrapSeen, ...]:
        return self._on_air.listed() if self._looks else ()

    # Measuring

    async def _measure(self, bond: SelectedStrap) -> None:
        """Measure the bound strap again and again, as long as the radio stands."""
        ladder = RecoveryEscalation(self._timings, _now_s)
        looked_since_s, let_go = _now_s(), False
        while self._radio_stands:
            # What earlier connections taught of it, its serial above all, holds for the next one.
            bond = self._bond or bond
            device: BLEDevice | None = None
            connected = False
            try:
                async with self._lookout.subscribe(self._on_air.on_advertisement):
                    self._help.scanning(bound=self._bond is not None)
                    device = await self._found(bond, ladder, looked_since_s, let_go=let_go)
                    if device is None:
                        return
                    client, gone = await self._connected(device)
                    connected = True
                # The look around has ended: Wi-Fi and strap share the radio's chip.
                let_go = False
                try:
                    let_go = await self._listen(client, gone, bond, ladder)
                finally:
                    await _let_go(client)
            except WrongStrapError:
                if device is not None and not is_bound_device(device, bond):
                    # Another strap of the same model: it was only asked whether it is the bound one.
                    self._others.add(device.address)
                    continue
                self._status.lost("wrong_strap")
                await self._radio.changed(self._timings.look_anew_every_s)
            except LINK_ERRORS as error:
                _log.info("The strap %s was not reached: %s", bond.name or bond.key, words_of(error))
                if device is None:
                    await self._help.scan_refused(error)
                else:
                    await self._help.strap_refused(device.address, ladder, error, connected=connected)
            looked_since_s = _now_s()
            if self._radio_stands:
                await self._radio.changed(self._timings.retry_s)
                await self._clear_phantoms()

    async def _clear_phantoms(self) -> None:
        """Nothing of ours is connected now, so what is connected hides a strap: it does not advertise."""
        await self._radio.clear_phantoms(HEART_RATE_SERVICE, but=FITNESS_MACHINE_SERVICE)

    async def _found(
        self, bond: SelectedStrap, ladder: RecoveryEscalation, since_s: float, *, let_go: bool
    ) -> BLEDevice | None:
        """Wait until the bound strap is on the air. None where the radio fell meanwhile.

        `let_go`: its connection lived and was ended here a moment ago.
        """
        began_s, anew_s = _now_s(), _now_s()
        unheard_s = self._timings.let_go_unheard_s if let_go else self._timings.power_cycle_unheard_every_s
        self._on_air.clear()
        while self._radio_stands:
            if (device := self._on_air.find(bond)) is not None:
                return device
            await asyncio.sleep(LOOK_EVERY_S)
            now_s = _now_s()
            if now_s - since_s >= self._timings.not_found_s:
                self._status.lost("not_found")
                if (device := self._on_air.find_moved(bond, self._others)) is not None:
                    return device
            if now_s - anew_s >= self._timings.look_anew_every_s:
                anew_s = now_s
                await self._lookout.look_anew()
            if now_s - began_s >= unheard_s and ladder.may(RecoveryStep.POWER_CYCLE):
                # A controller can stop hearing without saying so. And Linux can hold a connection that bluetoothd takes
                # for ended (6.1: one that was cancelled as it came about); the strap on it is silent on the air, too.
                began_s = anew_s = now_s
                unheard_s = self._timings.power_cycle_unheard_every_s
                if await self._radio.power_cycle():
                    # An adapter that is switched off ends every look around.
                    await self._lookout.look_anew()
        return None

    async def _connected(self, device: BLEDevice) -> tuple[BleakClient, asyncio.Event]:
        gone = asyncio.Event()
        client = BleakClient(
            device,
            disconnected_callback=lambda _: gone.set(),
            services=[HEART_RATE_SERVICE, BATTERY_SERVICE, DEVICE_SERVICE],
            timeout=self._timings.connect_s if self._measured_s > 0 else self._timings.first_connect_s,
        )
        async with self._lookout.connecting:
            await client.connect()
        return client, gone

    async def _listen(
        self, client: BleakClient, gone: asyncio.Event, bond: SelectedStrap, ladder: RecoveryEscalation
    ) -> bool:
        """Deliver until the strap goes or falls silent. Gives whether it is left while its connection lives."""
        connected_s = _now_s()
        heard_s: float | None = None

        def notified(_: BleakGATTCharacteristic, payload: bytearray) -> None:
            nonlocal heard_s
            now_s = _now_s()
            if heard_s is not None:
                self._pace = self._pace.after(now_s - heard_s)
            heard_s = now_s
            try:
                measured = gatt_heart_rate.read(payload)
            except HeartRateMeasurementError as error:
                self._odd.note(str(error), payload)
                return
            if measured.odd is not None:
                self._odd.note(measured.odd, payload)
            self._measured_s = now_s
            self._status.measured(Measurement(float(measured.bpm), measured.rr_ms, measured.contact))

        async with asyncio.timeout(self._timings.ask_s):
            self._learn(await verify(client, bond))
            # StartNotify, not AcquireNotify, which several straps do not survive.
            await client.start_notify(MEASUREMENT, notified, bluez={"use_start_notify": True})
        asking = asyncio.create_task(follow_battery(client, self._status.take_battery), name="strap battery")
        try:
            while not gone.is_set() and self._radio_stands:
                if heard_s is not None:
                    ladder.heard()
                    self._help.begin_anew()
                allowed_s = self._silent_s(heard=heard_s is not None, failures=ladder.failures)
                silent_s = _now_s() - (connected_s if heard_s is None else heard_s)
                if silent_s >= allowed_s:
                    _log.warning("The strap is connected and silent; it is connected anew.")
                    break
                if heard_s is not None and _now_s() - max(self._measured_s, connected_s) >= allowed_s:
                    # Its reports come and cannot be read: no rung of the ladder would change that.
                    self._status.lost("unreadable")
                await self._either(gone, allowed_s - silent_s)
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        if self._radio_stands:
            if gone.is_set():
                self._status.lost("disconnected", after_s=self._timings.grace_s)
            if heard_s is None or not gone.is_set():
                await self._help.climb(client.address, ladder)
        return not gone.is_set()

    def _silent_s(self, *, heard: bool, failures: int) -> float:
        """How long a connection may be silent, by the strap's own pace where it is known."""
        timings = self._timings
        if len(self._pace.gaps_s) < LEAST_GAPS:
            return timings.silent_most_s if heard or failures else timings.silent_s
        return self._pace.allowed_s(timings.silent_s, timings.silent_most_s, SILENT_GAPS)

    async def _either(self, gone: asyncio.Event, within_s: float) -> None:
        """Wait for the strap to go, for the radio to change, or for so long."""
        going: asyncio.Future[Any] = asyncio.create_task(gone.wait(), name="strap gone")
        change: asyncio.Future[Any] = self._radio.next_change()
        try:
            await asyncio.wait((going, change), timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            going.cancel()
            change.cancel()
            await asyncio.gather(going, change, return_exceptions=True)

    def _learn(self, learned: SelectedStrap) -> None:
        """Keep what a connection has shown about the bound strap."""
        if self._bond is not None and self._bond.key == learned.key and learned != self._bond:
            self._bond = self._last = learned
            self._status.on_bond(learned)


LOOK_EVERY_S = 0.1
SILENT_GAPS = 2.5
STUMBLED_S = 1.0
LET_GO_WITHIN_S = 2.0
"""What BlueZ does not end in this time is a phantom, ended before the next look."""


async def _let_go(client: BleakClient) -> None:
    """End a connection, however far it has gone by itself."""
    with contextlib.suppress(*LINK_ERRORS):
        async with asyncio.timeout(LET_GO_WITHIN_S):
            await client.disconnect()


def _now_s() -> float:
    return time.monotonic()
