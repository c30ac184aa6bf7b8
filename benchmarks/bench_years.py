"""The diary of many years: how long its list takes from a running coach, and what that costs the coach in memory.

python -m benchmarks.bench_years [--sessions 20000]
"""

import argparse
import time
from pathlib import Path

from tests.support.figures import Figures
from tests.support.machine.machine import PAGE_BYTES, Machine
from tests.support.machine.many_sessions import fill

SESSIONS, MOST_S, MOST_MB = 20_000, 5.0, 10.0
TIMES, SETTLES_S = 3, 5.0


def memory_mb(machine: Machine) -> float:
    """Return the coach's resident memory."""
    statm = Path(f"/proc/{machine.pid('coach')}/statm").read_text(encoding="ascii")
    return int(statm.split()[1]) * PAGE_BYTES / 2**20


def cpu_s() -> float:
    """Return the processor seconds of this process, the client."""
    return time.process_time()


def main() -> int:
    """Fill a diary, start a coach, and list it some times. Return 1 where a list is not whole."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    sessions = parser.parse_args().sessions
    figures, whole = Figures("years"), True
    with Machine() as machine:
        fill(machine.diary, sessions)
        began_s = time.monotonic()
        machine.start("coach")
        watcher = machine.watch()
        while watcher.view is None:
            watcher.receive(0.5)
        watcher.close()
        time.sleep(SETTLES_S)
        print(f"coach ready with {sessions} sessions after {time.monotonic() - began_s:.1f} s")
        before_mb, before_cpu_s = memory_mb(machine), cpu_s()
        print(f"coach's memory before: {before_mb:.1f} MB")
        taken_s = []
        for _ in range(TIMES):
            began_s = time.monotonic()
            diary = machine.remote_diary()
            whole = len(diary.sessions()) == sessions and whole
            diary.close()
            taken_s.append(time.monotonic() - began_s)
        figures.tell(f"list of {sessions} sessions", min(taken_s), "s", MOST_S, f"slowest {max(taken_s):.1f} s")
        used_s = (cpu_s() - before_cpu_s) / TIMES
        print(f"of that {used_s:.1f} s of this process's own processor time a list; the rest is the coach's, or waits")
        figures.tell("coach's memory after three lists, more by", memory_mb(machine) - before_mb, "MB", MOST_MB)
    if sessions >= SESSIONS:
        figures.keep()
    return int(not whole)


if __name__ == "__main__":
    raise SystemExit(main())
