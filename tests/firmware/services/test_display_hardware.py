"""The display's real parts as the settings name them, and parts that come and go while it runs."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pygame
import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin
from msgspec.structs import replace

from coach.kiosk.view import DisplayState, ScreenId
from coach.model.cue import Cue, CueName
from display.examples import examples
from display.lamp.pattern import lamp
from display.lamp.pwm import shares
from display.output.window import Window
from display.sound.buzzer import Buzzer
from firmware.config.schema import BuzzerPart, Config, LampPart, OledPart, ScreenPart, SoundPart
from firmware.ipc.messages import FORMAT, AnyToCoach, CueNow, Hello, Subscribe, ViewNow
from firmware.ipc.server import Client, LocalServer
from firmware.services import display_hardware
from firmware.services.display_hardware import (
    Connectors,
    buzzer_of,
    connectors_of,
    lamp_of,
    oled_of,
    prepare_environment,
    shown_through,
)
from firmware.services.display_service import DisplayService, DisplaySettings

PATIENCE_S = 60.0
BARE = Config(
    lamp=LampPart(driver="none"), screen=ScreenPart(driver="none"), sound=SoundPart(device="none"), oled=OledPart()
)


@pytest.mark.parametrize(
    ("driver", "sdl", "through"),
    [
        ("kms", "dummy", "kms"),
        ("kmsdrm", "dummy", "kms"),
        ("wayland", None, "surface"),
        ("none", "dummy", "surface"),
        ("window", None, "surface"),
    ],
)
def test_sdl_is_told_its_driver_before_it_is_loaded(driver: str, sdl: str | None, through: str) -> None:
    environment: dict[str, str] = {}
    config = Config(screen=ScreenPart(driver=driver))  # type: ignore[arg-type]
    prepare_environment(config, environment)
    assert environment.get("SDL_VIDEODRIVER") == sdl
    assert environment["SDL_VIDEO_ALLOW_SCREENSAVER"] == "0"
    assert shown_through(config) == through
    assert (connectors_of(config) is not None) == (driver in ("kms", "kmsdrm"))


def test_what_somebody_has_set_by_hand_stays() -> None:
    environment = {"SDL_VIDEODRIVER": "offscreen"}
    prepare_environment(Config(), environment)
    assert environment["SDL_VIDEODRIVER"] == "offscreen"


def test_parts_that_the_settings_do_not_name_are_not_opened() -> None:
    assert (lamp_of(BARE), buzzer_of(BARE), oled_of(BARE)) == (None, None, None)


def test_a_display_that_is_plugged_in_is_noticed_now_and_then(tmp_path: Path) -> None:
    status = tmp_path / "card1-HDMI-A-1" / "status"
    status.parent.mkdir()
    status.write_text("disconnected\n")
    connectors = Connectors(tmp_path)
    assert not connectors.changed(0.0)
    status.write_text("connected\n")
    assert [connectors.changed(t) for t in (1.0, 3.0, 3.1, 7.0)] == [False, True, False, False]
    status.unlink()
    assert connectors.changed(20.0)


class _Coach:
    """Shows one view to whoever comes, and says cues."""

    def __init__(self, path: Path) -> None:
        self.path, self.view = path, examples()["ready"]
        self._ready, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._server = LocalServer(self.path, Hello(FORMAT, "1", "boot", 1, "/d"), self._heard)
        self._server.open()
        self._ready.set()
        while not self._stop.is_set():  # noqa: ASYNC110 - another thread's event
            await asyncio.sleep(0.005)
        self._server.close()

    def _heard(self, client: Client, message: AnyToCoach) -> None:
        if isinstance(message, Subscribe):
            client.answer(ViewNow(time.monotonic(), self.view))

    def say(self, cue: Cue) -> None:
        now_s = time.monotonic()
        self._loop.call_soon_threadsafe(lambda: self._server.cue(CueNow(cue, 4, now_s, now_s)))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DisplaySettings]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    yield DisplaySettings(
        socket=tmp_path / "coach.sock", screen="headless", size=(320, 180), sound=False, oled="none", config=BARE
    )
    pygame.quit()


def beside(service: DisplayService, act: Callable[[], None]) -> None:
    """Run the display here, and act beside it; what goes wrong there goes wrong here."""
    failed: list[BaseException] = []

    def acting() -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - brought to the test's own thread
            failed.append(error)
        finally:
            service.stop()

    thread = threading.Thread(target=acting)
    thread.start()
    service.run()
    thread.join()
    if failed:
        raise failed[0]


def wait_for(holds: Callable[[], object]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until_s, "it did not come"
        time.sleep(0.01)


class _Connectors(Connectors):
    """A cable that a test pulls."""

    def __init__(self) -> None:
        self.pulled = False

    def changed(self, _: float) -> bool:
        pulled, self.pulled = self.pulled, False
        return pulled


def test_a_display_that_is_plugged_in_anew_is_opened_anew(
    settings: DisplaySettings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened: list[Window] = []
    refused: list[Window] = []
    there = True
    make = Window.__init__

    def made(self: Window, *arguments: object, **named: object) -> None:
        if not there:
            refused.append(self)
            raise pygame.error("no display is connected")
        opened.append(self)
        make(self, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Window, "__init__", made)
    shown: list[ScreenId] = []
    connectors = _Connectors()
    service = DisplayService(settings, connectors=connectors, on_drawn=lambda view: shown.append(view.face))

    def act() -> None:
        nonlocal there
        wait_for(lambda: shown)
        there = False
        connectors.pulled = True
        service._newest.wake()
        wait_for(lambda: refused)
        there, before = True, len(shown)
        connectors.pulled = True
        service._newest.wake()
        wait_for(lambda: len(opened) >= 2 and len(shown) > before)

    with caplog.at_level(logging.WARNING), _Coach(settings.socket):
        beside(service, act)
    told = [record.message for record in caplog.records if "The screen" in record.message]
    assert [": lost (" in line for line in told] == [True, False] * (len(opened) - 1)


def test_the_lamp_of_the_settings_shines_in_the_colour_of_the_view(
    settings: DisplaySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the coach's view to the pins, with gpiozero's own code between; in the end it is dark."""
    factory = MockFactory(pin_class=MockPWMPin)
    monkeypatch.setattr(display_hardware, "open_chip", lambda: factory)
    part = LampPart()
    config = replace(BARE, lamp=part)
    light = lamp_of(config)
    assert light is not None
    service = DisplayService(replace(settings, config=config), lights=(light,))
    seen: list[tuple[float, ...]] = []

    def lit() -> bool:
        pins = [factory.pin(number) for number in (part.red_pin, part.green_pin, part.blue_pin)]
        seen.append(tuple(pin.state for pin in pins))
        return max(seen[-1]) > 0.5

    with _Coach(settings.socket) as coach:
        beside(service, lambda: wait_for(lit))
        colour = shares(lamp(coach.view, 0.0).colour, 1.0)
    red, green, blue = seen[-1]
    assert red >= green >= blue
    assert all(share <= most + 0.01 for share, most in zip(seen[-1], colour, strict=True))


class _Heard(Buzzer):
    """A buzzer that only counts."""

    def __init__(self) -> None:
        self.cues: list[CueName] = []
        self.closed = False

    def play(self, cue: Cue) -> None:
        self.cues.append(cue.name)

    def close(self) -> None:
        self.closed = True


class _Speaker:
    """A sound card that is there, or is not."""

    def __init__(self, *, alive: bool) -> None:
        self.alive = alive
        self.cues: list[CueName] = []

    def play(self, cue: Cue, _: int = 0) -> None:
        self.cues.append(cue.name)

    def wait_until_ready(self, _: float) -> bool:
        return True

    def speak(self, _: str) -> None:
        """Any language will do."""

    def follow(self, _: object) -> None:
        """There is no music."""

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    ("alive", "only_without", "buzzes"), [(False, True, True), (True, True, False), (True, False, True)]
)
def test_the_buzzer_is_heard_where_there_is_no_speaker_or_where_both_are_wanted(
    settings: DisplaySettings, *, alive: bool, only_without: bool, buzzes: bool
) -> None:
    config = replace(BARE, buzzer=BuzzerPart(driver="tonal", only_without_speaker=only_without))
    buzzer, speaker = _Heard(), _Speaker(alive=alive)
    service = DisplayService(replace(settings, config=config), buzzer=buzzer)
    service._open_sound = lambda: speaker  # type: ignore[method-assign, assignment, return-value]
    drawn: list[DisplayState] = []
    service._on_drawn = drawn.append

    def act() -> None:
        wait_for(lambda: drawn)
        coach.say(Cue(0.0, CueName.HOLD))
        wait_for(lambda: speaker.cues and (buzzer.cues or not buzzes))

    with _Coach(settings.socket) as coach:
        beside(service, act)
    assert speaker.cues == [CueName.HOLD]
    assert buzzer.cues == ([CueName.HOLD] if buzzes else [])
    assert buzzer.closed
