"""PINs: a slow salted hash, never the digits; a damaged one opens no door."""

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from firmware.ipc.pin_hash import PinHash
from firmware.participants import pins
from firmware.participants.pins import PinError, hashed, is_right
from firmware.system.atomic_file import UnsafeNameError


def test_only_the_right_pin_is_right() -> None:
    kept = hashed("2580")
    assert [is_right(pin, kept) for pin in ("2580", "2581", "0852", "")] == [True, False, False, False]


def test_the_same_pin_is_kept_differently_each_time() -> None:
    assert hashed("2580").hash != hashed("2580").hash


@pytest.mark.parametrize("pin", ["", "123", "12345", "12a4", "１２３４", "-123", "1 23", "²³²³"])
def test_what_is_no_pin_is_refused_without_being_repeated(pin: str) -> None:
    with pytest.raises(PinError) as refused:
        hashed(pin)
    assert pin == "" or pin not in str(refused.value)


def test_a_hash_tells_nothing_of_itself() -> None:
    assert repr(hashed("2580")) == "PinHash(…)"


def test_a_pin_is_read_again_and_forgotten_when_removed(tmp_path: Path) -> None:
    kept = hashed("2580")
    pins.keep_pin(tmp_path / "pins", "p1", kept)
    assert pins.read_pins(tmp_path / "pins") == ({"p1": kept}, ())
    (file,) = (tmp_path / "pins").glob("*.json")
    assert file.stat().st_mode & 0o077 == 0
    assert b"2580" not in file.read_bytes()
    pins.forget_pin(tmp_path / "pins", "p1")
    assert pins.read_pins(tmp_path / "pins") == ({}, ())


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b'{"salt":"","hash":""}', b"[" * 5000])
def test_a_damaged_pin_is_known_as_damaged(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "p1.json").write_bytes(content)
    assert pins.read_pins(tmp_path) == ({}, ("p1",))


def test_a_hash_that_would_take_the_machines_memory_is_refused() -> None:
    kept = hashed("2580")
    for strange in (
        replace(kept, cost=2**30),
        replace(kept, cost=2),
        replace(kept, cost=2**14 + 1),
        replace(kept, block=2**20),
        replace(kept, salt=b""),
        replace(kept, hash=b"\0"),
    ):
        with pytest.raises(PinError):
            pins.checked(strange)
    assert pins.checked(msgspec.json.decode(msgspec.json.encode(kept), type=PinHash)) == kept


def test_no_pseudonym_reaches_outside_the_folder(tmp_path: Path) -> None:
    with pytest.raises(UnsafeNameError):
        pins.keep_pin(tmp_path / "pins", "../p1", hashed("2580"))
    assert list(tmp_path.iterdir()) == []
