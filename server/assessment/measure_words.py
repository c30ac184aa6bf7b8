"""How measurements are said on the page and in the letter: figures, and the change with what it means."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from server.assessment.measures import MeasureHistory
from server.assessment.models import CourseMeasurement
from server.people.plan_rules import figure


def figures_of(row: CourseMeasurement) -> str:
    """Return both figures of a row, or the one that it has."""
    return figure(row.value) if row.second is None else f"{figure(row.value)} / {figure(row.second)}"


def change_words(history: MeasureHistory) -> str:
    """Return the change with its sign, and whether it is more than chance where that is known."""
    change = history.change
    if change is None:
        return ""
    if not change.change:
        return _("Unchanged since the first.")
    sign = "+" if change.change > 0 else ""
    told = {"change": f"{sign}{figure(change.change)}", "unit": history.kind.unit}
    words = _("Change since the first: %(change)s %(unit)s.") % told
    if change.counts is None:
        return words
    judged = _("That counts as a change.") if change.counts else _("That may be chance.")
    return f"{words} {judged}"


def entry_and_exit(measured: Iterable[MeasureHistory]) -> str:
    """Return a heading and a line for each kind that was measured on two days or more; empty where none was."""
    lines = []
    for one in measured:
        if one.change is not None:
            figures = f"{figures_of(one.rows[0])} → {figures_of(one.rows[-1])} {one.kind.unit}"
            lines.append(f"– {one.kind.title}: {figures}. {change_words(one)}")
    return "\n".join([_("Measured at entry and exit:"), *lines]) if lines else ""
