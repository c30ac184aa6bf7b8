"""Sums over diary entries, made by the database: by clinic and month, and how many people trained in which months.

Nothing here is for telling; `server.regional_statistics.disclosure_control` decides what is. All clinics of a region
are summed, whoever asks, so that what is told does not depend on who asks.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, cast

import msgspec
from django.db import connection, transaction
from msgspec import Struct

from server.diary.models import DiaryEntry, ImportedSession
from server.people.models import Course, Participant, course_end
from server.regional_statistics.disclosure_control import NO_COURSES, Adherence, Amount, Atom, Quarter
from server.regional_statistics.models import QuarterSum
from server.regional_statistics.periods import MONTHS, Quarters, month_begin, month_number

_MONTH = {
    # The same as `month_number`: months since the year 0.
    "postgresql": "width_bucket(begun_on, %s::date[]) - 1 + %s",
    "sqlite": "CAST(strftime('%%Y', begun_on) AS INTEGER) * 12 + CAST(strftime('%%m', begun_on) AS INTEGER) - 1",
}
# Table and columns are the project's own, never anything that came from outside.
_TABLE = DiaryEntry._meta.db_table  # noqa: SLF001 - Django's documented model API
_ELSEWHERE = ImportedSession._meta.db_table  # noqa: SLF001 - Django's documented model API
_SUMS = """
WITH trained AS {materialized} (
    SELECT clinic_id, {month} AS month, participant_id, count(*) AS sessions,
           sum(CASE WHEN completed THEN 1 ELSE 0 END) AS completed, sum(zone_s) AS zone_s,
           sum(above_95_s) AS above_95_s, sum(live_fraction) AS live
    FROM {table}
    WHERE begun_on >= %s AND begun_on < %s AND clinic_id IN ({clinics})
          AND session_id NOT IN (SELECT session_id FROM {elsewhere})
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
    return _read_kept_quarters(clinics, span)


def _read_kept_quarters(clinics: Collection[int], span: Quarters) -> dict[tuple[int, int], Quarter]:
    """Return what was summed before and still holds, and the rest summed now. `changes` is read before."""
    found: dict[tuple[int, int], Quarter] = {}
    stale: dict[tuple[int, int], int] = {}
    rows = QuarterSum.objects.filter(clinic__in=clinics, quarter__in=span.numbers)
    for clinic, quarter, changes, summed, sums in rows.values_list("clinic_id", "quarter", "changes", "summed", "sums"):
        if changes == summed:
            kept = msgspec.convert(sums, _Sums, strict=False)
            if kept.people or any(one.sessions for one in kept.months):
                found[clinic, quarter] = Quarter(kept.months, kept.people, span.months_over(quarter), kept.courses)
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
    courses: tuple[Adherence, ...]


def _keep(made: Mapping[tuple[int, int], tuple[int, Quarter]]) -> None:
    told = [
        (msgspec.json.encode(_Sums(one.months, dict(one.people), one.courses)).decode(), changes, *key, changes)
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
    for kind, clinic, at, first, second, zone_s, above_95_s, live in _run_statement(_SUMS, clinics, quarters):
        if kind:
            people.setdefault((clinic, at), {})[int(first)] = int(second)
        else:
            of = months.setdefault((clinic, at // MONTHS), [Amount()] * MONTHS)
            of[at % MONTHS] = Amount(int(first), int(second), float(zone_s), float(above_95_s), float(live))
    courses = _courses({clinic for clinic, _quarter in months}, quarters)
    return {
        (clinic, quarter): Quarter(
            (amounts[0], amounts[1], amounts[2]),
            people.get((clinic, quarter), {}),
            span.months_over(quarter),
            courses.get((clinic, quarter), NO_COURSES),
        )
        for (clinic, quarter), amounts in months.items()
    }


def _run_statement(statement: str, clinics: Collection[int], quarters: Sequence[int]) -> list[tuple[Any, ...]]:
    """Return the rows of a statement about these clinics, from the first of these quarters to the last."""
    first, after = quarters[0] * MONTHS, (quarters[-1] + 1) * MONTHS
    vendor = connection.vendor
    text = statement.format(
        elsewhere=_ELSEWHERE,
        month=_MONTH[vendor],
        materialized="MATERIALIZED" if vendor == "postgresql" else "",
        people=_PEOPLE[vendor],
        after=_AFTER_COURSE[vendor],
        table=_TABLE,
        participants=Participant._meta.db_table,  # noqa: SLF001 - Django's documented model API
        courses=Course._meta.db_table,  # noqa: SLF001 - as above
        clinics=", ".join(str(int(one)) for one in sorted(clinics)),
    )
    month: list[Any] = []
    if vendor == "postgresql":
        month = [[month_begin(at) for at in range(first, after)], first]
    with connection.cursor() as cursor:
        cursor.execute(text, [*month, month_begin(first), month_begin(after)])
        return cast("list[tuple[Any, ...]]", cursor.fetchall())


_PEOPLE = {
    "postgresql": "array_agg(DISTINCT participant_id) FILTER (WHERE participant_id IS NOT NULL)",
    "sqlite": "group_concat(DISTINCT participant_id)",
}
_ATOMS = """
SELECT entry.clinic_id, {month}, protocol, person."group", {people}, count(*),
       sum(CASE WHEN completed THEN 1 ELSE 0 END), sum(zone_s), sum(above_95_s), sum(live_fraction)
FROM {table} AS entry LEFT JOIN {participants} AS person ON person.id = entry.participant_id
WHERE begun_on >= %s AND begun_on < %s AND entry.clinic_id IN ({clinics})
      AND entry.session_id NOT IN (SELECT session_id FROM {elsewhere})
GROUP BY 1, 2, 3, 4
"""


def atoms_of(clinics: Collection[int], quarter: int) -> dict[int, list[Atom]]:
    """Return a quarter of each clinic, by month, protocol and group. A group's name is the clinic's own word."""
    found: dict[tuple[int, int, str, str | None], tuple[set[int], Amount]] = {}
    for clinic, month, protocol, group, known, *sums in _run_statement(_ATOMS, clinics, [quarter]):
        word = None if group is None else " ".join(group.split()).casefold()
        key = (clinic, month % MONTHS, protocol, word)
        people, amount = found.get(key, (set(), Amount()))
        some = known.split(",") if isinstance(known, str) else known or ()
        found[key] = (people | {int(one) for one in some}, amount + Amount(*sums))
    atoms: dict[int, list[Atom]] = {}
    for (clinic, month, protocol, word), (people, amount) in found.items():
        atoms.setdefault(clinic, []).append(Atom(month, protocol, word, frozenset(people), amount))
    return atoms


_AFTER_COURSE = {
    "postgresql": "course.begins_on + greatest(course.weeks, 1) * 7",
    "sqlite": "date(course.begins_on, '+' || (max(course.weeks, 1) * 7) || ' days')",
}
_TRAINED = """
SELECT clinic_id, {month} AS month, count(*) FROM (
    SELECT DISTINCT entry.clinic_id, entry.participant_id, entry.begun_on
    FROM {table} AS entry JOIN {courses} AS course ON course.participant_id = entry.participant_id
        AND entry.begun_on >= course.begins_on AND entry.begun_on < {after}
        AND (course.ended_on IS NULL OR entry.begun_on <= course.ended_on)
    WHERE entry.begun_on >= %s AND entry.begun_on < %s AND entry.clinic_id IN ({clinics})
        AND (entry.completed OR entry.completed_intervals > 0)
) AS days GROUP BY clinic_id, 2
"""


def _courses(clinics: Collection[int], quarters: Sequence[int]) -> dict[tuple[int, int], tuple[Adherence, ...]]:
    """By clinic and quarter, how courses were followed in each month and in all of it.

    A course's sessions fall due evenly over its weeks; a day on which somebody trained counts once.
    """
    first, after = quarters[0] * MONTHS, (quarters[-1] + 1) * MONTHS
    starts = [month_begin(at) for at in range(first, after + 1)]
    due: dict[tuple[int, int], float] = {}
    people: dict[tuple[int, int], set[int]] = {}
    some = Course.objects.filter(participant__clinic__in=clinics, begins_on__lt=starts[-1])
    told = some.exclude(ended_on__lt=starts[0]).values_list(
        "participant__clinic_id", "participant_id", "begins_on", "weeks", "sessions", "ended_on"
    )
    for clinic, participant, begins_on, weeks, sessions, ended_on in told:
        whole = course_end(begins_on, weeks)
        last = whole if ended_on is None else min(whole, ended_on + min(timedelta(days=1), date.max - ended_on))
        for at in range(max(first, month_number(begins_on)), min(after, month_number(last) + 1)):
            inside = (min(last, starts[at - first + 1]) - max(begins_on, starts[at - first])).days
            if inside > 0:
                due[clinic, at] = due.get((clinic, at), 0.0) + sessions * inside / max(1, (whole - begins_on).days)
                people.setdefault((clinic, at), set()).add(participant)
    if not due:
        return {}
    trained = {
        (clinic, at): days for clinic, at, days in _run_statement(_TRAINED, {clinic for clinic, _at in due}, quarters)
    }
    found = {}
    for clinic, quarter in {(clinic, at // MONTHS) for clinic, at in due}:
        months = [(clinic, quarter * MONTHS + at) for at in range(MONTHS)]
        each = [Adherence(due.get(at, 0.0), trained.get(at, 0), len(people.get(at, ()))) for at in months]
        everybody = set[int]().union(*(people.get(at, ()) for at in months))
        all_of_it = Adherence(sum(one.due for one in each), sum(one.trained for one in each), len(everybody))
        found[clinic, quarter] = (*each, all_of_it)
    return found
