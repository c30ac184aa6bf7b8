"""A USB numeric keypad as a panel: its keys are the four buttons, and its digits are digits.

| key | means |
|---|---|
| Enter | start, yes |
| + and − | up and down |
| . (Del) | stop |
| 0 to 9 | a digit of a PIN; elsewhere 8 is up, 2 down, 5 start and 0 stop |

A keypad is held for this program alone, so that it types on no console. Many keypads claim to have letters, as do
receivers and keyboards: where no window reads keyboards, such a device becomes a keypad with the first key of a number
pad that is pressed on it, and a keyboard with the first letter. `panel.keypad_device` names one at once. Keypads are
looked for every `LOOK_EVERY_S`, so that one may be plugged in and out while a session runs.
"""

import asyncio
import contextlib
import logging
import select
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from coach.kiosk.sign_in import BUTTON_OF_DIGIT
from coach.kiosk.view import Button
from firmware.panel.debounce import DebouncedPress, Stuck
from firmware.panel.keyboards import LETTERS, PAD_KEYS, is_keypad, may_be_keypad
from firmware.panel.panel import Hear, Typed
from firmware.panel.panel_state import KEYPAD, PanelState
from firmware.system.clock import Clock
from firmware.system.errors import PanelError
from firmware.system.retry import LossLogger

LOOK_EVERY_S = 2.0
LOOK_ANEW_AFTER = 15
"""Looks after which what was no keypad is looked at anew: its name may belong to another device by now."""

DOWN, UP_AGAIN = 1, 0
"""Values of a key event; 2 is the repetition of a held key, which means nothing here."""

KEYS: dict[str, Button | int] = {
    "KEY_KPENTER": Button.START,
    "KEY_ENTER": Button.START,
    "KEY_KPPLUS": Button.UP,
    "KEY_KPMINUS": Button.DOWN,
    "KEY_MINUS": Button.DOWN,
    "KEY_KPDOT": Button.STOP,
    "KEY_KPCOMMA": Button.STOP,
    "KEY_DOT": Button.STOP,
    "KEY_COMMA": Button.STOP,
    "KEY_DELETE": Button.STOP,
    "KEY_ESC": Button.STOP,
    **{f"KEY_KP{digit}": digit for digit in range(10)},
    **{f"KEY_{digit}": digit for digit in range(10)},
    # Keypads that keep the number lock to themselves send these while it is off.
    "KEY_INSERT": 0,
    "KEY_END": 1,
    "KEY_DOWN": 2,
    "KEY_PAGEDOWN": 3,
    "KEY_LEFT": 4,
    "KEY_CLEAR": 5,
    "KEY_RIGHT": 6,
    "KEY_HOME": 7,
    "KEY_UP": 8,
    "KEY_PAGEUP": 9,
}
"""What each key of the kernel's names means."""

_log = logging.getLogger(__name__)


class KeyDevice(Protocol):
    """An input device that has been opened. Every call raises OSError where it has been unplugged."""

    @property
    def path(self) -> str:
        """Below /dev/input."""
        ...

    @property
    def name(self) -> str:
        """What it calls itself."""
        ...

    def keys(self) -> frozenset[str]:
        """Return the kernel's names of the keys that it has."""
        ...

    def held(self) -> frozenset[str]:
        """Return the keys that are down now."""
        ...

    def grab(self) -> None:
        """Let nobody else read it."""
        ...

    def fileno(self) -> int:
        """For the loop to wait for."""
        ...

    def read(self) -> Iterable[tuple[str, int]]:
        """Return the keys that changed, with the kernel's value."""
        ...

    def close(self) -> None:
        """Let go of it. Never raises."""
        ...


class KeyDevices(Protocol):
    """Where input devices come from."""

    def paths(self) -> tuple[str, ...]:
        """Those that are plugged in. Raises OSError, ImportError."""
        ...

    def open(self, path: str) -> KeyDevice:
        """Open one. Raises OSError: gone again, or no permission."""
        ...


class _Held:
    """One keypad that is in use. `certain` false: it may be a keyboard, and nothing of it counts yet."""

    def __init__(self, device: KeyDevice, *, certain: bool) -> None:
        self.device = device
        self.certain = certain
        self.letters = not certain
        self.down_since_s: dict[str, float] = {}
        self.stuck: set[str] = set()


class Keypad:
    """All numeric keypads of the machine, or the one that is named. Is a `Panel`."""

    def __init__(
        self,
        devices: KeyDevices,
        clock: Clock,
        *,
        named: str = "",
        tries_keyboards: bool = False,
        stuck_after_s: float = 30.0,
    ) -> None:
        """Nothing is opened before `run`.

        `named`: the one device to use, whatever keys it has. `tries_keyboards`: nothing else here reads a keyboard, so
        that one with a number pad may be used by pressing a key of it.
        """
        self._tries_keyboards = tries_keyboards
        self._devices, self._clock, self._named, self._stuck_after_s = devices, clock, named, stuck_after_s
        self._held: dict[str, _Held] = {}
        self._passed_over: set[str] = set()
        self._keyboards: set[str] = set()
        self._named_perhaps: set[str] = set()
        self._looks = 0
        self._said = LossLogger(KEYPAD)
        self._told: tuple[Button, ...] = ()
        self._state: PanelState | None = None

    @property
    def name(self) -> str:
        """What it is called in the log."""
        return KEYPAD

    @property
    def press_waits(self) -> bool:
        """Whether a key's change waits to be read from a keypad that is in use."""
        try:
            used = [held.device.fileno() for held in self._held.values() if held.certain]
            return bool(select.select(used, (), (), 0)[0])
        except (OSError, ValueError):
            # Unplugged in this moment.
            return False

    async def run(self, hear: Hear) -> None:
        """Tell of every key, until cancelled; keypads may come and go meanwhile."""
        try:
            while True:
                why = "no keypad is plugged in"
                try:
                    self._look(hear)
                except (OSError, ImportError) as error:
                    self._said.lost(error)
                    why = str(error)
                self._tell_stuck(hear)
                self._tell_state(why, hear)
                await self._clock.sleep_until(self._clock.now() + LOOK_EVERY_S)
        finally:
            for path in tuple(self._held):
                self._let_go(path)

    def _look(self, hear: Hear) -> None:
        plugged = (self._named,) if self._named else self._devices.paths()
        for path in tuple(self._held):
            if path not in plugged:
                self._lose(path, "unplugged")
        self._looks += 1
        self._passed_over &= set() if self._looks % LOOK_ANEW_AFTER == 0 else set(plugged)
        self._keyboards &= set(plugged)
        for path in plugged:
            if path not in self._held and path not in self._passed_over | self._keyboards:
                self._open(path, hear)

    def _open(self, path: str, hear: Hear) -> None:
        try:
            device = self._devices.open(path)
        except OSError as error:
            if self._named:
                raise PanelError(f"{path}: {error}") from error
            # Not ours to read, or not yet: its permissions come a moment after it.
            return
        try:
            certain = bool(self._named) or is_keypad(device.name, device.keys())
            if not certain and not (self._tries_keyboards and may_be_keypad(device.name, device.keys())):
                self._passed_over.add(path)
                device.close()
                return
            held = _Held(device, certain=certain)
            if certain:
                self._grab(held)
            else:
                self._say_perhaps(device)
            asyncio.get_running_loop().add_reader(device.fileno(), self._read, path, hear)
        except OSError as error:
            device.close()
            self._said.lost(error)
            return
        self._held[path] = held
        if certain:
            self._said.back()

    def _grab(self, held: _Held) -> None:
        held.device.grab()
        held.down_since_s = dict.fromkeys(held.device.held() & KEYS.keys(), self._clock.now())
        # Down already when it was plugged in: no press, and nothing a person does.
        held.stuck = set(held.down_since_s)

    def _say_perhaps(self, device: KeyDevice) -> None:
        if device.name not in self._named_perhaps:
            self._named_perhaps.add(device.name)
            _log.info(
                "%s (%s) has letters as well as a number pad: press a key of the number pad to use it as the keypad.",
                device.name,
                device.path,
            )

    def _read(self, path: str, hear: Hear) -> None:
        held = self._held[path]
        try:
            for key, value in held.device.read():
                if held.letters and key in LETTERS:
                    self._is_keyboard(path)
                    return
                if not held.certain:
                    if value != DOWN or key not in PAD_KEYS:
                        continue
                    held.device.grab()
                    held.certain = True
                    _log.info("%s is used as the keypad: a key of its number pad was pressed.", held.device.name)
                self._take(held, key, value, hear)
        except BlockingIOError:
            # Woken for nothing.
            return
        except OSError as error:
            self._lose(path, error)
        self._tell_stuck(hear)

    def _take(self, held: _Held, key: str, value: int, hear: Hear) -> None:
        meaning = KEYS.get(key)
        if meaning is None:
            return
        if value == UP_AGAIN:
            held.down_since_s.pop(key, None)
            held.stuck.discard(key)
        elif value == DOWN and key not in held.down_since_s:
            held.down_since_s[key] = self._clock.now()
            hear(DebouncedPress(meaning) if isinstance(meaning, Button) else Typed(meaning))

    def _tell_stuck(self, hear: Hear) -> None:
        now_s = self._clock.now()
        for held in self._held.values():
            held.stuck |= {key for key, since_s in held.down_since_s.items() if now_s >= since_s + self._stuck_after_s}
        keys = {key for held in self._held.values() for key in held.stuck}
        meanings = {KEYS[key] for key in keys}
        buttons = {one if isinstance(one, Button) else BUTTON_OF_DIGIT.get(one) for one in meanings}
        stuck = tuple(button for button in Button if button in buttons)
        if stuck != self._told:
            self._told = stuck
            hear(Stuck(stuck))

    def _tell_state(self, why: str, hear: Hear) -> None:
        """Tell, where it has changed, whether a keypad is read now."""
        reads = any(held.certain for held in self._held.values())
        state = PanelState(reads, "" if reads else why)
        if state != self._state:
            self._state = state
            hear(state)

    def _is_keyboard(self, path: str) -> None:
        """Somebody types letters on it: leave it to them."""
        _log.info("%s is a keyboard: letters were typed on it, so that it is left alone.", self._held[path].device.name)
        self._let_go(path)
        self._keyboards.add(path)

    def _lose(self, path: str, reason: object) -> None:
        used = self._held[path].certain
        self._let_go(path)
        if used:
            self._said.lost(reason)

    def _let_go(self, path: str) -> None:
        held = self._held.pop(path)
        with contextlib.suppress(OSError, ValueError):
            asyncio.get_running_loop().remove_reader(held.device.fileno())
        held.device.close()


class EvdevDevices:
    """The kernel's input devices, through evdev."""

    def paths(self) -> tuple[str, ...]:
        """Those that are plugged in."""
        from evdev import list_devices  # noqa: PLC0415 - only where a keypad is looked for

        return tuple(list_devices())

    def open(self, path: str) -> KeyDevice:
        """Open one."""
        from evdev import InputDevice  # noqa: PLC0415 - as above

        return EvdevDevice(InputDevice(path))


class EvdevDevice:
    """One of the kernel's input devices."""

    def __init__(self, device: Any) -> None:  # noqa: ANN401 - evdev is loaded only where it is used
        """Take an open `evdev.InputDevice`."""
        self._device = device

    @property
    def path(self) -> str:
        """Below /dev/input."""
        return str(self._device.path)

    @property
    def name(self) -> str:
        """What it calls itself."""
        return str(self._device.name)

    def keys(self) -> frozenset[str]:
        """Return the kernel's names of the keys that it has."""
        from evdev import ecodes  # noqa: PLC0415 - as above

        return _named(self._device.capabilities().get(ecodes.EV_KEY, ()))

    def held(self) -> frozenset[str]:
        """Return the keys that are down now."""
        return _named(self._device.active_keys())

    def grab(self) -> None:
        """Let nobody else read it."""
        self._device.grab()

    def fileno(self) -> int:
        """For the loop to wait for."""
        return int(self._device.fileno())

    def read(self) -> Iterable[tuple[str, int]]:
        """Return the keys that changed."""
        from evdev import ecodes  # noqa: PLC0415 - as above

        events: Callable[[], Iterable[Any]] = self._device.read
        for event in events():
            if event.type == ecodes.EV_KEY:
                for name in _named((event.code,)):
                    yield name, event.value

    def close(self) -> None:
        """Let go of it."""
        with contextlib.suppress(OSError):
            self._device.close()


def _named(codes: Iterable[int]) -> frozenset[str]:
    from evdev import ecodes  # noqa: PLC0415 - as above

    found: set[str] = set()
    for code in codes:
        names = ecodes.KEY.get(code, ())
        found.update((names,) if isinstance(names, str) else names)
    return frozenset(found)
