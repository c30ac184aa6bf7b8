"""Does the guidance serve people whom it was not made for? One row for each group, with its goal.

    python -m benchmarks.bench_groups [--people 24] [--sessions 3] [--only "unread, flat"] [--unseen]

`--unseen` leads hearts of the two families that no number of the coach was chosen with; run it once, at the end.
`--people 2` takes some three minutes.
"""

import argparse
import sys
from functools import partial
from multiprocessing import Pool

from rich.progress import Progress

from coach.guidance.learned import learned_guidance
from tests.support.guidance.group_trials import GroupScore, group_row, lead_group
from tests.support.guidance.people import BENCH_GROUPS, SEEN, UNSEEN, Family

FIRST_SEED = 5000
GOALS: dict[str, tuple[float, float | None]] = {
    "ordinary": (0.97, 5.0),
    "beta-blocked": (0.95, None),
    "HRmax too high": (0.95, None),
    "HRmax too low": (0.85, None),
    "chronotropic, formula": (0.97, None),
    "chronotropic, measured": (0.90, 30.0),
    "unread": (0.90, 30.0),
    "unread, flat": (0.90, 30.0),
    "unread, half": (0.80, None),
    "unread, late": (0.80, None),
    "unread, no start": (0.88, 30.0),
    "half": (0.90, None),
    "late": (0.90, None),
    "handrail": (0.90, None),
    "stops": (0.75, None),
    "gaps": (0.85, None),
    "fibrillation": (0.70, None),
}
"""Group → share of minutes 3–4 in 85–95 % of true HRmax, and seconds above 95 % (90th percentile), last session."""


def lead(job: tuple[str, int], families: tuple[Family, ...], sessions: int) -> tuple[str, list[GroupScore]]:
    """Lead one person of one group."""
    name, number = job
    family = families[(number // 2) % len(families)]
    return name, lead_group(name, FIRST_SEED + number, family, learned_guidance, sessions)


def shown(name: str, results: list[list[GroupScore]], session: int, *, last: bool) -> str:
    """Return one line of the table."""
    row = group_row(results, session)
    goal = GOALS.get(name) if last else None
    told = "–"
    if goal is not None:
        met = row["mean"] >= goal[0] and (goal[1] is None or row["above p90"] <= goal[1])
        limit = "" if goal[1] is None else f", ≤ {goal[1]:g} s"
        told = f"≥ {goal[0]:.2f}{limit}: {'met' if met else '**missed**'}"
    cells = [
        f"{row['mean']:.2f} ± {row['noise']:.2f}",
        f"{row['p10']:.2f}",
        f"{row['above p90']:.0f}",
        f"{row['zone min']:.1f}",
        f"{row['recovery']:.2f}",
        f"{row['advices']:.1f}",
        f"{row['reminders']:.1f}",
        f"{row['near']:.0f}",
        f"{row['crawls']:.0f}",
        f"{row['complete']:.2f}",
    ]
    return f"| {name} | {session + 1} | {' | '.join(cells)} | {told} |"


def main() -> int:
    """Lead every group and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=24, help="in each group")
    parser.add_argument("--sessions", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", action="append", choices=tuple(BENCH_GROUPS))
    parser.add_argument("--unseen", action="store_true", help="hearts that were not used while tuning")
    asked = parser.parse_args()
    families = UNSEEN if asked.unseen else SEEN
    jobs = [(name, number) for name in asked.only or BENCH_GROUPS for number in range(asked.people)]
    found: dict[str, list[list[GroupScore]]] = {}
    work = partial(lead, families=families, sessions=asked.sessions)
    with Pool(asked.processes) as pool, Progress(disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("people", total=len(jobs))
        for name, result in pool.imap(work, jobs):
            found.setdefault(name, []).append(result)
            progress.advance(bar)
    print(f"Hearts: {', '.join(families)}; {asked.people} people a group, seeds {FIRST_SEED} on.\n")
    print(
        "| group | session | minutes 3–4 in zone | p10 | s above 95 %, p90 | min in zone | recovery | advices"
        " | reminders | urged near max | too little asked | complete | goal |"
    )
    print("|" + "---|" * 13)
    for name, results in found.items():
        for session in dict.fromkeys((0, asked.sessions - 1)):
            print(shown(name, results, session, last=session == asked.sessions - 1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
