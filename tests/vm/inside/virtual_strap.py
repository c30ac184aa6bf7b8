"""A Bluetooth controller for the machine's kernel, and a heart-rate strap in its reach: bumble on /dev/vhci.

`virtual_strap.py` runs until it is ended; when it is, the adapter is gone. A line in the file `--orders` names is done
and taken away: `rate 96`, `away` (out of reach: the link times out), `back`, `silent` (connected, and tells nothing),
`tells`, `outdated` and `current` (see `TrueController`). What happens is printed with the machine's monotonic clock.
"""

import argparse
import asyncio
import contextlib
import struct
import time
from pathlib import Path
from typing import Any

from bumble.controller import Controller
from bumble.core import AdvertisingData, PhysicalTransport
from bumble.device import Device
from bumble.gatt import (
    GATT_BATTERY_LEVEL_CHARACTERISTIC,
    GATT_BATTERY_SERVICE,
    GATT_HEART_RATE_MEASUREMENT_CHARACTERISTIC,
    GATT_HEART_RATE_SERVICE,
    Characteristic,
    Service,
)
from bumble.hci import (
    HCI_CONNECTION_TIMEOUT_ERROR,
    Address,
    HCI_LE_Connection_Complete_Event,
    HCI_LE_Enhanced_Connection_Complete_Event,
    HCI_Packet,
)
from bumble.host import Host
from bumble.link import LocalLink
from bumble.ll import AdvertisingPdu
from bumble.transport import open_transport

NAME = "Polar H10 8F3A2B1C"
STRAP = "F0:9E:9E:00:00:01"
ADAPTER = "00:1A:7D:00:00:01"
LOOK_EVERY_S = 0.05


class TrueLink(LocalLink):
    """A link on which each end answers from the address that the connection was made with.

    bumble 0.0.236 always names the sender's random address, while the kernel connects with its public one: what the
    strap says would belong to no connection.
    """

    def send_acl_data(
        self, sender_controller: Controller, destination_address: Address, transport: PhysicalTransport, data: bytes
    ) -> None:
        """Hand data over in the connection's own name."""
        own = sender_controller.le_connections.get(destination_address)
        there = self.find_le_controller(destination_address)
        if transport is PhysicalTransport.LE and own is not None and there is not None:
            asyncio.get_running_loop().call_soon(there.on_link_acl_data, own.self_address, transport, data)

    def send_advertising_pdu(self, sender_controller: Controller, packet: AdvertisingPdu) -> None:
        """Let nobody hear what is out of reach, nor connect from there."""
        if sender_controller in self.controllers:
            super().send_advertising_pdu(sender_controller, packet)


class TrueController(Controller):
    """A controller that tells of a new connection as those do which can do what bumble's says that it can.

    One with link-layer privacy tells it by the *enhanced* event, and Linux waits for that one. bumble 0.0.236 sends the
    outdated one: after 4 s Linux 6.1 cancels the connection that stands, and from then on it refuses to end it, while
    bluetoothd takes it for ended. With `outdated` that is what happens: a strap that a kernel holds and nobody uses.
    """

    outdated = False

    def send_hci_packet(self, packet: HCI_Packet) -> None:
        """Tell the kernel."""
        if isinstance(packet, HCI_LE_Connection_Complete_Event) and not self.outdated:
            packet = HCI_LE_Enhanced_Connection_Complete_Event(
                status=packet.status,
                connection_handle=packet.connection_handle,
                role=packet.role,
                peer_address_type=packet.peer_address_type,
                peer_address=packet.peer_address,
                local_resolvable_private_address=Address.ANY_RANDOM,
                peer_resolvable_private_address=Address.ANY_RANDOM,
                connection_interval=packet.connection_interval,
                peripheral_latency=packet.peripheral_latency,
                supervision_timeout=packet.supervision_timeout,
                central_clock_accuracy=packet.central_clock_accuracy,
            )
        super().send_hci_packet(packet)


def say(what: str) -> None:
    """Tell the test."""
    print(f"{time.monotonic():.3f} {what}", flush=True)


def _taken(orders: Path) -> list[str]:
    """The words of an order, which is then no more; none where there is none."""
    try:
        words = orders.read_text(encoding="ascii").split()
        orders.unlink()
    except FileNotFoundError:
        return []
    return words


class Strap:
    """The strap, and what keeps it in reach or takes it out of it."""

    def __init__(self, link: TrueLink, kernel: TrueController) -> None:
        """Not on the air before `back`."""
        self._link, self._kernel = link, kernel
        self._controller = Controller("strap", link=link)
        self.rate_bpm, self.tells = 84, True
        self._measurement: Any = Characteristic(
            GATT_HEART_RATE_MEASUREMENT_CHARACTERISTIC,
            Characteristic.Properties.NOTIFY,
            Characteristic.Permissions(0),
        )
        battery: Any = Characteristic(
            GATT_BATTERY_LEVEL_CHARACTERISTIC,
            Characteristic.Properties.READ,
            Characteristic.READABLE,
            bytes([80]),
        )
        self.device = Device(name=NAME, address=Address(STRAP), host=Host(self._controller, self._controller))
        self.device.add_service(Service(GATT_HEART_RATE_SERVICE, [self._measurement]))
        self.device.add_service(Service(GATT_BATTERY_SERVICE, [battery]))
        self._in_reach = True

    async def begin(self) -> None:
        """Switch the strap on."""
        await self.device.power_on()
        self.device.on("connection", self._connected)
        await self.advertise()

    def _connected(self, connection: Any) -> None:  # noqa: ANN401 - bumble's own
        say(f"connected {connection.peer_address}")
        connection.on("disconnection", lambda reason: say(f"disconnected {reason}"))

    async def advertise(self) -> None:
        """Be on the air, and again whenever a connection ends."""
        content = AdvertisingData(
            [
                (AdvertisingData.FLAGS, bytes([0x06])),
                (AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, bytes(GATT_HEART_RATE_SERVICE)),
                (AdvertisingData.COMPLETE_LOCAL_NAME, NAME.encode()),
            ]
        )
        await self.device.start_advertising(
            advertising_data=bytes(content),
            auto_restart=True,
            advertising_interval_min=200,
            advertising_interval_max=200,
        )
        say("advertises")

    async def beat(self) -> None:
        """Tell the rate with one RR interval, as often as a heart beats."""
        while True:
            if self.tells and self._in_reach:
                rr = round(60 / self.rate_bpm * 1024)
                with contextlib.suppress(Exception):
                    await self.device.notify_subscribers(
                        self._measurement, struct.pack("<BBH", 0x10, self.rate_bpm, rr)
                    )
            await asyncio.sleep(60 / self.rate_bpm)

    async def obey(self, orders: Path) -> None:
        """Do what the test writes."""
        while True:
            if words := _taken(orders):
                await self._do(words)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _do(self, words: list[str]) -> None:
        match words:
            case ["rate", number]:
                self.rate_bpm = int(number)
            case ["silent"]:
                self.tells = False
            case ["tells"]:
                self.tells = True
            case ["away"]:
                self._in_reach = False
                self._link.remove_controller(self._controller)
                for end in (self._controller, self._kernel):
                    for connection in list(end.le_connections.values()):
                        end.on_le_disconnected(connection, HCI_CONNECTION_TIMEOUT_ERROR)
            case ["back"]:
                self._link.add_controller(self._controller)
                self._in_reach = True
            case ["outdated"]:
                self._kernel.outdated = True
            case ["current"]:
                self._kernel.outdated = False
            case _:
                say(f"does not know {words}")
        say(f"did {' '.join(words)}")


async def main() -> None:
    """Serve the kernel until the process is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=Path, default=Path("/run/strap-orders"))
    orders = parser.parse_args().orders
    link = TrueLink()
    kernel = TrueController("kernel", link=link, public_address=Address(ADAPTER, Address.PUBLIC_DEVICE_ADDRESS))
    strap = Strap(link, kernel)
    await strap.begin()
    # Last: the kernel gives a new controller ten seconds to answer.
    async with await open_transport("vhci") as transport:
        transport.source.set_packet_sink(kernel)
        kernel.host = transport.sink
        say("adapter")
        await asyncio.gather(strap.beat(), strap.obey(orders))


if __name__ == "__main__":
    asyncio.run(main())
