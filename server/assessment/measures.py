"""What is measured at start, midway and end of a course: kinds, ranges, and how large a change must be to count.

Sources of the limits, of groups like these or wider: VO2max measured with a mask, one test against one, detectable at
95 % (NHRC meta-analysis, 39 studies); six-minute walk, minimal important difference 24–26 m (Daynes 2025). For the
other measures no limit is known here, and none is shown. Ranges find slips of the hand; they judge no one.
[to be confirmed by a clinician]
"""

from collections.abc import Iterable
from datetime import date

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from server.assessment.models import CourseMeasurement


class MeasureKind(Struct, frozen=True):
    """One measure. `low`, `high`: what a person can have. `second`: label and range of a second figure, if any.

    `name`: what both figures are called together, where `label` names the first alone.

    `counts_from`: a change from this on is more than chance, or matters to people; None: not known. `higher_of_two`:
    the second figure is another try, and the better one counts; else it stands after a slash.
    """

    key: str
    label: str | Promise
    unit: str | Promise
    low: float
    high: float
    decimals: int = 0
    second_label: str | Promise = ""
    second_low: float = 0.0
    second_high: float = 0.0
    higher_of_two: bool = False
    counts_from: float | None = None
    counts_words: str | Promise = ""
    name: str | Promise = ""

    @property
    def title(self) -> str | Promise:
        """Return what the measure is called."""
        return self.name or self.label


KINDS: dict[str, MeasureKind] = {
    one.key: one
    for one in (
        MeasureKind("weight", _("Weight"), "kg", 25, 350, 1),
        MeasureKind("waist", _("Waist"), "cm", 40, 220, 1),
        MeasureKind("resting_hr", _("Resting heart rate"), _("beats/min"), 30, 150),
        MeasureKind(
            "blood_pressure", _("Blood pressure, systolic"), "mmHg", 60, 260,
            second_label=_("Blood pressure, diastolic"), second_low=30, second_high=160, name=_("Blood pressure"),
        ),
        MeasureKind(
            "vo2_max", _("VO2max, measured with a mask"), "ml/kg/min", 8, 95, 1, counts_from=7.2,
            counts_words=_("Less than 7.2 ml/kg/min between two tests may be chance (95%)."),
        ),
        MeasureKind(
            "six_minute_walk", _("Six-minute walk, first try"), "m", 20, 1000,
            second_label=_("Six-minute walk, second try"), second_low=20, second_high=1000, higher_of_two=True,
            counts_from=25, name=_("Six-minute walk"),
            counts_words=_("25 m or more is a change that people notice. The better of two tries counts."),
        ),
    )
}  # fmt: skip


class MeasureChange(Struct, frozen=True):
    """From the first measurement of a kind to the newest."""

    change: float
    counts: bool | None


class MeasureHistory(Struct, frozen=True):
    """All measurements of one kind, oldest first."""

    kind: MeasureKind
    rows: tuple[CourseMeasurement, ...]

    @property
    def change(self) -> MeasureChange | None:
        """Return the change between two different days; None where there is one day alone."""
        first, last = self.rows[0], self.rows[-1]
        if first.taken_on == last.taken_on:
            return None
        change = round(value_of(last) - value_of(first), 2)
        least = self.kind.counts_from
        return MeasureChange(change, None if least is None else abs(change) >= least)


def value_of(row: CourseMeasurement) -> float:
    """Return the figure that counts: the better of two tries, else the first figure."""
    kind = KINDS.get(row.kind)
    if kind is not None and kind.higher_of_two and row.second is not None:
        return max(row.value, row.second)
    return row.value


def histories(rows: Iterable[CourseMeasurement]) -> list[MeasureHistory]:
    """Return the measurements by kind, in the order of the kinds; unknown kinds of a newer version are left out."""
    found: dict[str, list[CourseMeasurement]] = {}
    for row in sorted(rows, key=lambda one: (one.taken_on, one.pk)):
        found.setdefault(row.kind, []).append(row)
    return [MeasureHistory(kind, tuple(found[key])) for key, kind in KINDS.items() if key in found]


def fault_of(kind: MeasureKind, value: float | None, second: float | None) -> tuple[str, float, float] | None:
    """Return which figure cannot be right, with its range; None where both can."""
    if value is not None and not kind.low <= value <= kind.high:
        return "value", kind.low, kind.high
    if second is not None and not kind.second_low <= second <= kind.second_high:
        return "second", kind.second_low, kind.second_high
    return None


OLDEST = date(2000, 1, 1)
"""No measurement is typed in from before this day."""
