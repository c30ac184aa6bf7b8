"""The panel as the coach service sees it: who presses what. One made of nothing stands in for it in tests.

A panel opens itself, tells of presses while it is there, and opens itself again, ever slower, when it is lost. A lost
panel hurts no other part: a keypad, another panel and the therapist's page go on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from msgspec import Struct

from coach.kiosk.view import Button
from firmware.panel.debounce import DebouncedPress, Debouncer, Stuck
from firmware.panel.panel_state import BUTTONS, PanelState
from firmware.system.clock import Clock
from firmware.system.errors import PanelError
from firmware.system.retry import LossLogger, RetryDelay

LOOK_EVERY_S = 1.0
"""How often the contacts are read although nothing was told: an edge that was missed is found then, and a lost chip."""


class Typed(Struct, frozen=True):
    """A digit of a numeric keypad, 0 to 9."""

    digit: int


Heard = DebouncedPress | Stuck | Typed | PanelState
Hear = Callable[[Heard], None]


class Panel(Protocol):
    """Something with buttons. `name`: what it is called in the log."""

    @property
    def name(self) -> str:
        """What it is called in the log."""
        ...

    @property
    def press_waits(self) -> bool:
        """Whether a contact has changed and the running loop has not handled it yet. Safe in a signal handler."""
        ...

    async def run(self, hear: Hear) -> None:
        """Tell of every press, until cancelled. `hear` must return at once and is called on the running loop."""
        ...


class Pins(Protocol):
    """The open pins of a panel."""

    def down(self) -> Mapping[Button, bool]:
        """Which buttons are down now. Raises PanelError where the pins are gone."""
        ...

    def listen(self, heard: Callable[[Button, bool], None]) -> None:
        """From now on tell each change: the button, and whether it is down. Called on any thread."""
        ...

    def close(self) -> None:
        """Let go of the pins. Never raises."""
        ...


class ButtonPanel:
    """Buttons on pins, whatever the pins are: real ones, a mock's, or a test's own."""

    def __init__(
        self,
        open_pins: Callable[[], Awaitable[Pins]],
        clock: Clock,
        *,
        debounce_s: float = 0.02,
        stuck_after_s: float = 30.0,
        name: str = BUTTONS,
    ) -> None:
        """Nothing is opened before `run`. `clock` counts real seconds."""
        self._open_pins, self._clock = open_pins, clock
        self._contacts = Debouncer(debounce_s=debounce_s, stuck_after_s=stuck_after_s)
        self._said, self._backoff = LossLogger(name), RetryDelay()
        self._name = name
        self._settling: asyncio.Task[None] | None = None
        self._settles_s = float("inf")
        self._edge_waits = False

    @property
    def name(self) -> str:
        """What it is called in the log."""
        return self._name

    @property
    def press_waits(self) -> bool:
        """Whether a contact has changed and is not settled yet."""
        return self._edge_waits or self._contacts.unsettled

    async def run(self, hear: Hear) -> None:
        """Tell of every press, until cancelled."""
        while True:
            try:
                pins = await self._open_pins()
            except PanelError as error:
                self._lost(error, hear)
            else:
                try:
                    await self._serve(pins, hear)
                except PanelError as error:
                    self._lost(error, hear)
                finally:
                    pins.close()
                    self._let_rest()
                    self._tell(hear, self._contacts.forget())
            await self._clock.sleep_until(self._clock.now() + self._backoff.pause_s())

    def _lost(self, error: PanelError, hear: Hear) -> None:
        self._said.lost(error)
        hear(PanelState(reads=False, why=str(error)))

    async def _serve(self, pins: Pins, hear: Hear) -> None:
        loop = asyncio.get_running_loop()
        self._tell(hear, self._contacts.begin(pins.down(), self._clock.now()))
        self._said.back()
        self._backoff.works()
        hear(PanelState(reads=True))

        def changed(button: Button, down: bool) -> None:  # noqa: FBT001 - as `Pins.listen` tells it
            # The loop may have been closed while a driver's thread still tells. The edge counts from when it came,
            # not from when a busy loop hears of it: a short press must not look like a spike.
            if not loop.is_closed():
                self._edge_waits = True
                loop.call_soon_threadsafe(self._changed, button, down, self._clock.now(), hear)

        pins.listen(changed)
        while True:
            for button, down in pins.down().items():
                self._changed(button, down, self._clock.now(), hear)
            await self._clock.sleep_until(self._clock.now() + LOOK_EVERY_S)

    def _changed(self, button: Button, down: bool, at_s: float, hear: Hear) -> None:  # noqa: FBT001 - as it is told
        self._edge_waits = False
        if button in self._contacts:
            for heard in self._contacts.settle(at_s):
                hear(heard)
            self._contacts.edge(button, at_s, down=down)
            self._set_timer(hear)

    def _set_timer(self, hear: Hear) -> None:
        due_s = self._contacts.due_s
        if due_s is None:
            self._let_rest()
        elif self._settling is None or self._settling.done() or due_s != self._settles_s:
            self._let_rest()
            self._settles_s = due_s
            self._settling = asyncio.get_running_loop().create_task(self._settle(due_s, hear))

    async def _settle(self, due_s: float, hear: Hear) -> None:
        await self._clock.sleep_until(due_s)
        self._settling = None
        for heard in self._contacts.settle(self._clock.now()):
            hear(heard)
        self._set_timer(hear)

    def _let_rest(self) -> None:
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None

    @staticmethod
    def _tell(hear: Hear, stuck: Stuck | None) -> None:
        if stuck is not None:
            hear(stuck)


class HandPins:
    """Pins that a test presses. `broken` makes them vanish."""

    def __init__(self, buttons: tuple[Button, ...] = tuple(Button)) -> None:
        """All are up."""
        self._down = dict.fromkeys(buttons, False)
        self._heard: Callable[[Button, bool], None] | None = None
        self.broken = False

    def down(self) -> Mapping[Button, bool]:
        """Which buttons are down now."""
        if self.broken:
            raise PanelError("somebody took it away")
        return dict(self._down)

    def listen(self, heard: Callable[[Button, bool], None]) -> None:
        """From now on tell each change."""
        self._heard = heard

    def put(self, button: Button, *, down: bool) -> None:
        """Move a contact."""
        self._down[button] = down
        if self._heard is not None and not self.broken:
            self._heard(button, down)

    def close(self) -> None:
        """Tell nothing any more."""
        self._heard = None
