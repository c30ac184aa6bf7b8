"""The treadmill over FTMS: read, told, and never written to."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from firmware.sensors.adapter import BluetoothAdapter
from firmware.sensors.ble_treadmill import TREADMILL_DATA, BluetoothTreadmill, TreadmillTimings
from firmware.sensors.scanner import SharedScanner
from tests.support.bluez.fake_bluez import FakeBlueZ, strap, treadmill
from tests.support.bluez.private_bus import HAS_DAEMON, private_bus

pytestmark = pytest.mark.skipif(not HAS_DAEMON, reason="dbus-daemon is not installed: run scripts/set-up.sh")
PATIENCE_S = 60.0
QUICK = TreadmillTimings(
    settle_s=0.2, look_for_s=1.0, rest_s=0.1, connect_s=20.0, ask_s=20.0, silent_s=PATIENCE_S, tell_again_s=PATIENCE_S
)
SPEED_AND_INCLINE = bytes.fromhex("08 00 80 02 32 00 1D 00")


@pytest.fixture(autouse=True)
def _bus() -> Iterator[None]:
    with private_bus():
        yield


@asynccontextmanager
async def reading(wanted: str = "") -> AsyncIterator[list[tuple[float, float | None]]]:
    radio = BluetoothAdapter()
    told: list[tuple[float, float | None]] = []
    reader = BluetoothTreadmill(radio, SharedScanner(radio), wanted=wanted, timings=QUICK)
    task = asyncio.create_task(reader.run(lambda speed, incline: told.append((speed, incline))))
    try:
        yield told
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(there: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not there():  # noqa: ASYNC110 - the far end tells nobody
            await asyncio.sleep(0.01)


def test_speed_and_incline_are_told_when_they_change_and_nothing_is_written() -> None:
    async def main() -> None:
        belt = treadmill()
        async with FakeBlueZ(belt, strap()) as bluez, reading() as told:
            await until(lambda: bluez.notify(belt, TREADMILL_DATA, bytes.fromhex("00 00 F4 01")))
            for _ in range(3):
                bluez.notify(belt, TREADMILL_DATA, SPEED_AND_INCLINE)
            await until(lambda: len(told) == 2)
            # The speed alone, and what does not belong to it in a notification of its own.
            bluez.notify(belt, TREADMILL_DATA, bytes.fromhex("09 00 28 00 00 00"))
            bluez.notify(belt, TREADMILL_DATA, bytes.fromhex("00"))
            bluez.notify(belt, TREADMILL_DATA, bytes.fromhex("00 00 80 02"))
            await until(lambda: len(told) == 3)
            assert told == [(5.0, None), (6.4, 5.0), (6.4, 4.0)]
            assert bluez.writes == []

    asyncio.run(main())


def test_the_treadmill_of_the_settings_is_read_and_no_other() -> None:
    async def main() -> None:
        mine, theirs = treadmill("Woodway 12"), treadmill("Woodway 13", "C0:11:22:00:00:10")
        async with FakeBlueZ(mine, theirs) as bluez, reading("woodway 12"):
            await until(lambda: bluez.notify(mine, TREADMILL_DATA, SPEED_AND_INCLINE))
            assert theirs.connections == 0
        async with FakeBlueZ(mine, theirs) as bluez, reading("c0:11:22:00:00:10"):
            await until(lambda: bluez.notify(theirs, TREADMILL_DATA, SPEED_AND_INCLINE))

    asyncio.run(main())


def test_of_several_treadmills_without_a_name_in_the_settings_none_is_taken() -> None:
    async def main() -> None:
        mine, theirs = treadmill("Woodway 12"), treadmill("Woodway 13", "C0:11:22:00:00:10")
        async with FakeBlueZ(mine, theirs) as bluez, reading():
            await until(lambda: bluez.starts >= 3)
            assert (mine.connections, theirs.connections) == (0, 0)

    asyncio.run(main())


def test_a_treadmill_that_was_switched_off_is_read_again() -> None:
    async def main() -> None:
        belt = treadmill()
        async with FakeBlueZ(belt) as bluez, reading() as told:
            for times in (1, 2):
                await until(lambda: bluez.notify(belt, TREADMILL_DATA, SPEED_AND_INCLINE))
                await until(lambda count=times: len(told) == count)  # type: ignore[misc]
                bluez.take_away(belt)
                bluez.bring_back(belt)

    asyncio.run(main())
