"""The pins that the panel hangs on, and its buttons."""

from typing import ClassVar

from coach.kiosk.view import Button
from firmware.doctor.check import NOT_IN_USE, Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext


class GpioCheck:
    """The chip, the right to use it, and buttons that the panel finds held down."""

    name: str = "gpio"
    codes: ClassVar[Codes] = {
        "gpio_missing": Severity.ATTENTION,
        "gpio_forbidden": Severity.ATTENTION,
        "button_stuck": Severity.ATTENTION,
        "stop_button_stuck": Severity.STOP,
    }

    def look(self, place: CheckContext) -> Outcome:
        """A stop button that hangs cannot stop anybody (hazard H6): no session begins then."""
        findings = [
            make_finding(self, "stop_button_stuck" if button is Button.STOP else "button_stuck", button.value)
            for button in place.told.stuck
        ]
        wanted = place.fittings.panel
        if wanted is False or (wanted is None and not findings):
            return NOT_IN_USE
        chips = place.those("/dev", "gpiochip*")
        if not chips:
            findings.append(make_finding(self, "gpio_missing"))
        elif not any(place.may_use(f"/dev/{chip.name}") for chip in chips):
            findings.append(make_finding(self, "gpio_forbidden", chips[0].name))
        return Outcome(tuple(findings), ", ".join(chip.name for chip in chips))
