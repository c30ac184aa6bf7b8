"""PINs of those who want one: kept as a salted slow hash, each in a file of its own, and never as digits.

Four digits are no password: whoever holds the memory card can try all ten thousand. A PIN keeps a neighbour from
training in somebody's name by mistake or in jest (hazard H12); scrypt keeps it from being read at a glance. The digits
stand in no message, no file and no log: the command hashes them before it speaks to the coach, and the coach holds
those that are typed only until they are checked.
"""

import hashlib
import hmac
import os
from pathlib import Path

import msgspec

from coach.kiosk.sign_in import PIN_DIGITS
from firmware.ipc.pin_hash import BLOCK, COST, LANES, PinHash
from firmware.system.atomic_file import safe_path
from firmware.system.errors import FirmwareError
from firmware.system.folder_owner import read_plain
from firmware.system.kept_file import forget_file, keep_file, lost_files, rescue_folder

FOLDER = "pins"
SALT_BYTES, HASH_BYTES = 16, 32
_MOST_MEMORY = 64 * 1024 * 1024
_SMALLEST_COST, _LARGEST_COST = 2**12, 2**15


class PinError(FirmwareError, ValueError):
    """A PIN that cannot be used; the text never repeats it."""


def hashed(pin: str) -> PinHash:
    """Hash a new PIN, with a salt of its own. Raises PinError where it is not four digits."""
    if len(pin) != PIN_DIGITS or not (pin.isascii() and pin.isdigit()):
        raise PinError(f"A PIN is {PIN_DIGITS} digits, 0 to 9. Choose another.")
    salt = os.urandom(SALT_BYTES)
    return PinHash(salt=salt, hash=_slow(pin, salt, COST, BLOCK, LANES))


def is_right(pin: str, kept: PinHash) -> bool:
    """Whether it is the PIN; takes long, on purpose: keep it off the loop."""
    return hmac.compare_digest(_slow(pin, kept.salt, kept.cost, kept.block, kept.lanes), kept.hash)


def checked(kept: PinHash) -> PinHash:
    """Return a hash that came from outside, if it is one that may be kept. Raises PinError."""
    usual = (len(kept.salt), len(kept.hash), kept.block, kept.lanes) == (SALT_BYTES, HASH_BYTES, BLOCK, LANES)
    if not usual or not _SMALLEST_COST <= kept.cost <= _LARGEST_COST or kept.cost & (kept.cost - 1):
        raise PinError("This is no PIN's hash of this version. Set the PIN with: interval-coach participants pin")
    return kept


def _slow(pin: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=cost, r=block, p=lanes, maxmem=_MOST_MEMORY, dklen=HASH_BYTES)


def read_pins(folder: Path) -> tuple[dict[str, PinHash], tuple[str, ...]]:
    """All PINs of a folder by pseudonym, and of those that cannot be read the pseudonyms.

    A damaged file is restored from its copy. Where that cannot be read either, its participant still has a PIN, and no
    digits are right: a damaged card opens no door.
    """
    rescue_folder(folder, _read, _DAMAGED)
    found: dict[str, PinHash] = {}
    damaged: list[str] = []
    for path in sorted(folder.glob("*.json")):
        try:
            found[path.stem] = _read(path)
        except (OSError, *_DAMAGED):
            damaged.append(path.stem)
    damaged += [path.stem for path in lost_files(folder)]
    return found, tuple(damaged)


_DAMAGED = (msgspec.MsgspecError, UnicodeDecodeError, PinError)


def _read(path: Path) -> PinHash:
    return checked(msgspec.json.decode(read_plain(path), type=PinHash))


def keep_pin(folder: Path, participant: str, kept: PinHash) -> None:
    """Keep a PIN's hash. Raises UnsafeNameError; OSError where the disk refuses."""
    keep_file(safe_path(folder, participant), msgspec.json.encode(kept))


def forget_pin(folder: Path, participant: str) -> None:
    """Keep it no longer. Raises UnsafeNameError; OSError where the disk refuses."""
    forget_file(safe_path(folder, participant))
