"""How often the zone's word on the screen changes in a session, in simulated people of each group.

Run from the project's folder: `python -m benchmarks.bench_zone_words [PEOPLE]`, at least 20. Changes within phases are
counted. `each beat`: what a word that follows every beat would have done. The target is the mean of ordinary people.
"""

import argparse
import sys
from collections.abc import Iterator
from itertools import pairwise
from statistics import mean, median

import numpy as np

from coach.guidance.rules import rule_guidance
from coach.session.snapshots import snapshot
from coach.session.state import SessionState
from firmware.simulation.heart import Kind
from firmware.simulation.person import SimulatedPerson
from firmware.simulation.session import seconds
from tests.support.guidance.trial import PROTOCOL, draw_case

GROUPS: tuple[Kind, ...] = ("ordinary", "chronotropic", "beta_blocked", "wrong_hr_max")
PEOPLE = 20
MOST_CHANGES = 12.0


def running_states(seed: int, kind: Kind) -> Iterator[SessionState]:
    """Yield the state at each second of one simulated person's session."""
    case = draw_case(seed, kind)
    rng = np.random.default_rng((seed, 23, 0))
    person = SimulatedPerson(
        case.participant, case.days[0], rng, model=case.model, habits=case.habits, reports_speed=case.speed_known
    )
    for one in seconds(case.plan, PROTOCOL, person, guidance=rule_guidance):
        if one.state.stage == "running":
            yield one.state


def changes(seed: int, kind: Kind) -> tuple[int, int]:
    """Return how often the word changed within phases: as shown, and as each beat alone would have it."""
    rows = [(len(state.ran), snapshot(state).position, _of_this_beat(state)) for state in running_states(seed, kind)]
    within = [(a, b) for a, b in pairwise(rows) if a[0] == b[0]]
    return sum(a[1] != b[1] for a, b in within), sum(a[2] != b[2] for a, b in within)


def _of_this_beat(state: SessionState) -> str:
    bpm, zone = state.source.usable_bpm, state.zone_bpm
    if bpm is None or zone is None:
        return "unknown"
    return "below" if bpm < zone[0] else "above" if bpm > zone[1] else "in"


def main() -> int:
    """Print one line a group; return 1 where the target was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("people", type=int, nargs="?", default=PEOPLE)
    people = max(parser.parse_args().people, PEOPLE)
    print("changes of the zone's word within phases, a session: mean, median, most (each beat: mean, most)")
    missed = False
    for kind in GROUPS:
        counted = [changes(seed, kind) for seed in range(people)]
        shown, bare = [one[0] for one in counted], [one[1] for one in counted]
        most = f"{mean(shown):.1f}, {median(shown):g}, {max(shown)}  ({mean(bare):.1f}, {max(bare)})"
        target = ""
        if kind == "ordinary":
            missed = mean(shown) > MOST_CHANGES
            target = f"  target: mean at most {MOST_CHANGES:g}, {'missed' if missed else 'met'}"
        print(f"{kind:13} {people} people: {most}{target}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
