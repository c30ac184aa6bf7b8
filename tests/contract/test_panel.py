"""One suite over everything with buttons: pins of a test, gpiozero's mock pins, a keypad. All in virtual time."""

import asyncio
import errno
import os
import socket
from collections.abc import Awaitable, Callable, Iterable, Iterator

import pytest
from gpiozero.pins.mock import MockFactory, MockPin
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.kiosk.view import Button
from firmware.config.schema import PanelPart
from firmware.panel.debounce import LONGEST_RINGING_S, DebouncedPress, Debouncer, Stuck
from firmware.panel.gpio import GpioButtons
from firmware.panel.keyboards import is_keypad
from firmware.panel.keypad import KEYS, KeyDevice, Keypad
from firmware.panel.panel import ButtonPanel, HandPins, Heard, Panel, Pins, Typed
from firmware.panel.panel_state import PanelState
from firmware.system.clock import HandClock
from firmware.system.errors import PanelError

PART = PanelPart()
BUTTONS = tuple(Button)


class _Rig:
    """A panel and the hand that presses it."""

    panel: Panel

    def put(self, button: Button, *, down: bool) -> None:
        raise NotImplementedError

    def take_away(self) -> None:
        raise NotImplementedError

    def bring_back(self) -> None:
        raise NotImplementedError


class _HandRig(_Rig):
    """Pins that exist in the test alone."""

    def __init__(self, clock: HandClock) -> None:
        self.pins = HandPins()
        self.there = True
        self.panel = ButtonPanel(self._open, clock)

    async def _open(self) -> Pins:
        if not self.there:
            raise PanelError("there is no chip")
        return self.pins

    def put(self, button: Button, *, down: bool) -> None:
        self.pins.put(button, down=down)

    def take_away(self) -> None:
        self.there, self.pins.broken = False, True

    def bring_back(self) -> None:
        self.there, self.pins.broken = True, False


class _MockPinThatMayVanish(MockPin):
    gone = False

    def _get_state(self) -> object:
        if self.gone:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        return super()._get_state()


class _GpioRig(_Rig):
    """gpiozero's own code over its mock pins; buttons join their pins to ground, or to 3.3 V."""

    def __init__(self, clock: HandClock, *, active_high: bool = False) -> None:
        self.factory = MockFactory(pin_class=_MockPinThatMayVanish)
        _MockPinThatMayVanish.gone = False
        self.part = PanelPart(active_high=active_high)
        self.there = True
        self.down = dict.fromkeys(Button, False)
        self.panel = ButtonPanel(self._open, clock)

    async def _open(self) -> Pins:
        if not self.there:
            raise PanelError("there is no chip")
        pins = GpioButtons(self.part, self.factory)
        for button in Button:
            self._drive(button)
        return pins

    def _drive(self, button: Button) -> None:
        pin = self.factory.pin(getattr(self.part, f"{button.value}_pin"))
        if self.down[button] == self.part.active_high:
            pin.drive_high()
        else:
            pin.drive_low()

    def put(self, button: Button, *, down: bool) -> None:
        self.down[button] = down
        if self.there:
            self._drive(button)

    def take_away(self) -> None:
        self.there = False
        _MockPinThatMayVanish.gone = True

    def bring_back(self) -> None:
        _MockPinThatMayVanish.gone = False
        self.there = True


class _FakeKeys:
    """One input device, with a socket whose readiness the loop really waits for."""

    def __init__(self, path: str, held: frozenset[str], keys: frozenset[str], name: str = "USB Keypad") -> None:
        self.path, self.name = path, name
        self.grabbed = self.closed = self.unplugged = self.woken_for_nothing = False
        self.down = set(held)
        self._keys = keys
        self._here, self._there = socket.socketpair()
        self._events: list[tuple[str, int]] = []

    def keys(self) -> frozenset[str]:
        return self._keys

    def held(self) -> frozenset[str]:
        return frozenset(self.down)

    def grab(self) -> None:
        self.grabbed = True

    def fileno(self) -> int:
        return self._here.fileno()

    def put(self, key: str, value: int) -> None:
        self._events.append((key, value))
        self._there.send(b".")

    def unplug(self) -> None:
        self.unplugged = True
        self._there.send(b".")

    def read(self) -> Iterable[tuple[str, int]]:
        self._here.recv(1000)
        if self.woken_for_nothing:
            self.woken_for_nothing = False
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        if self.unplugged:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        self.closed = True
        self._here.close()
        self._there.close()


NUMERIC = frozenset(key for key in KEYS if key.startswith("KEY_KP"))
LETTERS = frozenset(f"KEY_{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
KEY_OF = {
    Button.START: "KEY_KPENTER",
    Button.UP: "KEY_KPPLUS",
    Button.DOWN: "KEY_KPMINUS",
    Button.STOP: "KEY_KPDOT",
}


class _KeypadRig(_Rig):
    """A keypad that is plugged in and out."""

    path = "/dev/input/event7"

    def __init__(
        self,
        clock: HandClock,
        *,
        named: str = "",
        keys: frozenset[str] = NUMERIC,
        name: str = "Pad",
        tries_keyboards: bool = False,
    ) -> None:
        self.device: _FakeKeys | None = None
        self.opened: list[_FakeKeys] = []
        self.down: set[str] = set()
        self.there = True
        self._keys, self._name = keys, name
        self.panel = Keypad(self, clock, named=named, tries_keyboards=tries_keyboards)

    def paths(self) -> tuple[str, ...]:
        return (self.path,) if self.there else ()

    def open(self, path: str) -> KeyDevice:
        if not self.there or path != self.path:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        self.device = _FakeKeys(path, frozenset(self.down), self._keys, self._name)
        self.opened.append(self.device)
        return self.device

    def key(self, key: str, value: int) -> None:
        (self.down.add if value else self.down.discard)(key)
        if self.device is not None and not self.device.closed:
            self.device.put(key, value)

    def put(self, button: Button, *, down: bool) -> None:
        self.key(KEY_OF[button], int(down))

    def take_away(self) -> None:
        self.there = False
        if self.device is not None and not self.device.closed:
            self.device.unplug()

    def bring_back(self) -> None:
        self.there = True
        self.down.clear()


MakeRig = Callable[[HandClock], _Rig]
PINS: list[MakeRig] = [_HandRig, _GpioRig, lambda clock: _GpioRig(clock, active_high=True)]
RIGS: list[MakeRig] = [*PINS, _KeypadRig]
on_all = pytest.mark.parametrize("make", RIGS, ids=["hand", "gpio", "gpio active high", "keypad"])
on_pins = pytest.mark.parametrize("make", PINS, ids=["hand", "gpio", "gpio active high"])

Life = Callable[[_Rig, HandClock, list[Heard]], Awaitable[None]]


def lived(make: MakeRig, life: Life, *, before: Callable[[_Rig], None] = lambda _: None) -> list[Heard]:
    """Run the panel through what a test does to it; give all that was heard."""

    async def main() -> list[Heard]:
        clock = HandClock()
        rig = make(clock)
        before(rig)
        heard: list[Heard] = []
        task = asyncio.create_task(
            rig.panel.run(lambda one: None if isinstance(one, PanelState) else heard.append(one))
        )
        await clock.advance(1.0)
        await life(rig, clock, heard)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return heard

    return asyncio.run(main())


async def pressed(rig: _Rig, clock: HandClock, button: Button, held_s: float = 0.1) -> None:
    rig.put(button, down=True)
    await clock.advance(held_s)
    rig.put(button, down=False)
    await clock.advance(0.2)


@on_all
def test_each_press_of_each_button_is_told_once(make: MakeRig) -> None:
    async def life(rig: _Rig, clock: HandClock, _: list[Heard]) -> None:
        for button in (*BUTTONS, *BUTTONS):
            await pressed(rig, clock, button)

    assert lived(make, life) == [DebouncedPress(button) for button in (*BUTTONS, *BUTTONS)]


@on_all
def test_a_press_is_told_within_a_fifth_of_a_second_while_the_button_is_still_down(make: MakeRig) -> None:
    async def life(rig: _Rig, clock: HandClock, heard: list[Heard]) -> None:
        rig.put(Button.STOP, down=True)
        await clock.advance(0.03)
        assert heard == [DebouncedPress(Button.STOP)]

    assert lived(make, life) == [DebouncedPress(Button.STOP)]


@on_all
def test_a_press_waits_from_the_contacts_change_until_the_loop_has_told_it(make: MakeRig) -> None:
    """A busy loop can look whether it should make haste (hazard H6)."""

    async def life(rig: _Rig, clock: HandClock, heard: list[Heard]) -> None:
        assert not rig.panel.press_waits
        rig.put(Button.STOP, down=True)
        assert rig.panel.press_waits
        assert heard == []
        await clock.advance(0.03)
        assert heard == [DebouncedPress(Button.STOP)]
        assert not rig.panel.press_waits
        rig.put(Button.STOP, down=False)
        await clock.advance(0.2)
        assert not rig.panel.press_waits

    lived(make, life)


def test_no_press_waits_on_a_keypad_that_has_just_been_closed() -> None:
    rigs: list[_KeypadRig] = []

    def make(clock: HandClock) -> _KeypadRig:
        rigs.append(_KeypadRig(clock))
        return rigs[0]

    async def life(_rig: _Rig, _clock: HandClock, _heard: list[Heard]) -> None:
        device = rigs[0].device
        assert device is not None
        device.close()
        assert not rigs[0].panel.press_waits

    lived(make, life)


@on_all
def test_a_long_press_is_one_press(make: MakeRig) -> None:
    async def life(rig: _Rig, clock: HandClock, _: list[Heard]) -> None:
        await pressed(rig, clock, Button.START, held_s=25.0)

    assert lived(make, life) == [DebouncedPress(Button.START)]


@on_all
def test_a_button_held_for_too_long_is_told_of_as_stuck_until_it_is_let_go(make: MakeRig) -> None:
    async def life(rig: _Rig, clock: HandClock, heard: list[Heard]) -> None:
        rig.put(Button.UP, down=True)
        await clock.advance(33.0)
        assert heard == [DebouncedPress(Button.UP), Stuck((Button.UP,))]
        rig.put(Button.UP, down=False)
        await clock.advance(1.0)
        await pressed(rig, clock, Button.UP)

    assert lived(make, life) == [DebouncedPress(Button.UP), Stuck((Button.UP,)), Stuck(()), DebouncedPress(Button.UP)]


@on_all
def test_a_button_that_is_down_from_the_start_is_stuck_and_no_press(make: MakeRig) -> None:
    async def life(rig: _Rig, clock: HandClock, heard: list[Heard]) -> None:
        assert heard == [Stuck((Button.STOP,))]
        await pressed(rig, clock, Button.START)
        rig.put(Button.STOP, down=False)
        await clock.advance(3.0)

    heard = lived(make, life, before=lambda rig: rig.put(Button.STOP, down=True))
    assert heard == [Stuck((Button.STOP,)), DebouncedPress(Button.START), Stuck(())]


@on_all
def test_a_panel_that_goes_away_comes_back(make: MakeRig, caplog: pytest.LogCaptureFixture) -> None:
    async def life(rig: _Rig, clock: HandClock, _: list[Heard]) -> None:
        await pressed(rig, clock, Button.UP)
        rig.take_away()
        await clock.advance(40.0)
        rig.bring_back()
        await clock.advance(70.0)
        await pressed(rig, clock, Button.DOWN)

    assert lived(make, life) == [DebouncedPress(Button.UP), DebouncedPress(Button.DOWN)]
    lines = [record.message for record in caplog.records]
    assert [": lost (" in line for line in lines] == [True, False], lines
    assert lines[1].endswith(": back.")


@on_all
def test_what_was_stuck_is_forgotten_when_the_panel_goes_away(make: MakeRig) -> None:
    async def life(rig: _Rig, clock: HandClock, _: list[Heard]) -> None:
        rig.put(Button.DOWN, down=True)
        await clock.advance(40.0)
        rig.take_away()
        await clock.advance(5.0)

    assert lived(make, life) == [DebouncedPress(Button.DOWN), Stuck((Button.DOWN,)), Stuck(())]


@on_all
def test_a_panel_that_is_not_there_at_first_is_found_later(make: MakeRig) -> None:
    async def life(rig: _Rig, clock: HandClock, _: list[Heard]) -> None:
        await clock.advance(10.0)
        rig.bring_back()
        await clock.advance(70.0)
        await pressed(rig, clock, Button.STOP)

    assert lived(make, life, before=lambda rig: rig.take_away()) == [DebouncedPress(Button.STOP)]


# Contacts


@on_pins
def test_a_contact_that_rings_is_one_press(make: MakeRig) -> None:
    async def life(rig: _Rig, clock: HandClock, _: list[Heard]) -> None:
        for _ in range(5):
            rig.put(Button.START, down=True)
            await clock.advance(0.003)
            rig.put(Button.START, down=False)
            await clock.advance(0.002)
        rig.put(Button.START, down=True)
        await clock.advance(0.5)

    assert lived(make, life) == [DebouncedPress(Button.START)]


@on_pins
def test_a_spike_is_no_press(make: MakeRig) -> None:
    async def life(rig: _Rig, clock: HandClock, _: list[Heard]) -> None:
        for _ in range(3):
            await pressed(rig, clock, Button.STOP, held_s=0.005)

    assert lived(make, life) == []


def test_a_press_while_the_loop_is_busy_is_heard_after_it() -> None:
    """Both edges wait in the loop: they count from when they came, or a short press would look like a spike."""

    async def life(rig: _Rig, clock: HandClock, _: list[Heard]) -> None:
        rig.put(Button.STOP, down=True)
        clock._now += 0.1
        rig.put(Button.STOP, down=False)
        clock._now += 0.3
        await clock.advance(0.5)

    assert lived(_HandRig, life) == [DebouncedPress(Button.STOP)]


def test_a_stop_button_that_never_stops_ringing_still_stops() -> None:
    async def life(rig: _Rig, clock: HandClock, heard: list[Heard]) -> None:
        for turn in range(40):
            rig.put(Button.STOP, down=turn % 2 == 0)
            await clock.advance(0.005)
        assert heard == [DebouncedPress(Button.STOP)]

    assert lived(_HandRig, life) == [DebouncedPress(Button.STOP)]


def test_an_edge_that_nobody_told_is_found_by_looking() -> None:
    async def life(rig: _Rig, clock: HandClock, _: list[Heard]) -> None:
        assert isinstance(rig, _HandRig)
        rig.pins.listen(lambda _button, _down: None)
        await pressed(rig, clock, Button.STOP, held_s=2.0)

    assert lived(_HandRig, life) == [DebouncedPress(Button.STOP)]


@given(
    edges=st.lists(st.tuples(st.sampled_from(BUTTONS), st.booleans(), st.floats(0.0, 0.2)), max_size=60),
)
@settings(max_examples=200, deadline=None)
def test_whatever_the_contacts_do_a_press_that_holds_is_told_within_a_fifth_of_a_second(
    edges: list[tuple[Button, bool, float]],
) -> None:
    """And presses of one button never come closer than a contact needs to settle twice."""
    contacts = Debouncer(debounce_s=0.02, stuck_after_s=30.0)
    contacts.begin(dict.fromkeys(Button, False), 0.0)
    now_s, pressed_at_s = 0.0, dict.fromkeys(Button, -1.0)

    def settle(until_s: float) -> Iterator[Button]:
        while (due_s := contacts.due_s) is not None and due_s <= until_s:
            for said in contacts.settle(due_s):
                if isinstance(said, DebouncedPress):
                    assert due_s - pressed_at_s[said.button] >= 0.02
                    pressed_at_s[said.button] = due_s
                    yield said.button

    level = dict.fromkeys(Button, False)
    for button, down, wait_s in edges:
        contacts.edge(button, now_s, down=down)
        level[button] = down
        now_s += wait_s
        list(settle(now_s))
    list(settle(now_s + 0.2))
    for button in Button:
        contacts.edge(button, now_s + 0.3, down=False)
    list(settle(now_s + 0.6))
    for button in Button:
        contacts.edge(button, now_s + 1.0, down=True)
    assert set(settle(now_s + 1.0 + LONGEST_RINGING_S)) == set(Button)


def test_pins_that_may_not_be_used_are_told_of_and_let_go() -> None:
    factory = MockFactory()
    with pytest.raises(PanelError, match="cannot be used"):
        GpioButtons(PanelPart(start_pin=17, up_pin=17), factory)
    assert GpioButtons(PART, factory).down() == dict.fromkeys(Button, False)


# The keypad


def test_digits_are_told_as_digits() -> None:
    async def life(rig: _Rig, clock: HandClock, _: list[Heard]) -> None:
        assert isinstance(rig, _KeypadRig)
        for digit in (1, 9, 8, 4, 0):
            rig.key(f"KEY_KP{digit}", 1)
            rig.key(f"KEY_KP{digit}", 2)
            rig.key(f"KEY_KP{digit}", 0)
            await clock.advance(0.1)

    assert lived(_KeypadRig, life) == [Typed(1), Typed(9), Typed(8), Typed(4), Typed(0)]


def test_a_keypad_that_wakes_for_nothing_is_kept() -> None:
    async def life(rig: _Rig, clock: HandClock, _: list[Heard]) -> None:
        assert isinstance(rig, _KeypadRig)
        assert rig.device is not None
        rig.device.woken_for_nothing = True
        rig.device._there.send(b".")
        await clock.advance(0.1)
        await pressed(rig, clock, Button.UP)
        assert len(rig.opened) == 1

    assert lived(_KeypadRig, life) == [DebouncedPress(Button.UP)]


def test_a_keypad_that_takes_the_place_of_something_else_is_found() -> None:
    """The kernel gives the name of what was pulled out to what is plugged in next."""

    async def life(rig: _Rig, clock: HandClock, _: list[Heard]) -> None:
        assert isinstance(rig, _KeypadRig)
        await clock.advance(5.0)
        assert len(rig.opened) == 1, "what is no keypad is not opened at each look"
        rig._keys = NUMERIC
        await clock.advance(40.0)
        await pressed(rig, clock, Button.START)

    assert lived(lambda clock: _KeypadRig(clock, keys=frozenset({"KEY_POWER"})), life) == [DebouncedPress(Button.START)]


def test_a_held_zero_is_told_of_as_a_stuck_stop() -> None:
    async def life(rig: _Rig, clock: HandClock, _: list[Heard]) -> None:
        assert isinstance(rig, _KeypadRig)
        rig.key("KEY_KP0", 1)
        await clock.advance(40.0)

    assert lived(_KeypadRig, life) == [Typed(0), Stuck((Button.STOP,))]


def test_a_keypad_types_on_no_console_and_is_let_go_at_the_end() -> None:
    rigs: list[_KeypadRig] = []

    def make(clock: HandClock) -> _Rig:
        rigs.append(_KeypadRig(clock))
        return rigs[0]

    async def life(rig: _Rig, clock: HandClock, _: list[Heard]) -> None:
        assert isinstance(rig, _KeypadRig)
        await clock.advance(5.0)
        assert [(device.grabbed, device.closed) for device in rig.opened] == [(True, False)]

    lived(make, life)
    assert [device.closed for device in rigs[0].opened] == [True]


@pytest.mark.parametrize(
    ("name", "keys", "named", "used"),
    [
        ("Pad", NUMERIC, "", True),
        ("Keyboard", NUMERIC | LETTERS, "", False),
        ("SIGMACHIP USB Numeric Keypad", NUMERIC | LETTERS, "", True),
        ("Keyboard", NUMERIC | LETTERS, _KeypadRig.path, True),
        ("Power Button", frozenset({"KEY_POWER"}), "", False),
    ],
)
def test_a_keyboard_with_letters_is_left_alone_unless_it_is_a_keypad_or_is_named(
    name: str, keys: frozenset[str], named: str, *, used: bool
) -> None:
    async def life(rig: _Rig, clock: HandClock, _: list[Heard]) -> None:
        await pressed(rig, clock, Button.START)

    heard = lived(lambda clock: _KeypadRig(clock, named=named, keys=keys, name=name), life)
    assert (heard == [DebouncedPress(Button.START)]) == used
    assert is_keypad(name, keys) or not used or named


def _claims_letters(clock: HandClock) -> _Rig:
    """«SEM USB Keyboard», «PATEN USB Keyboard»: keypads that announce a whole keyboard."""
    return _KeypadRig(clock, keys=NUMERIC | LETTERS, name="SEM USB Keyboard", tries_keyboards=True)


def test_a_keypad_that_claims_letters_is_used_from_its_first_pad_key_on() -> None:
    async def life(rig: _Rig, clock: HandClock, _: list[Heard]) -> None:
        assert isinstance(rig, _KeypadRig)
        assert rig.device is not None
        assert not rig.device.grabbed, "it may be a keyboard that somebody types on"
        rig.key("KEY_KP7", 1)
        rig.key("KEY_KP7", 0)
        await clock.advance(0.1)
        assert rig.device.grabbed
        await pressed(rig, clock, Button.STOP)

    assert lived(_claims_letters, life) == [Typed(7), DebouncedPress(Button.STOP)]


@pytest.mark.parametrize("first", ["KEY_1", "KEY_ENTER", "KEY_LEFTCTRL"])
def test_a_card_reader_presses_no_button(first: str) -> None:
    """It types digits and Enter as a keyboard does, and no key of a number pad."""

    async def life(rig: _Rig, clock: HandClock, _: list[Heard]) -> None:
        assert isinstance(rig, _KeypadRig)
        rig.key(first, 1)
        rig.key(first, 0)
        await clock.advance(0.1)

    assert lived(_claims_letters, life) == []


@pytest.mark.parametrize("after", [False, True])
def test_a_keyboard_that_letters_are_typed_on_is_left_to_who_types(*, after: bool) -> None:
    async def life(rig: _Rig, clock: HandClock, heard: list[Heard]) -> None:
        assert isinstance(rig, _KeypadRig)
        if after:
            rig.key("KEY_KP1", 1)
            rig.key("KEY_KP1", 0)
            await clock.advance(0.1)
        rig.key("KEY_A", 1)
        await clock.advance(0.1)
        heard.clear()
        await clock.advance(60.0)
        rig.key("KEY_KP1", 1)
        await clock.advance(0.1)
        assert [device.closed for device in rig.opened] == [True]

    assert lived(_claims_letters, life) == []
