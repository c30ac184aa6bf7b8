"""What is told of some clinics: each one's months and quarters, the rest together, all together, the one in the middle.

All of it is made of cells that may be told (`server.regional_statistics.disclosure_control`); here nothing else is ever
added up.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from statistics import median, quantiles

from msgspec import Struct

from server.accounts.models import Clinic
from server.regional_statistics import aggregation
from server.regional_statistics.disclosure_control import (
    FEWEST,
    MEASURED,
    Adherence,
    Cell,
    Kinds,
    MeasuredSum,
    Quarter,
    ToldQuarter,
    told_kinds,
    told_quarter,
    told_rest,
)
from server.regional_statistics.periods import MONTHS, Quarters, ReportingPeriod
from server.regional_statistics.query_params import Scope

FEWEST_CLINICS = 3
"""A middle and a middle half are told of so many clinics or more: of two, there is none in the middle."""


class PublishedFigures(Struct, frozen=True):
    """What a row or a point shows. Shares from 0 to 1, minutes for each session; None: it is not told."""

    sessions: float
    people_about: float
    completed_fraction: float | None
    zone_min: float | None
    above_95_min: float | None
    live_fraction: float | None
    adherence_fraction: float | None = None
    whole: bool = True


MEASURES = (
    "sessions",
    "people_about",
    "completed_fraction",
    "zone_min",
    "above_95_min",
    "live_fraction",
    "adherence_fraction",
)


class DisclosureState(StrEnum):
    """Why a row has figures, or none."""

    TOLD = "told"
    NONE = "none"
    FEW = "few"


class PublishedRow(Struct, frozen=True):
    """A clinic in a period."""

    clinic: Clinic
    state: DisclosureState
    figures: PublishedFigures | None


class Comparison(Struct, frozen=True):
    """A period: clinics side by side, the rest, all that is told together, and the clinic in the middle."""

    rows: tuple[PublishedRow, ...]
    rest: PublishedFigures | None
    all: PublishedFigures | None
    middle: PublishedFigures | None


class Release(Struct, frozen=True):
    """What may be told, of every clinic and quarter that is summed."""

    scope: Scope
    span: Quarters
    told: Mapping[tuple[int, int], ToldQuarter]
    quarters: Mapping[tuple[int, int], Quarter]

    def cell(self, clinic: int, period: ReportingPeriod) -> Cell | None:
        """Return a clinic's month or quarter, where it is told."""
        found = self.told.get((clinic, period.quarter))
        if found is None:
            return None
        return found.all if period.kind == "quarter" else found.months[period.number % MONTHS]

    def trained(self, clinic: int, period: ReportingPeriod) -> bool:
        """Whether there was any session at all."""
        found = self.quarters.get((clinic, period.quarter))
        if found is None:
            return False
        return bool((found.amount if period.kind == "quarter" else found.months[period.number % MONTHS]).sessions)

    def adherence(self, clinic: int, period: ReportingPeriod) -> Adherence:
        """How a clinic's courses were followed in a period; not for telling."""
        courses = self.quarters[clinic, period.quarter].courses
        if period.kind != "quarter":
            return courses[period.number % MONTHS]
        # A month of fewer than five people with a course must not be what a quarter differs by.
        few = any(0 < one.people < FEWEST for one in courses[:MONTHS])
        return Adherence() if few else courses[MONTHS]

    def told_clinics(self, period: ReportingPeriod) -> dict[int, Cell]:
        """Of all clinics that are summed: those of which the period is told."""
        return {one.pk: found for one in self.scope.summed if (found := self.cell(one.pk, period)) is not None}

    def rest(self, period: ReportingPeriod) -> list[Cell]:
        """For each region of which all may be seen: its clinics of which nothing is told, as one. Of quarters only."""
        if period.kind != "quarter":
            return []
        found = []
        for area in self.scope.whole:
            hidden = [
                self.quarters[one.pk, period.number]
                for one in self.scope.summed
                if one.region_id == area
                and (one.pk, period.number) in self.quarters
                and self.told[one.pk, period.number].all is None
            ]
            if hidden and (cell := told_rest(hidden)) is not None:
                found.append(cell)
        return found


def release(scope: Scope, span: Quarters) -> Release:
    """Sum, and decide what is told."""
    quarters = aggregation.quarters_of([one.pk for one in scope.summed], span)
    return Release(scope, span, {key: told_quarter(one) for key, one in quarters.items()}, quarters)


def figures(cell: Cell, adherence: Adherence | None = None) -> PublishedFigures:
    """Return a cell's figures; adherence where five people or more have a course, and some of them trained."""
    told = adherence if adherence is not None and adherence.people >= FEWEST and adherence.due > 0 else None
    zone_s, above_95_s = (_mean(cell, name) for name in ("zone_s", "above_95_s"))
    return PublishedFigures(
        sessions=cell.sessions,
        people_about=cell.people_about,
        completed_fraction=_mean(cell, "completed"),
        zone_min=None if zone_s is None else zone_s / 60,
        above_95_min=None if above_95_s is None else above_95_s / 60,
        live_fraction=_mean(cell, "live"),
        adherence_fraction=None if told is None or not told.trained else min(1.0, told.trained / told.due),
        whole=cell.whole,
    )


def _mean(cell: Cell, measure: str) -> float | None:
    found = cell.measures.get(measure)
    return None if found is None or not found.sessions else found.sum / found.sessions


def together(cells: Iterable[Cell]) -> Cell | None:
    """Return told cells added up; their people too, each rounded already. A measure is of those that tell it."""
    some = list(cells)
    if not some:
        return None
    return Cell(
        sum(one.sessions for one in some),
        sum(one.people_about for one in some),
        all(one.whole for one in some),
        {name: found for name in MEASURED if (found := _sum_of(some, name)).sessions},
    )


def _sum_of(cells: Sequence[Cell], measure: str) -> MeasuredSum:
    told = [one.measures[measure] for one in cells if measure in one.measures]
    return MeasuredSum(sum(one.sum for one in told), sum(one.sessions for one in told))


def compare(found: Release, period: ReportingPeriod) -> Comparison:
    """Return a period, clinic by clinic."""
    told = found.told_clinics(period)
    due = {clinic: found.adherence(clinic, period) for clinic in told}
    each = {clinic: figures(cell, due[clinic] if cell.whole else None) for clinic, cell in told.items()}
    rows = tuple(
        PublishedRow(
            one,
            DisclosureState.TOLD
            if one.pk in each
            else DisclosureState.FEW
            if found.trained(one.pk, period)
            else DisclosureState.NONE,
            each.get(one.pk),
        )
        for one in found.scope.clinics
    )
    shown = [one.pk for one in found.scope.clinics if one.pk in told]
    rest = together(found.rest(period))
    everything = together([*(told[one] for one in shown), *([rest] if rest else [])])
    # The parts of each share are five people's or more, as is their sum.
    of_courses = [due[one] for one in shown if due[one].people >= FEWEST and told[one].whole]
    return Comparison(
        rows,
        None if rest is None else figures(rest),
        None if everything is None else figures(everything, sum(of_courses, Adherence())),
        middle(each.values()),
    )


def middle(some: Iterable[PublishedFigures]) -> PublishedFigures | None:
    """Return the median of each figure, where there are enough clinics."""
    clinics = list(some)
    if len(clinics) < FEWEST_CLINICS:
        return None
    return PublishedFigures(**{name: _median([getattr(one, name) for one in clinics]) for name in MEASURES})  # type: ignore[arg-type] # sessions and people are never None


def _median(values: Sequence[float | None]) -> float | None:
    known = [one for one in values if one is not None]
    return median(known) if len(known) >= FEWEST_CLINICS else None


class MonthlyCourse(Struct, frozen=True):
    """A figure along the months: the line, and the middle clinic and the middle half of the clinics."""

    measure: str
    line: tuple[float | None, ...]
    middle: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]


ALONG = ("sessions", "people_about", "completed_fraction", "zone_min", "above_95_min", "live_fraction")
"""What is drawn along the months."""
SUMS = ("sessions", "people_about")
"""These add up: a sum of clinics has no place among single ones."""


def months_over(span: Quarters) -> list[ReportingPeriod]:
    """Return the months that are summed."""
    last = span.today.year * 12 + span.today.month - 1
    return [ReportingPeriod("month", at) for at in span.months if at < last]


def along(found: Release, clinic: Clinic | None = None) -> tuple[MonthlyCourse, ...]:
    """Month by month: one clinic, or all that are shown."""
    mine: list[PublishedFigures | None] = []
    others: list[list[PublishedFigures]] = []
    for month in months_over(found.span):
        told = found.told_clinics(month)
        if clinic is None:
            cell = together(told[one.pk] for one in found.scope.clinics if one.pk in told)
        else:
            cell = told.get(clinic.pk)
        mine.append(None if cell is None else figures(cell))
        others.append([figures(one) for one in told.values()])
    return tuple(_course(name, mine, others, spread=clinic is not None or name not in SUMS) for name in ALONG)


def _course(
    name: str, mine: Sequence[PublishedFigures | None], others: Sequence[Sequence[PublishedFigures]], *, spread: bool
) -> MonthlyCourse:
    low: list[float | None] = []
    centre: list[float | None] = []
    high: list[float | None] = []
    for some in others:
        known = [value for one in some if (value := getattr(one, name)) is not None]
        enough = spread and len(known) >= FEWEST_CLINICS
        three = quantiles(known, n=4, method="inclusive") if enough else (None,) * 3
        low.append(three[0])
        centre.append(three[1])
        high.append(three[2])
    return MonthlyCourse(
        name,
        tuple(None if one is None else getattr(one, name) for one in mine),
        tuple(centre),
        tuple(low),
        tuple(high),
    )


class KindRow(Struct, frozen=True):
    """A protocol or a group in a quarter, of so many clinics."""

    name: str
    clinics: int
    figures: PublishedFigures


class KindsTold(Struct, frozen=True):
    """A quarter by protocol or by group. `remainder`: what is not told apart."""

    rows: tuple[KindRow, ...]
    remainder: PublishedFigures | None
    all: PublishedFigures | None


def by_kind(found: Release, period: ReportingPeriod, by: str) -> KindsTold:
    """Return a quarter's protocols or groups over the clinics that are shown, and what is not told apart."""
    told = {one.pk: cell for one in found.scope.clinics if (cell := found.cell(one.pk, period)) is not None}
    atoms = aggregation.atoms_of(told, period.number) if told else {}
    kinds: dict[int, Kinds] = {
        clinic: told_kinds(found.told[clinic, period.number], atoms.get(clinic, [])) for clinic in told
    }
    cells: dict[str, list[Cell]] = {}
    for one in kinds.values():
        for name, cell in (one.protocols if by == "protocol" else one.groups).items():
            cells.setdefault(name, []).append(cell)
    sums = {name: cell for name, some in cells.items() if (cell := together(some)) is not None}
    everything = together(told.values())
    rows = tuple(
        KindRow(name, len(cells[name]), figures(cell))
        for name, cell in sorted(sums.items(), key=lambda two: (-two[1].sessions, two[0]))
    )
    return KindsTold(rows, _remainder(everything, sums.values()), None if everything is None else figures(everything))


def _remainder(everything: Cell | None, told: Iterable[Cell]) -> PublishedFigures | None:
    """Return all less what is told apart: computed from what is told, as any reader could."""
    if everything is None:
        return None
    parts = list(told)
    left = everything.sessions - sum(one.sessions for one in parts)
    measures = {}
    for name in MEASURED:
        whole, apart = _sum_of([everything], name), _sum_of(parts, name)
        if whole.sessions > apart.sessions:
            measures[name] = MeasuredSum(max(0.0, whole.sum - apart.sum), whole.sessions - apart.sessions)
    return figures(Cell(left, 0, everything.whole, measures)) if left > 0 else None
