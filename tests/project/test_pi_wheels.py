"""What the emulated Raspberry Pi is given to install is what a real one would ask for."""

import pytest

from scripts.lock_files import read_lock
from scripts.pi_wheels import needed


@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_the_packages_of_a_pi_are_those_whose_marker_holds_on_it(python: str) -> None:
    device = read_lock("device")
    names = {one.name for one in needed(device, python)}
    assert {"bleak", "gpiozero", "luma-oled", "numpy", "paho-mqtt"} <= names
    assert not {one.name for one in device if "x86_64" in one.marker} & names
    assert all(one.hashes for one in needed(device, python))
