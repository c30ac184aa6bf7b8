"""Does the guidance get people into the zone, and keep them there? Against four others, on the same people and days.

`--quick`: a few participants of each group, to look while changing something. Tables and plots go to
benchmarks/results/.
"""

import argparse
import sys
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from time import perf_counter

import matplotlib as mpl
import numpy as np
from rich.progress import Progress

from coach.guidance.interface import GuidanceMaker
from coach.guidance.learned import learned_guidance
from coach.session.engine import step
from coach.session.state import begin
from firmware.simulation.person import SimulatedPerson
from firmware.simulation.session import simulate_session
from tests.support.guidance.baselines import PlusMinus, ProportionalIntegral, Timer, knower, plain
from tests.support.guidance.faults import FaultRun, run_faults
from tests.support.guidance.plots import draw_bars, draw_predictions, draw_session
from tests.support.guidance.recordings import AT_S, BOUTS, RECORDINGS, Foretold, foretold
from tests.support.guidance.tables import GROUPS, faults_table, figures_table, group_table, prediction_table
from tests.support.guidance.trial import PROTOCOL, Case, Score, draw_case, run_case

mpl.use("Agg")

RESULTS = Path(__file__).parent / "results"
CONTROLLERS = ("timer", "±0.2 km/h", "PI", "learned", "knower")
FULL = {"ordinary": 400, "speed unknown": 150, "beta-blocked": 150, "wrong HRmax": 150, "chronotropic": 150}
FULL_BASELINES, FULL_FAULTS = 40, 150
QUICK, QUICK_BASELINES, QUICK_FAULTS = 12, 6, 12
FIRST_SEED = 1000
"""Seeds below this were used while the guidance was made; the bench draws others."""


def lead(job: tuple[str, str, int]) -> tuple[str, str, list[Score]]:
    """One participant's three sessions under one controller."""
    group, controller, seed = job
    kind, known = GROUPS[group]
    case = draw_case(seed, kind, speed_known=known)
    match controller:
        case "timer":
            scores = run_case(case, plain(Timer))
        case "±0.2 km/h":
            scores = run_case(case, plain(PlusMinus))
        case "PI":
            scores = run_case(case, plain(ProportionalIntegral))
        case "knower":
            scores = run_case(case, maker_for=_knower)
        case _:
            scores = run_case(case, learned_guidance)
    return group, controller, scores


def _knower(case: Case, session: int) -> GuidanceMaker:
    return knower(case.participant, case.days[session], case.model, case.plan)


def step_times(seed: int) -> tuple[float, float]:
    """Worst engine step in ms and whole session in s; for each the best of five runs."""
    case = draw_case(seed, "ordinary")
    person = SimulatedPerson(
        case.participant, case.days[0], np.random.default_rng(seed), model=case.model, habits=case.habits
    )
    messages = simulate_session(case.plan, PROTOCOL, person, guidance=learned_guidance).messages
    best = np.full(len(messages), np.inf)
    whole = np.inf
    for _ in range(5):
        state = begin(case.plan, PROTOCOL, learned_guidance)
        began = perf_counter()
        for place, message in enumerate(messages):
            at = perf_counter()
            state = step(state, message).state
            best[place] = min(best[place], perf_counter() - at)
        whole = min(whole, perf_counter() - began)
    return float(best.max() * 1000), whole


def campaign(many: int) -> int:
    """«Faster» under injected faults, in so many sessions."""
    with Pool(2) as pool, Progress(disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("faults", total=many)
        runs = []
        for run in pool.imap(partial(run_faults, maker=learned_guidance), range(FIRST_SEED, FIRST_SEED + many)):
            runs.append(run)
            progress.advance(bar)
    print(faults_table(runs))
    return 0


def main() -> int:
    """Run everything, print the tables, write them and the plots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few participants of each group")
    parser.add_argument("--faults", type=int, metavar="SESSIONS", help="injected faults alone, in so many sessions")
    given = parser.parse_args()
    if given.faults:
        return campaign(given.faults)
    quick = given.quick
    began = perf_counter()
    jobs = [(group, "learned", FIRST_SEED + n) for group, many in FULL.items() for n in range(QUICK if quick else many)]
    others = [name for name in CONTROLLERS if name != "learned"]
    few = QUICK_BASELINES if quick else FULL_BASELINES
    jobs += [(group, name, FIRST_SEED + n) for group in GROUPS for name in others for n in range(few)]
    scores: dict[tuple[str, str], list[list[Score]]] = {}
    runs: list[FaultRun] = []
    step_ms, session_s = step_times(FIRST_SEED)
    with Pool(2) as pool, Progress(disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("participants", total=len(jobs))
        for group, controller, result in pool.imap(lead, jobs, chunksize=4):
            scores.setdefault((group, controller), []).append(result)
            progress.advance(bar)
        many = QUICK_FAULTS if quick else FULL_FAULTS
        bar = progress.add_task("faults", total=many)
        for run in pool.imap(partial(run_faults, maker=learned_guidance), range(FIRST_SEED, FIRST_SEED + many)):
            runs.append(run)
            progress.advance(bar)
    told: list[Foretold] = []
    if RECORDINGS.is_dir():
        told = [one for name in BOUTS for one in foretold(name, learned_guidance)]
    size = "quick" if quick else "full"
    lasted_s = perf_counter() - began
    parts = [
        f"# Guidance: figures of one run\n\nSeeds {FIRST_SEED} on, both models; {size} run, {lasted_s:.0f} s.\n",
        figures_table(scores, runs, told, (step_ms, session_s)),
        *(group_table(group, scores, CONTROLLERS) for group in GROUPS),
        prediction_table(told, AT_S),
    ]
    text = "\n".join(parts)
    print(text)
    if not quick:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "guidance.md").write_text(text, encoding="utf-8")
        draw_bars(scores, CONTROLLERS, tuple(GROUPS), RESULTS / "guidance-controllers.png")
        draw_predictions(told, RESULTS / "guidance-predictions.png")
        draw_session(draw_case(FIRST_SEED + 2, "ordinary"), learned_guidance, RESULTS / "guidance-session.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
