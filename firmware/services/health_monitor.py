"""How the machine is, while the coach runs: rounds of the doctor beside the session, and what the services tell.

Theory of operation. The coach's loop only listens and decides when to look; the looking itself is done by a thread at
the ordinary priority. The first round asks files alone and is over before the first picture; programs and the diary are
asked after it, and never while somebody trains. A new round comes every few minutes, and soon after anything changed.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

from msgspec import structs

from coach.kiosk.view import Button, TriedPart
from firmware.doctor.check import CheckFinding, Severity
from firmware.doctor.checks.outputs import DISPLAY_AWAY_S
from firmware.doctor.environment import CheckContext, ServiceReports, StrapReport, run_program
from firmware.doctor.self_test import SelfTestAnswers, keep
from firmware.ipc.messages import Devices, Found, Health
from firmware.panel.panel_state import PanelState
from firmware.system.timestamps import StampClock

EVERY_S = 180.0
APART_S = 2.0
TURN_S = 5.0
"""How often the display's heartbeat is looked for; it beats as often."""

DIARY_WITHIN_S = 60.0
PANELS_WITHIN_S = 15.0
"""A panel that has said nothing for so long after the start reads nothing."""


class StrapState(Protocol):
    """The little of a strap that is looked at here."""

    @property
    def name(self) -> str:
        """What it calls itself."""
        ...

    @property
    def battery_percent(self) -> int | None:
        """Charge of its battery."""
        ...


@runtime_checkable
class Noted(Protocol):
    """A device of which its adapter finds something."""

    @property
    def noted(self) -> tuple[tuple[str, str], ...]:
        """Codes of findings, each with its detail."""
        ...


class MachineHealth:
    """`place`: where to look. `ask_diary` asks the journal's thread; `training`: whether programs must not be run now.

    `on_findings` is called on the loop after each round: all findings, and whether somebody has asked for it.
    """

    def __init__(
        self,
        place: CheckContext,
        *,
        ask_diary: Callable[[Callable[[sqlite3.Connection], Any]], Future[Any]],
        training: Callable[[], bool],
        on_findings: Callable[[tuple[CheckFinding, ...], bool], None],
    ) -> None:
        """Nothing is looked at before `run`."""
        self._place, self._ask_diary, self._training, self._on_findings = place, ask_diary, training, on_findings
        self._changed = asyncio.Event()
        self._asked = False
        self._began_s = time.monotonic()
        self._devices: Devices | None = None
        self._devices_at_s = self._began_s
        self._display_was_away = False
        self._strap_at_s: float | None = None
        self._stuck: tuple[Button, ...] = ()
        self._panels: dict[str, PanelState] = {}
        self._not_saved: str | None = None
        self.strap: StrapState | None = None
        self.treadmill: Noted | None = None
        self.found: tuple[CheckFinding, ...] = ()

    async def run(self) -> None:
        """Look for ever: what is quick at once, the rest after it."""
        await self._round(thorough=False)
        thorough_at_s = time.monotonic()
        while True:
            now_s = time.monotonic()
            if self._changed.is_set() or now_s >= thorough_at_s:
                self._changed.clear()
                thorough_at_s = now_s + EVERY_S
                await self._round(thorough=not self._training())
                await asyncio.sleep(APART_S)
            try:
                await asyncio.wait_for(self._changed.wait(), min(TURN_S, max(0.0, thorough_at_s - time.monotonic())))
            except TimeoutError:
                self._notice_away()

    # What others tell

    def look_again(self) -> None:
        """Somebody at the machine wants to know."""
        self._asked = True
        self._changed.set()

    def devices(self, devices: Devices) -> None:
        """Take the display's heartbeat."""
        self._devices_at_s = time.monotonic()
        if devices.numbered(0) != self._devices or self._display_was_away:
            self._devices, self._display_was_away = devices.numbered(0), False
            self._changed.set()

    def strap_spoke(self) -> None:
        """Note that the strap has delivered something."""
        self._strap_at_s = time.monotonic()

    def stuck(self, buttons: tuple[Button, ...]) -> None:
        """Note the buttons that the panel finds held down for too long; none: all are free again."""
        if buttons != self._stuck:
            self._stuck = buttons
            self._changed.set()

    def panels(self, states: dict[str, PanelState]) -> None:
        """Note which panels read their buttons, by their own word."""
        if states != self._panels:
            self._panels = states
            self._changed.set()

    def saving(self, not_saved: str | None) -> None:
        """Note why the journal cannot save, if it cannot."""
        if not_saved != self._not_saved:
            self._not_saved = not_saved
            self._changed.set()

    def answered(self, answers: dict[TriedPart, bool], stamps: StampClock) -> None:
        """Note that a person has been through the self-test."""
        said = SelfTestAnswers(
            wall_s=stamps.now().wall_s,
            screen=answers.get(TriedPart.SCREEN),
            lamp=answers.get(TriedPart.LAMP),
            voice=answers.get(TriedPart.VOICE),
        )
        # A few bytes, and only while nobody trains.
        keep(self._place.diary, said)
        self.look_again()

    # What is told

    @property
    def parts(self) -> tuple[TriedPart, ...]:
        """What a self-test can try here: what is switched off by the settings is not asked about."""
        devices = self._devices
        if devices is None:
            return tuple(TriedPart)
        there = {
            TriedPart.SCREEN: (devices.screen, devices.oled) != ("off", "off"),
            TriedPart.LAMP: devices.lamp != "off",
            TriedPart.VOICE: devices.sound != "off",
        }
        return tuple(part for part in TriedPart if there[part])

    def message(self, request: int = 0) -> Health:
        """How the machine is, for whoever asks."""
        strap = self._strap_seen()
        return Health(
            findings=tuple(Found(one.code, one.severity.value, one.detail) for one in self.found),
            devices=None if self._away_s() is not None else self._devices,
            strap=None if strap is None else (strap.name, strap.ago_s, strap.battery_percent),
            request=request,
        )

    # Within

    async def _round(self, *, thorough: bool) -> None:
        asked, self._asked = self._asked, False
        place = replace(
            self._place,
            told=self._gather_reports(),
            run=run_program if thorough else None,
            ask_diary=self._wait_for_diary if thorough else None,
        )
        self.found = await asyncio.to_thread(_found_at, place)
        self._on_findings(self.found, asked)

    def _gather_reports(self) -> ServiceReports:
        return structs.replace(
            self._place.told,
            devices=self._devices,
            display_away_s=self._away_s(),
            strap=self._strap_seen(),
            treadmill=None if self.treadmill is None else self.treadmill.noted,
            stuck=self._stuck,
            panels=self._panels_told(),
            not_saved=self._not_saved,
        )

    def _panels_told(self) -> dict[str, PanelState] | None:
        """Return what the panels say; None while they are still being opened."""
        opening = not self._panels and time.monotonic() - self._began_s < PANELS_WITHIN_S
        return None if opening else self._panels

    def _wait_for_diary(self, question: Callable[[sqlite3.Connection], object]) -> object:
        return self._ask_diary(question).result(DIARY_WITHIN_S)

    def _strap_seen(self) -> StrapReport | None:
        if self.strap is None:
            return None
        now_s = time.monotonic()
        ago_s = None if self._strap_at_s is None else now_s - self._strap_at_s
        noted = self.strap.noted if isinstance(self.strap, Noted) else ()
        return StrapReport(self.strap.name, ago_s, now_s - self._began_s, self.strap.battery_percent, noted)

    def _away_s(self) -> float | None:
        """How long the display has been silent; None while its heart beats."""
        silent_s = time.monotonic() - self._devices_at_s
        return silent_s if silent_s > DISPLAY_AWAY_S else None

    def _notice_away(self) -> None:
        away = self._away_s() is not None
        if away and not self._display_was_away:
            self._display_was_away = True
            self._changed.set()


def _found_at(place: CheckContext) -> tuple[CheckFinding, ...]:
    """One round, in its own thread, which also loads the checks: the first picture need not wait for them."""
    from firmware.doctor.runner import findings, look  # noqa: PLC0415 - see above

    return findings(look(place))


def severe(found: tuple[CheckFinding, ...]) -> tuple[str, ...]:
    """Codes of what closes the start of sessions."""
    return tuple(dict.fromkeys(one.code for one in found if one.severity is Severity.STOP))


def lesser(found: tuple[CheckFinding, ...]) -> tuple[str, ...]:
    """Codes of what is shown small."""
    return tuple(dict.fromkeys(one.code for one in found if one.severity is Severity.ATTENTION))


class FindingsLog:
    """Says once in the log when something is found, and once when it is over."""

    def __init__(self) -> None:
        """Nothing has been said."""
        self._said: dict[str, str] = {}

    def news(self, found: tuple[CheckFinding, ...]) -> tuple[str, ...]:
        """Return what is new since the last round, in lines for the log."""
        now = {one.code: one.detail for one in found}
        new = [f"{code}: {detail}".rstrip(": ") for code, detail in now.items() if code not in self._said]
        over = [f"{code} is over." for code in self._said if code not in now]
        self._said = now
        return (*new, *over)
