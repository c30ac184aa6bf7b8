"""Draw new rows from a statistical model of people's rows: fully synthetic data (Rubin 1993), by a Gaussian copula.

A released row belongs to no person, so two releases have no rows in common that a linker could match. Kept are each
column's distribution and the correlations between columns, separately between people and within a person. Lost are
extremes, single people's courses, and whatever is no correlation.

Disclosure control, with k = `MIN_PEOPLE`:

- Each value that is drawn lies between means of adjacent values of at least k people (microaggregation); where people
  are few, it is drawn from a normal distribution with their mean and standard deviation.
- A category that fewer than k people have is left empty; a column that fewer than k people have a value in is empty.
- Correlations shrink towards none where people are few.
- Each table is made from two fifths of the people, drawn at random, and these are weighted at random (Bayesian
  bootstrap, Rubin 1981): the difference of two releases is more noise than the effect of one person.
"""

import math
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import NormalDist, fmean
from typing import Literal, TypeAlias, cast

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

MIN_PEOPLE = 5
"""k of k-anonymity: nothing is told of fewer people."""

LEAST_BINS = 4
"""With fewer groups of adjacent values, a normal distribution takes their place."""

SAMPLED_FRACTION = 2 / 5
"""Of the people, so many are in one table of a release."""

Kind = Literal["text", "whole", "number", "truth"]
Cell: TypeAlias = str | float | bool | None
Floats: TypeAlias = NDArray[np.float64]

_NORMAL = NormalDist()
_LARGEST = 1e6
"""A larger number is no measurement and counts as missing."""


class SourceColumn(Struct, frozen=True):
    """A column of the true rows. `step`: to what its numbers are rounded."""

    name: str
    kind: Kind
    step: float
    values: Sequence[Cell]


class _Levels(Struct, frozen=True):
    """What a normal score is turned into: `values` at the cumulative shares `at`; `share_missing` of rows is empty."""

    kind: Kind
    step: float
    at: Floats
    values: Sequence[Cell]
    share_missing: float


def sample_people(count: int, chance: np.random.Generator) -> tuple[list[int], Floats]:
    """Return two fifths of the people, at least `MIN_PEOPLE`, with a random weight of mean 1 for each."""
    size = max(min(count, MIN_PEOPLE), round(count * SAMPLED_FRACTION))
    chosen = sorted(int(one) for one in chance.choice(count, size, replace=False))
    return chosen, chance.dirichlet(np.ones(size)) * size


def synthesise(
    people: Sequence[Hashable], columns: Sequence[SourceColumn], chance: np.random.Generator
) -> tuple[list[int], dict[str, list[Cell]]]:
    """Draw as many people as there are, each with rows of their own.

    `people`: whose each true row is. Return which synthetic person each new row belongs to, and its columns.
    Raise ValueError where fewer than `MIN_PEOPLE` people have rows.
    """
    names = list(dict.fromkeys(people))
    if len(names) < MIN_PEOPLE:
        raise ValueError(f"There are {len(names)} people, and nothing is drawn from fewer than {MIN_PEOPLE}.")
    sampled, weights = sample_people(len(names), chance)
    numbers = {names[one]: number for number, one in enumerate(sampled)}
    rows = [at for at, one in enumerate(people) if one in numbers]
    owner = np.array([numbers[people[at]] for at in rows])
    columns = [SourceColumn(one.name, one.kind, one.step, [one.values[at] for at in rows]) for one in columns]
    scored = [_score(one, owner, weights, chance) for one in columns]
    between, within = _correlations(np.column_stack([scores for scores, _ in scored]), owner, weights)
    counts = _row_counts(np.bincount(owner), len(names), chance)
    drawn_owner = np.repeat(np.arange(len(names)), counts)
    size = len(columns)
    latent = (chance.standard_normal((len(names), size)) @ _root(between).T)[drawn_owner]
    latent = latent + chance.standard_normal((len(drawn_owner), size)) @ _root(within).T
    made = {}
    for number, (column, (_, levels)) in enumerate(zip(columns, scored, strict=True)):
        shares = np.array([_NORMAL.cdf(float(one)) for one in latent[:, number]])
        made[column.name] = _values(levels, shares, chance)
    return [int(one) for one in drawn_owner], made


def mean_courses(
    rates: Iterable[tuple[str, int, int, float]], chance: np.random.Generator
) -> Iterator[tuple[Cell, ...]]:
    """Yield the mean rate over people at each time of each protocol that enough people trained.

    `rates`: protocol, person, time in s and rate in bpm. Each person counts by their own mean.
    """
    found: dict[str, dict[int, dict[int, list[float]]]] = {}
    for protocol, person, t_s, bpm in rates:
        found.setdefault(protocol, {}).setdefault(t_s, {}).setdefault(person, []).append(bpm)
    everyone = sorted({one for courses in found.values() for people in courses.values() for one in people})
    sampled, drawn = sample_people(len(everyone), chance)
    weights = {everyone[one]: weight for one, weight in zip(sampled, drawn, strict=True)}
    for protocol, courses in sorted(found.items()):
        for t_s, people in sorted(courses.items()):
            those = [key for key in people if key in weights]
            if len(those) < MIN_PEOPLE:
                continue
            means = np.array([fmean(people[key]) for key in those])
            own = np.array([weights[key] for key in those])
            mean = float(np.average(means, weights=own))
            spread = math.sqrt(float(np.average((means - mean) ** 2, weights=own)))
            yield protocol, t_s, round(mean), round(spread)


def _score(
    column: SourceColumn, owner: NDArray[np.intp], weights: Floats, chance: np.random.Generator
) -> tuple[Floats, _Levels]:
    """Return each row's normal score, 0 where it has no value, and how scores become values again."""
    values = [_plain(one, column.kind) for one in column.values]
    present = np.array([one is not None for one in values])
    people_of: dict[Cell, set[int]] = {}
    for value, person in zip(values, owner, strict=True):
        if value is not None:
            people_of.setdefault(value, set()).add(int(person))
    if column.kind in ("text", "truth"):
        rare = {value for value, those in people_of.items() if len(those) < MIN_PEOPLE}
        present &= np.array([one not in rare for one in values])
    holders = {int(one) for one in owner[present]}
    scores = np.zeros(len(values))
    row_weights = weights[owner]
    if len(holders) < MIN_PEOPLE:
        return scores, _Levels(column.kind, column.step, np.array([0.5]), [None], 1.0)
    lacking = {int(one) for one in owner[~present]}
    share_missing = float(row_weights[~present].sum() / row_weights.sum()) if len(lacking) >= MIN_PEOPLE else 0.0
    rows = np.flatnonzero(present)
    if column.kind in ("text", "truth"):
        codes = {value: code for code, value in enumerate(sorted({values[one] for one in rows}, key=str))}
        if column.kind == "text":
            shuffled = chance.permutation(len(codes))
            codes = {value: int(shuffled[code]) for value, code in codes.items()}
        numbers = np.array([float(codes[values[one]]) for one in rows])
    else:
        numbers = np.array([float(cast("float", values[one])) for one in rows])
    order = np.argsort(numbers, kind="stable")
    rows, numbers = rows[order], numbers[order]
    weighted = row_weights[rows] / row_weights[rows].sum()
    upper = np.cumsum(weighted)
    for start, end in _runs(numbers):
        low = upper[start - 1] if start else 0.0
        scores[rows[start:end]] = _NORMAL.inv_cdf(float(np.clip((low + upper[end - 1]) / 2, 1e-6, 1 - 1e-6)))
    if column.kind in ("text", "truth"):
        by_code = {code: value for value, code in codes.items()}
        ends = [end for _, end in _runs(numbers)]
        steps = _Levels(
            column.kind,
            column.step,
            upper[np.array(ends) - 1],
            [by_code[int(numbers[one - 1])] for one in ends],
            share_missing,
        )
        return scores, steps
    bins = _bins(owner[rows])
    if len(bins) < LEAST_BINS:
        return scores, _Levels(column.kind, column.step, *_normal_levels(numbers, weighted), share_missing)
    middles = np.array([(upper[end - 1] + (upper[start - 1] if start else 0.0)) / 2 for start, end in bins])
    means = [float(np.average(numbers[start:end], weights=weighted[start:end])) for start, end in bins]
    return scores, _Levels(column.kind, column.step, middles, means, share_missing)


def _normal_levels(numbers: Floats, weights: Floats) -> tuple[Floats, list[Cell]]:
    """Return the levels of a normal distribution with the mean and standard deviation of few people's numbers."""
    mean = float(np.average(numbers, weights=weights))
    spread = math.sqrt(float(np.average((numbers - mean) ** 2, weights=weights)))
    least = 0.0 if numbers.min() >= 0 else -math.inf
    scores = np.linspace(-2, 2, 9)
    return np.array([_NORMAL.cdf(float(one)) for one in scores]), [max(least, mean + spread * one) for one in scores]


def _plain(value: Cell, kind: Kind) -> Cell:
    """Return a value as it is counted; None for an empty text and for what is no measurement."""
    if value is None or value == "":
        return None
    if kind in ("text", "truth"):
        return value
    number = float(value)
    return number if abs(number) <= _LARGEST else None


def _runs(numbers: Floats) -> list[tuple[int, int]]:
    """Return where equal values begin and end, in sorted numbers."""
    edges = [0, *(np.flatnonzero(np.diff(numbers)) + 1), len(numbers)]
    return [(int(start), int(end)) for start, end in pairwise(edges)]


def _bins(owner: NDArray[np.intp]) -> list[tuple[int, int]]:
    """Return adjacent rows, in the order of a value, in groups of at least `MIN_PEOPLE` different people."""
    found: list[tuple[int, int]] = []
    start, seen = 0, set[int]()
    for number, person in enumerate(owner):
        seen.add(int(person))
        if len(seen) >= MIN_PEOPLE:
            found.append((start, number + 1))
            start, seen = number + 1, set()
    # The rest are too few for a group of their own.
    found[-1] = (found[-1][0], len(owner))
    return found


def _correlations(scores: Floats, owner: NDArray[np.intp], weights: Floats) -> tuple[Floats, Floats]:
    """Return the covariances of normal scores between people and within a person; both diagonals add up to 1."""
    people, rows = int(owner.max()) + 1, len(owner)
    row_weights = weights[owner] / weights[owner].mean()
    sums = np.zeros((people, scores.shape[1]))
    np.add.at(sums, owner, scores)
    means = sums / np.bincount(owner)[:, None]
    centred = scores - np.average(scores, axis=0, weights=row_weights)
    total = (centred * row_weights[:, None]).T @ centred / rows
    inside = scores - means[owner]
    within = (inside * row_weights[:, None]).T @ inside / max(rows - people, 1)
    within = _shrunk(within, rows - people)
    between = _shrunk(total - within * max(rows - people, 0) / rows, people)
    size = np.sqrt(np.maximum(np.diag(between) + np.diag(within), 1e-9))
    return between / np.outer(size, size), within / np.outer(size, size)


def _shrunk(covariance: Floats, count: int) -> Floats:
    """Return the nearest covariance that can be, its correlations smaller where `count` is small."""
    variances, vectors = np.linalg.eigh(covariance)
    possible = (vectors * np.maximum(variances, 0.0)) @ vectors.T
    diagonal = np.diag(np.diag(possible))
    return cast("Floats", diagonal + (possible - diagonal) * max(count, 0) / (max(count, 0) + len(covariance)))


def _root(covariance: Floats) -> Floats:
    variances, vectors = np.linalg.eigh(covariance)
    return cast("Floats", vectors * np.sqrt(np.maximum(variances, 0.0)))


def _row_counts(counts: NDArray[np.intp], people: int, chance: np.random.Generator) -> NDArray[np.intp]:
    """Return how many rows each new person has: means of `MIN_PEOPLE` people's counts at least."""
    ordered = np.sort(counts)
    whole = [int(one) for one in range(0, len(ordered) - MIN_PEOPLE + 1, MIN_PEOPLE)]
    means = [float(ordered[start:end].mean()) for start, end in zip(whole, [*whole[1:], len(ordered)], strict=True)]
    return np.array([max(1, round(means[one])) for one in chance.integers(len(means), size=people)])


def _values(levels: _Levels, shares: Floats, chance: np.random.Generator) -> list[Cell]:
    missing = chance.random(len(shares)) < levels.share_missing
    if levels.kind in ("text", "truth"):
        chosen = np.minimum(np.searchsorted(levels.at, shares), len(levels.values) - 1)
        found: list[Cell] = [levels.values[int(one)] for one in chosen]
    elif levels.values == [None]:
        found = [None] * len(shares)
    else:
        numbers = np.interp(shares, levels.at, np.array(levels.values, dtype=float))
        rounded = np.round(numbers / levels.step) * levels.step
        found = [round(float(one)) if levels.kind == "whole" else round(float(one), 6) for one in rounded]
    return [None if gone else one for gone, one in zip(missing, found, strict=True)]
