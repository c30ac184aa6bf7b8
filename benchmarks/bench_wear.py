"""Wear of the memory card: bytes and flushes that a session costs, by the statistics of a block device with ext4.

    sudo python -m benchmarks.bench_wear [--minutes 3]

The diary lies on a loop device; the journal is handed what a session hands it, in real time: a rate, the passing of
time, an advice now and then, a phase every three minutes. Needs root, for the loop device and the mount.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from coach.model.events import Advice, AdviceGiven, AnyEvent, Direction, PhaseStarted
from coach.model.messages import HeartRate, Time
from coach.model.protocol import PhaseKind
from firmware.journal.journal import Journal
from firmware.system.session_id import new_session_id
from firmware.system.timestamps import SystemStampClock
from tests.support.figures import Figures
from tests.support.machine.session_factory import plan, protocol, summary

MOST_MB, MOST_FLUSHES = 20.0, 1000.0
DISK_MB = 64
PHASE_S, ADVICE_EVERY_S = 180, 20
SECTOR_BYTES = 512
_SECTORS, _FLUSHES = 6, 15
"""Places in /sys/block/…/stat: sectors written, and flushes (Documentation/block/stat.rst)."""


class Written(Struct, frozen=True):
    """What has reached the device so far."""

    megabytes: float
    flushes: int


@contextmanager
def ext4_device() -> Iterator[tuple[Path, str]]:
    """Mount a fresh ext4 on a loop device; give the folder and the device's name."""
    with tempfile.TemporaryDirectory() as name:
        image, folder = Path(name) / "disk", Path(name) / "mnt"
        folder.mkdir()
        with image.open("wb") as disk:
            disk.truncate(DISK_MB * 2**20)
        run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image))
        device = run("losetup", "--find", "--show", "--direct-io=on", str(image)).strip()
        try:
            run("mount", "-o", "noatime,commit=600", device, str(folder))
            try:
                yield folder, Path(device).name
            finally:
                run("umount", str(folder))
        finally:
            run("losetup", "--detach", device)


def run(*words: str) -> str:
    """Run a program and return what it says."""
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def written(device: str) -> Written:
    """Read the device's statistics."""
    fields = [int(word) for word in Path(f"/sys/block/{device}/stat").read_text(encoding="ascii").split()]
    return Written(fields[_SECTORS] * SECTOR_BYTES / 2**20, fields[_FLUSHES])


def train(journal: Journal, minutes: float) -> None:
    """Hand the journal a session of so many minutes, in real time."""
    session_id, stamps = new_session_id(time.time()), SystemStampClock()
    journal.begin(session_id, plan(), protocol(), stamps.now()).result()
    began_s = time.monotonic()
    for t in range(int(minutes * 60)):
        events: list[AnyEvent] = []
        if t % PHASE_S == 0:
            events.append(PhaseStarted(float(t), t // PHASE_S, PhaseKind.INTERVAL, 1, PHASE_S))
        elif t % ADVICE_EVERY_S == 0:
            events.append(AdviceGiven(float(t), Advice(Direction.HOLD, reason="in_zone")))
        journal.record(session_id, (HeartRate(float(t), 150.0), Time(float(t))), tuple(events))
        time.sleep(max(0.0, began_s + t + 1 - time.monotonic()))
    journal.finish(session_id, summary()).result()


def main() -> int:
    """Measure a first session and a later one. Return 1 where nothing can be measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=3.0)
    minutes = parser.parse_args().minutes
    if os.geteuid() != 0:
        print("Making a loop device and mounting it needs root: run this with sudo.", file=sys.stderr)
        return 1
    figures = Figures("wear")
    with ext4_device() as (folder, device):
        journal = Journal.open(folder / "diary.db")
        for name in ("first session after a boot", "later session"):
            os.sync()
            before = written(device)
            train(journal, minutes)
            os.sync()
            after = written(device)
            hours = minutes / 60
            megabytes, flushes = after.megabytes - before.megabytes, after.flushes - before.flushes
            figures.tell(f"written in an hour of a {name}", megabytes / hours, "MB", MOST_MB, "with beginning and end")
            figures.tell(f"flushes in an hour of a {name}", flushes / hours, "", MOST_FLUSHES)
        journal.close()
    figures.keep()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
