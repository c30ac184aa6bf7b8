"""What the network's pages show, laid out: tables of texts, and plots with their tables."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from msgspec import Struct

from server.diary.formatting import NOTHING, TextTable, number, percent, short_protocol
from server.regional_statistics.formatting import MEASURES, FigureFormat, format_figure, period_words, short_month
from server.regional_statistics.periods import Quarters, ReportingPeriod
from server.regional_statistics.publication import (
    Comparison,
    DisclosureState,
    KindsTold,
    MonthlyCourse,
    PublishedFigures,
    months_over,
)

KINDS = tuple(one for one in MEASURES if one.name != "adherence_fraction")
"""What is told of a protocol or a group: a course has neither."""


class TableLine(Struct, frozen=True):
    """A row of a table. `kind`: clinic, rest, all, middle, kind; `note` stands where there are no figures."""

    name: str
    kind: str
    cells: tuple[tuple[str, str], ...] = ()
    note: str = ""
    code: str = ""
    incomplete: bool = False


class StatisticsPlot(Struct, frozen=True):
    """A figure along the months."""

    key: str
    title: str
    words: str
    table: TextTable


def lines(compared: Comparison) -> tuple[TableLine, ...]:
    """Return a period's table."""
    found = [
        TableLine(
            row.clinic.name, "clinic", _cells(row.figures), _note(row.state), row.clinic.code, _incomplete(row.figures)
        )
        for row in compared.rows
    ]
    if compared.rest is not None:
        found.append(TableLine(_("Clinics with fewer than five, together"), "rest", _cells(compared.rest)))
    if compared.all is not None and len(found) > 1:
        found.append(TableLine(_("Total shown"), "all", _cells(compared.all)))
    if compared.middle is not None:
        found.append(TableLine(_("Median clinic"), "middle", _cells(compared.middle)))
    return tuple(found)


def kind_lines(found: KindsTold, by: str) -> tuple[TableLine, ...]:
    """Protocols or groups."""

    def name(one: str) -> str:
        return short_protocol(one) if by == "protocol" else one or _("Without a group")

    rows = [
        TableLine(name(one.name), "kind", ((_("Clinics"), number(one.clinics)), *_cells(one.figures, KINDS)))
        for one in found.rows
    ]
    if found.remainder is not None:
        cells = ((_("Clinics"), ""), *_cells(found.remainder, KINDS, without=("people_about",)))
        rows.append(TableLine(_("Not broken down"), "rest", cells))
    if found.all is not None:
        rows.append(TableLine(_("Total shown"), "all", ((_("Clinics"), ""), *_cells(found.all, KINDS))))
    return tuple(rows)


def _cells(
    figures: PublishedFigures | None, measures: Sequence[FigureFormat] = MEASURES, without: Sequence[str] = ()
) -> tuple[tuple[str, str], ...]:
    if figures is None:
        return ()
    return tuple(
        (str(one.heading), NOTHING if one.name in without else format_figure(figures, one)) for one in measures
    )


def _note(state: DisclosureState) -> str:
    match state:
        case DisclosureState.TOLD:
            return ""
        case DisclosureState.FEW:
            return _("Hidden: fewer than five people, or a sum that would reveal them.")
        case DisclosureState.NONE:
            return _("No sessions.")


def _incomplete(figures: PublishedFigures | None) -> bool:
    return figures is not None and not figures.whole


def plots(
    courses: Sequence[MonthlyCourse], span: Quarters, own: str
) -> tuple[tuple[StatisticsPlot, ...], list[dict[str, Any]]]:
    """Return the figures along the months, and what the page's script is told to draw them."""
    months = months_over(span)
    shown = _trimmed(courses, len(months))
    by_name = {one.name: one for one in MEASURES}
    made, drawn = [], []
    for course in courses:
        measure = by_name[course.measure]
        made.append(
            StatisticsPlot(
                course.measure,
                f"{measure.heading}",
                str(measure.words),
                _table(course, measure, months, shown, own),
            )
        )
        drawn.append(_drawn(course, measure, months, shown, own))
    return tuple(made), drawn


def _trimmed(courses: Sequence[MonthlyCourse], months: int) -> range:
    """From the first month that tells anything; a year at least."""
    first = min(
        (at for one in courses for at in range(months) if one.line[at] is not None or one.middle[at] is not None),
        default=months,
    )
    return range(max(0, min(first, months - 12)), months)


def _drawn(
    course: MonthlyCourse, measure: FigureFormat, months: Sequence[ReportingPeriod], shown: range, own: str
) -> dict[str, Any]:
    factor, decimals = (100.0, 0) if measure.share else (1.0, measure.decimals)

    def values(of: tuple[float | None, ...]) -> list[float | None]:
        return [None if (value := of[at]) is None else round(value * factor, decimals + 1) for at in shown]

    return {
        "key": course.measure,
        "unit": str(measure.unit),
        "decimals": decimals,
        "most": 100 if measure.share else None,
        "months": [short_month(months[at].begin) for at in shown],
        "years": [months[at].begin.year for at in shown],
        "names": [period_words(months[at]) for at in shown],
        "line": values(course.line),
        "middle": values(course.middle),
        "low": values(course.low),
        "high": values(course.high),
        "words": {"line": own, "middle": _("median clinic"), "half": _("middle 50%")},
    }


def _table(
    course: MonthlyCourse, measure: FigureFormat, months: Sequence[ReportingPeriod], shown: range, own: str
) -> TextTable:
    def text(value: float | None) -> str:
        return percent(value) if measure.share else number(value, measure.decimals)

    return TextTable(
        caption=str(measure.heading),
        headings=(_("Month"), own, _("Median clinic"), _("Middle 50%, from"), _("to")),
        rows=tuple(
            (period_words(months[at]), *(text(of[at]) for of in (course.line, course.middle, course.low, course.high)))
            for at in shown
        ),
        numeric=(1, 2, 3, 4),
    )


def csv_rows(compared: Comparison, period: ReportingPeriod) -> list[list[str]]:
    """Return the table for a spreadsheet: figures with a point, shares from 0 to 1, empty where nothing is told."""
    headings = ["period", "row", "clinic", "name", "told", "whole", *(one.name for one in MEASURES)]
    rows = [headings]

    def add(kind: str, code: str, name: str, state: str, figures: PublishedFigures | None) -> None:
        values = [] if figures is None else [getattr(figures, one.name) for one in MEASURES]
        texts = ["" if value is None else f"{round(value, 3):g}" for value in values] or [""] * len(MEASURES)
        whole = "" if figures is None else "yes" if figures.whole else "no"
        rows.append([period.text, kind, code, name, state, whole, *texts])

    for row in compared.rows:
        add("clinic", row.clinic.code, row.clinic.name, row.state.value, row.figures)
    for kind, figures in (("rest", compared.rest), ("all", compared.all), ("middle", compared.middle)):
        if figures is not None:
            add(kind, "", "", DisclosureState.TOLD.value, figures)
    return [[_harmless(field) for field in row] for row in rows]


def _harmless(field: str) -> str:
    """Keep a clinic's name that begins like a formula from becoming one in a spreadsheet."""
    return f"'{field}" if field[:1] in ("=", "+", "-", "@", "\t", "\r") else field
