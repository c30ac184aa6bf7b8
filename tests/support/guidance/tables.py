"""The guidance's figures as Markdown tables, each with its target and whether it was met."""

import numpy as np

from firmware.simulation.heart import Kind
from tests.support.guidance.faults import FaultRun
from tests.support.guidance.recordings import Foretold
from tests.support.guidance.trial import Score

GROUPS: dict[str, tuple[Kind, bool]] = {
    "ordinary": ("ordinary", True),
    "speed unknown": ("ordinary", False),
    "beta-blocked": ("beta_blocked", True),
    "wrong HRmax": ("wrong_hr_max", True),
    "chronotropic": ("chronotropic", True),
}
"""Group → (kind of participant, whether the treadmill tells its speed)."""
Scores = dict[tuple[str, str], list[list[Score]]]


def measures(results: list[list[Score]], session: int) -> dict[str, float]:
    """The issue's measures of one session number over a group."""
    ones = [result[session] for result in results]
    zone = np.array([one.in_zone for one in ones])
    above = np.array([one.above_s for one in ones])
    return {
        "mean": float(zone.mean()),
        "p10": float(np.quantile(zone, 0.1)),
        "above p90": float(np.quantile(above, 0.9)),
        "zone min": float(np.median([one.zone_min for one in ones])),
        "recovery": float(np.mean([one.recovery for one in ones])),
        "advices": float(np.median([n for one in ones for n in one.advices])),
    }


TARGETS: tuple[tuple[str, str, str, float | None, float | None, str], ...] = (
    ("ordinary", "mean", "ordinary, speed known: mean", 0.93, 0.96, "≥"),
    ("ordinary", "p10", "… tenth percentile", 0.80, 0.88, "≥"),
    ("ordinary", "above p90", "… seconds above 95 %, 90th percentile", 15, 5, "≤"),
    ("ordinary", "zone min", "… minutes in zone of 16, median", 10.0, 11.0, "≥"),
    ("ordinary", "recovery", "… recovery (after 90 s) within 60–75 %, mean", 0.90, 0.95, "≥"),
    ("speed unknown", "mean", "ordinary, speed unknown: mean", 0.80, 0.90, "≥"),
    ("beta-blocked", "mean", "beta-blocked (plan's HRmax ± 5 bpm): mean", 0.80, 0.90, "≥"),
    ("wrong HRmax", "mean", "wrong HRmax (± 12 bpm): mean", None, 0.70, "≥"),
    ("wrong HRmax", "above p90", "… seconds above 95 %, 90th percentile", 240, 60, "≤"),
    ("chronotropic", "above p90", "chronotropic: seconds above 95 %, 90th percentile", 240, 30, "≤"),
    ("chronotropic", "mean", "… minutes 3–4 in 85–95 %, mean", None, 0.60, "≥"),
    ("ordinary", "advices", "advices per interval, median", 2, 1, "≤"),
)


def figures_table(scores: Scores, runs: list[FaultRun], told: list[Foretold], times: tuple[float, float]) -> str:
    """Every figure of the issue, with its target."""
    lines = ["| figure | session 1 | target | session 3 | target |", "|---|---|---|---|---|"]
    for group, key, name, first, third, way in TARGETS:
        results = scores[(group, "learned")]
        cells = []
        for session, target in ((0, first), (2, third)):
            value = measures(results, session)[key]
            cells += [_shown(value, key), "–" if target is None else _judged(value, target, way)]
        lines.append(f"| {name} (n = {len(results)}) | {' | '.join(cells)} |")
    lines += ["", "| figure | value | target |", "|---|---|---|"]
    for second, target in ((60, 5.0), (90, 4.0)):
        rows = [one for one in told if one.second == second]
        if rows:
            rmse = _rmse([one.end_bpm - one.came_bpm for one in rows])
            name = f"prediction at {second} s on {len(rows)} real bouts, RMSE bpm"
            lines.append(f"| {name} | {rmse:.1f} | {_judged(rmse, target, '≤')} |")
    rows = [one for one in told if one.second in (60, 90)]
    if rows:
        held = float(np.mean([one.low_bpm <= one.came_bpm <= one.high_bpm for one in rows]))
        met = "met" if 0.75 <= held <= 0.85 else "missed"
        lines.append(f"| … outcomes held by its 80 % interval | {held:.2f} | 0.75–0.85, {met} |")
    lines.append(faults_table(runs))
    lines.append(f"| worst engine step, ms | {times[0]:.2f} | {_judged(times[0], 2.0, '≤')} |")
    lines.append(f"| engine, a whole session, s | {times[1]:.2f} | {_judged(times[1], 0.5, '≤')} |")
    return "\n".join(lines) + "\n"


def faults_table(runs: list[FaultRun]) -> str:
    """Rows: how often somebody was urged while the strap lied."""
    lines = []
    faults = sum(run.faults for run in runs)
    wrong = [name for run in runs for name in run.names]
    low, high = wrong.count("low"), wrong.count("DryStart")
    doubted = sum(run.urged_on_doubt for run in runs)
    for name, count in (
        (f"«faster» on {faults} injected faults in {len(runs)} sessions, dry starts apart", len(wrong) - low - high),
        ("… under a dry start that reads 10 bpm or more too low", low),
        ("… under a dry start that reads 10 bpm or more too high, which asks for too little", high),
        ("«faster» while the signal was not live", doubted),
    ):
        lines.append(f"| {name} | {count} | {_judged(count, 0, '≤')} |")
    return "\n".join(lines)


def group_table(group: str, scores: Scores, controllers: tuple[str, ...]) -> str:
    """All controllers on one group, session 1 and 3."""
    lines = [
        f"## {group}\n",
        "| controller | n | session | in zone, mean | p10 | s above 95 %, p90 | min in zone | recovery | advices |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in controllers:
        results = scores.get((group, name), [])
        for session in (0, 2):
            if results:
                row = measures(results, session)
                cells = " | ".join(_shown(value, key) for key, value in row.items())
                lines.append(f"| {name} | {len(results)} | {session + 1} | {cells} |")
    return "\n".join(lines) + "\n"


def prediction_table(told: list[Foretold], at_s: tuple[int, ...]) -> str:
    """Prediction of the end rate on real bouts, whole and leaving out each file."""
    if not told:
        return "No recordings here: prediction was not scored.\n"
    lines = [
        "## Prediction of a bout's end rate on real recordings\n",
        "| at s | bouts | RMSE bpm | bias | persistence | held by 80 % | worst file left out: RMSE of the rest |",
        "|---|---|---|---|---|---|---|",
    ]
    for second in at_s:
        rows = [one for one in told if one.second == second]
        if not rows:
            continue
        off = [one.end_bpm - one.came_bpm for one in rows]
        held = np.mean([one.low_bpm <= one.came_bpm <= one.high_bpm for one in rows])
        without = min(
            _rmse([one.end_bpm - one.came_bpm for one in rows if one.file != name])
            for name in {one.file for one in rows}
        )
        stay = _rmse([one.now_bpm - one.came_bpm for one in rows])
        cells = f"{_rmse(off):.1f} | {np.mean(off):+.1f} | {stay:.1f} | {held:.2f} | {without:.1f}"
        lines.append(f"| {second} | {len(rows)} | {cells} |")
    lines += ["", "| file | bout | at 60 s: off by | at 90 s: off by |", "|---|---|---|---|"]
    for name, bout in dict.fromkeys((one.file, one.bout) for one in told):
        cells = []
        for at in (60, 90):
            off = [o.end_bpm - o.came_bpm for o in told if (o.file, o.bout, o.second) == (name, bout, at)]
            cells.append(f"{off[0]:+.1f}" if off else "–")
        lines.append(f"| {name} | {bout} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _rmse(off: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(off))))


def _shown(value: float, key: str) -> str:
    digits = {"mean": 2, "p10": 2, "recovery": 2, "zone min": 1}.get(key, 0)
    return f"{value:.{digits}f}"


def _judged(value: float, target: float, way: str) -> str:
    met = value >= target if way == "≥" else value <= target
    return f"{way} {target:g}, {'met' if met else '**missed**'}"
