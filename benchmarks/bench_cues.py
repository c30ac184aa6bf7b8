"""When a cue is emitted and heard at real time with every core busy: alone, with a slow disk, with a frozen display.

A protocol made for this gives a cue every second. `--minutes 45` or `--full` runs whole sessions.
"""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Sequence
from pathlib import Path

from coach.model.cue import CueName
from tests.support.figures import Figures, cores_busy, share
from tests.support.machine.machine import Machine

EMITTED_MS, DRIFT_MS, HEARD_MS = 5.0, 1.0, 30.0
SLOW_MS = 500
FIRST_IGNORED_S = 3.0
QUIET_S = 0.12
PROTOCOL = """
name = "bench"
title = {{ nb = "Måling", en = "Measurement" }}
[[block]]
  [[block.phase]]
  kind = "interval"
  length_s = {length_s}
  zone = {{ low_fraction = 0.5, high_fraction = 0.7 }}
  pattern = {{ work_s = {work_s}, rest_s = {rest_s} }}
"""


def machine(minutes: float, work_s: int, rest_s: int) -> Machine:
    """Return a machine whose protocol has a cue at almost every second."""
    made = Machine()
    protocol = made.folder / "bench.toml"
    length_s = (int(minutes * 60) + 40) // 20 * 20
    protocol.write_text(PROTOCOL.format(length_s=length_s, work_s=work_s, rest_s=rest_s), encoding="utf-8")
    made.use_protocol(protocol)
    return made


def errors_ms(minutes: float, *, slow_disk: Path | None = None, frozen_display: bool = False) -> list[float]:
    """How late each cue of a session was emitted, in the order in which they came."""
    with machine(minutes, 1, 3) as made:
        slow = {"LD_PRELOAD": str(slow_disk), "SLOW_FSYNC_MS": str(SLOW_MS)} if slow_disk else {}
        made.start("coach", environment=slow)
        made.start("display", ["--screen", "headless", "--no-sound", "--oled", "none"])
        with made.watch() as watcher:
            watcher.begin()
            until_s = time.monotonic() + minutes * 60
            began_s = time.monotonic()
            froze = False
            while (now_s := time.monotonic()) < until_s:
                watcher.receive(until_s - now_s)
                if frozen_display and not froze and now_s - began_s > FIRST_IGNORED_S:
                    made.send("display", signal.SIGSTOP)
                    froze = True
    return [(cue.said_s - cue.due_s) * 1000 for cue, _ in watcher.cues if cue.due_s > began_s + FIRST_IGNORED_S]


def slow_fsync(folder: Path) -> Path | None:
    """Compile what makes every fsync slow, and see that it does; None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    library = folder / "slow_fsync.so"
    source = Path(__file__).with_name("slow_fsync.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl"], check=True)
    code = "import os, tempfile, time; f = tempfile.TemporaryFile(); s = time.monotonic(); os.fsync(f.fileno())"
    told = subprocess.run(
        [sys.executable, "-c", f"{code}; print(time.monotonic() - s)"],
        env={**os.environ, "LD_PRELOAD": str(library), "SLOW_FSYNC_MS": str(SLOW_MS)},
        capture_output=True,
        text=True,
        check=True,
    )
    if float(told.stdout) < SLOW_MS / 1000:
        raise RuntimeError(f"an fsync took {told.stdout.strip()} s only; the shim does not work here")
    return library


class Ear(threading.Thread):
    """The other end of the sound device: notes each moment at which sound begins after a silence."""

    def __init__(self, listening: int) -> None:
        """Listen at a file descriptor."""
        super().__init__(name="ear", daemon=True)
        self._listening = listening
        self.onsets: list[float] = []

    def run(self) -> None:
        """Listen as long as there is a device."""
        last_s = 0.0
        while True:
            try:
                piece = os.read(self._listening, 4096)
            except OSError:
                return
            now_s = time.monotonic()
            if piece.count(0) < len(piece):
                if now_s - last_s > QUIET_S:
                    self.onsets.append(now_s)
                last_s = now_s


def heard_ms(minutes: float) -> list[float]:
    """From the moment a cue was due to its first sample in the sound device's hands, over coach, socket and display."""
    listening, speaking = os.openpty()
    tty.setraw(speaking)
    ear = Ear(listening)
    ear.start()
    sound = {"SDL_AUDIODRIVER": "disk", "SDL_DISKAUDIOFILE": os.ttyname(speaking)}
    with machine(minutes, 5, 5) as made:
        made.start("coach")
        made.start("display", ["--screen", "headless", "--oled", "none"], sound)
        with made.watch() as watcher:
            time.sleep(4)
            watcher.begin()
            until_s = time.monotonic() + minutes * 60
            while (now_s := time.monotonic()) < until_s:
                watcher.receive(until_s - now_s)
    delays = []
    for cue, _ in watcher.cues:
        onset_s = next((onset for onset in ear.onsets if cue.due_s <= onset < cue.due_s + 0.5), None)
        # A word that is still being said hides the onset of the next; tones of a countdown stand alone.
        if onset_s is not None and cue.cue.name is CueName.COUNTDOWN:
            delays.append((onset_s - cue.due_s) * 1000)
    return delays


def tell(figures: Figures, when: str, errors: Sequence[float]) -> None:
    """Print the error and the drift of one session."""
    tenth = max(1, len(errors) // 10)
    drift_ms = abs(statistics.median(errors[-tenth:]) - statistics.median(errors[:tenth]))
    note = f"{len(errors)} cues, median {statistics.median(errors):.2f}, worst {max(errors):.2f}"
    figures.tell(f"cue emitted, {when}, p99.9", share(errors, 0.999), "ms", EMITTED_MS, note)
    figures.tell(f"drift, {when}", drift_ms, "ms", DRIFT_MS)


def main() -> None:
    """Print each figure with its target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.5, help="of each session (default: %(default)s)")
    parser.add_argument("--full", action="store_true", help="whole sessions of 45 minutes")
    arguments = parser.parse_args()
    minutes = 45.0 if arguments.full else arguments.minutes
    figures = Figures("cues")
    cores = os.cpu_count() or 1
    with cores_busy(cores), Machine() as place:
        tell(figures, "every core busy", errors_ms(minutes))
        library = slow_fsync(place.folder)
        if library is None:
            print("cue emitted, every fsync slowed: not measured, there is no C compiler here")
        else:
            tell(figures, f"busy, every fsync {SLOW_MS} ms", errors_ms(minutes, slow_disk=library))
        tell(figures, "busy, display frozen", errors_ms(minutes, frozen_display=True))
        delays = heard_ms(minutes)
    print(f"each of these over {minutes:g} min of a session in real time (--full: 45)")
    note = f"{len(delays)} cues, median {statistics.median(delays):.1f}, worst {max(delays):.1f}" if delays else "none"
    figures.tell("cue heard, every core busy, p99", share(delays, 0.99), "ms", HEARD_MS, note)
    figures.keep()


if __name__ == "__main__":
    main()
