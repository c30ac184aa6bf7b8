"""The journal's figures, each with its target: what a kill -9 takes, what a record and a session cost.

python -m benchmarks.bench_journal [--kills 100] [--seed 1]
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from coach.model.messages import HeartRate
from firmware.journal.journal import Journal
from firmware.journal.writer import JournalSettings
from tests.support.machine.journal_kills import campaign
from tests.support.machine.session_factory import plan, protocol, summary

SAMPLES_A_SECOND = 100
COMMIT_EVERY_S = JournalSettings().commit_every_s


def report(what: str, figure: float, target: float, unit: str) -> bool:
    """Print one figure with its target. Gives whether it is met."""
    met = figure <= target
    print(f"{what}: {figure:g} {unit} (target ≤ {target:g} {unit}){'' if met else '  MISSED'}")
    return met


def kills(count: int, seed: int) -> list[bool]:
    """Kill a writer whose seconds run 100 times as fast, its commits too."""
    arguments = (
        "--samples-a-second",
        str(SAMPLES_A_SECOND),
        "--commit-every-s",
        str(COMMIT_EVERY_S / SAMPLES_A_SECOND),
    )
    with tempfile.TemporaryDirectory() as folder:
        found = campaign(Path(folder), count, seed, arguments=arguments)
    of = f"journal, {count} × kill -9"
    return [
        report(f"{of}: damaged journals", sum(outcome.damaged for outcome in found), 0, "journals"),
        report(f"{of}: lost completed sessions", sum(outcome.lost_finished for outcome in found), 0, "sessions"),
        report(f"{of}: samples lost that were said to be saved", sum(o.lost_kept for o in found), 0, "samples"),
        report(f"{of}: sessions not offered again", sum(o.not_offered for o in found), 0, "sessions"),
    ]


def real_time_loss() -> bool:
    """Kill a writer at real pace, 1 sample a second, five times: what is lost is what one commit interval holds."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ("--samples-a-second", "1", "--commit-every-s", str(COMMIT_EVERY_S))
        found = campaign(Path(folder), 5, 3, arguments=arguments, longest_s=7.0)
    worst = max(outcome.lost_samples for outcome in found)
    return report("journal, kill -9 at real pace: heart rate lost", worst, 5, "s")


def costs() -> list[bool]:
    """Time `record` and measure the file of a 45-minute session."""
    with tempfile.TemporaryDirectory() as folder:
        diary = Path(folder) / "diary.db"
        took_ms = []
        with Journal.open(diary, settings=JournalSettings(commit_every_s=0.002)) as journal:
            journal.begin("s", plan(), protocol())
            for second in range(2700):
                sample = [HeartRate(second + 0.123457, 100.0 + second % 60, (458.0078125, 451.171875), contact=True)]
                begun_s = time.perf_counter()
                journal.record("s", sample)
                took_ms.append((time.perf_counter() - begun_s) * 1000)
                # A second of a session, a thousand times as fast: what is written together stays of a session's size.
                time.sleep(0.001)
            journal.finish("s", summary()).result()
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
        begun_s = time.perf_counter()
        Journal.open(diary).close()
        opened_s = time.perf_counter() - begun_s
    p999_ms = statistics.quantiles(took_ms, n=1000)[-1]
    return [
        report("journal: record() returns, p99.9", round(p999_ms, 3), 5, "ms"),
        report("journal: 45 minutes at 1 Hz on the disk", round(size / 1000), 150, "kB"),
        report("journal: opened and closed", round(opened_s, 3), 0.5, "s"),
    ]


def main() -> int:
    """Measure and print. Gives 1 where a target is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    met = [*kills(chosen.kills, chosen.seed), real_time_loss(), *costs()]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
