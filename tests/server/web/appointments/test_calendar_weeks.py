"""Weeks, holidays, times of day, the spread of days, and whom a few letters mean: without a database."""

import itertools
from datetime import date, time

import pytest
from dateutil.easter import easter as easter_of_another
from hypothesis import given
from hypothesis import strategies as st

from server.appointments.calendar_week import CalendarWeek, read_week, week_of
from server.appointments.forms import read_time
from server.appointments.holidays import easter, holiday_of
from server.appointments.people_found import KnownPerson, find_person
from server.appointments.week_plan import spread

MONDAY = date(2026, 11, 30)
WEEK = [date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 2), date(2026, 12, 3), date(2026, 12, 4)]


@pytest.mark.parametrize(
    ("name", "monday"),
    [
        ("2026-W49", MONDAY),
        ("2026-W53", date(2026, 12, 28)),
        ("2020-W53", date(2020, 12, 28)),
        ("2025-W01", date(2024, 12, 30)),
        ("2025-W53", None),
        ("2026-W00", None),
        ("2026-49", None),
        ("1999-W01", None),
        ("2101-W01", None),
        ("２０２６-W49", None),
        ("2026-W49\n", None),
        ("", None),
    ],
)
def test_a_week_is_read_from_its_iso_name_alone(name: str, monday: date | None) -> None:
    found = read_week(name)
    assert (None if found is None else found.monday) == monday
    assert monday is None or CalendarWeek(monday).name == name


@given(st.dates(date(2000, 1, 3), date(2100, 12, 20)))
def test_each_day_lies_in_the_week_that_its_name_names(day: date) -> None:
    week = week_of(day)
    assert day in week.days
    assert read_week(week.name) == week


@given(st.integers(1583, 4099))
def test_easter_is_that_of_an_independent_program(year: int) -> None:
    assert easter(year) == easter_of_another(year)


def test_the_holidays_of_a_year_are_norways() -> None:
    days = {date.fromordinal(at) for at in range(date(2026, 1, 1).toordinal(), date(2027, 1, 1).toordinal())}
    assert sorted(day for day in days if holiday_of(day) is not None) == [
        date(2026, 1, 1), date(2026, 4, 2), date(2026, 4, 3), date(2026, 4, 5), date(2026, 4, 6), date(2026, 5, 1),
        date(2026, 5, 14), date(2026, 5, 17), date(2026, 5, 24), date(2026, 5, 25), date(2026, 12, 25),
        date(2026, 12, 26),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "at"),
    [
        ("9", time(9)), ("09:00", time(9)), ("9.15", time(9, 15)), ("0915", time(9, 15)), ("915", time(9, 15)),
        (" kl. 13 ", time(13)), ("kl 13:30", time(13, 30)), ("0", time(0)), ("23:59", time(23, 59)),
        ("24", None), ("9:60", None), ("9:5", None), ("9:155", None), ("ni", None), ("", None), ("-9", None),
        ("9:", None), (":30", None), ("12345", None), ("٩", None), ("1:2:3", None),
    ],
)  # fmt: skip
def test_times_of_day_are_read_as_people_write_them(typed: str, at: time | None) -> None:
    assert read_time(typed) == at


@pytest.mark.parametrize(
    ("count", "must", "taken", "chosen"),
    [
        (3, None, [], [0, 2, 4]),
        (3, 1, [], [1, 3, 4]),
        (2, 0, [], [0, 4]),
        (3, None, [0], [2, 4]),
        (3, None, [0, 2, 4], []),
        (1, 3, [], [3]),
        (9, None, [], [0, 1, 2, 3, 4]),
        (0, 2, [], [2]),
    ],
)
def test_days_are_as_far_apart_as_they_can_be(
    count: int, must: int | None, taken: list[int], chosen: list[int]
) -> None:
    found = spread(WEEK, count, None if must is None else WEEK[must], [WEEK[at] for at in taken])
    gaps = [(after - before).days for before, after in itertools.pairwise(found)]
    wanted = [WEEK[at] for at in chosen]
    assert len(found) == len(wanted)
    assert must is None or WEEK[must] in found
    assert min(gaps, default=9) >= min(
        ((after - before).days for before, after in itertools.pairwise(wanted)), default=9
    )


PEOPLE = [
    KnownPerson(1, "Kari Nordmann", "Rev", "A"),
    KnownPerson(2, "Karin Moe", "Ørn", "A"),
    KnownPerson(3, "Ola Nordmann", "Kari", ""),
    KnownPerson(4, "Åse  Ødegård", "Bjørk", ""),
]


@pytest.mark.parametrize(
    ("typed", "key", "candidates"),
    [
        ("rev", 1, []),
        ("Kari Nordmann (Rev)", 1, []),
        ("kari nordmann", 1, []),
        ("Kari", 3, []),
        ("kar", None, [1, 2, 3]),
        ("nord", None, [1, 3]),
        ("o nord", 3, []),
        ("ØDEG", 4, []),
        ("åse ødegård", 4, []),
        ("xyz", None, []),
        ("(", None, []),
        ("", None, []),
    ],
)
def test_a_few_letters_mean_one_person_or_those_between_whom_they_do_not_decide(
    typed: str, key: int | None, candidates: list[int]
) -> None:
    found = find_person(typed, PEOPLE)
    assert (found.person and found.person.key, [one.key for one in found.candidates]) == (key, candidates)
