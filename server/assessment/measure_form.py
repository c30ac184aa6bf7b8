"""The form of one day's measurements: every figure may be left empty, but not all."""

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server.assessment.measures import KINDS, OLDEST, fault_of
from server.assessment.models import MOMENTS, CourseMeasurement
from server.people.forms import DayInput, FigureField
from server.people.models import Participant
from server.people.plan_rules import figure
from server.web.forms import DayField

SECOND = "_second"


class MeasurementsForm(forms.Form):
    """A day, when in the course, and a field for each figure. `rows` are made once the form is valid."""

    taken_on = DayField(label=gettext_lazy("Measured on"), widget=DayInput)
    moment = forms.ChoiceField(label=gettext_lazy("In the course"), choices=MOMENTS)
    note = forms.CharField(
        label=gettext_lazy("Remark"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("What else matters that day, such as medicines taken."),
    )

    def __init__(self, data: Any = None) -> None:  # noqa: ANN401 - Django's own signature
        """Offer today as the day."""
        self.today: date = timezone.localdate()
        super().__init__(data, initial={"taken_on": self.today})
        for key, kind in KINDS.items():
            told = {"low": figure(kind.low), "high": figure(kind.high), "unit": kind.unit}
            hint = _("%(unit)s; %(low)s to %(high)s")
            self.fields[key] = FigureField(label=kind.label, required=False, help_text=hint % told)
            if kind.second_label:
                told |= {"low": figure(kind.second_low), "high": figure(kind.second_high)}
                self.fields[key + SECOND] = FigureField(label=kind.second_label, required=False, help_text=hint % told)

    def clean(self) -> dict[str, Any]:
        """Require figures that a person can have, on a day that has come."""
        given = super().clean() or {}
        taken_on = given.get("taken_on")
        if taken_on is not None and not OLDEST <= taken_on <= self.today:
            self.add_error("taken_on", _("Give a day that has come, and not before the year 2000."))
        for key, kind in KINDS.items():
            value, second = given.get(key), given.get(key + SECOND)
            if (found := fault_of(kind, value, second)) is not None:
                name, low, high = found
                field = key if name == "value" else key + SECOND
                told = {"low": figure(low), "high": figure(high), "unit": kind.unit}
                self.add_error(
                    field, _("That cannot be right: between %(low)s and %(high)s %(unit)s. Look at it again.") % told
                )
            elif kind.second_label and not kind.higher_of_two:
                self._require_both(key, value, second)
            elif value is None and second is not None:
                self.add_error(key, _("Give the first try too, or write this one as the first."))
        if not self.errors and all(given.get(key) is None for key in KINDS):
            self.add_error(None, _("No figure is typed in yet. Type at least one."))
        return given

    def _require_both(self, key: str, value: float | None, second: float | None) -> None:
        if (value is None) != (second is None) and not {key, key + SECOND} & self.errors.keys():
            self.add_error(key if value is None else key + SECOND, _("Give both figures, or neither."))
        elif value is not None and second is not None and second >= value:
            self.add_error(key + SECOND, _("The diastolic pressure is lower than the systolic. Look at them again."))

    def rows(self, participant: Participant) -> list[CourseMeasurement]:
        """Return a row for each figure that was typed in; none is saved yet."""
        given = self.cleaned_data
        return [
            CourseMeasurement(
                participant=participant,
                kind=key,
                value=given[key],
                second=given.get(key + SECOND),
                taken_on=given["taken_on"],
                moment=given["moment"],
                note=given["note"],
            )
            for key in KINDS
            if given.get(key) is not None
        ]
