"""Campaigns that take hours: one process plays one seed after another, and goes on where it was stopped.

The count is written to a file after each batch, whole or not at all. A campaign that is started again with that file
goes on with the seed after the last one that was counted.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from msgspec import Struct, json

BATCH = 50
"""So many seeds are played between two lines, and lost at most where the process is ended."""


class Progress(Struct):
    """What a campaign counts. `next_seed`: the first seed that is not counted yet; None before the first one."""

    next_seed: int | None = None


P = TypeVar("P", bound=Progress)


def arguments(doc: str | None, sessions: int) -> argparse.ArgumentParser:
    """Return a parser of what every campaign takes: sessions, minutes, first seed and file of the count."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=sessions)
    parser.add_argument("--minutes", type=float, default=None, help="stop after so many minutes")
    parser.add_argument("--seed", type=int, default=0, help="the first session's seed")
    parser.add_argument("--count", type=Path, default=None, metavar="FILE", help="keep the count, and go on from it")
    return parser


def run(asked: argparse.Namespace, empty: P, play: Callable[[int, P], None], line: Callable[[P], str]) -> P:
    """Play the seeds that were asked for, print a line after each batch, and return the count."""
    count, file, began_s = empty, asked.count, time.monotonic()
    if file is not None and file.exists():
        count = json.decode(file.read_bytes(), type=type(empty))
    first = asked.seed if count.next_seed is None else count.next_seed
    last = asked.seed + asked.sessions
    for seed in range(first, last):
        play(seed, count)
        count.next_seed = seed + 1
        over = asked.minutes is not None and time.monotonic() - began_s > asked.minutes * 60
        if over or seed + 1 == last or (seed + 1 - first) % BATCH == 0:
            if file is not None:
                written = file.with_suffix(f"{file.suffix}.new")
                written.write_bytes(json.encode(count))
                written.replace(file)
            print(line(count), flush=True)
        if over:
            break
    return count
