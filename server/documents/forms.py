"""The forms of papers and files."""

from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from server.accounts.models import Clinic
from server.documents.export.research_fields import FIELDS
from server.documents.export.transfer import TransferMatch
from server.documents.models import Counted, ProcedureCode
from server.people.models import Note, Participant
from server.web.forms import DayField

EARLIEST = date(1970, 1, 1)
LATEST = date(9998, 12, 31)
MOST_UPLOAD_BYTES = 64 * 1024 * 1024


class PeriodForm(forms.Form):
    """From one day to another."""

    first = DayField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"}))
    last = DayField(label=_("To"), widget=forms.DateInput(attrs={"type": "date"}))

    def clean(self) -> dict[str, Any]:
        """Check that the first day is not after the last, and that both can be days of training."""
        given = super().clean() or {}
        first, last = given.get("first"), given.get("last")
        if first and last and first > last:
            raise forms.ValidationError(_("The first day is after the last. Change one of them."))
        if any(day and not EARLIEST <= day <= LATEST for day in (first, last)):
            raise forms.ValidationError(_("There is no training on such a day. Choose others."))
        return given


class TransferCodeForm(forms.ModelForm):  # type: ignore[type-arg] # not generic when it runs
    """A procedure code."""

    class Meta:
        """What a clinic says of it."""

        model = ProcedureCode
        fields: ClassVar = ["code", "text", "counted", "least_minutes", "protocol"]
        help_texts: ClassVar = {
            "least_minutes": _("Of training time, without pauses."),
            "protocol": _("Its name, such as 4x4. Empty: of every protocol."),
        }

    def __init__(self, *args: Any, clinic: Clinic, **kwargs: Any) -> None:  # noqa: ANN401 - Django's own signature
        """`clinic`: whose code it is."""
        super().__init__(*args, **kwargs)
        self.instance.clinic = clinic

    def clean(self) -> dict[str, Any]:
        """Minutes where minutes count, and the code is not there already."""
        given = super().clean() or {}
        if given.get("counted") == Counted.LONG and not given.get("least_minutes"):
            self.add_error("least_minutes", _("Say how many minutes, since sessions count by them."))
        there = ProcedureCode.objects.filter(clinic=self.instance.clinic, code=given.get("code") or "")
        if there.exclude(pk=self.instance.pk).exists():
            self.add_error("code", _("This code is there already. Take it away first, or choose another."))
        return given


class _Notes(forms.ModelMultipleChoiceField):  # type: ignore[type-arg] # not generic when it runs
    def label_from_instance(self, note: Any) -> str:  # noqa: ANN401 - Django's own signature
        """When it was written, and how it begins."""
        beginning = note.text if len(note.text) <= 80 else f"{note.text[:80]} …"  # noqa: PLR2004 - a line of a page
        return f"{note.made_at:%Y-%m-%d}: {beginning}"


class HandOverForm(forms.Form):
    """What goes to another clinic."""

    to = forms.CharField(label=_("To which clinic"), max_length=100)
    notes = _Notes(
        label=_("Notes that go along"),
        queryset=Note.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Sessions, plans and courses always go along. Notes only where they are ticked."),
    )
    ends = forms.BooleanField(label=_("The participant stops training here"), required=False)

    def __init__(self, data: Any, participant: Participant) -> None:  # noqa: ANN401 - Django's own signature
        """`participant`: whose notes may be chosen."""
        super().__init__(data)
        field = self.fields["notes"]
        if isinstance(field, forms.ModelMultipleChoiceField):
            field.queryset = participant.notes.order_by("made_at")
        if not participant.notes.exists():
            del self.fields["notes"]


class TakeOverForm(forms.Form):
    """A package from another clinic."""

    file = forms.FileField(
        label=_("The file"), help_text=_("The other clinic has sent it; its name ends in .age or .ichp.")
    )
    passphrase = forms.CharField(
        label=_("The passphrase"),
        max_length=100,
        help_text=_("Told by the other clinic in another way than the file, such as by telephone."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "data-secret": ""}
        ),
    )

    def clean_file(self) -> Any:  # noqa: ANN401 - Django's own signature
        """No larger than a package can be."""
        given = self.cleaned_data["file"]
        if given.size > MOST_UPLOAD_BYTES:
            raise forms.ValidationError(
                _("The file is larger than any package. Choose the one that the other clinic made.")
            )
        return given


class TakeOverCheckForm(forms.Form):
    """What becomes of a package that was read through."""

    into = forms.ChoiceField(label=_("Is this person here already?"), widget=forms.RadioSelect)
    known = forms.BooleanField(
        label=_("I have compared the sender code with the clinic. Remember it as theirs."), required=False
    )

    def __init__(self, data: Any, matches: Sequence[TransferMatch], *, known: bool) -> None:  # noqa: ANN401 - Django's own signature
        """Make the form. `matches`: who may be this person; `known`: the sender needs no comparing."""
        sure = any(one.sure for one in matches)
        super().__init__(data, initial={"into": matches[0].participant.pseudonym} if sure else None)
        choices = [
            (one.participant.pseudonym, _("Yes, merge with %(who)s") % {"who": one.participant.told_apart})
            for one in matches
        ]
        if not sure:
            choices.append(("new", str(_("No, this is another person"))))
        field = self.fields["into"]
        if isinstance(field, forms.ChoiceField):
            field.choices = choices
        if not matches:
            del self.fields["into"]
        if known:
            del self.fields["known"]

    def chosen(self, matches: Sequence[TransferMatch]) -> Participant | None:
        """Return the participant with whom the package is merged; None for a new one."""
        into = self.cleaned_data.get("into")
        return next((one.participant for one in matches if one.participant.pseudonym == into), None)


class DeleteForm(forms.Form):
    """The first of two confirmations: the pseudonym, typed."""

    pseudonym = forms.CharField(
        label=_("Type the pseudonym"), max_length=64, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def __init__(self, data: Any, participant: Participant) -> None:  # noqa: ANN401 - Django's own signature
        """`participant`: whose pseudonym it must be."""
        super().__init__(data)
        self.participant = participant

    def clean_pseudonym(self) -> str:
        """Exactly theirs."""
        typed = str(self.cleaned_data["pseudonym"]).strip()
        if typed != self.participant.pseudonym:
            raise forms.ValidationError(_("That is not this participant's pseudonym. Nothing was deleted."))
        return typed


class ResearchForm(forms.Form):
    """The question that a release is for, and the fields that it needs."""

    question = forms.CharField(
        label=_("The question"),
        min_length=10,
        max_length=300,
        help_text=_("What the data is to answer, and under which approval. It is kept in the register below."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    fields_of_sessions = forms.MultipleChoiceField(
        label=_("Fields of sessions"), required=False, widget=forms.CheckboxSelectMultiple
    )
    fields_of_intervals = forms.MultipleChoiceField(
        label=_("Fields of intervals"), required=False, widget=forms.CheckboxSelectMultiple
    )
    curve = forms.BooleanField(
        label=_("The mean course of the heart rate"),
        required=False,
        help_text=_("For each protocol that at least five people trained. Only where the raw data is still kept."),
    )
    everywhere = forms.BooleanField(
        label=_("All clinics that I may export from"),
        required=False,
        help_text=_("Otherwise this clinic alone."),
    )

    def __init__(self, data: Any = None) -> None:  # noqa: ANN401 - Django's own signature
        """Offer the fields that there are."""
        super().__init__(data)
        for table in ("sessions", "intervals"):
            field = self.fields[f"fields_of_{table}"]
            if isinstance(field, forms.MultipleChoiceField):
                field.choices = [
                    (one.key, f"{str(one.meaning)[:1].upper()}{str(one.meaning)[1:]}")
                    for one in FIELDS
                    if one.table == table
                ]

    @property
    def chosen(self) -> list[str]:
        """The keys of the fields that were ticked."""
        return [*self.cleaned_data["fields_of_sessions"], *self.cleaned_data["fields_of_intervals"]]

    def clean(self) -> dict[str, Any]:
        """Something is asked for."""
        given = super().clean() or {}
        if not (given.get("fields_of_sessions") or given.get("fields_of_intervals") or given.get("curve")):
            raise forms.ValidationError(_("Tick the fields that the question needs."))
        return given


def chosen_language(asked: str | None, otherwise: str) -> str:
    """`?language=en`, where it is one of ours."""
    return asked if asked in dict(settings.LANGUAGES) else otherwise
