"""The machine's half of delivery: how small sync is, and how soon the receipt comes, beside their targets.

The real coach and sync, a real broker with TLS, and the least of a collector, all on this machine. Load as on a Pi: a
session runs, a strap sends each second, the room's picture goes out each second.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from sync.wire.chunks import WHOLE_UP_TO_BYTES
from tests.support.broker.broker import Broker, MiniCollector, until
from tests.support.broker.courier_machine import SendingMachine, parcel
from tests.support.broker.delivery_factory import sealed
from tests.support.machine.machine import PAGE_BYTES, TICKS_PER_S, Machine

MEMORY_TARGET_MB, CPU_TARGET_PERCENT = 35.0, 1.0
RECEIPT_TARGET_MS = 200.0
WATCHED_S = float(os.environ.get("WATCHED_S", "30"))
RECEIPTS = 200


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES / 2**20


def processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def sync_beside_a_session() -> tuple[float, float]:
    """Most resident MB, and percent of one core, while a session runs and after it was delivered."""
    with tempfile.TemporaryDirectory() as folder:
        clock_set = (
            "import firmware.system.timestamps\nfirmware.system.timestamps.wall_clock_synchronised = lambda: True\n"
        )
        (Path(folder) / "sitecustomize.py").write_text(clock_set)
        with Broker() as broker, MiniCollector(broker) as collector, Machine() as machine:
            identity = broker.identity("pi-1")
            machine.start("coach")
            path = {"PYTHONPATH": f"{folder}:{Path(__file__).parents[1]}"}
            pid = machine.start("sync", ["--identity", str(identity)], path)
            with machine.watch() as watcher:
                watcher.begin()
                until(lambda: any(topic.kind == "live" for topic, _ in collector.others))
                most_mb, before_s, began_s = resident_mb(pid), processor_s(pid), time.monotonic()
                while time.monotonic() - began_s < WATCHED_S:
                    watcher.receive(0.5)
                    most_mb = max(most_mb, resident_mb(pid))
                percent = 100 * (processor_s(pid) - before_s) / (time.monotonic() - began_s)
                watcher.end()
            until(lambda: collector.stored)
            return max(most_mb, resident_mb(pid)), percent


def receipts_ms() -> list[float]:
    """From publishing a session of real size to its receipt, one after the other on an idle system."""
    took = []
    with Broker() as broker, MiniCollector(broker), SendingMachine(broker.identity("pi-1")) as machine:
        until(lambda: machine.online)
        for number in range(RECEIPTS):
            one = parcel(number)
            machine.journal[one.session_id] = one
            began_s = time.perf_counter()
            machine.pump()
            while machine.journal:
                machine.pump()
                time.sleep(0.0005)
            took.append((time.perf_counter() - began_s) * 1000)
    return took


def main() -> int:
    size = len(sealed(1))
    most_mb, percent = sync_beside_a_session()
    took = receipts_ms()
    p50, p99 = statistics.median(took), statistics.quantiles(took, n=100)[98]
    print(f"a session of 46 minutes, sealed           {size / 1024:8.1f} KiB (target ≤ {WHOLE_UP_TO_BYTES / 1024:.0f})")
    print(f"sync, resident beside a session           {most_mb:8.1f} MB  (target ≤ {MEMORY_TARGET_MB:.0f})")
    print(f"sync, of one core beside a session        {percent:8.2f} %   (target ≤ {CPU_TARGET_PERCENT:.0f})")
    print(f"receipt after publishing, p50             {p50:8.1f} ms")
    print(f"receipt after publishing, p99 of {RECEIPTS}      {p99:8.1f} ms  (target ≤ {RECEIPT_TARGET_MS:.0f})")
    met = (
        size <= WHOLE_UP_TO_BYTES
        and most_mb <= MEMORY_TARGET_MB
        and percent <= CPU_TARGET_PERCENT
        and p99 <= RECEIPT_TARGET_MS
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
