"""How long the doctor takes: the fast part, which runs at the coach's start, and all of it as the command does."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from firmware.doctor.environment import CheckContext
from firmware.doctor.local_context import whole
from firmware.doctor.runner import look
from tests.support.figures import Figures
from tests.support.machine.recorded_machine import machine

FAST_MS, WHOLE_MS, COMMAND_MS = 300.0, 15_000.0, 3_000.0
TIMES = 15


def spent_ms(place: CheckContext) -> float:
    """One round."""
    began_s = time.perf_counter()
    look(place)
    return 1000 * (time.perf_counter() - began_s)


def command_ms(folder: Path) -> float:
    """Return the command, from nothing to its last line, on the computer that runs this."""
    words = [sys.executable, "-m", "firmware.cli", "doctor", "--socket", str(folder / "none")]
    words += ["--diary", str(folder / "diary.db"), "--identity", str(folder / "identity")]
    began_s = time.perf_counter()
    root = str(Path(__file__).parent.parent)
    subprocess.run(words, check=False, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": root})
    return 1000 * (time.perf_counter() - began_s)


def main() -> None:
    """Print the figures."""
    figures = Figures("doctor")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        recorded = machine(folder)
        fast = CheckContext(
            root=recorded.root,
            diary=recorded.diary,
            identity=recorded.identity,
            socket=recorded.socket,
            fittings=recorded.fittings,
            told=recorded.told,
        )
        first_ms = spent_ms(fast)
        figures.tell("doctor at start, the fast part, first round", first_ms, "ms", FAST_MS, "a recorded Pi")
        again_ms = [spent_ms(fast) for _ in range(TIMES)]
        figures.tell("doctor, the fast part again, median", statistics.median(again_ms), "ms", FAST_MS)
        figures.tell("doctor, the fast part again, worst", max(again_ms), "ms", FAST_MS)
        here = CheckContext(diary=folder / "none" / "diary.db", identity=folder / "none", socket=folder / "s")
        figures.tell("doctor on this computer, programs included", spent_ms(whole(here)), "ms", WHOLE_MS)
        figures.tell("interval-coach doctor, from nothing", command_ms(folder), "ms", COMMAND_MS)
    figures.keep()


if __name__ == "__main__":
    main()
