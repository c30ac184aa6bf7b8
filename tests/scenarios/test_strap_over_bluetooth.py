"""The coach as a process of its own, with a strap on a real D-Bus: from an empty machine to a measured session."""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from coach.kiosk.view import Button, ScreenId
from coach.model.messages import StrapChosen
from tests.support.bluez.fake_bluez import FakeBlueZ, Peripheral, strap
from tests.support.bluez.private_bus import HAS_DAEMON, private_bus
from tests.support.machine.machine import Machine

pytestmark = pytest.mark.skipif(not HAS_DAEMON, reason="dbus-daemon is not installed: run scripts/set-up.sh")


@contextmanager
def on_the_air(*peripherals: Peripheral) -> Iterator[None]:
    """A bluetoothd whose straps beat, on a thread of its own."""
    over = threading.Event()

    async def beat() -> None:
        async with FakeBlueZ(*peripherals) as bluez:
            while not over.is_set():
                for number, one in enumerate(peripherals):
                    bluez.beat(one, 84 + 40 * number)
                await asyncio.sleep(0.2)

    thread = threading.Thread(target=lambda: asyncio.run(beat()), name="bluetoothd")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_person_chooses_their_strap_and_trains_and_after_a_kill_goes_on_with_the_same_one() -> None:
    mine, theirs = strap(rssi=-70), strap("Polar H10 A90C77E2", "A0:9E:1A:00:00:02", rssi=-45)
    with private_bus() as bus, Machine(strap="bluetooth") as machine, on_the_air(mine, theirs):
        environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": bus}
        machine.start("coach", ["--hr-max", "185"], environment)
        with machine.watch() as watcher:
            watcher.until_face(ScreenId.CHOOSE_PARTICIPANT)
            watcher.press(Button.START)
            watcher.until_face(ScreenId.CONFIRM)
            watcher.press(Button.START)
            shown = watcher.until(lambda view: len(view.straps) == 2)
            printed = [one.printed for one in shown.straps]
            assert sorted(printed) == ["8F3A2B1C", "A90C77E2"]
            if printed[shown.selected] != "8F3A2B1C":
                watcher.press(Button.DOWN)
            watcher.press(Button.START)
            ready = watcher.until_face(ScreenId.READY)
            assert ready.strap_name == "Polar H10 8F3A2B1C"
            watcher.press(Button.START)
            running = watcher.until(lambda view: view.face is ScreenId.SESSION and view.snapshot is not None)
            assert running.snapshot is not None
            assert running.snapshot.bpm == 84
            machine.until_kept(running.snapshot.t)
        os.kill(machine.pid("coach"), 9)
        machine.wait("coach")
        machine.start("coach", ["--hr-max", "185"], environment)
        with machine.watch() as watcher:
            watcher.until_face(ScreenId.GO_ON)
            watcher.press(Button.START)
            going_on = watcher.until(
                lambda view: view.face is ScreenId.SESSION and view.snapshot is not None and view.snapshot.bpm == 84
            )
            assert going_on.strap_name == "Polar H10 8F3A2B1C"
        diary = machine.remote_diary()
        record = diary.session(diary.sessions()[0].session_id)
        diary.close()
        assert [one.key for one in record.messages if isinstance(one, StrapChosen)] == ["serial:8F3A2B1C"]
        assert theirs.connections == 0
