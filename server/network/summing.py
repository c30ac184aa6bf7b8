"""Sums over diary entries, made by the database: by clinic and month, and how many people trained in which months.

Nothing here is for telling; `server.network.telling` decides what is. All clinics of a region are summed, whoever asks,
so that what is told does not depend on who asks.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, cast

import msgspec
from django.db import connection, transaction
from django.db.models import Count, F, Q, Sum
from msgspec import Struct

from server.diary.models import DiaryEntry
from server.network.models import QuarterSum
from server.network.periods import MONTHS, Quarters, month_begin, month_number, quarter_of
from server.network.telling import Amount, Atom, Quarter
from server.people.models import Course

_MONTH = {
    # The same as `month_number`: months since the year 0.
    "postgresql": "width_bucket(begun_on, %s::date[]) - 1 + %s",
    "sqlite": "CAST(strftime('%%Y', begun_on) AS INTEGER) * 12 + CAST(strftime('%%m', begun_on) AS INTEGER) - 1",
}
_SummedRow = tuple[int, int, int, int, int, float, float, float]
# Table and columns are the project's own, never anything that came from outside.
_TABLE = DiaryEntry._meta.db_table  # noqa: SLF001 - Django's documented model API
_SUMS = """
WITH trained AS {materialized} (
    SELECT clinic_id, {month} AS month, participant_id, count(*) AS sessions,
           sum(CASE WHEN completed THEN 1 ELSE 0 END) AS completed, sum(zone_s) AS zone_s,
           sum(above_95_s) AS above_95_s, sum(live_fraction) AS live
    FROM {table}
    WHERE begun_on >= %s AND begun_on < %s AND clinic_id IN ({clinics})
    GROUP BY 1, 2, 3
)
SELECT 0, clinic_id, month, sum(sessions), sum(completed), sum(zone_s), sum(above_95_s), sum(live)
FROM trained GROUP BY clinic_id, month
UNION ALL
SELECT 1, clinic_id, quarter, months, count(*), 0, 0, 0
FROM (
    SELECT clinic_id, month / 3 AS quarter, sum(1 << (month %% 3)) AS months
    FROM trained WHERE participant_id IS NOT NULL GROUP BY clinic_id, month / 3, participant_id
) AS people
GROUP BY clinic_id, quarter, months
"""


def quarters_of(clinics: Collection[int], span: Quarters) -> dict[tuple[int, int], Quarter]:
    """Every clinic's quarters that have a session, by clinic and quarter's number."""
    if not clinics:
        return {}
    if connection.vendor != "postgresql":
        return _summed(clinics, span.numbers, span)
    return _kept(clinics, span)


def _kept(clinics: Collection[int], span: Quarters) -> dict[tuple[int, int], Quarter]:
    """What was summed before and still holds, and the others summed now. `changes` is read before they are summed."""
    found: dict[tuple[int, int], Quarter] = {}
    stale: dict[tuple[int, int], int] = {}
    rows = QuarterSum.objects.filter(clinic__in=clinics, quarter__in=span.numbers)
    for clinic, quarter, changes, summed, sums in rows.values_list("clinic_id", "quarter", "changes", "summed", "sums"):
        if changes == summed:
            kept = msgspec.convert(sums, _Sums, strict=False)
            if kept.people or any(one.sessions for one in kept.months):
                found[clinic, quarter] = Quarter(kept.months, kept.people, span.months_over(quarter))
        else:
            stale[clinic, quarter] = changes
    if stale:
        numbers = sorted({quarter for _clinic, quarter in stale})
        now = _summed({clinic for clinic, _quarter in stale}, range(numbers[0], numbers[-1] + 1), span)
        none = Quarter((Amount(), Amount(), Amount()), {}, 0)
        _keep({key: (changes, now.get(key, none)) for key, changes in stale.items()})
        found |= {key: one for key, one in now.items() if key in stale}
    return found


class _Sums(Struct, frozen=True):
    """What is kept of a quarter."""

    months: tuple[Amount, Amount, Amount]
    people: dict[int, int]


def _keep(made: Mapping[tuple[int, int], tuple[int, Quarter]]) -> None:
    told = [
        (msgspec.json.encode(_Sums(one.months, dict(one.people))).decode(), changes, *key, changes)
        for key, (changes, one) in sorted(made.items())
    ]
    table = QuarterSum._meta.db_table  # noqa: SLF001 - Django's documented model API
    statement = (
        f"UPDATE {table} SET sums = %s::jsonb, summed = %s WHERE clinic_id = %s AND quarter = %s AND summed < %s"  # noqa: S608 - its own name
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(statement, told)


def _summed(clinics: Collection[int], quarters: Sequence[int], span: Quarters) -> dict[tuple[int, int], Quarter]:
    months: dict[tuple[int, int], list[Amount]] = {}
    people: dict[tuple[int, int], dict[int, int]] = {}
    for kind, clinic, at, first, second, zone_s, above_95_s, live in _rows(clinics, quarters):
        if kind:
            people.setdefault((clinic, at), {})[int(first)] = int(second)
        else:
            of = months.setdefault((clinic, at // MONTHS), [Amount()] * MONTHS)
            of[at % MONTHS] = Amount(int(first), int(second), float(zone_s), float(above_95_s), float(live))
    return {
        (clinic, quarter): Quarter(
            (amounts[0], amounts[1], amounts[2]), people.get((clinic, quarter), {}), span.months_over(quarter)
        )
        for (clinic, quarter), amounts in months.items()
    }


def _rows(clinics: Collection[int], quarters: Sequence[int]) -> list[_SummedRow]:
    vendor = connection.vendor
    statement = _SUMS.format(
        month=_MONTH[vendor],
        materialized="MATERIALIZED" if vendor == "postgresql" else "",
        table=_TABLE,
        clinics=", ".join(str(int(one)) for one in sorted(clinics)),
    )
    first, after = quarters[0] * MONTHS, (quarters[-1] + 1) * MONTHS
    starts = [month_begin(at) for at in range(first, after)]
    month: list[Any] = [starts, first] if vendor == "postgresql" else []
    with connection.cursor() as cursor:
        cursor.execute(statement, [*month, month_begin(first), month_begin(after)])
        return cast("list[_SummedRow]", cursor.fetchall())


def atoms_of(clinics: Collection[int], quarter: int) -> dict[int, list[Atom]]:
    """A quarter of each clinic, by month, protocol and group. A group's name is the clinic's own word."""
    first, after = quarter_of(quarter)
    rows = (
        DiaryEntry.objects.filter(clinic__in=clinics, begun_on__gte=first, begun_on__lt=after)
        .values_list(
            "clinic_id", "protocol", F("participant__group"), "participant_id", "begun_on__year", "begun_on__month"
        )
        .annotate(
            sessions=Count("pk"),
            whole=Count("pk", filter=Q(completed=True)),
            zone=Sum("zone_s"),
            above=Sum("above_95_s"),
            live=Sum("live_fraction"),
        )
    )
    found: dict[tuple[int, int, str, str | None], tuple[set[int], Amount]] = {}
    for clinic, protocol, group, participant, year, month, *sums in rows:
        word = None if group is None else " ".join(group.split()).casefold()
        key = (clinic, month_number(date(year, month, 1)) % MONTHS, protocol, word)
        people, amount = found.get(key, (set(), Amount()))
        found[key] = (people | {participant} if participant is not None else people, amount + Amount(*sums))
    atoms: dict[int, list[Atom]] = {}
    for (clinic, month, protocol, word), (people, amount) in found.items():
        atoms.setdefault(clinic, []).append(Atom(month, protocol, word, frozenset(people), amount))
    return atoms


class Adherence(Struct, frozen=True):
    """Of a clinic, not for telling: so many sessions were due by the courses, so many trained, of so many people."""

    due: float = 0.0
    trained: int = 0
    people: int = 0

    def __add__(self, other: "Adherence") -> "Adherence":
        """Both together."""
        return Adherence(self.due + other.due, self.trained + other.trained, self.people + other.people)


_AFTER_COURSE = {
    "postgresql": "course.begins_on + greatest(course.weeks, 1) * 7",
    "sqlite": "date(course.begins_on, '+' || (max(course.weeks, 1) * 7) || ' days')",
}
_TRAINED = """
SELECT clinic_id, count(*) FROM (
    SELECT DISTINCT entry.clinic_id, entry.participant_id, entry.begun_on
    FROM {table} AS entry JOIN {courses} AS course ON course.participant_id = entry.participant_id
        AND entry.begun_on >= course.begins_on AND entry.begun_on < {after}
        AND (course.ended_on IS NULL OR entry.begun_on <= course.ended_on)
    WHERE entry.begun_on >= %s AND entry.begun_on < %s AND entry.clinic_id IN ({clinics})
        AND (entry.completed OR entry.completed_intervals > 0)
) AS days GROUP BY clinic_id
"""


def adherence_of(clinics: Collection[int], begin: date, end: date) -> Mapping[int, Adherence]:
    """From `begin` to before `end`. A course's sessions fall due evenly over its weeks; a day counts once."""
    due: dict[int, float] = {}
    people: dict[int, set[int]] = {}
    courses = Course.objects.filter(participant__clinic__in=clinics, begins_on__lt=end).exclude(ended_on__lt=begin)
    told = courses.values_list("participant__clinic_id", "participant_id", "begins_on", "weeks", "sessions", "ended_on")
    for clinic, participant, begins_on, weeks, sessions, ended_on in told:
        after = begins_on + timedelta(weeks=max(1, weeks))
        last = after if ended_on is None else min(after, ended_on + timedelta(days=1))
        inside = (min(last, end) - max(begins_on, begin)).days
        if inside > 0:
            due[clinic] = due.get(clinic, 0.0) + sessions * inside / (after - begins_on).days
            people.setdefault(clinic, set()).add(participant)
    if not due:
        return {}
    statement = _TRAINED.format(
        table=_TABLE,
        courses=Course._meta.db_table,  # noqa: SLF001 - Django's documented model API
        after=_AFTER_COURSE[connection.vendor],
        clinics=", ".join(str(int(one)) for one in sorted(due)),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [begin, end])
        trained = {int(clinic): int(days) for clinic, days in cursor.fetchall()}
    return {clinic: Adherence(due[clinic], trained.get(clinic, 0), len(people[clinic])) for clinic in due}
