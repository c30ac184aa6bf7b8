"""A strap is known by what is printed on it."""

import pytest

from firmware.strap_identity import POLAR, Identity, advertised_bpm, identity

ADDRESS = "a0:9e:1a:00:3f:9a"


@pytest.mark.parametrize(
    ("name", "serial"),
    [
        ("Polar H10 8F3A2B1C", "8F3A2B1C"),
        ("Polar H9 AB12CD34", "AB12CD34"),
        ("Polar Sense 01234567", "01234567"),
        ("Suunto Smart Sensor 2241500123", "2241500123"),
    ],
)
def test_the_serial_in_a_known_makers_name_is_the_identity(name: str, serial: str) -> None:
    assert identity(name, ADDRESS) == Identity(f"serial:{serial}", name, serial)


@pytest.mark.parametrize(
    ("name", "serial"),
    [
        ("HRM-Pro:123456", "123456"),
        ("HRM-Dual:0987654", "0987654"),
        ("TICKR 3C4D", "3C4D"),
        ("TICKR FIT A1B2", "A1B2"),
        ("808S 0123456", "0123456"),
        ("H64-12345", "12345"),
    ],
)
def test_a_short_serial_is_an_identity_together_with_the_name(name: str, serial: str) -> None:
    assert identity(name, ADDRESS) == Identity(f"serial:{name}", name, serial)
    assert identity(name, ADDRESS).printed == serial


def test_two_makers_short_serials_are_two_straps() -> None:
    same = [identity(name, ADDRESS).key for name in ("TICKR 1234", "TICKR FIT 1234", "HRM-Pro:1234", "H64-1234")]
    assert len(set(same)) == len(same)


@pytest.mark.parametrize("name", ["Venu 2000", "Polar Vantage V2", "HR Strap", "Forerunner 9650"])
def test_a_model_number_is_no_serial(name: str) -> None:
    assert identity(name, ADDRESS) == Identity("address:A0:9E:1A:00:3F:9A", name)
    assert identity(name, ADDRESS).printed == "3F:9A"


def test_a_strap_with_a_new_address_is_the_same_strap() -> None:
    assert identity("Polar H10 8F3A2B1C", ADDRESS) == identity("Polar H10 8F3A2B1C", "c0:00:00:00:00:01")


def test_a_strap_without_a_name_is_shown_by_the_end_of_its_address() -> None:
    assert identity(None, ADDRESS) == identity("  ", ADDRESS) == Identity("address:A0:9E:1A:00:3F:9A", "")
    assert identity(None, ADDRESS).printed == "3F:9A"


@pytest.mark.parametrize(
    ("told", "bpm"),
    [
        ({POLAR: bytes((0x02, 42, 80, 101))}, 101.0),
        ({POLAR: bytes((0x02, 42, 80))}, 80.0),
        ({POLAR: bytes((0x00, 42, 0, 0))}, 0.0),
        ({POLAR: bytes((0x72, 42, 80, 101))}, None),
        ({POLAR: bytes(12)}, None),
        ({0x004C: bytes((0x02, 42, 80, 101))}, None),
        ({}, None),
    ],
)
def test_a_polar_strap_tells_everyone_its_rate(told: dict[int, bytes], bpm: float | None) -> None:
    assert advertised_bpm(told) == bpm
