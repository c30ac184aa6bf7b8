"""Which Bluetooth adapter is used: by what each can do, by name, and by address."""

from pathlib import Path
from typing import Any

import pytest

from firmware.sensors.adapter import ADAPTER, BluetoothAdapter

BOARD = {"Powered": True, "Address": "B8:27:EB:00:00:01", "Roles": ["central", "peripheral"]}
STICK = {"Powered": True, "Address": "00:1A:7D:DA:71:13", "Roles": ["central"]}


def radio(wanted: str | None = None, rfkill: Path = Path("/nowhere"), **adapters: dict[str, Any]) -> BluetoothAdapter:
    """A radio that BlueZ has told of these adapters."""
    one = BluetoothAdapter(wanted, rfkill)
    one._there = True
    one._objects = {f"/org/bluez/{name}": {ADAPTER: told} for name, told in adapters.items()}
    return one


@pytest.mark.parametrize(
    ("wanted", "hci0", "hci1", "used"),
    [
        (None, BOARD, STICK, "hci0"),
        (None, BOARD | {"Powered": False}, STICK, "hci1"),
        (None, BOARD | {"Roles": ["peripheral"]}, STICK | {"Powered": False}, "hci1"),
        (None, {"Powered": True}, STICK, "hci0"),
        ("hci1", BOARD, STICK, "hci1"),
        ("00:1a:7d:da:71:13", STICK, BOARD, "hci0"),
        ("00:1a:7d:da:71:13", BOARD, STICK, "hci1"),
        ("hci7", BOARD, STICK, None),
    ],
)
def test_the_adapter_that_can_do_the_work_is_used(
    wanted: str | None, hci0: dict[str, Any], hci1: dict[str, Any], used: str | None
) -> None:
    assert radio(wanted, hci0=hci0, hci1=hci1).adapter_name == used


@pytest.mark.parametrize(("blocked", "condition"), [("hci0", "bluetooth_blocked"), ("hci1", "bluetooth_off")])
def test_only_the_switch_of_the_adapter_in_use_blocks_it(tmp_path: Path, blocked: str, condition: str) -> None:
    for number, name in enumerate(("hci0", "hci1")):
        switch = tmp_path / f"rfkill{number}"
        switch.mkdir()
        for file, content in {
            "type": "bluetooth",
            "name": name,
            "soft": str(int(name == blocked)),
            "hard": "0",
        }.items():
            (switch / file).write_text(f"{content}\n")
    assert radio("hci0", tmp_path, hci0=BOARD | {"Powered": False}, hci1=STICK).condition == condition
