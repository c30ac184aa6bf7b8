"""The screen: something is plugged in, and the display draws on it."""

from typing import ClassVar

from firmware.doctor.check import NOT_IN_USE, Codes, Outcome, Severity, found
from firmware.doctor.environment import Place


class Screen:
    """The kernel's connectors, and the display's own word."""

    name: str = "screen"
    codes: ClassVar[Codes] = {"screen_unplugged": Severity.ATTENTION, "screen_dark": Severity.ATTENTION}

    def look(self, place: Place) -> Outcome:
        """Sound, lamp or small screen are enough to train by, so that a missing screen alone stops nobody (H8)."""
        wanted, devices = place.fittings.screen, place.told.devices
        told = None if devices is None else devices.screen
        if wanted is False or told == "off" or (wanted is None and told is None):
            return NOT_IN_USE
        states = {one.parent.name: place.text(one) for one in place.those("/sys/class/drm", "card*-*/status")}
        odd = sorted({state or "nothing" for state in states.values()} - {"connected", "disconnected", "unknown"})
        plugged = ", ".join(name for name, state in states.items() if state == "connected")
        if told == "works":
            return Outcome(facts=plugged)
        if odd:
            raise ValueError(f"/sys/class/drm says {odd[0][:60]}")
        if states and not plugged:
            return Outcome((found(self, "screen_unplugged", ", ".join(states)),))
        return Outcome((found(self, "screen_dark", plugged),) if told == "missing" else (), plugged)
