"""What ties two exports for research together, and to people, against chance.

    python benchmarks/bench_research.py [--trials N]

Made-up people with a fitness, a day's form and noise of their own in twelve measures, and a course of the rate. The
linker knows all fields and assigns rows at best (Hungarian method). For rows that are as they are, in steps, or with
noise, it is known which two rows are one session. Drawn rows are no session: there a pair counts as right where both
rows are assigned to true sessions of one person, and chance is the same with a second export of other people.
"""

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from server.documents.export.synthesis import SourceColumn, mean_courses, synthesise
from tests.support.figures import Figures

Floats = NDArray[np.float64]
MEASURES = ("training", "zone", "above", "max", "peak", "mean", "load", "borg", "mood", "sure", "speed", "incline")
STEPS = np.array([30.0, 30, 10, 2, 2, 2, 5, 1, 1, 0.05, 0.5, 1])
MIDDLE = np.array([2400.0, 600, 60, 180, 170, 140, 80, 15, 4, 0.95, 9, 2])
BETWEEN = np.array([150.0, 180, 40, 12, 12, 10, 15, 1.5, 0.7, 0.03, 2, 1])
WITHIN = np.array([120.0, 120, 30, 0, 4, 5, 8, 1, 0.6, 0.03, 0.5, 0.5])
CURVE_STEP_S = 15
MOST_TIMES_CHANCE = 1.5


class Clinic:
    """Made-up people with sessions: `owner` of each row, `rows`, and a course of the rate for each person."""

    def __init__(self, people: int, sessions: int, chance: np.random.Generator) -> None:
        """Draw them."""
        fitness = chance.standard_normal(people)
        sign = np.sign(chance.standard_normal(len(MEASURES)))
        own = 0.7 * fitness[:, None] * sign + 0.7 * chance.standard_normal((people, len(MEASURES)))
        self.owner = np.repeat(np.arange(people), sessions)
        self.rows = MIDDLE + BETWEEN * own[self.owner]
        self.rows = self.rows + WITHIN * chance.standard_normal(self.rows.shape)
        t_s = np.arange(0, 2400, CURVE_STEP_S)
        wave = np.cumsum(chance.standard_normal((people, len(t_s))), axis=1) * 0.6
        self.courses = 140 + 12 * fitness[:, None] + 20 * np.sin(t_s / 240) + wave

    def without(self, person: int) -> "Clinic":
        """Return the same people but one."""
        other = object.__new__(Clinic)
        kept = self.owner != person
        other.owner, other.rows = self.owner[kept], self.rows[kept]
        other.courses = np.delete(self.courses, person, axis=0)
        return other

    def drawn(self, chance: np.random.Generator) -> Floats:
        """Return a release's rows."""
        columns = [
            SourceColumn(name, "number", float(step), [float(one) for one in self.rows[:, at]])
            for at, (name, step) in enumerate(zip(MEASURES, STEPS, strict=True))
        ]
        _, made = synthesise([int(one) for one in self.owner], columns, chance)
        return np.array([made[name] for name in MEASURES], dtype=float).T

    def curve(self, chance: np.random.Generator) -> Floats:
        """Return a release's mean course."""
        rates = (
            ("4x4", person, at * CURVE_STEP_S, float(bpm))
            for person, course in enumerate(self.courses)
            for at, bpm in enumerate(course)
        )
        return np.array([float(row[2] or 0) for row in mean_courses(rates, chance)])


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trials", type=int, default=200)
    trials = parser.parse_args().trials
    figures = Figures("research")
    chance = np.random.default_rng(13)
    for people, sessions in ((12, 1), (12, 12), (33, 10)):
        turns = max(20, trials * 12 // (people * sessions))
        title = f"{people} people, {sessions} sessions each"
        for name, altered in MECHANISMS.items():
            found = np.mean([_rows_tied(altered, people, sessions, chance) for _ in range(turns)])
            print(f"    {title}, rows {name}: {found:.1f} × chance tied together")
        same, other = np.sum([_people_tied(people, sessions, chance) for _ in range(turns)], axis=0)
        figures.tell(f"{title}: rows of two exports tied / chance", same / max(other, 1), "×", MOST_TIMES_CHANCE)
    for people in (12, 33):
        by_rows, by_curve = np.mean([_who_withdrew(people, 6, chance) for _ in range(2 * trials)], axis=0)
        figures.tell(f"who of {people} withdrew, by rows / chance", by_rows * people, "×", MOST_TIMES_CHANCE)
        figures.tell(f"who of {people} withdrew, by mean courses / chance", by_curve * people, "×", MOST_TIMES_CHANCE)
    figures.keep()


def _with_noise(rows: Floats, chance: np.random.Generator) -> Floats:
    noisy: Floats = rows + rows.std(axis=0) * chance.standard_normal(rows.shape)
    return np.asarray(np.round(noisy / STEPS) * STEPS)


MECHANISMS: dict[str, Callable[[Floats, np.random.Generator], Floats]] = {
    "as they are": lambda rows, _: rows,
    "in steps": lambda rows, _: np.round(rows / STEPS) * STEPS,
    "in steps, with noise as large as their spread": _with_noise,
}


def _rows_tied(
    altered: Callable[[Floats, np.random.Generator], Floats], people: int, sessions: int, chance: np.random.Generator
) -> float:
    """Return how many rows are matched with themselves; one is by chance."""
    clinic = Clinic(people, sessions, chance)
    first, second = altered(clinic.rows, chance), altered(clinic.rows, chance)
    order = chance.permutation(len(second))
    found = _assigned(first, second[order])
    return float(np.sum(order[found] == np.arange(len(first))))


def _people_tied(people: int, sessions: int, chance: np.random.Generator) -> tuple[int, int]:
    """Return how many linked rows are of one person, with a second export of the same people and of others."""
    clinic, others = Clinic(people, sessions, chance), Clinic(people, sessions, chance)
    first = clinic.drawn(chance)
    whose = _whose(first, clinic)
    counts = []
    for second in (clinic.drawn(chance), others.drawn(chance)):
        theirs = _whose(second, clinic)
        linked = _assigned(first, second)
        known = linked >= 0
        counts.append(int(np.sum(whose[known] == theirs[linked[known]])))
    return counts[0], counts[1]


def _whose(rows: Floats, clinic: Clinic) -> NDArray[np.intp]:
    """Return the person of the true session that each row is assigned to; a number of its own where none is left."""
    found = _assigned(rows, clinic.rows)
    return np.where(found >= 0, clinic.owner[found], -1 - np.arange(len(rows)))


def _who_withdrew(people: int, sessions: int, chance: np.random.Generator) -> tuple[bool, bool]:
    """Return whether a linker that knows everybody's true sessions finds who is missing in the second export."""
    clinic = Clinic(people, sessions, chance)
    gone = int(chance.integers(people))
    after = clinic.without(gone)
    first, second = clinic.drawn(chance), after.drawn(chance)
    nearer = _nearest(clinic.rows, second) - _nearest(clinic.rows, first)
    by_rows = [float(nearer[clinic.owner == person].mean()) for person in range(people)]
    before, then = clinic.curve(chance), after.curve(chance)
    change = then - before
    by_curve = [_likeness(change, before - course) for course in clinic.courses]
    return int(np.argmax(by_rows)) == gone, int(np.argmax(by_curve)) == gone


def _likeness(one: Floats, other: Floats) -> float:
    """Return how well a change of the mean is what the loss of one person makes of it."""
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size else 0.0


def _nearest(rows: Floats, released: Floats) -> Floats:
    scale = rows.std(axis=0)
    return np.asarray(cdist(rows / scale, released / scale).min(axis=1))


def _assigned(first: Floats, second: Floats) -> NDArray[np.intp]:
    """Return for each row of the first the row of the second that it is assigned to, or -1."""
    scale = np.maximum(np.vstack([first, second]).std(axis=0), 1e-9)
    rows, columns = linear_sum_assignment(cdist(first / scale, second / scale, "sqeuclidean"))
    found = np.full(len(first), -1)
    found[rows] = columns
    return found


if __name__ == "__main__":
    main()
