"""The form of a clearance."""

from datetime import date, timedelta
from typing import Any, ClassVar

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server.assessment.contraindications import LISTS, NEWEST
from server.assessment.models import Clearance
from server.people.forms import DayInput
from server.web.forms import DayField

LONGEST = timedelta(days=731)
USUAL = timedelta(days=365)
"""How long a clearance lasts unless the one who cleared says otherwise. [to be confirmed by a clinician]"""
OTHER_LIST = "other"


class ClearanceForm(forms.ModelForm):  # type: ignore[type-arg] # not generic when it runs
    """Who cleared, when, by which list, for what, and until when."""

    by_list = forms.ChoiceField(label=gettext_lazy("By which list of contraindications"))
    beta_blocker = forms.ChoiceField(
        label=gettext_lazy("Uses a beta-blocker"),
        choices=[("no", gettext_lazy("no")), ("yes", gettext_lazy("yes")), ("unknown", gettext_lazy("not known"))],
        widget=forms.RadioSelect,
    )

    class Meta:
        """What a therapist writes."""

        model = Clearance
        fields: ClassVar = [
            "cleared_by",
            "profession",
            "cleared_on",
            "effort",
            "list_name",
            "restrictions",
            "medicines",
            "valid_until",
        ]
        labels: ClassVar = {
            "cleared_by": gettext_lazy("Cleared by"),
            "profession": gettext_lazy("Profession"),
            "cleared_on": gettext_lazy("Cleared on"),
            "effort": gettext_lazy("Cleared for"),
            "list_name": gettext_lazy("Which other list, with its edition"),
            "restrictions": gettext_lazy("Restrictions"),
            "medicines": gettext_lazy("Medicines that matter for training"),
            "valid_until": gettext_lazy("Valid until"),
        }
        help_texts: ClassVar = {
            "cleared_by": gettext_lazy("The name of the one who assessed the participant."),
            "profession": gettext_lazy("Only a doctor's clearance allows more than moderate effort."),
            "restrictions": gettext_lazy("For example: no running, or not above 150 beats/min. Empty: none."),
            "valid_until": gettext_lazy("After this day the machines begin no session beyond moderate effort."),
        }
        field_classes: ClassVar = {"cleared_on": DayField, "valid_until": DayField}
        widgets: ClassVar = {
            "cleared_by": forms.TextInput(attrs={"autocomplete": "off"}),
            "cleared_on": DayInput,
            "valid_until": DayInput,
            "effort": forms.RadioSelect,
            "restrictions": forms.Textarea(attrs={"rows": 2, "maxlength": 1000}),
            "medicines": forms.TextInput(attrs={"autocomplete": "off"}),
        }

    def __init__(self, data: Any = None, *, instance: Clearance) -> None:  # noqa: ANN401 - Django's own signature
        """`instance` has its participant. The day is today, and it lasts for a year, unless one says otherwise."""
        self.today: date = timezone.localdate()
        initial = {"cleared_on": self.today, "valid_until": self.today + USUAL, "by_list": NEWEST}
        super().__init__(data, instance=instance, initial=initial)
        offered: list[tuple[str, Any]] = [
            (version, _("this product's list, version %(version)s") % {"version": version}) for version in LISTS
        ]
        by_list = self.fields["by_list"]
        assert isinstance(by_list, forms.ChoiceField)  # noqa: S101 - for the type checker; declared above
        by_list.choices = [*offered, (OTHER_LIST, _("another list"))]
        self.fields["cleared_by"].widget.attrs["autofocus"] = True

    def clean_cleared_by(self) -> str:
        """Return the name in single spaces."""
        return " ".join(self.cleaned_data["cleared_by"].split())

    def clean_beta_blocker(self) -> bool | None:
        """Return None where it is not known."""
        return {"yes": True, "no": False}.get(self.cleaned_data["beta_blocker"])

    def clean(self) -> dict[str, Any]:
        """Require days that fit each other, and a name for another list."""
        given = super().clean() or {}
        cleared_on, until = given.get("cleared_on"), given.get("valid_until")
        if cleared_on is not None and cleared_on > self.today:
            self.add_error("cleared_on", _("That day has not come yet. Give the day of the assessment."))
        if cleared_on is not None and cleared_on < self.today - LONGEST:
            self.add_error("cleared_on", _("That is more than two years ago. A new assessment is needed."))
        if until is not None and until < self.today:
            self.add_error("valid_until", _("That day has passed already. Choose a later day."))
        if cleared_on is not None and until is not None and until > cleared_on + LONGEST:
            self.add_error("valid_until", _("A clearance lasts two years at most. Choose an earlier day."))
        if given.get("by_list") == OTHER_LIST and not given.get("list_name", "").strip():
            self.add_error("list_name", _("Name the list that was used, with its edition or year."))
        return given

    def save(self, commit: bool = True) -> Clearance:  # noqa: FBT001, FBT002 - Django's own signature
        """Return the row; the list's version goes with it."""
        del commit
        made: Clearance = super().save(commit=False)
        by_list = self.cleaned_data["by_list"]
        made.list_version = "" if by_list == OTHER_LIST else by_list
        made.list_name = made.list_name if by_list == OTHER_LIST else ""
        made.beta_blocker = self.cleaned_data["beta_blocker"]
        return made


class UpheldForm(forms.Form):
    """Why a clearance holds although a yes asked for its renewal."""

    answer = forms.CharField(
        label=gettext_lazy("Why the clearance still holds"),
        max_length=200,
        min_length=3,
        help_text=gettext_lazy("For example: pressed by mistake, or assessed by the doctor the same day."),
    )
