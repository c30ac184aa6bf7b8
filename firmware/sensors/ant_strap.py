"""A pulse strap over ANT+, behind the same contract as one over Bluetooth (hazards H2, H4).

The stick hears all straps in reach four times a second. While somebody chooses they are listed; bound to one, only its
pages count. A page without a new beat is no measurement: a strap that was taken off repeats its last one.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Protocol

from coach.kiosk.strap_choice import StrapScene
from coach.model.strap_advertisement import StrapSeen
from firmware.sensors.ant_heart_rate import AntPage, AntPageError, read_page, rr_ms
from firmware.sensors.ant_stick import AntStickError
from firmware.sensors.odd_reports import OddReports
from firmware.sensors.strap import Delivery, Measurement, SelectedStrap, SignalSourceLost

_log = logging.getLogger(__name__)

GARMIN = 1
"""The maker that prints the ANT number on its straps."""
MEASURE_EVERY_S, TAKEN_OFF_AFTER_S = 1.0, 4.0
GONE_AFTER_S, NOT_FOUND_S, AGAIN_AFTER_S, SHOW_EVERY_S = 8.0, 10.0, 5.0, 0.5
LOW_BATTERY_PERCENT = 15
KEY = "ant:"


class AntReceiver(Protocol):
    """What hears the straps."""

    def listen(self, on_page: Callable[[bytes], None]) -> None:
        """Give every page to `on_page`, on any thread, until `close`. Raises AntStickError."""
        ...

    def close(self) -> None:
        """End `listen`, from any thread."""
        ...


class _HeardStrap:
    """One strap on the air."""

    def __init__(self, page: AntPage, now_s: float) -> None:
        self.page, self.heard_s, self.beat_s = page, now_s, now_s
        self.maker: int | None = page.maker
        self.battery_percent = page.battery_percent
        self.rr_ms: list[float] = []

    def hear(self, page: AntPage, now_s: float) -> None:
        """Take its next page."""
        if page.beats != self.page.beats:
            self.beat_s = now_s
            between_ms = rr_ms(self.page, page)
            if between_ms is not None:
                self.rr_ms.append(between_ms)
        self.page, self.heard_s = page, now_s
        self.maker = self.maker if page.maker is None else page.maker
        self.battery_percent = self.battery_percent if page.battery_percent is None else page.battery_percent

    def seen(self, now_s: float) -> StrapSeen:
        """Return what a person chooses by."""
        number = str(self.page.device)
        worn = now_s - self.beat_s < TAKEN_OFF_AFTER_S and self.page.bpm is not None
        bpm = self.page.bpm if worn else 0.0
        return StrapSeen(f"{KEY}{number}", f"ANT+ {number}", number, bpm=bpm, on_band=self.maker == GARMIN)


class AntStrap:
    """The strap of the person at this machine. `run` it once; `look`, `bind` and `release` change what it does."""

    def __init__(self, stick: AntReceiver, *, bond: SelectedStrap | None = None) -> None:
        """Bound to `bond` from the start, else idle."""
        self._stick = stick
        self._bond = self._last = bond
        self._looks = False
        self._turned_s = time.monotonic()
        self._heard: dict[int, _HeardStrap] = {}
        self._on_scene: Callable[[StrapScene], None] = lambda _: None
        self._deliver: Callable[[Delivery], None] = lambda _: None
        self._scene = StrapScene()
        self._stick_trouble: str | None = None
        self._said = ""
        self._lost_for: str | None = None
        self._delivered_s = float("-inf")
        self._odd = OddReports("strap")

    @property
    def name(self) -> str:
        """What the bound strap is called, or the one bound last; empty where there was none."""
        bond = self._bond or self._last
        return "" if bond is None else bond.name

    @property
    def serial(self) -> str | None:
        """Its ANT number."""
        return None if self._bond is None else self._bond.key.removeprefix(KEY)

    @property
    def battery_percent(self) -> int | None:
        """Charge of its battery, where it has told it."""
        bound = self._bound()
        return None if bound is None else bound.battery_percent

    @property
    def noted(self) -> tuple[tuple[str, str], ...]:
        """What the doctor should report of it."""
        odd = (("strap_odd_data", self._odd.detail),) if self._odd.count else ()
        trouble = {
            "radio_stumbled": "strap_radio_stumbled",
            "radio_busy": "strap_radio_busy",
            "refused": "strap_refused",
        }.get(self._stick_trouble or "")
        return odd if trouble is None else (*odd, (trouble, self._said))

    @property
    def scene(self) -> StrapScene:
        """What a person should see now."""
        return self._scene

    def shown_to(self, on_scene: Callable[[StrapScene], None], on_bond: Callable[[SelectedStrap], None]) -> None:
        """Tell `on_scene` what a person should see when it changes. An ANT number is known before any bond."""
        del on_bond
        self._on_scene = on_scene

    def look(self) -> None:
        """Be bound to none, and list those on the air."""
        self._turn(None, looks=True)

    def bind(self, bond: SelectedStrap) -> None:
        """Measure this strap and no other."""
        if self._bond is None or bond.key != self._bond.key:
            self._turn(bond, looks=False)

    def release(self) -> None:
        """Let go of the strap."""
        self._turn(None, looks=False)

    def _turn(self, bond: SelectedStrap | None, *, looks: bool) -> None:
        self._bond, self._looks, self._turned_s = bond, looks, time.monotonic()
        self._last = bond or self._last
        self._lost_for, self._delivered_s = None, float("-inf")
        for heard in self._heard.values():
            heard.rr_ms.clear()

    async def run(self, deliver: Callable[[Delivery], None]) -> None:
        """Deliver what the bound strap measures, until cancelled."""
        self._deliver = deliver
        listening = asyncio.create_task(self._listen(), name="ant stick")
        try:
            while True:
                await asyncio.sleep(SHOW_EVERY_S)
                self._tend()
        finally:
            self._deliver = lambda _: None
            self._stick.close()
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _listen(self) -> None:
        """Listen to the stick, and open it again when it is lost."""
        loop = asyncio.get_running_loop()

        def on_page(payload: bytes) -> None:
            # The loop may have ended while the stick's thread still speaks.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._hear, payload)

        while True:
            try:
                await asyncio.to_thread(self._stick.listen, on_page)
            except AntStickError as error:
                if str(error) != self._said:
                    _log.warning("The ANT stick: %s; it is tried again.", error)
                self._stick_trouble, self._said = error.reason, str(error)
            await asyncio.sleep(AGAIN_AFTER_S)

    def _hear(self, payload: bytes) -> None:
        now_s = time.monotonic()
        try:
            page = read_page(payload)
        except AntPageError as error:
            self._odd.note(str(error), payload)
            return
        self._stick_trouble, self._said = None, ""
        heard = self._heard.get(page.device)
        if heard is None:
            heard = self._heard[page.device] = _HeardStrap(page, now_s)
        else:
            heard.hear(page, now_s)
        if heard is self._bound() and now_s - self._delivered_s >= MEASURE_EVERY_S:
            self._measure(heard, now_s)

    def _measure(self, heard: _HeardStrap, now_s: float) -> None:
        taken_off = now_s - heard.beat_s > TAKEN_OFF_AFTER_S or heard.page.bpm is None
        bpm = 0.0 if taken_off or heard.page.bpm is None else heard.page.bpm
        between, heard.rr_ms = tuple(heard.rr_ms), []
        self._delivered_s, self._lost_for = now_s, None
        self._deliver(Measurement(bpm, () if taken_off else between))

    def _bound(self) -> _HeardStrap | None:
        if self._bond is None or not self._bond.key.startswith(KEY):
            return None
        return self._heard.get(int(self._bond.key.removeprefix(KEY)))

    def _tend(self) -> None:
        """Show who is on the air, and say why nothing comes."""
        now_s = time.monotonic()
        self._heard = {at: one for at, one in self._heard.items() if now_s - one.heard_s < GONE_AFTER_S}
        trouble = self._stick_trouble
        wanted = self._bound() is not None if self._bond is not None else bool(self._heard)
        if trouble is None and not wanted and now_s - self._turned_s >= NOT_FOUND_S:
            trouble = "not_found"
        if self._bond is not None and trouble is not None and trouble != self._lost_for:
            self._lost_for = trouble
            self._deliver(SignalSourceLost(trouble))
        seen = tuple(one.seen(now_s) for one in self._heard.values()) if self._looks else ()
        battery = self.battery_percent
        low = battery is not None and battery <= LOW_BATTERY_PERCENT
        scene = StrapScene(seen, trouble if self._bond is not None or self._looks else None, low)
        if scene != self._scene:
            self._scene = scene
            self._on_scene(scene)
