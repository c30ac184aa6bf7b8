"""Which of the kernel's input devices is a numeric keypad, by the keys that it has.

Many devices claim keys that they have not: cheap keypads («SEM USB Keyboard»), wireless receivers and even mice
announce a whole keyboard. By their keys alone these cannot be told from a keyboard; only a key that is pressed tells.
"""

import re
import struct
from enum import StrEnum

from msgspec import Struct

LISTING = "/proc/bus/input/devices"
_CODES = {
    28: "KEY_ENTER",
    **{1 + digit: f"KEY_{digit}" for digit in range(1, 10)},
    11: "KEY_0",
    **{16 + at: f"KEY_{letter}" for at, letter in enumerate("QWERTYUIOP")},
    **{30 + at: f"KEY_{letter}" for at, letter in enumerate("ASDFGHJKL")},
    **{44 + at: f"KEY_{letter}" for at, letter in enumerate("ZXCVBNM")},
    **dict(zip(range(71, 74), ("KEY_KP7", "KEY_KP8", "KEY_KP9"), strict=True)),
    74: "KEY_KPMINUS",
    **dict(zip(range(75, 78), ("KEY_KP4", "KEY_KP5", "KEY_KP6"), strict=True)),
    78: "KEY_KPPLUS",
    **dict(zip(range(79, 83), ("KEY_KP1", "KEY_KP2", "KEY_KP3", "KEY_KP0"), strict=True)),
    83: "KEY_KPDOT",
    96: "KEY_KPENTER",
}
"""Numbers of the kernel's input-event-codes.h, as far as they tell what a device is."""

LETTERS = frozenset(f"KEY_{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
PAD_KEYS = frozenset(name for name in _CODES.values() if name.startswith("KEY_KP"))
"""Keys that only a number pad has. A card reader or a scanner types digits, but not these."""
_DIGITS = frozenset(f"KEY_KP{digit}" for digit in range(10))
_ENTERS = frozenset(("KEY_KPENTER", "KEY_ENTER"))
_CALLED_NUMERIC = re.compile(r"num(?:ber|eric)?[ _-]?pad|numeric", re.IGNORECASE)
_CALLED_KEYPAD = re.compile(r"key ?pad", re.IGNORECASE)
_CALLED_KEYBOARD = re.compile(r"keyboard", re.IGNORECASE)
_LONGEST_32_BITS = 8


class KeyboardKind(StrEnum):
    """What a device is: a numeric keypad, perhaps one (it claims letters as well), or something else."""

    KEYPAD = "keypad"
    PERHAPS = "perhaps"
    OTHER = "other"


class InputDevice(Struct, frozen=True):
    """A device of the kernel's list. `event`: its file below /dev/input."""

    name: str
    event: str
    keys: frozenset[str]

    @property
    def kind(self) -> KeyboardKind:
        """What it is."""
        return keyboard_kind(self.name, self.keys)


def keyboard_kind(name: str, keys: frozenset[str]) -> KeyboardKind:
    """Return what a device is, by its keys; by its name where it claims letters as well."""
    if not (keys >= _DIGITS and keys & _ENTERS):
        return KeyboardKind.OTHER
    # G11 Keyboard Keypad: a keyboard's second device.
    called = _CALLED_NUMERIC.search(name) or (_CALLED_KEYPAD.search(name) and not _CALLED_KEYBOARD.search(name))
    if called or not keys & LETTERS:
        return KeyboardKind.KEYPAD
    return KeyboardKind.PERHAPS


def is_keypad(name: str, keys: frozenset[str]) -> bool:
    """Whether a device is a numeric keypad for certain."""
    return keyboard_kind(name, keys) is KeyboardKind.KEYPAD


def may_be_keypad(name: str, keys: frozenset[str]) -> bool:
    """Whether a device has a number pad, or claims to, as well as letters."""
    return keyboard_kind(name, keys) is KeyboardKind.PERHAPS


def devices_in(listing: str, word_bits: int | None = None) -> tuple[InputDevice, ...]:
    """Return the devices of `/proc/bus/input/devices` that programs can read. `word_bits`: of the kernel's words."""
    found = []
    for block in listing.split("\n\n"):
        lines = dict(re.findall(r"^([A-Z]: \w+)=(.*)$", block, re.MULTILINE))
        event = re.search(r"\bevent\d+\b", lines.get("H: Handlers", ""))
        if event is not None:
            name = lines.get("N: Name", "").strip().strip('"')
            found.append(InputDevice(name, event[0], _keys(lines.get("B: KEY", ""), word_bits)))
    return tuple(found)


def _keys(bitmap: str, word_bits: int | None) -> frozenset[str]:
    """Read a bitmap: hexadecimal words, the highest first, each without leading noughts."""
    words = bitmap.split()
    if not all(re.fullmatch(r"[0-9a-fA-F]{1,16}", word) for word in words):
        return frozenset()
    if word_bits is None:
        wide = any(len(word) > _LONGEST_32_BITS for word in words)
        word_bits = 64 if wide else struct.calcsize("l") * 8
    bits = 0
    for word in words:
        bits = bits << word_bits | int(word, 16)
    return frozenset(name for code, name in _CODES.items() if bits >> code & 1)
