"""How warm the processor is."""

from typing import ClassVar

from firmware.doctor.check import NOT_IN_USE, Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext

LEAST_C, MOST_C = -40.0, 150.0


class TemperatureCheck:
    """The processor's own sensor; other zones (Wi-Fi, battery) tell nothing of it."""

    name: str = "temperature"
    codes: ClassVar[Codes] = {"too_hot": Severity.ATTENTION}

    def look(self, place: CheckContext) -> Outcome:
        """Where no zone is called the processor's, the first stands for it."""
        zones = place.those("/sys/class/thermal", "thermal_zone*")
        own = [zone for zone in zones if "cpu" in (place.text(zone / "type") or "")] or list(zones[:1])
        read = [place.number(zone / "temp") for zone in own]
        warm_c = [value / 1000 for value in read if value is not None]
        if not warm_c:
            return NOT_IN_USE
        if not all(LEAST_C <= value <= MOST_C for value in warm_c):
            raise ValueError(f"no processor is {max(warm_c):g} °C warm")
        facts = f"{max(warm_c):.0f} °C"
        return Outcome(
            (make_finding(self, "too_hot", facts),) if max(warm_c) > place.limits.temperature_c else (), facts
        )
