"""A process that writes sessions into a journal until it is killed, and says on standard output what is saved.

    python -m tests.support.machine.journal_writer_process DIARY [--samples-a-second 50] [--sessions N]
        [--synchronous OFF]

Lines: `sample SESSION N` when message N has been handed over, `begun`, `kept SESSION N` when a commit that holds it
returned, `finished SESSION` likewise. A session's second n is its n-th sample, so lost seconds are counted in samples.
"""

import argparse
import os
import sqlite3
import time
from concurrent.futures import Future
from pathlib import Path

from coach.model.messages import HeartRate
from firmware.journal.journal import Journal
from firmware.journal.writer import JournalSettings
from tests.support.machine.session_factory import plan, protocol, summary


class Unsynced(sqlite3.Connection):
    """A connection that never waits for the disk: the control, which a power cut must hurt."""

    def execute(self, sql: str, parameters: object = (), /) -> sqlite3.Cursor:
        """Run a statement, but turn every wish for synchronous writes into none."""
        return super().execute("PRAGMA synchronous = OFF" if "synchronous =" in sql else sql, parameters)  # type: ignore[arg-type]


def say(words: str) -> None:
    """Write a line in one system call, so that a kill leaves it whole or absent."""
    os.write(1, f"{words}\n".encode())


def main() -> None:
    """Write sessions until killed, or as many as asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("diary", type=Path)
    parser.add_argument("--name", default="s")
    parser.add_argument("--samples", type=int, default=60, help="in each session")
    parser.add_argument("--samples-a-second", type=float, default=200.0)
    parser.add_argument("--commit-every-s", type=float, default=0.01)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--synchronous", choices=("FULL", "OFF"), default="FULL")
    chosen = parser.parse_args()
    settings = JournalSettings(commit_every_s=chosen.commit_every_s, free_floor_bytes=0, housekeeping_s=3600.0)
    factory = Unsynced if chosen.synchronous == "OFF" else sqlite3.Connection
    with Journal.open(chosen.diary, settings=settings, factory=factory) as journal:
        say("open")
        for number in range(chosen.sessions):
            one_session(journal, f"{chosen.name}-{number}", chosen.samples, 1 / chosen.samples_a_second)
    say("closed")


def one_session(journal: Journal, name: str, samples: int, pause_s: float) -> None:
    """Write one session, telling what has been saved as it is."""
    journal.begin(name, plan(), protocol()).add_done_callback(lambda _: say(f"begun {name}"))

    def kept(number: int) -> None:
        def tell(future: Future[None]) -> None:
            if not future.cancelled() and future.exception() is None:
                say(f"kept {name} {number}")

        say(f"sample {name} {number}")
        journal.record(name, [HeartRate(float(number), 120.0 + number % 40, (500.0, 501.953125))]).add_done_callback(
            tell
        )

    for number in range(samples):
        kept(number)
        time.sleep(pause_s)
    receipt = journal.finish(name, summary()).result()
    say(f"finished {name} {receipt.sha256}")


if __name__ == "__main__":
    main()
