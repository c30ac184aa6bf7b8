"""The form of a clinic's own limits."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server.follow_up.thresholds import RANGES, FollowUpThresholds

LABELS = {
    "zone_sessions": gettext_lazy("Sessions in a row without time in the zone"),
    "zone_least_s": gettext_lazy("Less than this counts as no time in the zone (seconds)"),
    "hard_borg": gettext_lazy("Very hard under the zone: Borg from"),
    "easy_borg": gettext_lazy("Easy in the zone: Borg up to"),
    "stopped_sessions": gettext_lazy("Sessions in a row that were stopped early"),
    "strap_sessions": gettext_lazy("Sessions in a row with a bad signal"),
    "strap_percent": gettext_lazy("A bad signal is a sure heart rate in less than (%)"),
    "attendance_percent": gettext_lazy("Low attendance is less than (%)"),
    "attendance_from": gettext_lazy("Attendance counts from so many sessions on"),
    "away_days": gettext_lazy("Whole days without a session"),
    "missed_times": gettext_lazy("Missed appointments in a row, whatever the reasons"),
    "plan_ends_days": gettext_lazy("Days before the plan ends"),
    "clearance_ends_days": gettext_lazy("Days before the clearance ends"),
    "course_ends_days": gettext_lazy("Days before the course ends"),
}


class LimitsForm(forms.Form):
    """A whole number for each limit; the hint says its range and the usual value."""

    def __init__(self, data: Any = None, *, now: FollowUpThresholds) -> None:  # noqa: ANN401 - Django's own argument
        """`now`: the limits in force."""
        super().__init__(data, initial={name: getattr(now, name) for name in RANGES})
        usual = FollowUpThresholds()
        for name, (low, high) in RANGES.items():
            told = {"low": low, "high": high, "usual": getattr(usual, name)}
            self.fields[name] = forms.IntegerField(
                label=LABELS[name],
                min_value=low,
                max_value=high,
                help_text=_("%(low)s to %(high)s; usually %(usual)s") % told,
            )

    @property
    def changed_values(self) -> dict[str, int]:
        """Return what differs from the usual values."""
        usual = FollowUpThresholds()
        return {name: value for name, value in self.cleaned_data.items() if value != getattr(usual, name)}
