"""A bluetoothd without a radio: org.bluez on a private bus, at the level of messages, so that bleak's own code runs.

It has one adapter and whatever peripherals a test puts on the air. A peripheral may go out of reach, fall silent while
connected, refuse a connection, be held by a telephone, or come back with another address; the adapter may be switched
off, blocked, or pulled out; bluetoothd itself may be killed, which emits nothing but the loss of its name. Nothing here
waits longer than it is told to.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from firmware.sensors.ble_strap import MEASUREMENT
from firmware.sensors.gatt_heart_rate import HeartRateMeasurement, packed
from firmware.sensors.scanner import FITNESS_MACHINE_SERVICE, HEART_RATE_SERVICE
from firmware.sensors.strap_link.verification import BATTERY_LEVEL, BATTERY_SERVICE, DEVICE_SERVICE, SERIAL_NUMBER

ADAPTER_PATH = "/org/bluez/hci0"
_TYPES = {str: "s", bool: "b", bytes: "ay", int: "n"}
_PROPERTIES, _OBJECTS = "org.freedesktop.DBus.Properties", "org.freedesktop.DBus.ObjectManager"
_DEVICE, _ADAPTER = "org.bluez.Device1", "org.bluez.Adapter1"
_SERVICE, _CHARACTERISTIC = "org.bluez.GattService1", "org.bluez.GattCharacteristic1"

Objects = dict[str, dict[str, dict[str, Variant]]]


@dataclass
class Peripheral:
    """Something on the air. `services`: service → characteristic → (flags, value).

    `kernel_keeps`: a connection that bluetoothd ends stands on in the kernel until the adapter is switched off, as
    Linux 6.1 keeps one that it had cancelled: nobody sees it, and the strap on it does not advertise.
    """

    address: str
    name: str | None
    services: dict[str, dict[str, tuple[tuple[str, ...], bytes]]]
    rssi: int = -55
    manufacturer: dict[int, bytes] = field(default_factory=dict)
    advertises: bool = True
    refuses: str | None = None
    refuses_notify: str | None = None
    connect_s: float = 0.0
    kernel_keeps: bool = False
    connections: int = 0
    removals: int = 0
    notifying: set[str] = field(default_factory=set)
    connected: bool = False
    known: bool = False
    reads: dict[str, int] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where BlueZ puts it."""
        return f"{ADAPTER_PATH}/dev_{self.address.replace(':', '_')}"

    def handles(self) -> Iterator[tuple[str, str, str, str, tuple[str, ...], bytes]]:
        """Each characteristic: service's path and UUID, its own path and UUID, its flags and value."""
        handle = 10
        for service, characteristics in self.services.items():
            service_path = f"{self.path}/service{handle:04x}"
            for characteristic, (flags, value) in characteristics.items():
                handle += 1
                yield service_path, service, f"{service_path}/char{handle:04x}", characteristic, flags, value
            handle += 10


def strap(
    name: str | None = "Polar H10 8F3A2B1C",
    address: str = "A0:9E:1A:00:00:01",
    *,
    rssi: int = -55,
    battery: int | None = 90,
    serial: str | None = None,
    manufacturer: dict[int, bytes] | None = None,
) -> Peripheral:
    """A heart-rate strap."""
    services: dict[str, dict[str, tuple[tuple[str, ...], bytes]]] = {
        HEART_RATE_SERVICE: {MEASUREMENT: (("notify",), b"")}
    }
    if battery is not None:
        services[BATTERY_SERVICE] = {BATTERY_LEVEL: (("read", "notify"), bytes((battery,)))}
    if serial is not None:
        services[DEVICE_SERVICE] = {SERIAL_NUMBER: (("read",), serial.encode())}
    return Peripheral(address, name, services, rssi, manufacturer or {})


def treadmill(name: str = "Woodway 4Front", address: str = "C0:11:22:00:00:09") -> Peripheral:
    """A treadmill that speaks FTMS, with the control point that nobody must write to."""
    data, control = (f"0000{short}-0000-1000-8000-00805f9b34fb" for short in ("2acd", "2ad9"))
    return Peripheral(address, name, {FITNESS_MACHINE_SERVICE: {data: (("notify",), b""), control: (("write",), b"")}})


class FakeBlueZ:
    """One bluetoothd. Use it as an asynchronous context on the loop of the test."""

    def __init__(self, *peripherals: Peripheral, powered: bool = True) -> None:
        """`peripherals` are on the air."""
        self.peripherals = {one.path: one for one in peripherals}
        self.has_adapter = True
        self.powered = powered
        self.power_state = "on" if powered else "off"
        self.power_refused = False
        self.refuses_scan: str | None = None
        self.discovering: dict[str, bool] = {}
        self.starts = 0
        self.writes: list[str] = []
        self.power_changes: list[bool] = []
        self.unit_restarts: list[str] = []
        self.scanned_while_connected = False
        self.on_restart: asyncio.Event | None = None
        self._bus: MessageBus | None = None
        self._advertising: asyncio.Task[None] | None = None
        self._connecting: dict[str, asyncio.Task[None]] = {}
        self.advertise_every_s = 0.02
        self._systemd: MessageBus | None = None

    async def __aenter__(self) -> Self:
        """Begin to be bluetoothd."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave the bus."""
        await self.kill()
        if self._systemd is not None:
            await _leave(self._systemd)

    # bluetoothd's own life

    async def start(self) -> None:
        """Start bluetoothd: nothing is connected, nothing is discovered."""
        for one in self.peripherals.values():
            one.connected = one.known = False
            one.notifying.clear()
        self.discovering = {}
        bus = MessageBus(bus_type=BusType.SYSTEM)
        await bus.connect()
        bus.add_message_handler(self._asked)
        self._bus = bus
        await self._follow_callers(bus)
        await bus.request_name("org.bluez")
        self._advertising = asyncio.create_task(self._advertise(), name="advertisements")

    async def kill(self) -> None:
        """End bluetoothd as kill -9 does: no farewell."""
        tasks = [task for task in (self._advertising, *self._connecting.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._advertising, self._connecting = None, {}
        bus, self._bus = self._bus, None
        if bus is not None:
            await _leave(bus)

    async def serve_systemd(self) -> None:
        """Be the systemd that may be asked to restart bluetooth.service."""
        bus = MessageBus(bus_type=BusType.SYSTEM)
        await bus.connect()

        def asked(message: Message) -> Message | bool:
            if message.message_type is not MessageType.METHOD_CALL or message.member != "RestartUnit":
                return False
            self.unit_restarts.append(message.body[0])
            return Message.new_method_return(message, "o", ["/org/freedesktop/systemd1/job/1"])

        bus.add_message_handler(asked)
        await bus.request_name("org.freedesktop.systemd1")
        self._systemd = bus

    async def _follow_callers(self, bus: MessageBus) -> None:
        """A program that leaves the bus takes its discovery with it, as bluetoothd sees to."""
        await bus.call(
            Message(
                destination="org.freedesktop.DBus",
                path="/org/freedesktop/DBus",
                interface="org.freedesktop.DBus",
                member="AddMatch",
                signature="s",
                body=["type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'"],
            )
        )

    # What a test does to the radio

    def put(self, one: Peripheral) -> Peripheral:
        """Bring another peripheral within reach."""
        self.peripherals[one.path] = one
        return one

    def take_away(self, one: Peripheral) -> None:
        """Out of reach: a connection breaks, and nothing is heard any more."""
        one.advertises = False
        self._disconnected(one)

    def bring_back(self, one: Peripheral) -> None:
        """Within reach again."""
        one.advertises = True

    def hang_up(self, one: Peripheral) -> None:
        """The connection breaks; the strap goes on advertising."""
        self._disconnected(one)

    def tell_name(self, one: Peripheral) -> None:
        """BlueZ has learned the name, which came in another advertisement than the service."""
        name = Variant("s", one.name or "")
        self._device_changed(one, {"Name": name, "Alias": name})

    def remove_adapter(self) -> None:
        """Pull the adapter out, with all that hung on it."""
        for one in self.peripherals.values():
            if one.known:
                self._forget(one, tell_connection=False)
        self.has_adapter = False
        self.discovering = {}
        self._signal("/", _OBJECTS, "InterfacesRemoved", "oas", [ADAPTER_PATH, [_ADAPTER]])

    def insert_adapter(self) -> None:
        """Put an adapter in."""
        self.has_adapter = True
        self._signal("/", _OBJECTS, "InterfacesAdded", "oa{sa{sv}}", [ADAPTER_PATH, {_ADAPTER: self._adapter()}])

    def switch(self, *, on: bool, state: str | None = None) -> None:
        """Switch the adapter, or block it with the state `off-blocked`."""
        self.powered = on
        self.power_state = state or ("on" if on else "off")
        if not on:
            self.discovering = {}
            for one in self.peripherals.values():
                self._disconnected(one)
                one.advertises |= one.kernel_keeps
        changed = {"Powered": Variant("b", on), "PowerState": Variant("s", self.power_state)}
        self._signal(ADAPTER_PATH, _PROPERTIES, "PropertiesChanged", "sa{sv}as", [_ADAPTER, changed, []])

    def notify(self, one: Peripheral, characteristic: str, value: bytes) -> bool:
        """Send a notification, if somebody listens for it."""
        for _, _, path, uuid, _, _ in one.handles():
            if uuid == characteristic and path in one.notifying:
                changed = {"Value": Variant("ay", value)}
                self._signal(path, _PROPERTIES, "PropertiesChanged", "sa{sv}as", [_CHARACTERISTIC, changed, []])
                return True
        return False

    def beat(self, one: Peripheral, bpm: int = 80, rr_ticks: tuple[int, ...] = (768,)) -> bool:
        """Send one heart-rate measurement, if somebody listens for it."""
        return self.notify(one, MEASUREMENT, packed(HeartRateMeasurement(bpm, None, None, rr_ticks)))

    def hold_phantom(self, one: Peripheral) -> None:
        """Be connected as a killed program left it."""
        self._discovered(one)
        self._connected(one)

    @property
    def scanning(self) -> bool:
        """Whether anybody scans."""
        return bool(self.discovering)

    # The radio's own life

    async def _advertise(self) -> None:
        while True:
            if self.scanning and self.powered and self.has_adapter:
                for one in tuple(self.peripherals.values()):
                    self.scanned_while_connected |= one.connected and bool(one.notifying)
                    if one.advertises and not one.connected:
                        self._discovered(one)
            await asyncio.sleep(self.advertise_every_s)

    def _discovered(self, one: Peripheral) -> None:
        if not one.known:
            one.known = True
            properties = {**self._device(one), "RSSI": Variant("n", one.rssi)}
            self._signal("/", _OBJECTS, "InterfacesAdded", "oa{sa{sv}}", [one.path, {_DEVICE: properties}])
            return
        self._device_changed(one, {"RSSI": Variant("n", one.rssi)})

    def _connected(self, one: Peripheral) -> None:
        one.connected = True
        one.connections += 1
        for path, interfaces in self._gatt(one).items():
            self._signal("/", _OBJECTS, "InterfacesAdded", "oa{sa{sv}}", [path, interfaces])
        self._device_changed(one, {"Connected": Variant("b", True)})  # noqa: FBT003 - a variant's value
        self._device_changed(one, {"ServicesResolved": Variant("b", True)})  # noqa: FBT003 - as above

    def _disconnected(self, one: Peripheral) -> None:
        if not one.connected:
            return
        one.connected = False
        one.notifying.clear()
        self._device_changed(one, {"ServicesResolved": Variant("b", False)})  # noqa: FBT003 - as above
        self._device_changed(one, {"Connected": Variant("b", False)})  # noqa: FBT003 - as above
        for path, interfaces in self._gatt(one).items():
            self._signal("/", _OBJECTS, "InterfacesRemoved", "oas", [path, list(interfaces)])

    def _forget(self, one: Peripheral, *, tell_connection: bool = True) -> None:
        if tell_connection:
            self._disconnected(one)
        else:
            for path, interfaces in self._gatt(one).items():
                self._signal("/", _OBJECTS, "InterfacesRemoved", "oas", [path, list(interfaces)])
        one.known = one.connected = False
        one.notifying.clear()
        self._signal("/", _OBJECTS, "InterfacesRemoved", "oas", [one.path, [_DEVICE]])

    # What it looks like on the bus

    def _adapter(self) -> dict[str, Variant]:
        return {
            "Address": Variant("s", "B8:27:EB:00:00:01"),
            "Powered": Variant("b", self.powered),
            "PowerState": Variant("s", self.power_state),
            "Roles": Variant("as", ["central", "peripheral"]),
            "Discovering": Variant("b", self.scanning),
        }

    def _device(self, one: Peripheral) -> dict[str, Variant]:
        alias = one.name or one.address.replace(":", "-")
        properties = {
            "Address": Variant("s", one.address),
            "AddressType": Variant("s", "random"),
            "Alias": Variant("s", alias),
            "Adapter": Variant("o", ADAPTER_PATH),
            "Paired": Variant("b", False),  # noqa: FBT003 - a variant's value
            "Connected": Variant("b", one.connected),
            "ServicesResolved": Variant("b", one.connected),
            "UUIDs": Variant("as", list(one.services)),
        }
        if one.name is not None:
            properties["Name"] = Variant("s", one.name)
        if one.manufacturer:
            told = {company: Variant("ay", value) for company, value in one.manufacturer.items()}
            properties["ManufacturerData"] = Variant("a{qv}", told)
        return properties

    def _gatt(self, one: Peripheral) -> Objects:
        found: Objects = {}
        for service_path, service, path, uuid, flags, _ in one.handles():
            found[service_path] = {
                _SERVICE: {
                    "UUID": Variant("s", service),
                    "Device": Variant("o", one.path),
                    "Primary": Variant("b", True),  # noqa: FBT003 - a variant's value
                }
            }
            found[path] = {
                _CHARACTERISTIC: {
                    "UUID": Variant("s", uuid),
                    "Service": Variant("o", service_path),
                    "Flags": Variant("as", list(flags)),
                    "NotifyAcquired": Variant("b", False),  # noqa: FBT003 - as above
                }
            }
        return found

    def _objects(self) -> Objects:
        found: Objects = {"/org/bluez": {"org.bluez.AgentManager1": {}}}
        if self.has_adapter:
            found[ADAPTER_PATH] = {_ADAPTER: self._adapter()}
            for one in self.peripherals.values():
                if one.known:
                    found[one.path] = {_DEVICE: self._device(one)}
                    if one.connected:
                        found |= self._gatt(one)
        return found

    def _device_changed(self, one: Peripheral, changed: dict[str, Variant]) -> None:
        self._signal(one.path, _PROPERTIES, "PropertiesChanged", "sa{sv}as", [_DEVICE, changed, []])

    def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        if self._bus is not None and self._bus.connected:
            self._bus.send(Message.new_signal(path, interface, member, signature, body))

    # What it is asked

    def _asked(self, message: Message) -> Message | bool | None:
        if message.message_type is MessageType.SIGNAL:
            if message.member == "NameOwnerChanged" and not message.body[2]:
                self.discovering.pop(message.body[0], None)
            return None
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        one = next((each for path, each in self.peripherals.items() if (message.path or "").startswith(path)), None)
        match message.interface, message.member:
            case "org.freedesktop.DBus.ObjectManager", "GetManagedObjects":
                return Message.new_method_return(message, "a{oa{sa{sv}}}", [self._objects()])
            case "org.bluez.Adapter1", _:
                return self._asked_adapter(message)
            case "org.freedesktop.DBus.Properties", "Set" if message.body[1] == "Powered":
                return self._asked_power(message)
            case "org.bluez.Device1", member if one is not None and one.known:
                return self._asked_device(message, one, member or "")
            case "org.bluez.GattCharacteristic1", member if one is not None and one.connected:
                return self._asked_characteristic(message, one, member or "")
            case _:
                return Message.new_error(message, "org.freedesktop.DBus.Error.UnknownObject", "there is no such object")

    def _asked_adapter(self, message: Message) -> Message:
        if not self.has_adapter:
            return Message.new_error(message, "org.freedesktop.DBus.Error.UnknownObject", "there is no such object")
        sender = message.sender or ""
        match message.member:
            case "StartDiscovery" if self.refuses_scan is not None:
                return Message.new_error(message, *_named(self.refuses_scan))
            case "StartDiscovery" if not self.powered:
                return Message.new_error(message, "org.bluez.Error.NotReady", "Resource Not Ready")
            case "StartDiscovery" if sender in self.discovering:
                return Message.new_error(message, "org.bluez.Error.InProgress", "Operation already in progress")
            case "StartDiscovery":
                self.discovering[sender] = True
                self.starts += 1
            case "StopDiscovery" if sender not in self.discovering:
                return Message.new_error(message, "org.bluez.Error.Failed", "No discovery started")
            case "StopDiscovery":
                del self.discovering[sender]
            case "RemoveDevice":
                gone = self.peripherals.get(message.body[0])
                if gone is None or not gone.known:
                    return Message.new_error(message, "org.bluez.Error.DoesNotExist", "Does Not Exist")
                gone.removals += 1
                self._forget(gone)
            case _:
                pass
        return Message.new_method_return(message)

    def _asked_power(self, message: Message) -> Message:
        on = bool(message.body[2].value)
        self.power_changes.append(on)
        if self.power_refused or (on and self.power_state == "off-blocked"):
            return Message.new_error(message, "org.bluez.Error.Failed", "Blocked through rfkill")
        if on is not self.powered:
            self.switch(on=on)
        return Message.new_method_return(message)

    def _asked_device(self, message: Message, one: Peripheral, member: str) -> Message | bool:
        if member == "Connect":
            self._connecting[one.path] = asyncio.create_task(self._connect(message, one), name="connect")
            return True
        if member == "Disconnect":
            connecting = self._connecting.pop(one.path, None)
            if connecting is not None:
                connecting.cancel()
            if one.connected and one.kernel_keeps:
                one.advertises = False
            self._disconnected(one)
        return Message.new_method_return(message)

    async def _connect(self, message: Message, one: Peripheral) -> None:
        await asyncio.sleep(one.connect_s)
        if not one.advertises:
            # Out of reach: bluetoothd waits for it, and gives up after its own time.
            await asyncio.sleep(25)
        if one.refuses is not None or not one.advertises:
            said = one.refuses or "le-connection-abort-by-local"
            answer = Message.new_error(message, *_named(said))
        else:
            self._connected(one)
            answer = Message.new_method_return(message)
        if self._bus is not None:
            self._bus.send(answer)

    def _asked_characteristic(self, message: Message, one: Peripheral, member: str) -> Message:
        path = message.path or ""
        value = next(value for _, _, at, _, _, value in one.handles() if at == path)
        match member:
            case "ReadValue":
                return Message.new_method_return(message, "ay", [value])
            case "StartNotify" if one.refuses_notify is not None:
                return Message.new_error(message, *_named(one.refuses_notify))
            case "StartNotify":
                one.notifying.add(path)
            case "StopNotify":
                one.notifying.discard(path)
            case _:
                # Whoever writes is found out.
                self.writes.append(path)
        return Message.new_method_return(message)


def _named(said: str) -> tuple[str, str]:
    """The name and the text of an error: «org.bluez.Error.InProgress …», or BlueZ's plain «Failed» with a text."""
    name, _, text = said.partition(" ")
    return (name, text) if name.startswith("org.") else ("org.bluez.Error.Failed", said)


async def _leave(bus: MessageBus) -> None:
    bus.disconnect()
    await bus.wait_for_disconnect()
