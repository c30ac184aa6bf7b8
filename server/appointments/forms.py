"""The forms of the week: a new set of fixed times, a day to close, a single appointment."""

from datetime import date, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server.accounts.models import Clinic
from server.appointments.models import FixedTime
from server.diary.formatting import weekday_initials
from server.live.plan_outbox import machines_of
from server.live.words import called
from server.natural_sort import by_name
from server.people.forms import DayInput
from server.people.participant_list import groups_of

FURTHEST = timedelta(days=550)
MOST_TIMES = 12
LEAST_MINUTES, MOST_MINUTES = 15, 240
MOST_PLACES = 30


class FixedTimesForm(forms.Form):
    """Fixed times for several days, hours and machines at once."""

    weekdays = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Days"), coerce=int, widget=forms.CheckboxSelectMultiple
    )
    hours = forms.CharField(
        label=gettext_lazy("Begin at"),
        max_length=120,
        help_text=gettext_lazy("One or more times of day, such as 9, 10:15, 13."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    minutes = forms.IntegerField(
        label=gettext_lazy("Minutes"), initial=60, min_value=LEAST_MINUTES, max_value=MOST_MINUTES
    )
    machines = forms.MultipleChoiceField(
        label=gettext_lazy("Machines"), required=False, widget=forms.CheckboxSelectMultiple
    )
    places = forms.IntegerField(
        label=gettext_lazy("Places without a machine"), required=False, min_value=1, max_value=MOST_PLACES,
        help_text=gettext_lazy("Where no machine is chosen, such as a group outdoors."),
    )  # fmt: skip
    group = forms.CharField(
        label=gettext_lazy("Group"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("The places are filled from this group at one press. Empty: for everybody."),
        widget=forms.TextInput(attrs={"list": "groups", "autocomplete": "off"}),
    )

    def __init__(self, clinic: Clinic, data: Any = None) -> None:  # noqa: ANN401 - Django's own signature
        """Offer the clinic's machines and groups."""
        super().__init__(data)
        self.clinic = clinic
        self.groups = groups_of(clinic)
        self.fields["weekdays"].choices = [(at, name) for at, (_short, name) in enumerate(weekday_initials())]  # type: ignore[attr-defined]
        machines = sorted(machines_of(clinic), key=by_name)
        self.fields["machines"].choices = [(one, called(one)) for one in machines]  # type: ignore[attr-defined]

    def clean_hours(self) -> list[time]:
        """Read the times of day."""
        found = []
        for word in str(self.cleaned_data["hours"]).replace(";", ",").split(","):
            at = read_time(word)
            if at is None:
                raise forms.ValidationError(
                    _("%(word)s is no time of day. Write times such as 9, 10:15, 13.") % {"word": f"«{word.strip()}»"}
                )
            found.append(at)
        if len(found) > MOST_TIMES:
            raise forms.ValidationError(_("Give %(most)s times at most.") % {"most": MOST_TIMES})
        return sorted(set(found))

    def clean(self) -> dict[str, Any]:
        """Require a machine, or a number of places."""
        given = super().clean() or {}
        if not self.errors and not given.get("machines") and not given.get("places"):
            self.add_error("places", _("Choose machines, or say how many places there are without one."))
        return given

    def rows(self, today: date) -> list[FixedTime]:
        """Return a row for each day, hour and machine that is not there yet; none is saved."""
        given = self.cleaned_data
        there = {
            (one.weekday, one.begins, one.machine, one.group) for one in self.clinic.fixed_times.filter(ended_on=None)
        }
        return [
            FixedTime(
                clinic=self.clinic, weekday=weekday, begins=begins, minutes=given["minutes"], machine=machine,
                group=given["group"].strip(), places=1 if machine else given["places"], begun_on=today,
            )
            for weekday in given["weekdays"]
            for begins in given["hours"]
            for machine in given["machines"] or [""]
            if (weekday, begins, machine, given["group"].strip()) not in there
        ]  # fmt: skip


class ClosedDayForm(forms.Form):
    """A day to close."""

    on = forms.DateField(label=gettext_lazy("Day"), widget=DayInput)
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=60, required=False)

    def clean_on(self) -> date:
        """Require a day near enough to be meant."""
        return near_day(self.cleaned_data["on"])


class SingleForm(forms.Form):
    """An appointment outside the fixed times."""

    person = forms.CharField(
        label=gettext_lazy("Participant"),
        max_length=240,
        widget=forms.TextInput(attrs={"list": "people", "autocomplete": "off"}),
        help_text=gettext_lazy("Type how the name or nickname begins."),
    )
    on = forms.DateField(label=gettext_lazy("Day"), widget=DayInput)
    begins = forms.CharField(
        label=gettext_lazy("Begin at"), max_length=8, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    minutes = forms.IntegerField(
        label=gettext_lazy("Minutes"), initial=60, min_value=LEAST_MINUTES, max_value=MOST_MINUTES
    )
    machine = forms.ChoiceField(label=gettext_lazy("Machine"), required=False)

    def __init__(self, clinic: Clinic, data: Any = None) -> None:  # noqa: ANN401 - Django's own signature
        """Offer the clinic's machines."""
        super().__init__(data)
        machines = sorted(machines_of(clinic), key=by_name)
        self.fields["machine"].choices = [("", "–"), *((one, called(one)) for one in machines)]  # type: ignore[attr-defined]

    def clean_on(self) -> date:
        """Require a day near enough to be meant."""
        return near_day(self.cleaned_data["on"])

    def clean_begins(self) -> time:
        """Read the time of day."""
        at = read_time(str(self.cleaned_data["begins"]))
        if at is None:
            raise forms.ValidationError(_("That is no time of day. Write it such as 9 or 10:15."))
        return at


def read_time(word: str) -> time | None:
    """Return a time of day from how people write it (9, 09:00, 9.15, 0915, kl. 9); None where it is none."""
    text = word.strip().casefold().removeprefix("kl.").removeprefix("kl").strip().replace(".", ":")
    if not text or not text.replace(":", "").isdecimal() or not text.isascii():
        return None
    hour, colon, minute = text.partition(":")
    if not colon and len(text) in (3, 4):
        hour, minute = text[:-2], text[-2:]
    if not hour or len(hour) > 2 or (colon and len(minute) != 2):  # noqa: PLR2004 - two digits
        return None
    at = int(hour), int(minute or 0)
    return time(*at) if at[0] < 24 and at[1] < 60 else None  # noqa: PLR2004 - hours and minutes


def near_day(on: date) -> date:
    """Return the day. Raises ValidationError where it is far from today."""
    if abs(on - timezone.localdate()) > FURTHEST:
        raise forms.ValidationError(_("This day is more than a year and a half away. Look at the year again."))
    return on
