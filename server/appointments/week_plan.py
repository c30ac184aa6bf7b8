"""Which places a week has, who has them, and on which days one person is best put: without database or clock."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, time, timedelta
from itertools import combinations, pairwise

from msgspec import Struct

from server.appointments.models import Appointment, FixedTime
from server.natural_sort import by_name

USUAL_A_WEEK = 3
"""Sessions a week where neither course nor plan says (4×4 in treatment: three)."""


class WeekPlace(Struct, frozen=True):
    """A place that one person can have: a fixed time on a day. `at`: which of its places. Names a form's field."""

    fixed_time: int
    on: date
    at: int

    @property
    def name(self) -> str:
        """Return the name of its field."""
        return f"place_{self.fixed_time}_{self.on:%Y%m%d}_{self.at}"


class WeekRow(Struct, frozen=True, kw_only=True):
    """A line of a day: one place, or one single appointment. `place`: None for a single one."""

    begins: time
    minutes: int
    machine: str
    group: str
    place: WeekPlace | None = None
    appointment: Appointment | None = None


class WeekDay(Struct, frozen=True):
    """A day with its lines in the order of the hours. `closed`: why, or "" where the day is open."""

    on: date
    rows: tuple[WeekRow, ...]
    closed: bool = False
    reason: str = ""


def days_of(
    days: Sequence[date],
    fixed_times: Sequence[FixedTime],
    closed: Mapping[date, str],
    appointments: Iterable[Appointment],
    begins: Mapping[int, time],
) -> list[WeekDay]:
    """Lay a week out. `begins`: each appointment's time of day in the clinic's zone, by its key."""
    of_place: dict[tuple[int, date], list[Appointment]] = {}
    single: dict[date, list[Appointment]] = {}
    for one in appointments:
        if one.fixed_time_id is None:
            single.setdefault(one.on, []).append(one)
        else:
            of_place.setdefault((one.fixed_time_id, one.on), []).append(one)
    made = []
    for day in days:
        rows: list[WeekRow] = []
        for fixed in fixed_times:
            there = of_place.pop((fixed.pk, day), [])
            free = fixed.places if fixed.is_on(day) and day not in closed else 0
            rows += [
                WeekRow(
                    begins=fixed.begins,
                    minutes=fixed.minutes,
                    machine=fixed.machine,
                    group=fixed.group,
                    place=WeekPlace(fixed.pk, day, at),
                    appointment=there[at] if at < len(there) else None,
                )
                for at in range(max(free, len(there)))
            ]
        rows += [
            WeekRow(begins=begins[one.pk], minutes=one.minutes, machine=one.machine, group="", appointment=one)
            for one in single.get(day, ())
        ]
        rows.sort(key=lambda row: (row.begins, by_name(row.machine), row.group))
        made.append(WeekDay(day, tuple(rows), day in closed, closed.get(day, "")))
    return made


def spread(days: Collection[date], count: int, must: date | None = None, taken: Collection[date] = ()) -> list[date]:
    """Return up to `count` of these days, as far apart as they can be; `must` is among them.

    `taken`: days that the person has already; they count, and no day next to them is chosen where another will do.
    """
    free = sorted(set(days) - set(taken))
    left = min(max(count - len(set(taken)), 0), len(free))
    if must is not None:
        left = max(left, 1)
    if left == 0:
        return []
    others = [one for one in free if one != must]
    wanted = left - (must is not None)
    best: tuple[int, list[date]] | None = None
    for some in combinations(others, min(wanted, len(others))):
        chosen = sorted({*some, *([must] if must is not None else [])})
        gap = _least_gap([*chosen, *taken])
        if best is None or gap > best[0]:
            best = gap, chosen
    return best[1] if best else []


def _least_gap(days: Iterable[date]) -> int:
    ordered = sorted(set(days))
    gaps = [(after - before) // timedelta(days=1) for before, after in pairwise(ordered)]
    return min(gaps, default=99)
