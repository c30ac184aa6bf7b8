"""The machine's panels together: presses reach the session, a fault in one hurts no other, stuck ones are told of."""

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory, MockPin
from msgspec.structs import replace

from coach.kiosk.view import Button, DisplayState, ScreenId
from firmware.config.loader import InForce
from firmware.config.schema import Config, ConfigError, PanelPart, StrapPart
from firmware.ipc.client import CoachLink, NoCoachError
from firmware.ipc.messages import Health, StopService, Subscribe, ViewNow
from firmware.panel import factory as panels
from firmware.panel import gpio
from firmware.panel.debounce import DebouncedPress, Stuck
from firmware.panel.factory import Panels, panels_of
from firmware.panel.gpio import GpioButtons, open_chip
from firmware.panel.keypad import KEYS, EvdevDevices, Keypad
from firmware.panel.panel import ButtonPanel, HandPins, Hear, Heard, Pins, Typed
from firmware.participants import plan_files
from firmware.services.coach_service import CoachService, CoachSettings
from firmware.simulation.strap import SIMULATED_STRAP
from firmware.system.clock import HandClock
from firmware.system.errors import PanelError

PATIENCE_S = 60.0
FAULT = "config.toml, line 3: there is no setting «loudness»"


class _Told:
    """What the panels told."""

    def __init__(self) -> None:
        self.pressed: list[Button] = []
        self.typed: list[int] = []
        self.stuck: list[tuple[Button, ...]] = []

    def together(self, *panels: object) -> Panels:
        return Panels(
            panels,  # type: ignore[arg-type]
            press=self.pressed.append,
            type_digit=self.typed.append,
            on_stuck=self.stuck.append,
        )


class _Says:
    """A panel that says what it is told to, and then fails or waits."""

    def __init__(self, *heard: Heard, fails: bool = False) -> None:
        self.name = "The test's panel"
        self.runs = 0
        self._heard, self._fails = heard, fails

    async def run(self, hear: Hear) -> None:
        self.runs += 1
        for heard in self._heard:
            hear(heard)
        if self._fails:
            raise RuntimeError("a driver made a mistake")
        await asyncio.Event().wait()


def ran(together: Panels, until: Callable[[], bool]) -> None:
    async def main() -> None:
        task = asyncio.create_task(together.run())
        async with asyncio.timeout(PATIENCE_S):
            while not until():  # noqa: ASYNC110 - what the panels tell is no event of this loop
                await asyncio.sleep(0.005)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_presses_and_digits_of_all_panels_mean_the_same() -> None:
    told = _Told()
    ran(
        told.together(_Says(DebouncedPress(Button.UP), Typed(7)), _Says(DebouncedPress(Button.STOP))),
        lambda: len(told.pressed) == 2,
    )
    assert (told.pressed, told.typed) == ([Button.UP, Button.STOP], [7])


def test_what_is_stuck_anywhere_is_told_together(caplog: pytest.LogCaptureFixture) -> None:
    told = _Told()
    first = _Says(Stuck((Button.STOP,)), Stuck((Button.START, Button.STOP)), Stuck(()))
    ran(told.together(first, _Says(Stuck((Button.UP,)))), lambda: len(told.stuck) == 4)
    assert told.stuck == [(Button.STOP,), (Button.START, Button.STOP), (), (Button.UP,)]
    assert "held down for too long: stop" in caplog.text


def test_a_panel_that_fails_is_started_again_and_hurts_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(panels, "RESTART_AFTER_S", 0.01)
    told, failing = _Told(), _Says(DebouncedPress(Button.DOWN), fails=True)
    ran(told.together(failing, _Says(DebouncedPress(Button.UP))), lambda: failing.runs >= 3)
    assert Button.UP in told.pressed
    assert "a driver made a mistake" in caplog.text


def test_the_settings_say_which_panels_there_are() -> None:
    both = panels_of(Config(), HandClock())
    assert [type(panel) for panel in both] == [ButtonPanel, Keypad]
    assert panels_of(Config(panel=PanelPart(buttons=False, keypad=False))) == ()


@pytest.mark.skipif(os.path.exists("/dev/gpiochip0"), reason="this machine has pins")  # noqa: PTH110 - a mark's condition
def test_a_machine_without_pins_is_told_so_and_leaves_no_file_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PanelError, match="the header's pins cannot be used"):
        open_chip()
    assert list(tmp_path.iterdir()) == []


def test_a_machine_without_input_devices_has_no_keypad_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Nothing(EvdevDevices):
        def paths(self) -> tuple[str, ...]:
            return ()

    told = _Told()
    ran(told.together(Keypad(Nothing(), HandClock()), _Says(Typed(1))), lambda: told.typed == [1])
    assert caplog.records == []


def test_a_keypad_that_was_named_and_is_missing_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        clock = HandClock()
        keypad = Keypad(EvdevDevices(), clock, named="/dev/input/by-id/none")
        task = asyncio.create_task(keypad.run(lambda _: None))
        await clock.advance(60.0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    assert [": lost (" in record.message for record in caplog.records] == [True]


def test_a_real_keypad_of_the_kernel_is_heard_grabbed_and_may_be_pulled_out() -> None:
    """Through /dev/uinput, where the machine that runs the tests lets us make an input device."""
    evdev = pytest.importorskip("evdev")
    keys = [evdev.ecodes.ecodes[key] for key in KEYS if key.startswith("KEY_KP")]
    try:
        device = evdev.UInput({evdev.ecodes.EV_KEY: keys}, name="interval-coach test keypad")
    except Exception as error:  # noqa: BLE001 - evdev's own error, or the kernel's
        pytest.skip(f"no input device can be made here: {error}")
    told = _Told()

    def pressed() -> bool:
        device.write(evdev.ecodes.EV_KEY, evdev.ecodes.KEY_KP5, 1)
        device.write(evdev.ecodes.EV_KEY, evdev.ecodes.KEY_KP5, 0)
        device.syn()
        return 5 in told.typed

    ran(told.together(*panels_of(Config(panel=PanelPart(buttons=False)))), pressed)
    device.close()


# The whole coach


class _Client(threading.Thread):
    """Watches the coach, presses its pins, and ends it, while the coach has the main thread."""

    def __init__(self, socket: Path, factory: MockFactory, part: PanelPart) -> None:
        super().__init__(daemon=True)
        self._socket, self._factory, self._part = socket, factory, part
        self.faces: list[ScreenId] = []
        self.findings: list[str] = []
        self.failed: BaseException | None = None

    def run(self) -> None:
        try:
            with self._connected() as link:
                try:
                    self._watch(link)
                finally:
                    link.say(StopService(request=9))
        except BaseException as error:  # noqa: BLE001 - brought to the test's own thread
            self.failed = error

    def _connected(self) -> CoachLink:
        until_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                return CoachLink(self._socket)
            except NoCoachError:
                if time.monotonic() > until_s:
                    raise
                time.sleep(0.01)

    def _watch(self, link: CoachLink) -> None:
        link.say(Subscribe(views=True, health=True))
        self._until(link, lambda view: view.face is ScreenId.CHOOSE_PARTICIPANT)
        self._press(Button.DOWN)
        self._until(link, lambda view: view.selected == 1)
        self._press(Button.START)
        self._until(link, lambda view: view.face is ScreenId.CONFIRM)
        self._press(Button.STOP)
        self._until(link, lambda view: view.face is ScreenId.CHOOSE_PARTICIPANT)
        self._hold(Button.STOP)
        self._until(link, lambda view: view.face is ScreenId.MACHINE and view.settings_fault == FAULT)
        until_s = time.monotonic() + PATIENCE_S
        while "stop_button_stuck" not in self.findings and time.monotonic() < until_s:
            self._receive(link, lambda _: False)

    def _until(self, link: CoachLink, holds: Callable[[DisplayState], bool]) -> None:
        until_s = time.monotonic() + PATIENCE_S
        while not self._receive(link, holds):
            if time.monotonic() > until_s:
                raise TimeoutError(f"the press had no effect; seen were {self.faces}")

    def _receive(self, link: CoachLink, holds: Callable[[DisplayState], bool]) -> bool:
        held = False
        for message in link.receive(0.2):
            match message:
                case ViewNow():
                    self.faces.append(message.view.face)
                    held = held or holds(message.view)
                case Health():
                    self.findings = [found.code for found in message.findings]
                case _:
                    pass
        return held

    def _press(self, button: Button) -> None:
        pin = self._hold(button)
        # As long as a contact needs to settle, down and up; how late the coach hears of it does not matter.
        time.sleep(0.05)
        pin.drive_high()
        time.sleep(0.05)

    def _hold(self, button: Button) -> MockPin:
        pin = self._factory.pin(getattr(self._part, f"{button.value}_pin"))
        pin.drive_low()
        return pin


def test_a_press_of_a_pin_reaches_the_session_and_a_stuck_stop_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hazard H6. In the end the stop button is left down: it acts at once, and is found to hang soon after.

    What is wrong with the settings stands on the screen of whoever looks after the machine.
    """
    factory, opened = MockFactory(), threading.Event()
    part = PanelPart(keypad=False, stuck_after_s=1)

    def open_buttons(part: PanelPart) -> Pins:
        buttons = GpioButtons(part, factory)
        opened.set()
        return buttons

    monkeypatch.setattr(panels, "_open_buttons", open_buttons)
    config = Config(panel=part, strap=StrapPart(source="simulated"))
    refused = ConfigError("config.toml", 3, "there is no setting «loudness»")
    settings = CoachSettings(
        socket=tmp_path / "coach.sock",
        diary=tmp_path / "diary.db",
        in_force=InForce(config, tmp_path / "config.toml", refused),
    )
    shelf = plan_files.PlanRepository()
    for name in ("Rev", "Hare"):
        plan = replace(plan_files.guest_plan(age=60, nickname=name).plan, participant=name.lower())
        shelf.put(plan_files.ready(plan, name))

    class Client(_Client):
        def _connected(self) -> CoachLink:
            assert opened.wait(PATIENCE_S)
            return super()._connected()

    async def serve() -> None:
        await CoachService(settings, shelf, SIMULATED_STRAP.make("simulated")).run()

    client = Client(settings.socket, factory, part)
    client.start()
    asyncio.run(serve())
    client.join()
    if client.failed is not None:
        raise client.failed
    assert "stop_button_stuck" in client.findings
    assert "config_refused" in client.findings


def test_a_chip_that_cannot_be_loaded_is_told_as_a_missing_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __init__(self, *_: object) -> None:
            raise OSError(1, "Operation not permitted")

    pytest.importorskip("lgpio", reason="lgpio has no wheel for this Python; a machine has Debian's own")
    monkeypatch.setattr("gpiozero.pins.lgpio.LGPIOFactory", Broken)
    with pytest.raises(PanelError, match="Operation not permitted"):
        gpio.open_chip()


def test_pins_of_a_hand_hear_nothing_once_they_are_closed() -> None:
    heard: list[Button] = []
    pins = HandPins()
    pins.listen(lambda button, _down: heard.append(button))
    pins.close()
    pins.put(Button.UP, down=True)
    assert heard == []
