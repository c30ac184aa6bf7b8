"""The panel: the pins that its buttons hang on, and the numeric keypad."""

from typing import ClassVar

from coach.kiosk.view import Button
from firmware.doctor.check import NOT_IN_USE, CheckFinding, Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext
from firmware.panel.keyboards import LISTING, KeyboardKind, devices_in
from firmware.panel.panel_state import BUTTONS, KEYPAD, PanelState


class GpioCheck:
    """The panel's own word, the chip, the right to use it, and buttons that the panel finds held down."""

    name: str = "gpio"
    codes: ClassVar[Codes] = {
        "gpio_missing": Severity.ATTENTION,
        "gpio_forbidden": Severity.ATTENTION,
        "buttons_unread": Severity.ATTENTION,
        "stop_button_unread": Severity.STOP,
        "button_stuck": Severity.ATTENTION,
        "stop_button_stuck": Severity.STOP,
    }

    def look(self, place: CheckContext) -> Outcome:
        """Report a stop button that hangs: it cannot stop a person (hazard H6), so no session begins then."""
        findings = [
            make_finding(self, "stop_button_stuck" if button is Button.STOP else "button_stuck", button.value)
            for button in place.told.stuck
        ]
        wanted = place.fittings.panel
        if wanted is False or (wanted is None and not findings):
            return NOT_IN_USE
        findings += self._unread(place)
        chips = place.those("/dev", "gpiochip*")
        if not chips:
            findings.append(make_finding(self, "gpio_missing"))
        elif not any(place.may_use(f"/dev/{chip.name}") for chip in chips):
            findings.append(make_finding(self, "gpio_forbidden", chips[0].name))
        return Outcome(tuple(findings), ", ".join(chip.name for chip in chips))

    def _unread(self, place: CheckContext) -> list[CheckFinding]:
        """Report buttons that are not read: without another panel that is, no button stops a person (hazard H6)."""
        panels = place.told.panels
        if not place.fittings.panel or panels is None:
            return []
        buttons = panels.get(BUTTONS, PanelState(reads=False, why="the panel does not answer"))
        if buttons.reads:
            return []
        other = any(state.reads for state in panels.values())
        return [make_finding(self, "buttons_unread" if other else "stop_button_unread", buttons.why[:200])]


class KeypadCheck:
    """The kernel's list of input devices."""

    name: str = "keypad"
    codes: ClassVar[Codes] = {"keypad_gone": Severity.ATTENTION, "keypad_forbidden": Severity.ATTENTION}

    def look(self, place: CheckContext) -> Outcome:
        """Miss a keypad only where the settings name one."""
        if place.fittings.keypad is False:
            return NOT_IN_USE
        named = place.fittings.keypad_device
        devices = devices_in(place.text(LISTING) or "")
        if named:
            told = None if place.told.panels is None else place.told.panels.get(KEYPAD)
            if not place.has(named) or (told is not None and not told.reads):
                return Outcome((make_finding(self, "keypad_gone", named if told is None else told.why[:200]),))
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
