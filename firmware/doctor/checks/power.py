"""The power supply: the firmware notes when its voltage falls too low, and when it slows the processor down."""

import re
from typing import ClassVar

from firmware.doctor.check import NOT_IN_USE, Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext

NOW_LOW, NOW_SLOW, SINCE_LOW, SINCE_SLOW = 1 << 0, 1 << 1 | 1 << 2 | 1 << 3, 1 << 16, 1 << 17 | 1 << 18 | 1 << 19
"""Bits of get_throttled: under-voltage; frequency capped, throttled, soft temperature limit; the same since boot."""

_SAID = re.compile(r"throttled=0x([0-9a-fA-F]+)")


class PowerCheck:
    """`get_throttled`, from sysfs or vcgencmd, and the voltage alarm of the Pi's sensor."""

    name: str = "power"
    codes: ClassVar[Codes] = {
        "undervoltage_now": Severity.ATTENTION,
        "undervoltage_since_start": Severity.ATTENTION,
        "throttled_now": Severity.ATTENTION,
        "throttled_since_start": Severity.ATTENTION,
    }

    def look(self, place: CheckContext) -> Outcome:
        """Only a Raspberry Pi has these."""
        bits = self._bits(place)
        alarms = [place.number(one) for one in self._alarms(place)]
        if bits is None and not alarms:
            return NOT_IN_USE
        bits = (bits or 0) | (NOW_LOW if any(alarms) else 0)
        detail = f"0x{bits:x}"
        findings = []
        if bits & NOW_LOW:
            findings.append(make_finding(self, "undervoltage_now", detail))
        elif bits & SINCE_LOW:
            findings.append(make_finding(self, "undervoltage_since_start", detail))
        if bits & NOW_SLOW:
            findings.append(make_finding(self, "throttled_now", detail))
        elif bits & SINCE_SLOW and not bits & SINCE_LOW:
            findings.append(make_finding(self, "throttled_since_start", detail))
        return Outcome(tuple(findings), detail)

    def _bits(self, place: CheckContext) -> int | None:
        for counted in place.those("/sys/devices/platform", "soc*/soc*:firmware/get_throttled"):
            bits = place.number(counted, 16)
            if bits is not None:
                return bits
        ran = None if place.run is None else place.run(("vcgencmd", "get_throttled"))
        if ran is None or ran.status:
            # Not installed, or no Raspberry Pi, or shut in where its device may not be used.
            return None
        match = _SAID.search(ran.output)
        if match is None:
            raise ValueError(f"vcgencmd said: {ran.output[:80]}")
        return int(match[1], 16)

    def _alarms(self, place: CheckContext) -> list[str]:
        named = place.those("/sys/class/hwmon", "hwmon*/name")
        sensors = [one.parent for one in named if place.text(one) == "rpi_volt"]
        return [f"/sys/class/hwmon/{one.name}/in0_lcrit_alarm" for one in sensors if (one / "in0_lcrit_alarm").exists()]
