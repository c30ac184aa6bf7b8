"""The machine's Bluetooth radio as BlueZ tells of it on the D-Bus: why it cannot be used, and what helps it up again.

bleak finds, connects and listens. What it does not do is told here: that bluetoothd has gone (it emits nothing when it
is killed), that the radio is blocked, that a killed coach has left a connection behind, and the rungs of the recovery
ladder that reach below a connection. Its connection to the bus is its own, so that a wedged one does not take the other
along.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from dbus_fast import BusType, DBusFastError, Message, MessageFlag, MessageType, Variant
from dbus_fast.aio import MessageBus

from firmware.system.errors import FirmwareError

_log = logging.getLogger(__name__)

Condition = Literal["ready", "no_bluetoothd", "no_adapter", "bluetooth_off", "bluetooth_blocked"]

BLUEZ, ADAPTER, DEVICE = "org.bluez", "org.bluez.Adapter1", "org.bluez.Device1"
_BUS = "org.freedesktop.DBus"
_OBJECTS, _PROPERTIES = f"{_BUS}.ObjectManager", f"{_BUS}.Properties"
RFKILL = Path("/sys/class/rfkill")
CALL_WITHIN_S = 10.0
OPEN_AGAIN_S = 1.0
POWER_WITHIN_S = 10.0
BLUETOOTH_UNIT = "bluetooth.service"

BUS_ERRORS = (DBusFastError, OSError, EOFError, TimeoutError)
"""What a bus connection raises when the bus or its other end has gone."""


class RadioError(FirmwareError, RuntimeError):
    """BlueZ refused something; its own words are in the text."""


class BluetoothAdapter:
    """`condition` is kept up to date from `open` to `close`; `changed` waits for it to change."""

    def __init__(self, adapter: str | None = None, rfkill: Path = RFKILL) -> None:
        """`adapter`: its name, as hci0, or its address; None takes the best that can connect to a strap."""
        self._adapter, self._rfkill = adapter, rfkill
        self._bus: MessageBus | None = None
        self._objects: dict[str, dict[str, dict[str, Any]]] = {}
        self._there = False
        self._waiting: set[asyncio.Future[None]] = set()
        self._keeping: asyncio.Task[None] | None = None
        self._users = 0
        self.daemons = 0
        """How many bluetoothds have been seen: another number means that whatever was connected is not any more."""

    # What is so now

    @property
    def condition(self) -> Condition:
        """Why the radio cannot be used; `ready` where it can."""
        if not self._there:
            return "no_bluetoothd"
        path = self.adapter_path
        if path is None:
            # A blocked USB adapter may be hidden from BlueZ altogether; one on the board never is.
            return "no_adapter"
        adapter = self._objects[path][ADAPTER]
        if adapter.get("Powered"):
            return "ready"
        return "bluetooth_blocked" if self._blocked(adapter) else "bluetooth_off"

    @property
    def adapter_path(self) -> str | None:
        """D-Bus path of the adapter that is used."""
        adapters = {path: found[ADAPTER] for path, found in self._objects.items() if ADAPTER in found}
        if self._adapter is not None:
            wanted = self._adapter.upper()
            named = (path for path, told in adapters.items() if wanted in (_name(path).upper(), told.get("Address")))
            return next(named, None)
        return min(adapters, key=lambda path: adapter_order(path, adapters[path]), default=None)

    @property
    def adapter_name(self) -> str | None:
        """Name of the adapter that is used, as hci0."""
        path = self.adapter_path
        return None if path is None else _name(path)

    def _blocked(self, adapter: Mapping[str, Any]) -> bool:
        """Whether a switch blocks the adapter that is used: its own one, where the kernel names them."""
        if adapter.get("PowerState") == "off-blocked":
            return True
        for switch in self._rfkill.glob("rfkill*"):
            with contextlib.suppress(OSError):
                if (switch / "type").read_text().strip() != "bluetooth":
                    continue
                name = switch / "name"
                if name.exists() and name.read_text().strip() not in ("", self.adapter_name):
                    continue
                if any((switch / kind).read_text().strip() == "1" for kind in ("soft", "hard")):
                    return True
        return False

    def connected(self, service: str, but: str | None = None) -> tuple[str, ...]:
        """Paths of devices with this service, and not that one, that BlueZ is connected to, whoever asked for it."""
        return tuple(
            path
            for path, found in self._objects.items()
            if DEVICE in found
            and found[DEVICE].get("Connected")
            and service in (services := found[DEVICE].get("UUIDs", ()))
            and but not in services
        )

    async def changed(self, within_s: float) -> None:
        """Wait until anything about the radio has changed, or for so long."""
        await asyncio.wait({self.next_change()}, timeout=within_s)

    def next_change(self) -> "asyncio.Future[None]":
        """Return what is done when anything about the radio next changes."""
        change: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(change)
        change.add_done_callback(self._waiting.discard)
        return change

    def _moved(self) -> None:
        for change in tuple(self._waiting):
            if not change.done():
                change.set_result(None)
        self._waiting.clear()

    # Being there

    async def open(self) -> None:
        """Begin to listen; waits for the first look, not for a radio. As many `close` end it."""
        self._users += 1
        if self._keeping is None:
            first = asyncio.Event()
            self._keeping = asyncio.create_task(self._keep(first), name="bluetooth radio")
            await first.wait()

    async def close(self) -> None:
        """Stop listening, when the last who opened it does."""
        self._users -= 1
        if self._keeping is not None and self._users <= 0:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
            self._keeping = None

    async def _keep(self, first: asyncio.Event) -> None:
        """Be on the bus, and come back to it when it was restarted."""
        told = False
        while True:
            bus = MessageBus(bus_type=BusType.SYSTEM)
            try:
                async with asyncio.timeout(CALL_WITHIN_S):
                    await bus.connect()
                self._bus = bus
                await self._listen(bus)
                first.set()
                told = False
                await bus.wait_for_disconnect()  # type: ignore[no-untyped-call] # dbus-fast gives it no annotation
            except (*BUS_ERRORS, RadioError) as error:
                if not told:
                    _log.warning("The system's message bus cannot be used: %s. It is tried again.", error)
                told = True
            finally:
                self._bus = None
                self._became(there=False)
                bus.disconnect()
                first.set()
            await asyncio.sleep(OPEN_AGAIN_S)

    async def _listen(self, bus: MessageBus) -> None:
        bus.add_message_handler(self._heard)
        for rule in (
            f"type='signal',sender='{_BUS}',member='NameOwnerChanged',arg0='{BLUEZ}'",
            f"type='signal',sender='{BLUEZ}',interface='{_OBJECTS}'",
            f"type='signal',sender='{BLUEZ}',interface='{_PROPERTIES}',arg0='{ADAPTER}'",
            f"type='signal',sender='{BLUEZ}',interface='{_PROPERTIES}',arg0='{DEVICE}'",
        ):
            await self._call("AddMatch", "s", [rule], destination=_BUS, path="/org/freedesktop/DBus", interface=_BUS)
        owned = await self._call(
            "NameHasOwner", "s", [BLUEZ], destination=_BUS, path="/org/freedesktop/DBus", interface=_BUS
        )
        if owned.body[0]:
            await self._read_objects()

    async def _read_objects(self) -> None:
        reply = await self._call("GetManagedObjects", path="/", interface=_OBJECTS)
        self._objects = {path: _plain(interfaces) for path, interfaces in reply.body[0].items()}
        self._became(there=True)

    def _became(self, *, there: bool) -> None:
        if there and not self._there:
            self.daemons += 1
        if not there:
            self._objects = {}
        self._there = there
        self._moved()

    def _heard(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        match message.member:
            case "NameOwnerChanged" if message.body[0] == BLUEZ:
                self._became(there=False)
                if message.body[2]:
                    self._reading = asyncio.create_task(self._read_again(), name="bluetooth objects")
            case "InterfacesAdded" if self._there:
                path, interfaces = message.body
                self._objects.setdefault(path, {}).update(_plain(interfaces))
                self._moved()
            case "InterfacesRemoved" if self._there:
                path, interfaces = message.body
                for interface in interfaces:
                    self._objects.get(path, {}).pop(interface, None)
                self._moved()
            case "PropertiesChanged" if self._there:
                interface, changed, _ = message.body
                known = self._objects.get(message.path or "", {}).get(interface)
                if known is not None:
                    known.update(_plain({interface: changed})[interface])
                if interface == ADAPTER:
                    self._moved()
            case _:
                pass

    async def _read_again(self) -> None:
        try:
            await self._read_objects()
        except (*BUS_ERRORS, RadioError) as error:
            # It went again at once; its next coming is told by the bus.
            _log.info("bluetoothd came and could not be asked: %s", error)

    # What helps

    async def clear_phantoms(self, service: str, but: str | None = None) -> int:
        """End and forget connections that a killed coach left behind. Gives how many."""
        left = self.connected(service, but)
        for path in left:
            with contextlib.suppress(RadioError, *BUS_ERRORS):
                await self._call("Disconnect", path=path, interface=DEVICE)
            await self.remove(path)
            _log.info("A connection that nobody holds was ended: %s", path.rpartition("/")[2])
        return len(left)

    async def remove(self, device_path: str) -> None:
        """Let BlueZ forget a device and all it has cached of it."""
        with contextlib.suppress(RadioError, *BUS_ERRORS):
            await self._call("RemoveDevice", "o", [device_path], path=device_path.rpartition("/")[0], interface=ADAPTER)

    async def power_on(self) -> bool:
        """Switch the adapter on. Gives whether it is on now."""
        await self._power(on=True)
        return self.condition == "ready"

    async def power_cycle(self) -> bool:
        """Switch the adapter off and on again. Gives whether it is on now."""
        _log.warning("The Bluetooth adapter is switched off and on again.")
        await self._power(on=False)
        return await self.power_on()

    async def _power(self, *, on: bool) -> None:
        path = self.adapter_path
        if path is None:
            return
        try:
            await self._call("Set", "ssv", [ADAPTER, "Powered", Variant("b", on)], path=path, interface=_PROPERTIES)
            async with asyncio.timeout(POWER_WITHIN_S):
                while self._there and bool(self._objects.get(path, {}).get(ADAPTER, {}).get("Powered")) is not on:
                    await self.changed(POWER_WITHIN_S)
        except (*BUS_ERRORS, RadioError) as error:
            _log.warning("The Bluetooth adapter cannot be switched %s: %s", "on" if on else "off", error)

    async def restart_daemon(self) -> bool:
        """Ask systemd for another bluetoothd, the last rung. Gives whether it let us."""
        _log.warning("Bluetooth is restarted.")
        try:
            await self._call(
                "RestartUnit",
                "ss",
                [BLUETOOTH_UNIT, "replace"],
                destination="org.freedesktop.systemd1",
                path="/org/freedesktop/systemd1",
                interface="org.freedesktop.systemd1.Manager",
            )
        except (*BUS_ERRORS, RadioError) as error:
            _log.warning("Bluetooth may not be restarted by the coach: %s", error)
            return False
        return True

    async def _call(
        self,
        member: str,
        signature: str = "",
        body: list[Any] | None = None,
        *,
        path: str,
        interface: str,
        destination: str = BLUEZ,
    ) -> Message:
        if self._bus is None:
            raise RadioError("The system's message bus is away; is dbus running?")
        message = Message(
            destination=destination,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=body or [],
            # Whoever is away is not started by being asked: that takes longer than anybody waits.
            flags=MessageFlag.NO_AUTOSTART,
        )
        async with asyncio.timeout(CALL_WITHIN_S):
            reply = await self._bus.call(message)
        if reply.message_type is MessageType.ERROR:
            said = " ".join(map(str, (reply.error_name, *reply.body)))
            raise RadioError(f"{member} on {path} was answered with {said}.")
        return reply


def adapter_order(path: str, told: Mapping[str, Any]) -> tuple[bool, bool, str]:
    """Return what adapters are sorted by: able to connect to a strap, switched on, the system's first.

    An adapter that tells no roles (BlueZ before 5.54) is taken for an able one.
    """
    roles = told.get("Roles") or ["central"]
    return "central" not in roles, not told.get("Powered"), path


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _plain(interfaces: Mapping[str, Mapping[str, Variant]]) -> dict[str, dict[str, Any]]:
    return {
        interface: {name: variant.value for name, variant in properties.items()}
        for interface, properties in interfaces.items()
    }


def forget_bluez() -> None:
    """Let bleak read everything anew: it keeps what a bluetoothd that has gone once told, connections included.

    bleak has no public way to say this. Ending its connection to the bus is what a restart of the bus would do.
    """
    loaded = sys.modules.get("bleak.backends.bluezdbus.manager")
    manager = None if loaded is None else loaded._global_instances.get(asyncio.get_running_loop())  # noqa: SLF001 - see above
    if manager is not None and manager._bus is not None:  # noqa: SLF001 - see above
        manager._bus.disconnect()  # noqa: SLF001 - see above
