"""The numeric keypad: which devices are one, which may be one, and whether they may be used."""

from typing import ClassVar

from firmware.doctor.check import NOT_IN_USE, Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext
from firmware.panel.keyboards import LISTING, KeyboardKind, devices_in


class NumericKeypad:
    """The kernel's list of input devices."""

    name: str = "keypad"
    codes: ClassVar[Codes] = {"keypad_gone": Severity.ATTENTION, "keypad_forbidden": Severity.ATTENTION}

    def look(self, place: CheckContext) -> Outcome:
        """A keypad need not be there; one that the settings name is missed."""
        if place.fittings.keypad is False:
            return NOT_IN_USE
        named = place.fittings.keypad_device
        devices = devices_in(place.text(LISTING) or "")
        if named:
            if not place.has(named):
                return Outcome((make_finding(self, "keypad_gone", named),))
            return Outcome(facts=named)
        keypads = [one for one in devices if one.kind is KeyboardKind.KEYPAD]
        perhaps = [one for one in devices if one.kind is KeyboardKind.PERHAPS]
        forbidden = [one for one in keypads if not place.may_use(f"/dev/input/{one.event}")]
        findings = (make_finding(self, "keypad_forbidden", forbidden[0].event),) if forbidden else ()
        return Outcome(
            findings,
            ", ".join(f"{one.name} ({one.event})" for one in keypads),
            in_use=bool(keypads or perhaps),
            passed_over=tuple(
                f"{one.name} ({one.event}): it has letters as well. Press a key of its number pad, or name it in "
                "panel.keypad_device"
                for one in perhaps
            ),
        )
