"""Which strap is which: by the serial that is printed on it, as its maker puts it into the name it sends (hazard H4).

An address is no identity: Polar's has changed with battery swaps. So a strap is known by `key`: the serial where the
maker's names are known to carry one, else the address, and then with the serial of its device information once
connected. A serial of few signs (Wahoo's has four) may be another maker's too, so its key is the whole name. Polar
straps also tell their rate and skin contact while nobody is connected, so that a worn one is known from one in a bag.
"""

import re
from collections.abc import Mapping
from itertools import pairwise

from msgspec import Struct

from firmware.sensors.strap import SelectedStrap

_SERIAL_IN_NAME = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # «Polar H10 8F3A2B1C»: the device id on its back, which always has a digit.
        r"^Polar .+ (?P<serial>(?=[0-9A-Z]*\d)[0-9A-Z]{8})$",
        # «HRM-Pro:123456», «HRMPro+:123456», «HRM600:182158»: Garmin's ANT number.
        r"^HRM[^:]*:(?P<serial>\d{4,})$",
        # «TICKR 3C4D», «TICKR FIT A1B2», «TRACKR HEART RATE 1A2B»: Wahoo's, on the pod.
        r"^(?:Wahoo )?(?:TICKR|TRACKR)(?: [A-Z]+)*[ -](?P<serial>(?=[A-F]*\d)[0-9A-F]{4}|[A-F]{4})$",
        # «Suunto Smart Sensor 1234567890» and «Movesense 174630000123».
        r"^(?:Suunto|Movesense)\b.* (?P<serial>\d{8,})$",
        # «808S 0123456», «H6M 23456», «HW9 48857», «HW706-0048903»: CooSpo's.
        r"^(?:CooSpo[ _-])?(?:H?808S?|H[67]M?|H9Z?|HW\d{1,3}[A-Z]?)[ _-](?P<serial>\d{5,})$",
        # CL831-0318513, CL880-0208027: Chileaf's, sold under many names.
        r"^(?:Chileaf[ _-])?CL8\d{2}[A-Z]?[ _-](?P<serial>\d{6,})$",
        # «H303-12345», «H64-12345», «H003-0012345»: Magene's, and those made by it for others.
        r"^(?:Magene[ _-])?H(?:003|303|603|613|64)S? ?[_-] ?(?P<serial>\d{4,})$",
        # «XOSS_HRM_0376102»: XOSS's.
        r"^XOSS[ _-](?:HRM|X\d)[ _-](?P<serial>\d{5,})$",
        # «HR40-40176044»: iGPSPORT's.
        r"^(?:iGPSPORT[ _-])?HR\d{2}[ _-](?P<serial>\d{5,})$",
        # «H1_51861»: CYCPLUS's.
        r"^(?:CYCPLUS[ _-])?H[12](?:[ _-]?PRO)?[ _-](?P<serial>\d{5,})$",
    )
)
OWN_SIGNS, OWN_DIFFERENT = 6, 3
"""A serial of fewer signs, or of fewer different ones, is a sample that a whole series shares."""
UNIQUE_SIGNS = 8
"""A serial as long as this is nobody else's, whatever the name before it."""

POLAR = 0x006B
"""Bluetooth company identifier of Polar Electro."""


class StrapIdentity(Struct, frozen=True):
    """`key` tells this strap from all others. `serial` is printed on it; None where its name has none."""

    key: str
    name: str
    serial: str | None = None

    @property
    def printed(self) -> str:
        """What the person looks for on the strap, else the end of its address, which stands nowhere on it."""
        return self.serial if self.serial is not None else self.key[-5:]


def identity(name: str | None, address: str) -> StrapIdentity:
    """Whose advertisement this is."""
    shown = shown_name(name)
    serial = serial_in(shown)
    if serial is None:
        return StrapIdentity(f"address:{address.upper()}", shown)
    return StrapIdentity(f"serial:{serial if len(serial) >= UNIQUE_SIGNS else shown}", shown, serial)


def shown_name(name: str | None) -> str:
    """Return a name without padding: no NUL or other control characters, and single spaces."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in name or "").split())


def serial_in(name: str) -> str | None:
    """Return the printed serial that a name carries, where its maker is known to put it there."""
    for pattern in _SERIAL_IN_NAME:
        if found := pattern.match(name):
            return found["serial"].upper()
    return None


def keys_of(bond: SelectedStrap) -> frozenset[str]:
    """Every key under which a bound strap may be seen, as lower case.

    One that was chosen while it had no name is known by its address then, and by its serial later.
    """
    keys = {bond.key}
    if serial_in(shown_name(bond.name)) is not None:
        keys.add(identity(bond.name, "").key)
    if bond.address is not None:
        keys.add(f"address:{bond.address.upper()}")
    return frozenset(key.casefold() for key in keys)


def is_bound(bond: SelectedStrap, seen: StrapIdentity, address: str) -> bool:
    """Return whether this advertisement is the bound strap's.

    A serial in the name decides wherever both sides have one. Else the address does; the serial of the device
    information is compared once it is connected.
    """
    keys = keys_of(bond)
    if seen.key.casefold() in keys:
        return True
    if seen.serial is not None and any(key.startswith("serial:") for key in keys):
        return False
    return f"address:{address}".casefold() in keys


def may_have_moved(bond: SelectedStrap, seen: StrapIdentity, address_type: str | None) -> bool:
    """Return whether this may be the bound strap under another address: to be connected and asked for its serial.

    Only a strap whose serial is its own, under the very same name and an address that is not fixed.
    """
    own = bond.device_serial is not None and is_own_serial(bond.device_serial)
    named = bool(seen.name) and seen.name.casefold() == shown_name(bond.name).casefold()
    return own and named and seen.serial is None and address_type == "random"


def is_own_serial(serial: str) -> bool:
    """Return whether a serial of the device information can be one strap's own: makers leave samples and noughts."""
    signs = [sign for sign in serial.upper() if sign.isalnum()]
    digits = [sign for sign in signs if sign.isdigit()]
    if len(signs) < OWN_SIGNS or len(set(signs)) < OWN_DIFFERENT:
        return False
    steps = {(ord(b) - ord(a)) % 10 for a, b in pairwise(digits)} if len(digits) == len(signs) else set()
    return steps not in ({1}, {9})


def advertised_bpm(manufacturer: Mapping[int, bytes]) -> float | None:
    """Return the rate that a strap (Polar's) tells to everyone; 0 where it is not worn, None where it tells nothing.

    One flag byte (bit 1 contact, bit 6 another kind of content), one of the coder's, the fast average and, in newer
    straps, the slow one. Source: Polar's published SDK.
    """
    told = manufacturer.get(POLAR)
    if told is None or len(told) not in (3, 4) or told[0] & 0x40:
        return None
    return float(told[-1])
