"""A strap is known by what is printed on it."""

import pytest

from firmware.sensors.strap import SelectedStrap
from firmware.sensors.strap_identity import (
    POLAR,
    StrapIdentity,
    advertised_bpm,
    identity,
    is_bound,
    is_own_serial,
    may_have_moved,
)

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
    assert identity(name, ADDRESS) == StrapIdentity(f"serial:{serial}", name, serial)


@pytest.mark.parametrize(
    ("name", "serial"),
    [
        ("HRM-Pro:123456", "123456"),
        ("HRM-Dual:0987654", "0987654"),
        ("TICKR 3C4D", "3C4D"),
        ("TICKR FIT A1B2", "A1B2"),
        ("808S 0123456", "0123456"),
        ("H64-12345", "12345"),
        ("HW706-0048903", "0048903"),
        ("HW706-0018199", "0018199"),
        ("HW807-0012345", "0012345"),
        ("HW9 48857", "48857"),
        ("H808S 0123456", "0123456"),
        ("CooSpo H6 0123456", "0123456"),
        ("HRM600:182158", "182158"),
        ("HRMPro+:599846", "599846"),
        ("TICKR X 6CDA", "6CDA"),
        ("TRACKR HEART RATE 1A2B", "1A2B"),
        ("XOSS_HRM_0376102", "0376102"),
        ("HR40-40176", "40176"),
        ("H1_51861", "51861"),
        ("CL831-0318513", "0318513"),
        ("CL880-0208027", "0208027"),
        ("HRM-Dual:084939", "084939"),
        ("TICKR X A23F", "A23F"),
    ],
)
def test_a_short_serial_is_an_identity_together_with_the_name(name: str, serial: str) -> None:
    assert identity(name, ADDRESS) == StrapIdentity(f"serial:{name}", name, serial)
    assert identity(name, ADDRESS).printed == serial


def test_two_makers_short_serials_are_two_straps() -> None:
    same = [identity(name, ADDRESS).key for name in ("TICKR 1234", "TICKR FIT 1234", "HRM-Pro:1234", "H64-1234")]
    assert len(set(same)) == len(same)


@pytest.mark.parametrize(
    "name",
    ["Venu 2000", "Polar Vantage V2", "HR Strap", "Forerunner 9650", "Polar Grit Expedite", "HRMPro+:aris", "HRM 200"],
)
def test_a_model_number_is_no_serial(name: str) -> None:
    assert identity(name, ADDRESS) == StrapIdentity("address:A0:9E:1A:00:3F:9A", name)
    assert identity(name, ADDRESS).printed == "3F:9A"


def test_a_strap_with_a_new_address_is_the_same_strap() -> None:
    assert identity("Polar H10 8F3A2B1C", ADDRESS) == identity("Polar H10 8F3A2B1C", "c0:00:00:00:00:01")


def test_a_strap_without_a_name_is_shown_by_the_end_of_its_address() -> None:
    assert identity(None, ADDRESS) == identity("  ", ADDRESS) == StrapIdentity("address:A0:9E:1A:00:3F:9A", "")
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


@pytest.mark.parametrize(
    ("told", "key", "printed"),
    [
        ("Polar H10 8f3a2b1c", "serial:8F3A2B1C", "8F3A2B1C"),
        ("POLAR H10 8F3A2B1C\0\0\0", "serial:8F3A2B1C", "8F3A2B1C"),
        ("  Polar  H10\t8F3A2B1C ", "serial:8F3A2B1C", "8F3A2B1C"),
        ("tickr 3c4d\0", "serial:tickr 3c4d", "3C4D"),
        ("hw706-0048903", "serial:hw706-0048903", "0048903"),
    ],
)
def test_spelling_and_padding_of_a_name_do_not_matter(told: str, key: str, printed: str) -> None:
    assert (identity(told, ADDRESS).key, identity(told, ADDRESS).printed) == (key, printed)
    plain = identity(told.strip("\0 ").upper(), ADDRESS)
    assert is_bound(SelectedStrap(plain.key, plain.name), identity(told, ADDRESS), "C0:00:00:00:00:01")


MOVED = "C0:00:00:00:00:01"


@pytest.mark.parametrize(
    ("bond", "name", "address", "bound"),
    [
        (SelectedStrap("address:A0:9E:1A:00:3F:9A", ""), "Polar H10 8F3A2B1C", ADDRESS, True),
        (SelectedStrap("address:A0:9E:1A:00:3F:9A", "Polar H10 8F3A2B1C"), "Polar H10 8F3A2B1C", MOVED, True),
        (SelectedStrap("address:A0:9E:1A:00:3F:9A", "Polar H10 8F3A2B1C"), "Polar H10 A90C77E2", ADDRESS, False),
        (SelectedStrap("serial:8F3A2B1C", "Polar H10 8F3A2B1C"), "Polar H10 8F3A2B1C", MOVED, True),
        (SelectedStrap("serial:8F3A2B1C", "Polar H10 8F3A2B1C"), None, ADDRESS, False),
        (SelectedStrap("serial:8F3A2B1C", "Polar H10 8F3A2B1C", None, ADDRESS.upper()), None, ADDRESS, True),
        (
            SelectedStrap("serial:8F3A2B1C", "Polar H10 8F3A2B1C", None, ADDRESS.upper()),
            "Polar H10 A90C77E2",
            ADDRESS,
            False,
        ),
        (SelectedStrap("address:A0:9E:1A:00:3F:9A", "HR Strap"), "HR Strap", MOVED, False),
        (SelectedStrap("serial:TICKR 3C4D", "TICKR 3C4D"), "TICKR FIT 3C4D", MOVED, False),
    ],
)
def test_a_bond_survives_every_form_of_an_identity_and_no_other_strap(
    bond: SelectedStrap,
    name: str | None,
    address: str,
    bound: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert is_bound(bond, identity(name, address), address) is bound


def test_only_a_strap_with_a_serial_of_its_own_may_have_moved() -> None:
    bond = SelectedStrap("address:A0:9E:1A:00:3F:9A", "HR Strap", "SN4471903")
    assert may_have_moved(bond, identity("HR strap", MOVED), "random")
    assert not may_have_moved(bond, identity("HR Strap", MOVED), "public")
    assert not may_have_moved(bond, identity("Another", MOVED), "random")
    assert not may_have_moved(bond, identity(None, MOVED), "random")
    assert not may_have_moved(SelectedStrap(bond.key, "HR Strap"), identity("HR Strap", MOVED), "random")


@pytest.mark.parametrize(
    ("serial", "own"),
    [
        ("SN4471903", True),
        ("8F3A2B1C", True),
        ("90310", False),
        ("12345678", False),
        ("0123456789", False),
        ("87654321", False),
        ("00000001", False),
        ("N/A", False),
        ("", False),
    ],
)
def test_samples_of_a_serial_are_nobodys_own(serial: str, own: bool) -> None:  # noqa: FBT001 - a column
    assert is_own_serial(serial) is own
