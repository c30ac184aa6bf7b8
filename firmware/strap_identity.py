"""Which strap is which: by the serial that is printed on it, as its maker puts it into the name it sends (hazard H4).

An address is no identity: Polar's has changed with battery swaps. So a strap is known by `key`: the serial where the
maker's names are known to carry one, else the address, and then with the serial of its device information once
connected. A serial of few signs (Wahoo's has four) may be another maker's too, so its key is the whole name. Polar
straps also tell their rate and skin contact while nobody is connected, so that a worn one is known from one in a bag.
"""

import re
from collections.abc import Mapping

from msgspec import Struct

_SERIAL_IN_NAME = (
    # «Polar H10 8F3A2B1C»: the device id on its back.
    re.compile(r"^Polar .+ (?P<serial>[0-9A-Z]{8})$"),
    # «HRM-Pro:123456», «HRMPro+:123456»: Garmin's ANT number.
    re.compile(r"^HRM[^:]*:(?P<serial>\d{4,})$"),
    # «TICKR 3C4D», «TICKR FIT A1B2»: Wahoo's, on the pod.
    re.compile(r"^(?:Wahoo )?TICKR(?: [A-Z]+)?[ -](?P<serial>[0-9A-F]{4})$"),
    # «Suunto Smart Sensor 1234567890» and «Movesense 174630000123».
    re.compile(r"^(?:Suunto|Movesense)\b.* (?P<serial>\d{8,})$"),
    # «808S 0123456», «H6M 23456», «H9Z 12345»: CooSpo's.
    re.compile(r"^(?:808S|H6M?|H9Z?|HW9|HW807) (?P<serial>\d{5,})$"),
    # «H303-12345», «H64-12345»: Magene's.
    re.compile(r"^H(?:303|603|64) ?- ?(?P<serial>\d{4,})$"),
)
UNIQUE_SIGNS = 8
"""A serial as long as this is nobody else's, whatever the name before it."""

POLAR = 0x006B
"""Bluetooth company identifier of Polar Electro."""


class Identity(Struct, frozen=True):
    """`key` tells this strap from all others. `serial` is printed on it; None where its name has none."""

    key: str
    name: str
    serial: str | None = None

    @property
    def printed(self) -> str:
        """What the person looks for on the strap, else the end of its address."""
        return self.serial if self.serial is not None else self.key[-5:]


def identity(name: str | None, address: str) -> Identity:
    """Whose advertisement this is."""
    shown = " ".join((name or "").split())
    serial = serial_in(shown)
    if serial is None:
        return Identity(f"address:{address.upper()}", shown)
    return Identity(f"serial:{serial if len(serial) >= UNIQUE_SIGNS else shown}", shown, serial)


def serial_in(name: str) -> str | None:
    """The printed serial that a name carries, where its maker is known to put it there."""
    for pattern in _SERIAL_IN_NAME:
        if found := pattern.match(name):
            return found["serial"]
    return None


def advertised_bpm(manufacturer: Mapping[int, bytes]) -> float | None:
    """The rate that a strap tells to everyone: Polar's alone; 0 where it is not worn, None where it tells nothing.

    One flag byte (bit 1 contact, bit 6 another kind of content), one of the coder's, the fast average and, in newer
    straps, the slow one. Source: Polar's published SDK.
    """
    told = manufacturer.get(POLAR)
    if told is None or len(told) not in (3, 4) or told[0] & 0x40:
        return None
    return float(told[-1])
