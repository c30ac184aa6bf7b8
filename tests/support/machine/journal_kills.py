"""Kill a writing process at random moments, and look at what the journal has left."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from coach.model.messages import HeartRate
from firmware.journal.errors import JournalError
from firmware.journal.journal import Journal
from firmware.journal.writer import JournalSettings

ROOT = Path(__file__).resolve().parents[3]
READING = JournalSettings(housekeeping_s=3600.0, free_floor_bytes=0)


class Told(NamedTuple):
    """What the writer said before it died: sessions finished, with their hash; samples handed over and kept."""

    finished: dict[str, str]
    handed_over: dict[str, int]
    kept: dict[str, int]
    begun: set[str]


class Outcome(NamedTuple):
    """What was found after one kill."""

    damaged: bool
    lost_finished: int
    lost_kept: int
    lost_samples: int
    not_offered: bool


def told(lines: list[str]) -> Told:
    """Read the writer's lines; the last may have been cut."""
    said = Told({}, {}, {}, set())
    for line in lines:
        match line.split():
            case ["finished", name, sha256]:
                said.finished[name] = sha256
            case ["sample", name, number]:
                said.handed_over[name] = int(number) + 1
            case ["kept", name, number]:
                said.kept[name] = max(said.kept.get(name, 0), int(number) + 1)
            case ["begun", name]:
                said.begun.add(name)
    return said


def kill_once(diary: Path, name: str, after_s: float, arguments: tuple[str, ...] = ()) -> Told:
    """Start a writer, kill it `after_s` after it opened the journal, and give what it said."""
    output = diary.with_suffix(".said")
    with output.open("w") as said:
        writer = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.support.machine.journal_writer_process",
                str(diary),
                "--name",
                name,
                *arguments,
            ],
            stdout=said,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        try:
            while "open" not in output.read_text() and writer.poll() is None:
                time.sleep(0.005)
            time.sleep(after_s)
        finally:
            writer.send_signal(signal.SIGKILL)
            writer.wait()
    return told(output.read_text().split("\n")[:-1])


def look(diary: Path, said: Told) -> Outcome:
    """Open the journal as the next start would, and compare it with what was promised."""
    with Journal.open(diary, settings=READING) as journal:
        damaged = journal.opening.quarantined is not None
        lost_finished = lost_kept = lost_samples = 0
        offered = journal.unfinished().result()
        for name, handed_over in said.handed_over.items():
            try:
                stored = journal.session(name).result()
            except JournalError:
                stored = None
            found = 0 if stored is None else sum(isinstance(message, HeartRate) for message in stored.messages)
            if name in said.finished and (stored is None or stored.sha256 != said.finished[name]):
                lost_finished += 1
            lost_kept += max(0, said.kept.get(name, 0) - found)
            lost_samples = max(lost_samples, handed_over - found)
        open_ones = [name for name in said.handed_over if name in said.begun and name not in said.finished]
        finished_unsaid = {line.session_id for line in journal.sessions().result() if line.finished}
        waiting = [name for name in open_ones if name not in finished_unsaid]
        not_offered = bool(waiting) and (offered is None or offered.session_id != waiting[-1])
    return Outcome(damaged, lost_finished, lost_kept, lost_samples, not_offered)


def campaign(
    folder: Path, kills: int, seed: int, *, arguments: tuple[str, ...] = (), longest_s: float = 0.4
) -> list[Outcome]:
    """Kill and look, again and again, on one journal that grows."""
    chance = random.Random(seed)
    diary = folder / "diary.db"
    outcomes = []
    for number in range(kills):
        said = kill_once(diary, f"run{number}", chance.uniform(0.0, longest_s), arguments)
        outcomes.append(look(diary, said))
    return outcomes
