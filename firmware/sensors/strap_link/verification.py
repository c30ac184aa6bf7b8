"""Whether a connected strap is the one that was bound: by its device serial, its name and its address (hazard H4)."""

import contextlib
import logging
from collections.abc import Callable

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice

from firmware.sensors.scanner import LINK_ERRORS
from firmware.sensors.strap import SelectedStrap
from firmware.sensors.strap_identity import identity, is_bound, shown_name

_log = logging.getLogger(__name__)

BATTERY_SERVICE, BATTERY_LEVEL = "0000180f-0000-1000-8000-00805f9b34fb", "00002a19-0000-1000-8000-00805f9b34fb"
DEVICE_SERVICE, SERIAL_NUMBER = "0000180a-0000-1000-8000-00805f9b34fb", "00002a25-0000-1000-8000-00805f9b34fb"


class WrongStrapError(Exception):
    """What answered is not what was bound."""


def is_bound_device(device: BLEDevice, bond: SelectedStrap) -> bool:
    """Return whether what advertises is the bound strap, by name and address alone."""
    return is_bound(bond, identity(device.name, device.address), device.address)


async def verify(client: BleakClient, bond: SelectedStrap) -> SelectedStrap:
    """Compare the strap's serial with the one that it had; return the bond with what is new of the strap.

    Raises WrongStrapError for another serial; one of LINK_ERRORS where a serial that is known was not told.
    """
    device_serial = bond.device_serial
    told = await _read_serial(client, known=device_serial is not None)
    if device_serial is not None and told != device_serial:
        _log.warning("The strap at %s carries the serial %s, not %s.", client.address, told, device_serial)
        raise WrongStrapError
    seen = identity(client.name, client.address)
    if told is None and not is_bound(bond, seen, client.address):
        raise WrongStrapError
    # bleak calls a strap without a name by its address.
    name = seen.name if seen.serial is not None else bond.name
    address = None if bond.key == f"address:{client.address.upper()}" else client.address.upper()
    return SelectedStrap(bond.key, name, told, address)


async def _read_serial(client: BleakClient, *, known: bool) -> str | None:
    """Read the serial of its device information; None where it has none to tell."""
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


async def follow_battery(client: BleakClient, take: Callable[[int], None]) -> None:
    """Hand on the battery's charge in percent, now and as it changes; a strap without one is no fault."""

    def told(_: BleakGATTCharacteristic, payload: bytearray) -> None:
        if payload:
            take(payload[0])

    with contextlib.suppress(*LINK_ERRORS):
        characteristic = client.services.get_characteristic(BATTERY_LEVEL)
        if characteristic is None:
            return
        told(characteristic, await client.read_gatt_char(characteristic))
        if "notify" in characteristic.properties:
            await client.start_notify(characteristic, told, bluez={"use_start_notify": True})
