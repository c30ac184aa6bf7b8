"""A pulse strap over Bluetooth Low Energy, by bleak and BlueZ (hazards H2, H4).

Theory of operation. The strap is *idle* while nobody is at the machine, *looking* while somebody chooses, and *bound*
to one identity after they confirmed it. Bound, it looks for that identity alone and connects to nothing else; it goes
on until it is released, whatever goes away in between:

    find it ─► connect, while still looking ─► listen ─► lost, or silent ─► (a rung of the ladder) ─► find it …
      └ the radio cannot be used: say why, help it, wait for it

What comes in is measured, never invented. A reason is told once, when there is nothing to deliver and it is known why;
a strap that is back within seconds was never lost. `bluetooth_ladder` says how a wedged radio is recovered, and
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
from coach.session.pace import LEAST_GAPS, Pace
from firmware.sensors import gatt_heart_rate
from firmware.sensors.adapter import BluetoothAdapter, forget_bluez
from firmware.sensors.discovery import AdvertisementTracker
from firmware.sensors.gatt_heart_rate import HeartRateMeasurementError
from firmware.sensors.odd_reports import OddReports
from firmware.sensors.recovery import RecoveryEscalation, RecoveryStep
from firmware.sensors.refusal import ConnectionRefusal, refusal_of
from firmware.sensors.scanner import FITNESS_MACHINE_SERVICE, HEART_RATE_SERVICE, LINK_ERRORS, SharedScanner
from firmware.sensors.strap import Delivery, Measurement, SelectedStrap, SignalSourceLost
from firmware.sensors.strap_identity import identity, is_bound, serial_in, shown_name
from firmware.sensors.timings import StrapTimings

_log = logging.getLogger(__name__)

MEASUREMENT = "00002a37-0000-1000-8000-00805f9b34fb"
BATTERY_SERVICE, BATTERY_LEVEL = "0000180f-0000-1000-8000-00805f9b34fb", "00002a19-0000-1000-8000-00805f9b34fb"
DEVICE_SERVICE, SERIAL_NUMBER = "0000180a-0000-1000-8000-00805f9b34fb", "00002a25-0000-1000-8000-00805f9b34fb"
LOW_BATTERY_PERCENT = 15
"""Coin cells fall quickly once they begin to; one of 15 % has some hours left."""
TOLD_AFTER = 2
"""So many refusals in a row for one cause, and the person is told; a single one may pass by itself."""
NOTED = frozenset((*ConnectionRefusal, "unreadable", "wrong_strap"))
"""Troubles that the doctor reports as well, each under its name after `strap_`."""


class _WrongStrapError(Exception):
    """What answered is not what was bound."""


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
        self._on_scene: Callable[[StrapScene], None] = lambda _: None
        self._on_bond: Callable[[SelectedStrap], None] = lambda _: None
        self._timings = StrapTimings() if timings is None else timings
        self._bond = self._last = bond
        self._looks = False
        self._turned = asyncio.Event()
        self._on_air = AdvertisementTracker(self._timings)
        self._scene = StrapScene()
        self._trouble: str | None = None
        self._battery: int | None = None
        self._deliver: Callable[[Delivery], None] = lambda _: None
        self._told: str | None = None
        self._telling: asyncio.TimerHandle | None = None
        self._measured_s = float("-inf")
        self._odd = OddReports("strap")
        self._pace = Pace()
        self._others: set[str] = set()
        self._daemons = 0
        self._refusals = 0
        self._refusal: ConnectionRefusal | None = None
        self._said = ""
        self._scan_ladder = RecoveryEscalation(self._timings, _now_s)

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
        return self._battery

    @property
    def noted(self) -> tuple[tuple[str, str], ...]:
        """What the doctor should report of it: codes of findings, each with its detail."""
        odd = (("strap_odd_data", self._odd.detail),) if self._odd.count else ()
        trouble = ((f"strap_{self._trouble}", self._said),) if self._trouble in NOTED else ()
        return (*odd, *trouble)

    @property
    def scene(self) -> StrapScene:
        """What a person should see now."""
        return self._scene

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
        self._on_scene, self._on_bond = on_scene, on_bond

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
            self._last, self._battery = bond, None
            self._pace, self._odd, self._others = Pace(), OddReports("strap"), set()
        self._bond, self._looks = bond, looks
        self._turned.set()

    # Life

    async def run(self, deliver: Callable[[Delivery], None]) -> None:
        """Deliver what the bound strap measures, until cancelled."""
        self._deliver = deliver
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
            self._deliver = lambda _: None
            self._not_lost()
            await self._radio.close()

    def _begin_anew(self) -> None:
        self._not_lost()
        self._on_air.clear()
        self._told, self._refusals, self._refusal, self._said = None, 0, None, ""
        self._measured_s = float("-inf")
        self._trouble = None
        self._show()

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
                await self._not_scanning(error)
            except Exception:  # noqa: BLE001 - see below
                # What BlueZ or bleak make of a radio that falls is not all foreseen, and no session may end by it.
                _log.exception("The strap's adapter stumbled, and begins again")
                await asyncio.sleep(STUMBLED_S)

    # The radio

    async def _until_ready(self) -> None:
        """Wait for the radio, say why it cannot be used, and help it. A new bluetoothd is begun with from scratch."""
        tried_s = float("-inf")
        while (condition := self._radio.condition) != "ready":
            self._lost(condition)
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
        if self._trouble in ("no_bluetoothd", "no_adapter", "bluetooth_off", "bluetooth_blocked"):
            self._trouble = None
            self._show()

    @property
    def _radio_stands(self) -> bool:
        return self._radio.condition == "ready" and self._radio.daemons == self._daemons

    # Looking

    async def _list(self) -> None:
        """Show who is on the air, as long as the radio stands."""
        began_s = _now_s()
        async with self._lookout.subscribe(self._on_air.on_advertisement):
            self._scanning()
            while self._radio_stands:
                if not self._on_air.silent:
                    self._trouble = None
                elif _now_s() - began_s >= self._timings.not_found_s:
                    self._trouble = "not_found"
                self._show()
                await self._radio.changed(self._timings.tell_every_s)

    def _show(self) -> None:
        """Tell what a person should see, when it has changed."""
        seen = self._on_air.listed() if self._looks else ()
        low = self._bond is not None and self._battery is not None and self._battery <= LOW_BATTERY_PERCENT
        scene = StrapScene(seen, self._trouble, low)
        if scene != self._scene:
            self._scene = scene
            self._on_scene(scene)

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
                    self._scanning()
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
            except _WrongStrapError:
                if device is not None and not self._is_bound(device, bond):
                    # Another strap of the same model: it was only asked whether it is the bound one.
                    self._others.add(device.address)
                    continue
                self._lost("wrong_strap")
                await self._radio.changed(self._timings.look_anew_every_s)
            except LINK_ERRORS as error:
                _log.info("The strap %s was not reached: %s", bond.name or bond.key, str(error) or type(error).__name__)
                if device is None:
                    await self._not_scanning(error)
                else:
                    await self._refused(device, ladder, error, connected=connected)
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
                self._lost("not_found")
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
            self._measured(Measurement(float(measured.bpm), measured.rr_ms, measured.contact))

        async with asyncio.timeout(self._timings.ask_s):
            await self._verified(client, bond)
            # StartNotify, not AcquireNotify, which several straps do not survive.
            await client.start_notify(MEASUREMENT, notified, bluez={"use_start_notify": True})
        asking = asyncio.create_task(self._ask_battery(client), name="strap battery")
        try:
            while not gone.is_set() and self._radio_stands:
                if heard_s is not None:
                    ladder.heard()
                    self._refusals, self._refusal = 0, None
                allowed_s = self._silent_s(heard=heard_s is not None, failures=ladder.failures)
                silent_s = _now_s() - (connected_s if heard_s is None else heard_s)
                if silent_s >= allowed_s:
                    _log.warning("The strap is connected and silent; it is connected anew.")
                    break
                if heard_s is not None and _now_s() - max(self._measured_s, connected_s) >= allowed_s:
                    # Its reports come and cannot be read: no rung of the ladder would change that.
                    self._lost("unreadable")
                await self._either(gone, allowed_s - silent_s)
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        if self._radio_stands:
            if gone.is_set():
                self._lost("disconnected", after_s=self._timings.grace_s)
            if heard_s is None or not gone.is_set():
                await self._climb(client.address, ladder)
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

    @staticmethod
    def _is_bound(device: BLEDevice, bond: SelectedStrap) -> bool:
        return is_bound(bond, identity(device.name, device.address), device.address)

    async def _verified(self, client: BleakClient, bond: SelectedStrap) -> None:
        """Compare the strap's serial with the one that it had, at each connection, and learn what is new of it.

        Raises _WrongStrapError for another serial; one of LINK_ERRORS where a serial that is known was not told.
        """
        device_serial = bond.device_serial
        told = await self._told_serial(client, known=device_serial is not None)
        if device_serial is not None and told != device_serial:
            _log.warning("The strap at %s carries the serial %s, not %s.", client.address, told, device_serial)
            raise _WrongStrapError
        seen = identity(client.name, client.address)
        if told is None and not is_bound(bond, seen, client.address):
            raise _WrongStrapError
        # bleak calls a strap without a name by its address.
        name = seen.name if seen.serial is not None else bond.name
        address = None if bond.key == f"address:{client.address.upper()}" else client.address.upper()
        learned = SelectedStrap(bond.key, name, told, address)
        if learned != bond and self._bond is not None and self._bond.key == bond.key:
            self._bond = self._last = learned
            self._on_bond(learned)

    async def _told_serial(self, client: BleakClient, *, known: bool) -> str | None:
        """The serial of its device information; None where it has none to tell."""
        characteristic = client.services.get_characteristic(SERIAL_NUMBER)
        if characteristic is None:
            return None
        try:
            told = shown_name(bytes(await client.read_gatt_char(characteristic)).decode("utf-8", "replace"))
        except LINK_ERRORS:
            if known:
                raise
            return None
        return told if any(sign not in "0- " for sign in told) else None

    async def _ask_battery(self, client: BleakClient) -> None:
        def told(_: BleakGATTCharacteristic, payload: bytearray) -> None:
            if payload:
                self._battery = min(payload[0], 100)
                self._show()

        with contextlib.suppress(*LINK_ERRORS):
            characteristic = client.services.get_characteristic(BATTERY_LEVEL)
            if characteristic is None:
                return
            told(characteristic, await client.read_gatt_char(characteristic))
            if "notify" in characteristic.properties:
                await client.start_notify(characteristic, told, bluez={"use_start_notify": True})

    # What is told

    def _measured(self, measurement: Measurement) -> None:
        self._not_lost()
        self._told, self._said = None, ""
        if self._trouble is not None:
            self._trouble = None
            self._show()
        self._deliver(measurement)

    def _lost(self, reason: str, after_s: float = 0.0) -> None:
        """Say once why nothing comes, now or after so long without anything."""
        if after_s > 0:
            if self._telling is None:
                self._telling = asyncio.get_running_loop().call_later(after_s, self._lost, reason)
            return
        self._not_lost()
        if self._told != reason:
            self._told = reason
            if self._bond is not None:
                self._deliver(SignalSourceLost(reason))
        if self._trouble != reason:
            self._trouble = None if reason == "disconnected" else reason
            self._show()

    def _not_lost(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None

    # Recovery

    async def _refused(
        self, device: BLEDevice, ladder: RecoveryEscalation, error: BaseException, *, connected: bool
    ) -> None:
        """It is on the air and does not let itself be connected, or measured."""
        if not self._radio_stands:
            # The radio has gone; that is what the person is told next.
            return
        cause = self._refused_for(error, connected=connected)
        await self._climb(device.address, ladder, cause)

    def _refused_for(self, error: BaseException, *, connected: bool = False) -> ConnectionRefusal:
        """Note a refusal; tell its cause once it is certain, or has come again."""
        cause = refusal_of(error, connected=connected)
        self._refusals = self._refusals + 1 if cause is self._refusal else 1
        self._refusal = cause
        if cause.certain or self._refusals >= TOLD_AFTER:
            self._said = str(error) or type(error).__name__
            self._lost(cause.value)
        return cause

    async def _not_scanning(self, error: BaseException) -> None:
        """The look around was refused or interrupted: a radio that goes on refusing it is helped up."""
        _log.info("The look for straps was interrupted: %s", str(error) or type(error).__name__)
        if self._radio_stands:
            cause = self._refused_for(error)
            if cause is not ConnectionRefusal.RADIO_BUSY and self._refusals >= TOLD_AFTER:
                # No strap takes part in a look around, so what refuses it is the radio, whatever it calls it.
                cause = ConnectionRefusal.RADIO_STUMBLED
                self._lost(cause.value)
            if self._refusals >= TOLD_AFTER:
                await self._climb(None, self._scan_ladder, cause)
        await self._radio.changed(self._timings.retry_s)

    def _scanning(self) -> None:
        """The look around stands."""
        self._scan_ladder.heard()
        if self._trouble in (ConnectionRefusal.RADIO_BUSY, ConnectionRefusal.RADIO_STUMBLED) and self._bond is None:
            self._trouble = None
            self._show()

    async def _climb(
        self, address: str | None, ladder: RecoveryEscalation, cause: ConnectionRefusal = ConnectionRefusal.REFUSED
    ) -> None:
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
        until_s = _now_s() + rest_s
        while self._radio_stands and (left_s := until_s - _now_s()) > 0:
            await self._radio.changed(left_s)

    async def _forget(self, address: str) -> None:
        path = self._radio.adapter_path
        if path is not None:
            await self._radio.remove(f"{path}/dev_{address.upper().replace(':', '_')}")


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
