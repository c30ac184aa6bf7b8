"""The I²C bus and the small screen on it."""

from typing import ClassVar

from firmware.doctor.check import NOT_IN_USE, Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext


class I2cCheck:
    """The bus's device, the right to use it, and whether the small screen answers there."""

    name: str = "i2c"
    codes: ClassVar[Codes] = {
        "i2c_off": Severity.ATTENTION,
        "i2c_forbidden": Severity.ATTENTION,
        "oled_silent": Severity.ATTENTION,
    }

    def look(self, place: CheckContext) -> Outcome:
        """Only the display talks on the bus, so what answers there is what the display has told."""
        wanted, devices = place.fittings.oled, place.told.devices
        told = None if devices is None else devices.oled
        if wanted is False or (wanted is None and told in (None, "off")):
            return NOT_IN_USE
        device = f"/dev/i2c-{place.fittings.i2c_bus}"
        if told == "works":
            at = () if devices is None else devices.oled_at
            others = tuple(f"{one:#x}: {at[0]:#x} is used. Choose by oled.address" for one in at[1:])
            wired = place.fittings.oled_address
            if at and at[0] != wired:
                others = (f"{wired:#x}: oled.address names it, and nothing answers there", *others)
            return Outcome(facts=" ".join((device, *(f"{one:#x}" for one in at[:1]))), passed_over=others)
        if not place.has(device):
            return Outcome((make_finding(self, "i2c_off", device),)) if wanted else NOT_IN_USE
        if devices is None and not place.may_use(device):
            return Outcome((make_finding(self, "i2c_forbidden", device),))
        return Outcome((make_finding(self, "oled_silent", device),) if told == "missing" else (), device)
