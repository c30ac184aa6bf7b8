"""The Pi's pins through gpiozero: buttons, the lamp's three colours and the buzzer. Nothing is loaded before use."""

import contextlib
import math
import os
import tempfile
import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal

from coach.kiosk.view import Button
from firmware.config.schema import BuzzerPart, LampPart, PanelPart
from firmware.system.errors import PanelError

PWM_HZ = 200.0
"""Fast enough that no eye sees it, slow enough for pins that the processor switches."""

Factory = Any
"""gpiozero's pin factory; it ships no type information."""

_loading = threading.Lock()


def open_chip() -> Factory:
    """Return the header's chip. Raises PanelError: no chip, no permission, no Raspberry Pi, or no driver installed."""
    try:
        # When it is loaded, lgpio makes a named pipe in `$LG_WD` or the present folder, and opens it in the latter.
        # Only then is its name needed.
        with _loading, tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            os.environ.pop("LG_WD", None)
            from gpiozero.pins.lgpio import LGPIOFactory  # noqa: PLC0415 - loading it reaches for the hardware

        return LGPIOFactory()
    except Exception as error:  # lgpio and gpiozero have no common root
        raise PanelError(f"the header's pins cannot be used: {_why(error)}") from error


class GpioButtons:
    """The four buttons on the header."""

    def __init__(self, part: PanelPart, factory: Factory, *, closes_chip: bool = False) -> None:
        """Claim the pins. Raises PanelError."""
        from gpiozero import DigitalInputDevice  # noqa: PLC0415 - only where there are pins

        self._chip = factory if closes_chip else None
        self._inputs: dict[Button, Any] = {}
        try:
            for button in Button:
                pin = getattr(part, f"{button.value}_pin")
                self._inputs[button] = DigitalInputDevice(pin, pull_up=not part.active_high, pin_factory=factory)
        except Exception as error:
            self.close()
            raise PanelError(f"a button's pin cannot be used: {_why(error)}") from error

    def down(self) -> Mapping[Button, bool]:
        """Which buttons are down now. Raises PanelError where the pins are gone."""
        try:
            return {button: bool(pin.is_active) for button, pin in self._inputs.items()}
        except Exception as error:
            raise PanelError(f"a button's pin cannot be read: {_why(error)}") from error

    def listen(self, heard: Callable[[Button, bool], None]) -> None:
        """From now on tell each change, on the driver's thread."""
        for button, pin in self._inputs.items():
            pin.when_activated = _tells(heard, button, down=True)
            pin.when_deactivated = _tells(heard, button, down=False)

    def close(self) -> None:
        """Let go of the pins. Never raises."""
        for device in (*self._inputs.values(), self._chip):
            if device is not None:
                with contextlib.suppress(Exception):
                    device.close()
        self._inputs = {}


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__


def _tells(heard: Callable[[Button, bool], None], button: Button, *, down: bool) -> Callable[[], None]:
    # gpiozero looks at how many arguments a function takes.
    return lambda: heard(button, down)


class GpioLamp:
    """Three pins, each as bright as its colour says."""

    def __init__(self, part: LampPart, factory: Factory, *, closes_chip: bool = False) -> None:
        """Claim the pins, dark. Raises PanelError."""
        from gpiozero import PWMLED  # noqa: PLC0415 - only where there are pins

        self._chip = factory if closes_chip else None
        self._shines: tuple[float, float, float] | None = None
        self._leds: list[Any] = []
        try:
            for pin in (part.red_pin, part.green_pin, part.blue_pin):
                led = PWMLED(pin, active_high=not part.common_anode, frequency=PWM_HZ, pin_factory=factory)
                self._leds.append(led)
        except Exception as error:
            self.close()
            raise PanelError(f"the lamp's pins cannot be used: {_why(error)}") from error

    def shine(self, red: float, green: float, blue: float) -> None:
        """Shine so, each 0 to 1 of full light. Raises PanelError where the pins are gone."""
        if (red, green, blue) == self._shines:
            return
        try:
            for led, share in zip(self._leds, (red, green, blue), strict=True):
                led.value = share
        except Exception as error:
            raise PanelError(f"the lamp cannot be set: {_why(error)}") from error
        self._shines = (red, green, blue)

    def close(self) -> None:
        """Go dark and let go of the pins. Never raises."""
        for device in (*self._leds, self._chip):
            if device is not None:
                with contextlib.suppress(Exception):
                    device.close()


class GpioBuzzer:
    """A buzzer on one pin: `tonal` plays pitches with as much strength as asked for, `plain` sounds or not."""

    def __init__(self, part: BuzzerPart, factory: Factory, *, closes_chip: bool = False) -> None:
        """Claim the pin, silent. Raises PanelError."""
        from gpiozero import DigitalOutputDevice, PWMOutputDevice  # noqa: PLC0415 - only where there are pins

        self._chip = factory if closes_chip else None
        self._out: Any = None
        self.kind: Literal["tonal", "plain"] = "plain" if part.driver == "plain" else "tonal"
        try:
            self._out = (
                PWMOutputDevice(part.pin, frequency=440, pin_factory=factory)
                if self.kind == "tonal"
                else DigitalOutputDevice(part.pin, pin_factory=factory)
            )
        except Exception as error:
            self.close()
            raise PanelError(f"the buzzer's pin cannot be used: {_why(error)}") from error

    def sound(self, hz: float, strength: float) -> None:
        """Sound a pitch with a strength of 0 to 1 of full; 0 is silence. Raises PanelError where the pin is gone."""
        try:
            if self.kind == "plain":
                self._out.value = strength > 0
            elif strength <= 0:
                self._out.value = 0
            else:
                self._out.frequency = hz
                # The pitch's own part of a pulse train is as strong as the sine of its width: full at one half.
                self._out.value = math.asin(min(strength, 1.0)) / math.pi
        except Exception as error:
            raise PanelError(f"the buzzer cannot be set: {_why(error)}") from error

    def close(self) -> None:
        """Fall silent and let go of the pin. Never raises."""
        for device in (self._out, self._chip):
            if device is not None:
                with contextlib.suppress(Exception):
                    device.close()
