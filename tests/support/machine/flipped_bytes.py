"""Flip bytes in a journal's files and open it: it must be usable within 15 s, and believe nothing that was changed.

python -m tests.support.machine.flipped_bytes [--seeds 200]
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from coach.model.messages import Mood
from firmware.journal.errors import JournalError
from firmware.journal.journal import Journal
from firmware.journal.writer import JournalSettings
from tests.support.machine.session_factory import messages, plan, protocol, summary

USABLE_WITHIN_S = 15.0
NEVER = JournalSettings(commit_every_s=3600.0, housekeeping_s=3600.0, free_floor_bytes=0)
FINISHED = 12
OPEN_SESSION = "open"


class Damage(NamedTuple):
    """What opening a damaged journal gave. `false`: things read that were never written."""

    usable: bool
    took_s: float
    quarantined: bool
    finished_kept: int
    false: int


def whole_journal() -> dict[str, bytes]:
    """Make the files of a machine in use: finished sessions, and an open one with commits still in the log."""
    with tempfile.TemporaryDirectory() as folder:
        diary = Path(folder) / "diary.db"
        with Journal.open(diary, settings=NEVER) as journal:
            for number in range(FINISHED):
                journal.begin(f"finished-{number}", plan(), protocol())
                journal.record(f"finished-{number}", messages()[: 200 + number])
                journal.finish(f"finished-{number}", replace(summary(), load=float(number))).result()
            journal.begin(OPEN_SESSION, plan(), protocol())
            for second in range(0, 600, 2):
                journal.record(OPEN_SESSION, messages()[second : second + 2])
                journal.sessions().result()
            return {file.name: file.read_bytes() for file in Path(folder).iterdir() if file.suffix != ".lock"}


def damaged(files: dict[str, bytes], seed: int) -> dict[str, bytes]:
    """Change 1 to 200 bytes in one or all of the files; now and then cut one short, or wipe its beginning."""
    chance = random.Random(seed)
    changed = {}
    for name, whole in files.items():
        content = bytearray(whole)
        if content and (len(files) == 1 or chance.random() < 0.8):
            for _ in range(chance.choice((1, 3, 20, 200))):
                content[chance.randrange(len(content))] ^= chance.randrange(1, 256)
            match chance.randrange(8):
                case 0:
                    del content[chance.randrange(len(content)) :]
                case 1:
                    content[: chance.randrange(1, 4096)] = b""
                case 2:
                    start = chance.randrange(len(content))
                    content[start : start + 4096] = bytes(len(content[start : start + 4096]))
                case _:
                    pass
        changed[name] = bytes(content)
    return changed


def open_damaged(files: dict[str, bytes]) -> Damage:
    """Open these files as the next start would, use the journal, and look at what it believes."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        begun_s = time.monotonic()
        kept = false = 0
        with Journal.open(Path(folder) / "diary.db", settings=NEVER) as journal:
            journal.begin("new", plan(), protocol())
            journal.record("new", [Mood(1.0, 3)])
            journal.finish("new", summary()).result(USABLE_WITHIN_S)
            took_s = time.monotonic() - begun_s
            usable = journal.session("new").result().messages == (Mood(1.0, 3),)
            for line in journal.sessions().result():
                number = int(line.session_id.rpartition("-")[2]) if line.session_id.startswith("finished-") else None
                try:
                    stored = journal.session(line.session_id).result()
                except JournalError:
                    continue
                if number is not None:
                    as_written = stored.messages == messages()[: 200 + number]
                    kept += as_written
                    false += not as_written or (stored.summary is not None and stored.summary.load != number)
                elif line.session_id == OPEN_SESSION:
                    false += not set(stored.messages) <= set(messages()[:600]) or stored.plan != plan()
            quarantined = journal.opening.quarantined is not None
    return Damage(usable, took_s, quarantined, kept, false)


def main() -> int:
    """Damage and open, once for each seed, and print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=200)
    chosen = parser.parse_args()
    files = whole_journal()
    found = [open_damaged(damaged(files, seed)) for seed in range(chosen.seeds)]
    worst_s = max(damage.took_s for damage in found)
    unusable, false = sum(not damage.usable for damage in found), sum(damage.false for damage in found)
    of = f"journal, flipped bytes, {chosen.seeds} seeds"
    print(f"{of}: unusable afterwards: {unusable} (target 0)")
    print(f"{of}: usable after, at most: {worst_s:.2f} s (target ≤ {USABLE_WITHIN_S:g} s)")
    print(f"{of}: sessions believed that were changed: {false} (target 0)")
    share = sum(damage.finished_kept for damage in found) / (FINISHED * chosen.seeds)
    print(f"{of}: finished sessions carried over: {share:.0%}; put aside: {sum(d.quarantined for d in found)}")
    return 0 if not unusable and not false and worst_s <= USABLE_WITHIN_S else 1


if __name__ == "__main__":
    sys.exit(main())
