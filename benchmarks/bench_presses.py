"""How many presses of the panel's buttons stand between a person and the first minute of their warm-up.

Run from the project's folder: `python -m benchmarks.bench_presses`. The way is walked on the real desk and engine.
"""

import sys
from itertools import groupby

from tests.support.presses import MOST_FIRST, MOST_RETURNING, presses_to_the_warm_up

WAYS = (
    ("first time, third tile, four questions", 2, 1, MOST_FIRST),
    ("returning, first tile, one page of questions", 0, 8, MOST_RETURNING),
)


def main() -> int:
    """Print one line a person, and its target; exit status 1 where a target is missed."""
    missed = False
    for name, tile, session_number, most in WAYS:
        way = presses_to_the_warm_up(tile=tile, session_number=session_number)
        missed = missed or len(way) > most
        faces = ", ".join(f"{face} {len(list(presses))}" for face, presses in groupby(way))
        print(f"{name}: {len(way)} presses (target: at most {most}): {faces}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
