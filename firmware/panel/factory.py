"""All panels of this machine together: whoever presses where, it means the same. Each is looked after for itself."""

import asyncio
import contextlib
import importlib
import logging
from collections.abc import Callable, Sequence
from typing import assert_never

from coach.kiosk.view import Button
from firmware.config.schema import Config, PanelPart
from firmware.panel.debounce import DebouncedPress, Stuck
from firmware.panel.gpio import GpioButtons, open_chip
from firmware.panel.keypad import EvdevDevices, Keypad
from firmware.panel.panel import ButtonPanel, Hear, Heard, Panel, Pins, Typed
from firmware.panel.panel_state import BUTTONS, PanelState
from firmware.system.clock import Clock, SystemClock

_log = logging.getLogger(__name__)

RESTART_AFTER_S = 3.0


class Panels:
    """Runs panels side by side. `press` and `type_digit` must return at once; all are called on the running loop.

    `on_stuck` is told all buttons that are stuck on any panel, whenever that changes; `on_states` by each panel's name
    whether it reads its buttons.
    """

    def __init__(
        self,
        panels: Sequence[Panel],
        *,
        press: Callable[[Button], object],
        type_digit: Callable[[int], object],
        on_stuck: Callable[[tuple[Button, ...]], None],
        on_states: Callable[[dict[str, PanelState]], None] = lambda _states: None,
    ) -> None:
        """Nothing is opened before `run`."""
        self._panels = tuple(panels)
        self._press, self._type_digit, self._on_stuck = press, type_digit, on_stuck
        self._on_states = on_states
        self._stuck: dict[int, tuple[Button, ...]] = {}
        self._states: dict[str, PanelState] = {}

    @property
    def press_waits(self) -> bool:
        """Whether a change on any panel waits for the running loop."""
        return any(panel.press_waits for panel in self._panels)

    async def run(self) -> None:
        """Run until cancelled."""
        await asyncio.gather(*(self._look_after(place, panel) for place, panel in enumerate(self._panels)))
        await asyncio.Event().wait()

    async def _look_after(self, place: int, panel: Panel) -> None:
        """Keep a fault in one panel from ending the others, or the session."""
        while True:
            try:
                await panel.run(self._hears(place, panel.name))
            except Exception:  # noqa: BLE001 - whatever a driver does, the session must go on
                _log.exception("%s: failed, and is started again.", panel.name)
                self._tell_state(panel.name, PanelState(reads=False, why="the panel's own code failed"))
            await asyncio.sleep(RESTART_AFTER_S)

    def _hears(self, place: int, name: str) -> Hear:
        def hear(heard: Heard) -> None:
            match heard:
                case DebouncedPress(button):
                    self._press(button)
                case Typed(digit):
                    self._type_digit(digit)
                case Stuck(buttons):
                    self._tell_stuck(place, name, buttons)
                case PanelState():
                    self._tell_state(name, heard)
                case _ as unknown:
                    assert_never(unknown)

        return hear

    def _tell_state(self, name: str, state: PanelState) -> None:
        self._states = {**self._states, name: state}
        self._on_states(self._states)

    def _tell_stuck(self, place: int, name: str, buttons: tuple[Button, ...]) -> None:
        if buttons:
            _log.warning("%s: held down for too long: %s. Look whether it is stuck.", name, ", ".join(buttons))
        else:
            _log.warning("%s: nothing is held down any more.", name)
        self._stuck[place] = buttons
        everywhere = {button for stuck in self._stuck.values() for button in stuck}
        self._on_stuck(tuple(button for button in Button if button in everywhere))


def panels_of(config: Config, clock: Clock | None = None) -> tuple[Panel, ...]:
    """Return the panels that the settings name."""
    part, counts = config.panel, clock or SystemClock()
    panels: list[Panel] = []
    if part.buttons:
        panels.append(
            ButtonPanel(
                lambda: asyncio.to_thread(_open_buttons, part),
                counts,
                debounce_s=part.debounce_ms / 1000,
                name=BUTTONS,
                stuck_after_s=part.stuck_after_s,
            )
        )
    if part.keypad:
        panels.append(
            Keypad(
                EvdevDevices(),
                counts,
                named=part.keypad_device,
                # Under a window, the window reads keyboards.
                tries_keyboards=config.screen.driver in ("kms", "none"),
                stuck_after_s=part.stuck_after_s,
            )
        )
    return tuple(panels)


def _open_buttons(part: PanelPart) -> Pins:
    return GpioButtons(part, open_chip(), closes_chip=True)


async def load_beside() -> None:
    """Load what reads a keypad on another thread, so that no cue waits for it."""
    with contextlib.suppress(ImportError):
        await asyncio.to_thread(importlib.import_module, "evdev")
