"""The display service beside a coach that only shows: what is drawn, what is sounded, what a lost part costs."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, Self

import pygame
import pytest
from msgspec.structs import replace

from coach.kiosk.view import Button, DisplayState, ScreenId
from coach.model.cue import Cue, CueName
from display.drawing.layout import Layout
from display.examples import examples
from display.lamp.pattern import WAITS, LampState, lamp
from display.oled.renderer import picture
from display.renderer import parts_of
from display.screen.frame import RenderContext
from display.screen.session_profile import ProfileDrawing
from display.sound.mixer import SilentSound
from display.texts import texts_in
from firmware.ipc.client import NoCoachError
from firmware.ipc.messages import FORMAT, AnyToCoach, CueNow, Devices, Hello, Press, Subscribe, TypeDigit, ViewNow
from firmware.ipc.server import Client, LocalServer
from firmware.services import display_service
from firmware.services.display_service import (
    COACH_SILENT_S,
    SILENT_COACH,
    DisplayService,
    DisplaySettings,
    LatestValue,
    save_png,
    screen_kind,
    view_now,
)
from firmware.services.output_health import HEARTBEAT_S, DisplayParts
from firmware.system.retry import LossLogger
from firmware.system.version import own_version

SIZE = (320, 180)


class _Coach:
    """Shows one view to each client, and later what it must show."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.view = examples()["ready"]
        self.pressed: list[Button] = []
        self.devices: list[Devices] = []
        self.typed: list[int] = []
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
        match message:
            case Subscribe():
                client.answer(ViewNow(time.monotonic(), self.view))
            case Devices():
                self.devices.append(message)
            case Press():
                self.pressed.append(message.button)
            case TypeDigit():
                self.typed.append(message.digit)
            case _:
                raise AssertionError(message)

    def show(self, view: DisplayState) -> None:
        self.view = view
        self._loop.call_soon_threadsafe(lambda: self._server.view(ViewNow(time.monotonic(), view)))

    def say(self, cue: Cue, *, ago_s: float = 0.0) -> None:
        said_s = time.monotonic() - ago_s
        self._loop.call_soon_threadsafe(lambda: self._server.cue(CueNow(cue, 4, said_s, time.monotonic() - ago_s)))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


class _BrokenLamp:
    """A lamp whose wire is loose."""

    def __init__(self) -> None:
        self.broken = True

    def show(self, _state: LampState, _brightness: float) -> None:
        if self.broken:
            raise OSError("no lamp")

    def close(self) -> None:
        """Nothing is open."""


class _Shown:
    """What has reached the screen."""

    def __init__(self) -> None:
        self.faces: list[ScreenId] = []

    def __call__(self, view: DisplayState) -> None:
        self.faces.append(view.face)


def beside(service: DisplayService, act: Callable[[], None]) -> None:
    """Run the service, which wants the main thread, and `act` beside it."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - told by the main thread
            failed.append(error)
        finally:
            service.stop()

    thread = threading.Thread(target=run)
    thread.start()
    service.run()
    thread.join()
    if failed:
        raise failed[0]


def wait_for(holds: Callable[[], object]) -> None:
    until_s = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until_s, "it did not come"
        time.sleep(0.002)


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[DisplaySettings]:
    yield DisplaySettings(socket=tmp_path / "s", screen="headless", size=SIZE, sound=False, oled="none")
    pygame.quit()


def test_views_reach_the_screen_and_cues_the_sound(settings: DisplaySettings) -> None:
    shown = _Shown()
    service = DisplayService(settings, on_drawn=shown)
    with _Coach(settings.socket) as coach:

        def act() -> None:
            wait_for(lambda: ScreenId.READY in shown.faces)
            coach.show(examples()["interval"])
            coach.say(Cue(0.0, CueName.HOLD))
            coach.say(Cue(0.0, CueName.FASTER), ago_s=3.0)
            wait_for(lambda: ScreenId.SESSION in shown.faces)
            wait_for(lambda: isinstance(service._sound, SilentSound) and service._sound.said)

        beside(service, act)
    assert isinstance(service._sound, SilentSound)
    assert list(service._sound.said) == ["Hold farten."]


def test_the_heartbeat_tells_which_parts_work_and_what_nobody_misses(settings: DisplaySettings) -> None:
    service = DisplayService(settings)
    with _Coach(settings.socket) as coach:
        beside(service, lambda: wait_for(lambda: coach.devices))
    told = coach.devices[0]
    assert (told.screen, told.sound, told.oled, told.lamp) == ("works", "off", "off", "off")
    assert (told.format, told.version) == (FORMAT, own_version())


def test_a_part_that_is_lost_is_told_of_and_told_again_when_it_is_back(settings: DisplaySettings) -> None:
    lamp = _BrokenLamp()
    service = DisplayService(settings, lights=(lamp,))
    with _Coach(settings.socket) as coach:

        def act() -> None:
            wait_for(lambda: [one.lamp for one in coach.devices][-1:] == ["missing"])
            lamp.broken = False
            wait_for(lambda: [one.lamp for one in coach.devices][-1:] == ["works"])

        beside(service, act)


def test_a_picture_that_nobody_can_see_and_nobody_asked_for_is_a_missing_screen(
    settings: DisplaySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    service = DisplayService(replace(settings, screen="auto"))
    with _Coach(settings.socket) as coach:
        beside(service, lambda: wait_for(lambda: coach.devices))
    assert coach.devices[0].screen == "missing"


def test_nothing_is_told_before_every_part_was_tried_and_no_more_than_needed() -> None:
    parts = DisplayParts()
    for part in ("screen", "sound", "oled"):
        parts.note(part, "works")  # type: ignore[arg-type] # the names of parts
    assert parts.to_say(0.0) is None
    parts.note("lamp", "off")
    first = parts.to_say(0.0)
    assert (first is not None, parts.to_say(1.0), parts.to_say(HEARTBEAT_S)) == (True, None, first)
    parts.note_working("sound", works=False)
    assert parts.to_say(HEARTBEAT_S + 0.1) is not None


def test_keys_become_presses(settings: DisplaySettings) -> None:
    shown = _Shown()
    service = DisplayService(settings, on_drawn=shown)
    with _Coach(settings.socket) as coach:

        def act() -> None:
            wait_for(lambda: shown.faces)
            for key in (pygame.K_RETURN, pygame.K_UP, pygame.K_DOWN, pygame.K_KP2, pygame.K_ESCAPE):
                pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))
            service._newest.wake()
            wait_for(lambda: len(coach.pressed) == 4)

        beside(service, act)
    assert (coach.pressed, coach.typed) == ([Button.START, Button.UP, Button.DOWN, Button.STOP], [2])


def test_without_a_coach_it_says_so_after_a_while_and_shows_the_coach_when_it_comes(
    settings: DisplaySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(display_service, "PATIENCE_S", 0.05)
    monkeypatch.setattr(display_service, "RETRY_LINK_S", 0.02)
    shown = _Shown()
    service = DisplayService(settings, on_drawn=shown)

    def act() -> None:
        wait_for(lambda: ScreenId.SELF_TEST_FAILED in shown.faces)
        for _ in range(2):
            with _Coach(settings.socket):
                shown.faces.clear()
                wait_for(lambda: ScreenId.READY in shown.faces)

    beside(service, act)


def test_a_sessions_last_view_stays_while_the_coach_is_started_again() -> None:
    newest, view = LatestValue(), examples()["interval"]
    newest.put(view)
    newest.alone()
    assert newest.to_show(time.monotonic() + COACH_SILENT_S - 1.0) == view


@pytest.mark.parametrize("gone", [True, False])
@pytest.mark.parametrize("name", ["interval", "go_on"])
def test_after_twenty_silent_seconds_of_a_session_the_display_says_by_itself_what_to_do(
    name: str,
    gone: bool,  # noqa: FBT001 - the case
) -> None:
    """Hazard H8: whether the coach is gone or hangs. Once it is back its own view stands there again."""
    newest, view = LatestValue(), examples()[name]
    newest.put(view)
    if gone:
        newest.alone()
    elif name == "go_on":
        # Nothing changes on a page that waits for a press, so that a quiet coach says nothing there.
        assert not newest.silent(time.monotonic() + 3600)
        return
    shown = newest.to_show(time.monotonic() + COACH_SILENT_S + 0.5)
    assert shown is not None
    assert (shown.face, shown.findings, shown.snapshot) == (ScreenId.SELF_TEST_FAILED, ("coach_silent",), None)
    assert shown.language == view.language
    assert lamp(shown) == WAITS
    newest.put(view)
    assert newest.to_show(time.monotonic() + 1.0) == view


@pytest.mark.parametrize("language", ["nb", "en"])
def test_the_page_without_a_coach_says_to_use_the_treadmills_own_stop(language: Literal["nb", "en"]) -> None:
    view = replace(SILENT_COACH, language=language)
    texts = texts_in(language)
    glance = RenderContext(view, Layout((1280, 720), texts), ProfileDrawing())
    said = repr([part.key for part in parts_of(glance)])
    assert texts.say("coach_silent.title") in said
    assert texts.say("coach_silent.what") in said
    assert picture(view).getbbox() is not None


def test_a_silent_coach_is_told_once_with_a_tone_and_goes_on_when_it_is_back(
    settings: DisplaySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(display_service, "COACH_SILENT_S", 0.3)
    shown = _Shown()
    service = DisplayService(settings, on_drawn=shown)
    heard: list[CueName] = []
    monkeypatch.setattr(service, "_sound_cue", lambda cue, _intervals: heard.append(cue.name))

    def act() -> None:
        with _Coach(settings.socket) as coach:
            coach.show(examples()["interval"])
            wait_for(lambda: ScreenId.SESSION in shown.faces)
            wait_for(lambda: CueName.MACHINE_SILENT in heard)
            wait_for(lambda: shown.faces[-1] is ScreenId.SELF_TEST_FAILED)
            assert heard == [CueName.MACHINE_SILENT]
            shown.faces.clear()
            coach.show(examples()["recovery"])
            wait_for(lambda: ScreenId.SESSION in shown.faces)

    beside(service, act)


def test_a_screen_that_fails_is_told_once_and_opened_again_while_the_sound_goes_on(
    settings: DisplaySettings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(display_service, "RETRY_PART_S", 0.02)
    shown = _Shown()
    service = DisplayService(settings, on_drawn=shown)
    opened = service._open_window
    tries: list[int] = []

    def fails_twice(said: LossLogger) -> object:
        tries.append(1)
        if len(tries) <= 2:
            raise pygame.error("no such display")
        return opened(said)

    monkeypatch.setattr(service, "_open_window", fails_twice)
    caplog.set_level(logging.WARNING, "firmware.services.display_service")
    with _Coach(settings.socket) as coach:

        def act() -> None:
            wait_for(lambda: service._link and service._sound)

            def said() -> bool:
                # The coach may not have taken the connection yet, and what it says then reaches no display.
                coach.say(Cue(0.0, CueName.HOLD))
                return isinstance(service._sound, SilentSound) and bool(service._sound.said)

            wait_for(said)
            wait_for(lambda: shown.faces)

        beside(service, act)
    told = [record.getMessage() for record in caplog.records if "The screen" in record.getMessage()]
    assert [("lost" in line, "back" in line) for line in told] == [(True, False), (False, True)]


def test_a_lamp_that_fails_is_told_once_and_shines_again(
    settings: DisplaySettings, caplog: pytest.LogCaptureFixture
) -> None:
    class Lamp:
        def __init__(self) -> None:
            self.calls = 0
            self.closed = False
            self.shone: list[LampState] = []

        def show(self, state: LampState, brightness: float) -> None:
            self.calls += 1
            if self.calls <= 3:
                raise OSError("no such device")
            assert 0 <= brightness <= 1
            self.shone.append(state)

        def close(self) -> None:
            self.closed = True

    light = Lamp()
    shown = _Shown()
    caplog.set_level(logging.WARNING, "firmware.services.display_service")
    service = DisplayService(settings, lights=(light,), on_drawn=shown)
    with _Coach(settings.socket):
        beside(service, lambda: wait_for(lambda: light.shone and shown.faces))
    told = [record.getMessage() for record in caplog.records if "The lamp" in record.getMessage()]
    assert [("lost" in line, "back" in line) for line in told] == [(True, False), (False, True)]
    assert light.closed


def test_the_emulated_small_screen_is_drawn(settings: DisplaySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[ScreenId] = []
    from display.oled import renderer  # noqa: PLC0415 - its package is loaded only where there is a small screen

    before = renderer.Oled.draw
    monkeypatch.setattr(renderer.Oled, "draw", lambda self, view: drawn.append(view.face) or before(self, view))
    from msgspec.structs import replace  # noqa: PLC0415 - beside its use

    service = DisplayService(replace(settings, oled="emulated"))
    with _Coach(settings.socket):
        beside(service, lambda: wait_for(lambda: drawn))
    assert drawn[0] is ScreenId.READY


def test_what_is_shown_now_is_saved_as_a_picture(tmp_path: Path) -> None:
    with _Coach(tmp_path / "s"):
        view = view_now(tmp_path / "s")
    save_png(view, tmp_path / "now.png", SIZE)
    assert pygame.image.load(tmp_path / "now.png").get_size() == SIZE


def test_a_picture_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(display_service.DisplayRequestError, match="Name another place"):
        save_png(examples()["ready"], tmp_path / "nowhere" / "a.png", SIZE)


def test_a_picture_needs_a_coach(tmp_path: Path) -> None:
    with pytest.raises(NoCoachError, match="No coach answers"):
        view_now(tmp_path / "s")


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({}, "headless"),
        ({"DISPLAY": ":0"}, "window"),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "window"),
        ({"DISPLAY": ":0", "SDL_VIDEODRIVER": "dummy"}, "headless"),
    ],
)
def test_a_window_is_opened_where_there_is_a_desktop(environment: dict[str, str], kind: str) -> None:
    assert screen_kind("auto", environment) == kind
