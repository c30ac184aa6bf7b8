"""What linear programmes recover of fewer than five people from all that is told of a region, with the numbers' bounds.

The attacker has every told sum unrounded, of each clinic, month, quarter, protocol and group, the rest and all sums of
them, and knows which kinds of sessions there were, each at least once. Quartiles, totals over clinics and the CSV are
made of these sums.

A sum is fixed on a polyhedron exactly if it is a combination of its equations and of those bounds that hold with
equality everywhere. One linear programme finds the latter; then every small group is tried by linear algebra.

    python -m tests.server.web.regional_statistics.test_disclosure_bounds 1000
"""

import random
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product

import numpy as np
from msgspec import Struct
from scipy.optimize import linprog

from server.regional_statistics.disclosure_control import (
    FEWEST,
    MEASURED,
    MONTHS,
    Amount,
    Atom,
    Cell,
    Quarter,
    told_kinds,
    told_quarter,
    told_rest,
    total,
)

REGIONS = 60
"""In the suite; the command line takes more."""
MOST_ATOMS = 9
"""So few that every union of them can be tried."""
BOUNDED = ("completed", "live")
Sums = list[tuple[frozenset[int], Cell]]


class MadeUpClinic(Struct, frozen=True):
    """A clinic's quarter and its atoms, not for telling."""

    quarter: Quarter
    atoms: tuple[Atom, ...]


def made_up_clinic(chance: random.Random) -> MadeUpClinic:
    """Make a small clinic with odd months: few people, everything completed, no seconds above 95 %."""
    kinds = list(product(range(MONTHS), ("4x4", "3x3"), ("a", "b", None)))
    people = range(1, chance.choice((5, 8, 12)) + 1)
    thorough, calm = chance.choice((0.5, 0.9, 1.0)), chance.choice((0.2, 0.7))
    atoms = []
    for month, protocol, group in sorted(chance.sample(kinds, chance.randint(2, MOST_ATOMS)), key=str):
        who = frozenset(chance.sample(people, chance.randint(1, min(len(people), chance.choice((2, 5, 12))))))
        sessions = [chance.randint(1, 3) for _ in who]
        count = sum(sessions)
        completed = sum(chance.random() < thorough for _ in range(count))
        above = 0.0 if chance.random() < calm else chance.uniform(1, 500)
        live = float(count) if chance.random() < calm else count * chance.uniform(0.5, 1)
        amount = Amount(count, completed, chance.choice((0.0, count * 600.0)), above, live)
        atoms.append(Atom(month, protocol, group, who, amount))
    masks: dict[int, int] = {}
    for person in people:
        if mask := sum({1 << one.month for one in atoms if person in one.people}):
            masks[mask] = masks.get(mask, 0) + 1
    months = [total(one.amount for one in atoms if one.month == at) for at in range(MONTHS)]
    return MadeUpClinic(Quarter((months[0], months[1], months[2]), masks, MONTHS), tuple(atoms))


def told_sums(clinics: Sequence[MadeUpClinic]) -> tuple[list[Atom], list[int], Sums]:
    """Return a region's atoms, each one's clinic, and every set of atoms with what is told of it."""
    atoms = [atom for one in clinics for atom in one.atoms]
    clinic_of = [at for at, one in enumerate(clinics) for _ in one.atoms]
    sums: Sums = []
    hidden = []
    for at, one in enumerate(clinics):
        mine = [place for place, of in enumerate(clinic_of) if of == at]
        told = told_quarter(one.quarter)
        for month, cell in enumerate(told.months):
            if cell is not None:
                sums.append((frozenset(place for place in mine if atoms[place].month == month), cell))
        if told.all is None:
            hidden.append(at)
            continue
        covered = [place for place in mine if told.all.whole or told.month_bits >> atoms[place].month & 1]
        sums.append((frozenset(covered), told.all))
        kinds = told_kinds(told, one.atoms)
        for name, cell in kinds.protocols.items():
            sums.append((frozenset(place for place in covered if atoms[place].protocol == name), cell))
        for name, cell in kinds.groups.items():
            sums.append((frozenset(place for place in covered if atoms[place].group == name), cell))
    if hidden and (rest := told_rest([clinics[at].quarter for at in hidden])) is not None:
        sums.append((frozenset(place for place, of in enumerate(clinic_of) if of in hidden), rest))
    return atoms, clinic_of, sums


def held_at_zero(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return which variables are 0 in every point of {x ≥ 0: matrix x = right}, by one linear programme.

    Scaled by λ ≥ 1, each variable that can be positive can be at least 1; so many of them as can are.
    """
    rows, count = matrix.shape
    equations = np.hstack([matrix, np.zeros((rows, count)), -right[:, None]])
    at_most = np.hstack([-np.eye(count), np.eye(count), np.zeros((count, 1))])
    best = linprog(
        np.concatenate([np.zeros(count), -np.ones(count), [0.0]]),
        A_ub=at_most, b_ub=np.zeros(count), A_eq=equations, b_eq=np.zeros(rows),
        bounds=[(0, None)] * count + [(0, 1)] * count + [(1, None)],
    )  # fmt: skip
    assert best.status == 0, best.message
    return np.array(best.x[count : 2 * count] < 0.5)


def polyhedron(count: int, sums: Sums, measure: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the equations of a measure; with an upper bound, also the sessions without it, as further variables."""
    rows, right = [], []
    none = [0.0] * count
    for inside, cell in sums:
        indicator = [float(at in inside) for at in range(count)]
        if measure == "sessions":
            rows.append(indicator)
            right.append(float(cell.sessions))
            continue
        if measure in BOUNDED:
            rows.append([*indicator, *indicator])
            right.append(float(cell.sessions))
        if (told := cell.measures.get(measure)) is not None:
            assert told.sessions == cell.sessions
            rows.append([*indicator, *none] if measure in BOUNDED else indicator)
            right.append(float(told.sum))
    return np.array(rows, dtype=float), np.array(right, dtype=float)


def is_combination(target: np.ndarray, rows: np.ndarray) -> bool:
    """Whether a sum is a combination of rows."""
    found, *_ = np.linalg.lstsq(rows.T, target, rcond=None)
    return bool(np.allclose(rows.T @ found, target, atol=1e-7))


def small_unions(atoms: Sequence[Atom], places: Sequence[int]) -> Iterator[list[int]]:
    """Every union of atoms by which fewer than five people trained; those of guests alone are nobody's."""
    for size in range(1, len(places) + 1):
        for some in combinations(places, size):
            people = frozenset[int]().union(*(atoms[at].people for at in some))
            if 0 < len(people) < FEWEST:
                yield list(some)


def recovered(clinics: Sequence[MadeUpClinic]) -> list[tuple[str, tuple[int, ...]]]:
    """Return each measure and group of fewer than five people that an attacker knows exactly."""
    atoms, clinic_of, sums = told_sums(clinics)
    count, found = len(atoms), []
    small = [
        some
        for at in range(len(clinics))
        for some in small_unions(atoms, [i for i in range(count) if clinic_of[i] == at])
    ]
    for measure in ("sessions", *MEASURED):
        matrix, right = polyhedron(count, sums, measure)
        if not len(matrix):
            continue
        width = matrix.shape[1]
        # Of each kind there was one session at least: the variables are the others.
        least = matrix.sum(axis=1) if measure == "sessions" else 0.0
        known = np.vstack([matrix, np.eye(width)[held_at_zero(matrix, right - least)]])
        for some in small:
            for begins in range(0, width, count):
                target = np.zeros(width)
                target[[begins + at for at in some]] = 1.0
                if is_combination(target, known):
                    found.append((measure, tuple(some)))
    return found


def regions(seeds: Iterable[int]) -> Iterator[list[MadeUpClinic]]:
    """Made-up regions of two to four clinics."""
    for seed in seeds:
        chance = random.Random(seed)
        yield [made_up_clinic(chance) for _ in range(chance.randint(2, 4))]


def shares_outside(clinics: Sequence[MadeUpClinic]) -> list[Mapping[str, float]]:
    """Return each told cell, and each remainder of kinds, with a share outside 0–1."""
    _, _, sums = told_sums(clinics)
    return [
        {name: one.sum / one.sessions}
        for _, cell in sums
        for name, one in cell.measures.items()
        if name in BOUNDED and not 0 <= one.sum <= one.sessions
    ]


def test_linear_programmes_with_bounds_recover_nothing_of_fewer_than_five_people() -> None:
    assert [found for region in regions(range(REGIONS)) for found in recovered(region)] == []


def test_no_told_share_lies_outside_its_bounds() -> None:
    assert [found for region in regions(range(REGIONS)) for found in shares_outside(region)] == []


def test_a_share_that_would_lay_all_that_was_given_up_on_two_people_is_not_told() -> None:
    """July: two people trained 4×4, six 3×3, and all of these to the end (review, S2-3)."""
    all_of_it = Amount(12, 12, 100.0, 0.0, 10.0)
    atoms = (
        *(Atom(month, "3x3", None, frozenset(range(6)), all_of_it) for month in (0, 1, 2)),
        *(Atom(month, "4x4", None, frozenset(range(10, 17)), Amount(12, 9, 100.0, 50.0, 10.0)) for month in (1, 2)),
        Atom(0, "4x4", None, frozenset({10, 11}), Amount(4, 2, 100.0, 46.0, 3.0)),
    )
    months = [total(one.amount for one in atoms if one.month == at) for at in range(MONTHS)]
    clinic = MadeUpClinic(Quarter((months[0], months[1], months[2]), {0b111: 8, 0b110: 5}, MONTHS), atoms)
    kinds = told_kinds(told_quarter(clinic.quarter), atoms)
    assert all(not {"completed", "above_95_s"} & set(one.measures) for one in kinds.protocols.values())
    assert recovered([clinic]) == []


def test_a_sum_at_its_bound_holds_every_part_of_it_there() -> None:
    assert held_at_zero(np.array([[1.0, 1.0]]), np.array([0.0])).all()
    assert not held_at_zero(np.array([[1.0, 1.0]]), np.array([3.0])).any()


if __name__ == "__main__":
    most = int(sys.argv[1]) if len(sys.argv) > 1 else REGIONS
    given_away = sum(bool(recovered(one)) for one in regions(range(most)))
    told = [len(told_sums(one)[2]) for one in regions(range(most))]
    sys.stdout.write(f"regions with a small group recovered: {given_away} of {most}; told sums: {sum(told)}\n")
