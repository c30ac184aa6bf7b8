"""The Bluetooth adapter: there, not blocked by switch or software, and switched on."""

from typing import ClassVar

from firmware.doctor.check import NOT_IN_USE, Codes, Outcome, Severity, found
from firmware.doctor.environment import Place


class Adapter:
    """Reads rfkill and sysfs; whether it is switched on only BlueZ knows, who is asked over D-Bus."""

    name: str = "adapter"
    codes: ClassVar[Codes] = {
        "adapter_missing": Severity.ATTENTION,
        "adapter_blocked": Severity.ATTENTION,
        "adapter_blocked_hard": Severity.ATTENTION,
        "adapter_off": Severity.ATTENTION,
    }

    def look(self, place: Place) -> Outcome:
        """Without an adapter nobody's rate is heard; whose plan allows it trains by exertion."""
        if not place.fittings.bluetooth:
            return NOT_IN_USE
        switches = [
            one for one in place.those("/sys/class/rfkill", "rfkill*") if place.text(one / "type") == "bluetooth"
        ]
        if any(place.number(one / "hard") for one in switches):
            return Outcome((found(self, "adapter_blocked_hard"),))
        if any(place.number(one / "soft") for one in switches):
            return Outcome((found(self, "adapter_blocked", "rfkill: soft"),))
        adapters = [one.name for one in place.those("/sys/class/bluetooth", "hci*") if ":" not in one.name]
        if not adapters:
            return Outcome((found(self, "adapter_missing"),))
        names = ", ".join(adapters)
        powered = [self._powered(place, one) for one in adapters]
        if False in powered and True not in powered:
            return Outcome((found(self, "adapter_off", names),), names)
        return Outcome(facts=names)

    def _powered(self, place: Place, adapter: str) -> bool | None:
        path = f"/org/bluez/{adapter}"
        asked = ("busctl", "get-property", "org.bluez", path, "org.bluez.Adapter1", "Powered")
        ran = None if place.run is None else place.run(asked)
        if ran is None:
            return None
        if ran.status:
            # BlueZ does not run, or does not know the adapter: nobody would hear a strap.
            return False
        match ran.output.split():
            case ["b", "true" | "false" as state]:
                return state == "true"
            case _:
                raise ValueError(f"BlueZ said: {ran.output[:80]}")
