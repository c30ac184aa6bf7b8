"""The screen: something is plugged in, and the display draws on it."""

from typing import ClassVar

from display.connectors import connectors_in, used_connector
from firmware.doctor.check import NOT_IN_USE, Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext


class ScreenCheck:
    """The kernel's connectors, and the display's own word."""

    name: str = "screen"
    codes: ClassVar[Codes] = {"screen_unplugged": Severity.ATTENTION, "screen_dark": Severity.ATTENTION}

    def look(self, place: CheckContext) -> Outcome:
        """Sound, lamp or small screen are enough to train by, so that a missing screen alone stops nobody (H8)."""
        wanted, devices = place.fittings.screen, place.told.devices
        told = None if devices is None else devices.screen
        if wanted is False or told == "off" or (wanted is None and told is None):
            return NOT_IN_USE
        connectors = connectors_in(place.at("/sys/class/drm"))
        fittings = place.fittings
        used = used_connector(connectors, fittings.connector, fittings.display)
        plugged = "" if used is None else used.name
        others = tuple(
            f"{one.name}: the picture is on {plugged}. Choose by screen.connector"
            for one in connectors
            if one.connected and one is not used
        )
        if fittings.connector and used is not None and used.name != fittings.connector:
            others = (f"{fittings.connector}: screen.connector names it, and no display is plugged in there", *others)
        if told == "works":
            return Outcome(facts=plugged, passed_over=others)
        odd = sorted({one.status for one in connectors} - {"connected", "disconnected", "unknown"})
        if odd:
            raise ValueError(f"/sys/class/drm says {odd[0][:60]}")
        if connectors and used is None:
            names = ", ".join(f"{one.card}-{one.name}" for one in connectors)
            return Outcome((make_finding(self, "screen_unplugged", names),))
        findings = (make_finding(self, "screen_dark", plugged),) if told == "missing" else ()
        return Outcome(findings, plugged, passed_over=others)
