"""What a Bluetooth strap tells: measurements, why none come, and what a person should see."""

import asyncio
from collections.abc import Callable

from coach.kiosk.strap_choice import StrapScene
from coach.model.strap_advertisement import StrapSeen
from firmware.sensors.refusal import ConnectionRefusal
from firmware.sensors.strap import Delivery, Measurement, SelectedStrap, SignalSourceLost

LOW_BATTERY_PERCENT = 15
"""Coin cells fall quickly once they begin to; one of 15 % has some hours left."""
NOTED = frozenset((*ConnectionRefusal, "unreadable", "wrong_strap"))
"""Troubles that the doctor reports as well, each under its name after `strap_`."""


class StrapStatus:
    """Each reason is told once. `listed` returns the straps on the air that a person may choose from.

    `bound` says whether a strap is chosen; `said` is the text of the last refusal, for the doctor.
    """

    def __init__(self, listed: Callable[[], tuple[StrapSeen, ...]], bound: Callable[[], bool]) -> None:
        """Start without a listener."""
        self._listed, self._bound = listed, bound
        self.on_scene: Callable[[StrapScene], None] = lambda _: None
        self.on_bond: Callable[[SelectedStrap], None] = lambda _: None
        self.deliver: Callable[[Delivery], None] = lambda _: None
        self.scene = StrapScene()
        self.trouble: str | None = None
        self.battery_percent: int | None = None
        self.said = ""
        self._told: str | None = None
        self._telling: asyncio.TimerHandle | None = None

    @property
    def noted(self) -> tuple[tuple[str, str], ...]:
        """What the doctor should report: codes of findings, each with its detail."""
        return ((f"strap_{self.trouble}", self.said),) if self.trouble in NOTED else ()

    def begin_anew(self) -> None:
        """Forget the earlier strap's troubles."""
        self.not_lost()
        self._told, self.said, self.trouble = None, "", None
        self.show()

    def close(self) -> None:
        """Deliver nothing any more."""
        self.deliver = lambda _: None
        self.not_lost()

    def show(self) -> None:
        """Tell what a person should see, when it has changed."""
        low = self._bound() and self.battery_percent is not None and self.battery_percent <= LOW_BATTERY_PERCENT
        scene = StrapScene(self._listed(), self.trouble, low)
        if scene != self.scene:
            self.scene = scene
            self.on_scene(scene)

    def take_battery(self, percent: int) -> None:
        """Note the charge of the strap's battery."""
        self.battery_percent = min(percent, 100)
        self.show()

    def measured(self, measurement: Measurement) -> None:
        """Deliver a measurement; whatever was wrong is over."""
        self.not_lost()
        self._told, self.said = None, ""
        self.clear_trouble()
        self.deliver(measurement)

    def clear_trouble(self, *only: str) -> None:
        """End the trouble that is shown: any, or one of these alone."""
        if self.trouble is not None and (not only or self.trouble in only):
            self.trouble = None
            self.show()

    def lost(self, reason: str, after_s: float = 0.0) -> None:
        """Say once why nothing comes, now or after so long without anything."""
        if after_s > 0:
            if self._telling is None:
                self._telling = asyncio.get_running_loop().call_later(after_s, self.lost, reason)
            return
        self.not_lost()
        if self._told != reason:
            self._told = reason
            if self._bound():
                self.deliver(SignalSourceLost(reason))
        if self.trouble != reason:
            self.trouble = None if reason == "disconnected" else reason
            self.show()

    def not_lost(self) -> None:
        """Take back a reason that was to be told later."""
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
