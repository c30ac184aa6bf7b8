"""What the network's pages tell lets nobody compute anything of fewer than five people, however it is combined."""

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.regional_statistics.disclosure_control import (
    FEWEST,
    MONTHS,
    Amount,
    Atom,
    Quarter,
    about,
    cell,
    safe,
    told_kinds,
    told_quarter,
    told_rest,
)

Trained = tuple[int, int, str, str | None]
"""A session: person (0: nobody knows who), month of the quarter, protocol, group."""

ONE = Amount(1, 1, 600.0, 10.0, 1.0)


def quarter_of(sessions: Iterable[Trained], months_over: int = MONTHS) -> Quarter:
    """As the database sums them."""
    months = [Amount()] * MONTHS
    masks: dict[int, int] = {}
    for person, month, _protocol, _group in sessions:
        months[month] += ONE
        if person:
            masks[person] = masks.get(person, 0) | 1 << month
    people: dict[int, int] = {}
    for mask in masks.values():
        people[mask] = people.get(mask, 0) + 1
    return Quarter((months[0], months[1], months[2]), people, months_over)


def atoms_of(sessions: Sequence[Trained]) -> list[Atom]:
    """As the database sums them."""
    return [
        Atom(
            *kind,
            frozenset(one[0] for one in sessions if one[1:] == kind and one[0]),
            Amount(sum(one[1:] == kind for one in sessions)),
        )
        for kind in sorted({one[1:] for one in sessions}, key=str)
    ]


def people_in(sessions: Iterable[Trained]) -> int:
    return len({one[0] for one in sessions if one[0]})


def told_sets(sessions: Sequence[Trained]) -> list[frozenset[int]]:
    """Every set of sessions whose sums are told of one clinic's quarter, as places in `sessions`."""
    told = told_quarter(quarter_of(sessions))
    kinds = told_kinds(told, atoms_of(sessions))
    sets = [
        frozenset(at for at, one in enumerate(sessions) if one[1] == month)
        for month in range(MONTHS)
        if told.months[month] is not None
    ]
    if told.all is not None:
        sets.append(frozenset(range(len(sessions))) if told.all.whole else frozenset().union(*sets))
    # A quarter that is not whole has its kinds from the months that are told.
    months = {at for at in range(MONTHS) if told.months[at] is not None or (told.all is not None and told.all.whole)}
    inside = [(at, one) for at, one in enumerate(sessions) if one[1] in months]
    sets += [frozenset(at for at, one in inside if one[2] == name) for name in kinds.protocols]
    sets += [frozenset(at for at, one in inside if one[3] == name) for name in kinds.groups]
    return sets


def computable(target: Sequence[int], sets: Sequence[Sequence[int]]) -> bool:
    """Whether some combination of the sets' sums is the target's sum, whatever each session holds."""
    if not sets:
        return False
    matrix = np.array(sets, dtype=float).T
    found, *_ = np.linalg.lstsq(matrix, np.array(target, dtype=float), rcond=None)
    return bool(np.allclose(matrix @ found, target, atol=1e-7))


def small_groups(sessions: Sequence[Trained]) -> Iterable[frozenset[int]]:
    """Every set of whole kinds of sessions by which fewer than five people trained.

    What is told treats sessions of one month, protocol and group alike, so no other set can be computed.
    """
    kinds = sorted({one[1:] for one in sessions}, key=str)
    for size in range(1, len(kinds) + 1):
        for some in combinations(kinds, size):
            inside = frozenset(at for at, one in enumerate(sessions) if one[1:] in some)
            if people_in(sessions[at] for at in inside) < FEWEST:
                yield inside


def row(inside: frozenset[int], count: int) -> list[int]:
    return [int(at in inside) for at in range(count)]


@st.composite
def some_sessions(draw: st.DrawFn) -> list[Trained]:
    """Of a small clinic, with few enough kinds of sessions that every set of them can be tried."""
    kinds = draw(
        st.lists(
            st.tuples(st.integers(0, 2), st.sampled_from(["4x4", "3x3"]), st.sampled_from(["A", "B", None])),
            min_size=1,
            max_size=7,
            unique=True,
        )
    )
    return [
        (person, *kind)
        for kind in kinds
        for person in sorted(draw(st.sets(st.integers(0, 11), min_size=1, max_size=10)))
    ]


@given(some_sessions())
def test_no_combination_of_what_is_told_of_a_clinic_is_of_fewer_than_five_people(sessions: list[Trained]) -> None:
    sets = [row(one, len(sessions)) for one in told_sets(sessions)]
    found = [small for small in small_groups(sessions) if computable(row(small, len(sessions)), sets)]
    assert found == []


@given(st.lists(st.lists(st.sets(st.integers(1, 8), max_size=7), min_size=3, max_size=3), min_size=2, max_size=3))
def test_no_combination_over_a_regions_clinics_is_of_fewer_than_five_people(clinics: list[list[set[int]]]) -> None:
    """Months, quarters, the rest and every sum of them, over clinics whose people are different ones."""
    sessions = [
        (clinic, person, month)
        for clinic, months in enumerate(clinics)
        for month, people in enumerate(months)
        for person in people
    ]
    quarters = [
        quarter_of((person, month, "4x4", None) for of, person, month in sessions if of == clinic)
        for clinic in range(len(clinics))
    ]
    told = [told_quarter(one) for one in quarters]
    sets: list[list[int]] = []
    for clinic, one in enumerate(told):
        months = [month for month in range(MONTHS) if one.months[month] is not None]
        sets += [[int(of == clinic and at == month) for of, _, at in sessions] for month in months]
        if one.all is not None:
            kept = range(MONTHS) if one.all.whole else months
            sets.append([int(of == clinic and at in kept) for of, _, at in sessions])
    hidden = [clinic for clinic, one in enumerate(told) if one.all is None]
    if told_rest([quarters[clinic] for clinic in hidden]) is not None:
        sets.append([int(of in hidden) for of, _, _ in sessions])
    cells = sorted({(of, month) for of, _, month in sessions})
    found = []
    for size in range(1, len(cells) + 1):
        for some in combinations(cells, size):
            people = {(of, person) for of, person, month in sessions if (of, month) in some}
            target = [int((of, month) in some) for of, _, month in sessions]
            if len(people) < FEWEST and computable(target, sets):
                found.append(some)
    assert found == []


@given(st.lists(st.integers(0, 12), min_size=1, max_size=5))
def test_who_knows_one_clinic_of_the_rest_does_not_learn_of_fewer_than_five_others(people: list[int]) -> None:
    rest = told_rest([Quarter((ONE, Amount(), Amount()), {1: count}, MONTHS) for count in people])
    assert rest is None or all(sum(people) - one >= FEWEST for one in people)


@given(st.integers(0, 500), st.integers(0, 500))
def test_two_counts_of_people_subtracted_name_no_number_under_five(first: int, second: int) -> None:
    difference = about(first) - about(second)
    possible = {
        a - b
        for a in range(first - 4, first + 5)
        for b in range(second - 4, second + 5)
        if about(a) == about(first) and about(b) == about(second)
    }
    assert abs(about(first) - first) <= 2
    assert len(possible) > FEWEST
    assert min(possible) <= difference <= max(possible)


# --- examples --------------------------------------------------------------------------------------------------------


def trained(people: Iterable[int], month: int, protocol: str = "4x4", group: str | None = "A") -> list[Trained]:
    return [(person, month, protocol, group) for person in people]


def test_a_month_of_four_is_not_told_and_the_quarter_leaves_it_out() -> None:
    sessions = [*trained(range(1, 8), 0), *trained(range(1, 8), 1), *trained(range(1, 5), 2)]
    told = told_quarter(quarter_of(sessions))
    seven = cell(Amount(7, 7, 4200.0, 70.0, 7.0), 7)
    assert told.months == (seven, seven, None)
    assert told.all == cell(Amount(14, 14, 8400.0, 140.0, 14.0), 7, whole=False)


def test_three_small_months_of_many_people_are_told_as_a_quarter() -> None:
    sessions = [*trained((1, 2, 3), 0), *trained((3, 4, 5), 1), *trained((6,), 2)]
    told = told_quarter(quarter_of(sessions))
    assert told.months == (None, None, None)
    assert told.all == cell(Amount(7, 7, 4200.0, 70.0, 7.0), 6)


def test_a_month_that_is_over_is_told_before_its_quarter_and_stays_as_it_was() -> None:
    sessions = [*trained(range(1, 8), 0), *trained(range(1, 8), 1), *trained(range(1, 5), 2)]
    early = told_quarter(quarter_of(sessions[:14], months_over=1))
    assert (early.months[1:], early.all) == ((None, None), None)
    assert early.months[0] == told_quarter(quarter_of(sessions)).months[0]


def test_a_protocol_is_not_told_where_the_rest_would_be_few() -> None:
    few = [*trained(range(1, 9), 0), *trained((1, 2), 0, "3x3")]
    assert told_kinds(told_quarter(quarter_of(few)), atoms_of(few)).protocols == {}
    many = [*trained(range(1, 9), 0), *trained(range(1, 6), 0, "3x3")]
    assert set(told_kinds(told_quarter(quarter_of(many)), atoms_of(many)).protocols) == {"4x4", "3x3"}


def test_a_protocol_that_began_late_is_not_told_where_a_month_would_give_few_away() -> None:
    """All of January's sessions were 4×4: 4×4 less January would be two people's."""
    sessions = [*trained(range(1, 9), 0), *trained((1, 2), 1), *trained(range(1, 9), 1, "3x3")]
    assert told_kinds(told_quarter(quarter_of(sessions)), atoms_of(sessions)).protocols == {}


def test_sessions_of_guests_make_no_group_larger() -> None:
    guests = [(0, 0, "4x4", None)] * 20
    assert told_quarter(quarter_of([*trained((1, 2, 3, 4), 0), *guests])).all is None


@pytest.mark.parametrize(("people", "told"), [(4, False), (5, True)])
def test_five_people_are_enough(people: int, told: bool) -> None:  # noqa: FBT001 - a case
    assert (told_quarter(quarter_of(trained(range(1, people + 1), 0))).all is not None) is told


def test_sets_without_a_large_atom_are_not_safe() -> None:
    assert not safe(atoms_of(trained((1, 2), 0)), [frozenset({0})])


def test_kinds_of_a_quarter_that_is_not_whole_are_of_the_months_that_are_told() -> None:
    """Else the remainder of a told sum and a larger one names the hidden month's people, and passes 100 %."""
    sessions = [*trained(range(1, 8), 0), *trained((1, 2), 1)]
    told = told_quarter(quarter_of(sessions))
    assert told.all is not None
    assert not told.all.whole
    assert [one.sessions for one in told_kinds(told, atoms_of(sessions)).protocols.values()] == [7]


@pytest.mark.parametrize(
    ("completed", "is_told"), [(0, False), (1, False), (2, True), (5, True), (6, False), (7, False)]
)
def test_a_share_of_all_or_none_or_all_but_one_is_not_told(completed: int, is_told: bool) -> None:  # noqa: FBT001 - a case
    assert ("completed" in cell(Amount(7, completed, 600.0, 10.0, 6.5), 7).measures) is is_told


def test_a_month_whose_share_is_not_told_is_not_what_a_quarter_differs_by() -> None:
    some, every = Amount(7, 4, 600.0, 10.0, 6.5), Amount(7, 7, 600.0, 10.0, 6.5)
    told = told_quarter(Quarter((some, some, every), {7: 7}, MONTHS))
    assert told.months[2] is not None
    assert told.all is not None
    assert "completed" not in told.months[2].measures
    assert "completed" not in told.all.measures
    assert set(told.all.measures) == {"zone_s", "above_95_s", "live"}
