"""How the simulated heart compares with recorded ones: figures of training.md «Heart rate lags», target beside each.

Run with `python -m benchmarks.bench_participant [PEOPLE]`.
"""

import sys
import time
from dataclasses import dataclass, field

import numpy as np
from rich.console import Console
from rich.table import Table

from firmware.participants.protocol_files import load
from firmware.simulation.heart import Body, DayForm, Model, Population, SimulatedHeart, draw_day, plan_for
from firmware.simulation.person import SimulatedPerson
from firmware.simulation.session import simulate_session

SHARES_AT_S = (30, 60, 90, 120)
RECORDED_SHARES = (0.53, 0.72, 0.81, 0.88)


@dataclass
class Figures:
    """What was seen over all people."""

    shares: list[list[float]] = field(default_factory=list)
    falls_bpm: list[float] = field(default_factory=list)
    rises_bpm: list[float] = field(default_factory=list)
    changes_bpm_per_s: list[float] = field(default_factory=list)
    gains: list[float] = field(default_factory=list)
    second_us: float = 0.0


def speed_at(body: Body, person: SimulatedHeart, fraction: float) -> float | None:
    """Find the speed at 5 % incline that settles at a share of HRmax; None where there is none up to 16 km/h."""
    speeds = (kmh / 10 for kmh in range(5, 161))
    return next((kmh for kmh in speeds if body.steady_bpm(kmh, 5) >= fraction * person.hr_max_bpm), None)


def four_by_four(model: Model, people: int) -> Figures:
    """Lead everybody through four equal intervals, 65 → 88 % of HRmax, at speeds that nobody changes."""
    figures = Figures()
    lived_s, spent_s = 0, 0.0
    for seed in range(people):
        rng = np.random.default_rng(seed)
        person = Population("addiction" if seed % 2 else "schizophrenia").draw(rng)
        body = Body(person, DayForm(), rng, model=model)
        easy, hard = speed_at(body, person, 0.65), speed_at(body, person, 0.88)
        if easy is None or hard is None:
            continue
        began = time.perf_counter()
        plain: list[float] = []
        noisy: list[float] = []
        for speed, length_s in ((easy, 600), *((hard, 240), (easy, 180)) * 4):
            for _ in range(length_s):
                noisy.append(body.second(speed, 5.0))
                plain.append(body.rate_bpm)
        lived_s += len(plain)
        spent_s += time.perf_counter() - began
        starts = [600 + 420 * at for at in range(4)]
        ends = [plain[start + 239] for start in starts]
        rise = ends[0] - plain[599]
        figures.shares.append([(plain[600 + at] - plain[599]) / rise for at in SHARES_AT_S])
        figures.falls_bpm += [plain[start + 239] - plain[start + 299] for start in starts]
        figures.rises_bpm += list(np.diff(ends))
        figures.changes_bpm_per_s += list(np.abs(np.diff(np.round(noisy))))
        if body.steady_bpm(10, 0) < 0.9 * person.hr_max_bpm:
            figures.gains.append((body.steady_bpm(10, 0) - body.steady_bpm(8, 0)) / (2 / 3.6))
    figures.second_us = spent_s / lived_s * 1e6
    return figures


def whole_session_ms(sessions: int = 10) -> float:
    """Measure a whole guided session: person, faults' hook and engine."""
    protocol = load("4x4")
    spent = []
    for seed in range(sessions):
        rng = np.random.default_rng(seed)
        person = Population().draw(rng)
        plan = plan_for(person, rng)
        somebody = SimulatedPerson(person, draw_day(rng), rng)
        began = time.perf_counter()
        simulate_session(plan, protocol, somebody)
        spent.append((time.perf_counter() - began) * 1000)
    return float(np.median(spent))


def show(model: Model, figures: Figures, console: Console) -> None:
    table = Table(title=f"simulated heart, model {model}, {len(figures.shares)} people", title_justify="left")
    for heading in ("figure", "simulated", "target"):
        table.add_column(heading)
    for at, (second, recorded) in enumerate(zip(SHARES_AT_S, RECORDED_SHARES, strict=True)):
        seen = [one[at] for one in figures.shares]
        table.add_row(
            f"share of an interval's rise at {second} s",
            f"{np.median(seen):.2f} (80 %: {np.quantile(seen, 0.1):.2f}–{np.quantile(seen, 0.9):.2f})",
            f"{recorded:.2f}",
        )
    table.add_row(
        "fall in the first recovery minute, bpm",
        f"{np.mean(figures.falls_bpm):.1f} ± {np.std(figures.falls_bpm):.1f}",
        "26.7 ± 12.8",
    )
    table.add_row("rise from interval to equal interval, bpm", f"{np.mean(figures.rises_bpm):.1f}", "2–3")
    table.add_row(
        "change within a second, 99.9th percentile, bpm", f"{np.quantile(figures.changes_bpm_per_s, 0.999):.1f}", "1–5"
    )
    table.add_row(
        "gain on the flat, bpm per m/s", f"{np.mean(figures.gains):.1f} ± {np.std(figures.gains):.1f}", "24.2 ± 8.3"
    )
    table.add_row("time for one simulated second, µs", f"{figures.second_us:.1f}", "≤ 10")
    console.print(table)


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    console = Console(width=100)
    models: tuple[Model, ...] = ("first_order", "two_component")
    for model in models:
        show(model, four_by_four(model, people), console)
    console.print(f"whole guided 4×4 session, person and engine: {whole_session_ms():.0f} ms (median)")


if __name__ == "__main__":
    main()
