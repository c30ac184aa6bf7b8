"""The strap over Bluetooth: how soon a beat is in the session, how soon a lost strap is back, and ten million payloads.

bleak's own code runs on a private D-Bus with a bluetoothd of our own (`fake_bluez.py`). Radio time is not in the
figures: a real strap advertises about once a second at worst, and connects in 0.1–1 s. The timings are the product's.

    python -m benchmarks.bench_strap                 some minutes
    python -m benchmarks.bench_strap --short         about one minute
    python -m benchmarks.bench_strap --payloads 10000000
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from coach.kiosk.view import Button, ScreenId
from coach.model.cue import Cue
from coach.model.events import AnyEvent, Signal
from coach.model.plan import Plan
from firmware.journal.journal import Journal
from firmware.journal.writer import JournalSettings
from firmware.participants.last_strap import StrapMemory, folder_beside
from firmware.participants.plan_files import PlanRepository, ready
from firmware.sensors import gatt_heart_rate, gatt_treadmill
from firmware.sensors.adapter import BluetoothAdapter
from firmware.sensors.ble_strap import BluetoothStrap
from firmware.sensors.scanner import SharedScanner
from firmware.sensors.strap import Delivery, Measurement, SignalSourceLost
from firmware.services.session_controller import SessionController
from firmware.services.strap_selection import StrapChoosing
from firmware.system.clock import SystemClock
from firmware.system.errors import FirmwareError
from firmware.system.timestamps import SystemStampClock
from tests.support.bluez.fake_bluez import FakeBlueZ, Peripheral, strap
from tests.support.bluez.private_bus import private_bus
from tests.support.figures import Figures, share

ADVERTISES_EVERY_S = 1.0
CONNECTS_IN_S = 0.7
"""As slow as a real strap: a Polar H10 advertises about once a second, and took 0.7 s to connect on bluetoothd 5.66."""


class Watch:
    """The outlet: nobody listens."""

    def cue(self, cue: Cue, intervals: int, due_clock_s: float) -> None:
        """Not looked at."""

    def happened(self, events: tuple[AnyEvent, ...]) -> None:
        """Not looked at."""

    def changed(self, *, at_once: bool) -> None:
        """Not looked at."""


class Bench:
    """A keeper in a session, on a strap over the private bus."""

    def __init__(self, bluez: FakeBlueZ, h10: Peripheral, folder: Path) -> None:
        """Open a diary of its own."""
        self.bluez, self.h10 = bluez, h10
        settings = JournalSettings(free_floor_bytes=0)
        self.journal = Journal.open(folder / "diary.db", settings=settings)
        plan = ready(Plan(participant="p1", hr_max_bpm=180.0, hr_max_source="measured"), "the benchmark's plan")
        self.keeper = SessionController(
            plans=PlanRepository((plan,)),
            journal=self.journal,
            clock=SystemClock(),
            stamps=SystemStampClock(),
            outlet=Watch(),
        )
        radio = BluetoothAdapter(rfkill=folder)
        self.adapter = BluetoothStrap(radio, SharedScanner(radio))
        memory = StrapMemory(folder_beside(folder / "diary.db"))
        self.keeper.choose_straps(StrapChoosing(self.adapter, memory))
        self.beats = 0
        self.taken_s = 0.0
        self.lost: list[str] = []

    def deliver(self, delivery: Delivery) -> None:
        """As the service does: the session keeper takes it, and with that the engine has it."""
        self.keeper.deliver(delivery)
        self.taken_s = time.monotonic()
        match delivery:
            case Measurement():
                self.beats += 1
            case SignalSourceLost(reason):
                self.lost.append(reason)

    async def beat(self) -> float:
        """One notification; gives how long it took to the engine, in ms."""
        count, sent_s = self.beats, time.monotonic()
        assert self.bluez.beat(self.h10, 80 + count % 3)
        while self.beats == count:  # noqa: ASYNC110 - any event would add to what is measured
            await asyncio.sleep(0)
        return (self.taken_s - sent_s) * 1000

    async def back(self, within_s: float = 120.0) -> float:
        """Wait for the next measurement of a strap that beats; gives the seconds until it came."""
        count, began_s = self.beats, time.monotonic()
        while self.beats == count:
            assert time.monotonic() - began_s < within_s, "the strap did not come back"
            self.bluez.beat(self.h10)
            await asyncio.sleep(0.02)
        return self.taken_s - began_s


@asynccontextmanager
async def session() -> AsyncIterator[Bench]:
    """Yield a person has chosen their strap and started."""
    h10 = strap()
    h10.connect_s = CONNECTS_IN_S
    with tempfile.TemporaryDirectory() as folder:
        async with FakeBlueZ(h10) as bluez:
            bluez.advertise_every_s = ADVERTISES_EVERY_S
            bench = Bench(bluez, h10, Path(folder))
            task = asyncio.create_task(bench.adapter.run(bench.deliver))
            bench.keeper.press(Button.START)
            bench.keeper.press(Button.START)
            while bench.keeper.view().face is not ScreenId.CHOOSE_STRAP:  # noqa: ASYNC110 - the desk is looked at
                await asyncio.sleep(0.05)
            bench.keeper.press(Button.START)
            await bench.back()
            bench.keeper.press(Button.START)
            try:
                yield bench
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                bench.journal.close(10)


async def notification(figures: Figures, beats: int) -> None:
    """Row: notification → engine."""
    async with session() as bench:
        taken_ms = []
        for _ in range(beats):
            taken_ms.append(await bench.beat())
            await asyncio.sleep(0.01)
    figures.tell("notification → engine, p99", share(taken_ms, 0.99), "ms", 20, f"{beats} beats")


async def returns(figures: Figures, times: int) -> None:
    """Row 21: out of reach and back; silent while connected."""
    rng = random.Random(21)
    back_s, at_s = [], []
    async with session() as bench:
        for _ in range(times):
            bench.bluez.take_away(bench.h10)
            await asyncio.sleep(rng.uniform(0.2, 3.0))
            bench.bluez.bring_back(bench.h10)
            back_s.append(await bench.back())
            await asyncio.sleep(0.3)
        figures.tell("back after the strap's return, p95", share(back_s, 0.95), "s", 10, f"{times} returns")
        # The other silence: connected, and nothing comes.
        await bench.back()
        silent_s = time.monotonic()
        while bench.keeper.view().snapshot is None or bench.keeper.view().snapshot.signal is not Signal.STALE:  # type: ignore[union-attr]
            bench.keeper.wake()
            await asyncio.sleep(0.005)
        figures.tell("silent strap shown as stale after", time.monotonic() - silent_s, "s", 5.1, "the engine's own 5 s")
        connections = bench.h10.connections
        while bench.h10.connections == connections:  # noqa: ASYNC110 - the far end tells nobody
            await asyncio.sleep(0.02)
        at_s.append(time.monotonic() - silent_s)
        figures.tell("silent while connected: connected anew after", max(at_s), "s", 10)


async def radio(figures: Figures, times: int) -> None:
    """Row 21: adapter pulled out, bluetoothd killed, Bluetooth switched off by somebody."""
    rows: dict[str, list[float]] = {"adapter": [], "bluetoothd": [], "power": []}
    async with session() as bench:
        for _ in range(times):
            bench.bluez.remove_adapter()
            await asyncio.sleep(1.0)
            bench.bluez.insert_adapter()
            rows["adapter"].append(await bench.back())
            await bench.bluez.kill()
            await asyncio.sleep(1.0)
            await bench.bluez.start()
            rows["bluetoothd"].append(await bench.back())
            bench.bluez.switch(on=False)
            rows["power"].append(await bench.back())
    figures.tell("back after the adapter's return, worst", max(rows["adapter"]), "s", 60, f"{times} times")
    figures.tell("back after bluetoothd's restart, worst", max(rows["bluetoothd"]), "s", 60, f"{times} times")
    figures.tell("back after Bluetooth was switched off, worst", max(rows["power"]), "s", 60, f"{times} times")


def payloads(figures: Figures, count: int) -> None:
    """Random bytes of every length that a notification has, for each parser; some are refused, none does more."""
    for name, read in (("strap", gatt_heart_rate.read), ("treadmill", gatt_treadmill.read)):
        _random_payloads(figures, name, read, count)


def _random_payloads(figures: Figures, name: str, read: Callable[[bytes], object], count: int) -> None:
    rng = random.Random(0x2A37)
    refused = crashes = 0
    began_s = time.monotonic()
    for _ in range(count):
        payload = rng.randbytes(rng.randrange(24))
        try:
            read(payload)
        except FirmwareError:
            refused += 1
        except Exception as error:  # noqa: BLE001 - this is what is counted
            crashes += 1
            print(f"{payload.hex()}: {error!r}", flush=True)
    took_s = time.monotonic() - began_s
    note = f"{count:,} payloads, {refused:,} refused, {took_s:.0f} s"
    figures.tell(f"random payloads, {name}: crashes", crashes, "", 0, note)


async def _all(figures: Figures, *, short: bool) -> None:
    await notification(figures, 500 if short else 3000)
    await returns(figures, 5 if short else 40)
    await radio(figures, 1 if short else 5)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="fewer of each")
    parser.add_argument("--payloads", type=int, metavar="N", help="only read so many random payloads")
    arguments = parser.parse_args()
    if arguments.payloads is not None:
        payloads(Figures("strap_payloads"), arguments.payloads)
        return
    figures = Figures("strap")
    with private_bus():
        asyncio.run(_all(figures, short=arguments.short))
    payloads(figures, 200_000 if arguments.short else 10_000_000)
    figures.keep()


if __name__ == "__main__":
    main()
