"""The diary's forms."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from server.accounts.models import Clinic
from server.diary.models import DiaryEntry
from server.people.models import Course, Note, Participant

SHORTEST_REASON = 5


class SessionNoteForm(forms.ModelForm):  # type: ignore[type-arg] # not generic when it runs
    """A therapist's note on a session."""

    class Meta:
        """Its text alone; whose and which follows from the page."""

        model = Note
        fields: ClassVar = ["text"]
        labels: ClassVar = {"text": _("New note")}
        widgets: ClassVar = {"text": forms.Textarea(attrs={"rows": 3, "maxlength": 4000})}


class _Named(forms.ModelChoiceField):  # type: ignore[type-arg] # not generic when it runs
    def label_from_instance(self, participant: Any) -> str:  # noqa: ANN401 - Django's own signature
        """As a therapist knows them."""
        return str(participant.told_apart)


class ReassignForm(forms.Form):
    """For whom a session counts, and why."""

    after = _Named(
        label=_("Count it for"),
        queryset=Participant.objects.none(),
        required=False,
        empty_label=_("no one yet"),
    )
    reason = forms.CharField(
        label=_("Why"),
        min_length=SHORTEST_REASON,
        max_length=200,
        help_text=_("For those who read the diary later, such as «Chose the wrong name on the machine»."),
    )
    before = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any, clinic: Clinic, entry: DiaryEntry) -> None:  # noqa: ANN401 - Django's own signature
        """`entry`: what is reassigned. Participants of this clinic alone can be chosen."""
        super().__init__(data, initial={"before": entry.participant_id or "", "after": entry.participant_id})
        self.entry = entry
        field = self.fields["after"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = Participant.objects.filter(clinic=clinic).order_by("-active", "name")

    def clean(self) -> dict[str, Any]:
        """Somebody else than before, and nobody has been quicker."""
        given = super().clean() or {}
        if str(given.get("before", "")) != str(self.entry.participant_id or ""):
            raise forms.ValidationError(
                _("Someone else has reassigned this session in the meantime. Look at it again, and choose again.")
            )
        if "after" in given and given["after"] == self.entry.participant:
            raise forms.ValidationError(_("The session counts for that participant already. Choose another one."))
        return given


class CourseForm(forms.ModelForm):  # type: ignore[type-arg] # not generic when it runs
    """A new course: 24 sessions over 8 weeks unless the therapist says otherwise."""

    class Meta:
        """What is agreed."""

        model = Course
        fields: ClassVar = ["begins_on", "weeks", "sessions"]
        widgets: ClassVar = {"begins_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Django's own signature
        """Weeks and sessions within what a course can be."""
        super().__init__(*args, **kwargs)
        for name, most in (("weeks", 52), ("sessions", 200)):
            self.fields[name] = forms.IntegerField(
                label=self.fields[name].label, min_value=1, max_value=most, initial=self.fields[name].initial
            )
