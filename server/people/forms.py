"""The forms of participants and plans."""

from datetime import date, datetime, time
from typing import Any, ClassVar

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server.accounts.memberships import colleagues_in, name_of
from server.accounts.models import Account, Clinic
from server.accounts.roles import Permission
from server.people import participant_service, protocols
from server.people.models import Note, Participant
from server.people.pictures import PICTURES
from server.people.plan_rules import COMPARED, QUESTIONS, SAFETY, Values, faults, figure
from server.people.plan_words import ASK_AFTER, MODES, NAMES, SOURCES
from server.people.plan_words import QUESTIONS as QUESTION_WORDS
from server.web.forms import DayField

NOON = time(12)
OLDEST_YEARS, YOUNGEST_YEARS = 110, 10
OWN_WORDS = "own"
"""The choice of a source in the therapist's own words."""


class DayInput(forms.DateInput):
    """The browser's own calendar."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        """As HTML writes a day."""
        super().__init__(attrs=attrs, format="%Y-%m-%d")


class FigureField(forms.FloatField):
    """A number, with the comma or the point, as short as it can be."""

    def __init__(self, **more: Any) -> None:  # noqa: ANN401 - Django's own arguments
        """Make the field; `unit` stands in the hint."""
        super().__init__(widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}), **more)
        self.error_messages["invalid"] = gettext_lazy("This is not a number. Write digits alone, such as 5.5.")

    def to_python(self, value: Any) -> Any:  # noqa: ANN401 - Django's own signature
        """Take both decimal signs."""
        return super().to_python(value.replace(",", ".").replace("−", "-") if isinstance(value, str) else value)

    def prepare_value(self, value: Any) -> Any:  # noqa: ANN401 - Django's own signature
        """As it would be typed in the language at hand."""
        return figure(value).replace("−", "-") if isinstance(value, float | int) else value


class ParticipantForm(forms.ModelForm):  # type: ignore[type-arg] # not generic when it runs
    """Who somebody is. The pseudonym is no field: it is drawn."""

    consent = forms.BooleanField(
        label=gettext_lazy("Has agreed that sessions are used for research, without the name"), required=False
    )
    consent_on = DayField(label=gettext_lazy("Agreed on"), required=False, widget=DayInput)
    another = forms.BooleanField(
        label=gettext_lazy("It is another person, or the same person again under a new pseudonym"),
        required=False,
        widget=forms.HiddenInput,
    )

    class Meta:
        """What a therapist writes."""

        model = Participant
        fields: ClassVar = [
            "name",
            "birth_year",
            "sex",
            "nickname",
            "picture",
            "language",
            "group",
            "responsible",
            "active",
        ]
        labels: ClassVar = {
            "name": gettext_lazy("Name"),
            "birth_year": gettext_lazy("Year of birth"),
            "sex": gettext_lazy("Sex"),
            "nickname": gettext_lazy("Nickname"),
            "picture": gettext_lazy("Picture"),
            "language": gettext_lazy("Language of the machine"),
            "group": gettext_lazy("Group"),
            "responsible": gettext_lazy("Responsible therapist"),
            "active": gettext_lazy("In training"),
        }
        help_texts: ClassVar = {
            "name": gettext_lazy("Stays here: machines never get it."),
            "nickname": gettext_lazy("What screens in the room show. Chosen by the participant."),
            "sex": gettext_lazy("For the fitness age, whose table has one column for each."),
            "group": gettext_lazy("The clinic's own word, for the list and for sums."),
            "responsible": gettext_lazy("Follow-ups of this participant are shown under this therapist's own."),
            "active": gettext_lazy("Ended participants are removed from the machines; the diary stays."),
        }
        widgets: ClassVar = {
            "birth_year": forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
            "name": forms.TextInput(attrs={"autocomplete": "off"}),
            "nickname": forms.TextInput(attrs={"autocomplete": "off", "maxlength": 20}),
            "picture": forms.RadioSelect,
        }

    def __init__(self, data: Any = None, *, instance: Participant) -> None:  # noqa: ANN401 - Django's own signature
        """`instance` has its clinic. Who is new is in training."""
        agreed = instance.research_consent_at
        told = {"consent": agreed is not None, "consent_on": timezone.localdate(agreed) if agreed else None}
        super().__init__(data, instance=instance, initial=told)
        self.clinic: Clinic = instance.clinic
        self.before = {name: getattr(instance, name) for name in (*self.Meta.fields, "research_consent_at")}
        self.fields["picture"] = forms.ChoiceField(
            label=gettext_lazy("Picture"),
            choices=[("", _("the nickname decides")), *PICTURES.items()],
            required=False,
            widget=forms.RadioSelect,
        )
        self.fields["sex"] = forms.ChoiceField(
            label=gettext_lazy("Sex"),
            choices=[("", _("not told")), ("f", _("female")), ("m", _("male"))],
            required=False,
            help_text=self.Meta.help_texts["sex"],
        )
        self.fields["responsible"] = _responsible(instance)
        if instance._state.adding:  # noqa: SLF001 - Django's documented way to tell who is new
            del self.fields["active"]
            self.fields["name"].widget.attrs["autofocus"] = True

    def clean_name(self) -> str:
        """Single spaces."""
        return " ".join(self.cleaned_data["name"].split())

    def clean_nickname(self) -> str:
        """Two alike on the tiles would be taken for each other (hazard H7)."""
        nickname = " ".join(self.cleaned_data["nickname"].split())
        if len(nickname) > LONGEST_NICKNAME:
            raise forms.ValidationError(_("That is too long for a tile. Choose one of at most 20 letters."))
        same = nickname.casefold() == self.before["nickname"].casefold()
        if not same and participant_service.nickname_taken(self.clinic, nickname, self.instance.pk or 0):
            raise forms.ValidationError(
                _("Someone who trains here has this nickname already. Two alike would be mixed up; choose another.")
            )
        return nickname

    def clean_birth_year(self) -> int:
        """Check the year: of a person who lives and can train."""
        year: int = self.cleaned_data["birth_year"]
        now = timezone.localdate().year
        if not now - OLDEST_YEARS <= year <= now - YOUNGEST_YEARS:
            told = {"low": now - OLDEST_YEARS, "high": now - YOUNGEST_YEARS}
            raise forms.ValidationError(
                _("That cannot be right: a year between %(low)s and %(high)s. HRmax by formula rests on it.") % told
            )
        return year

    def clean(self) -> dict[str, Any]:
        """Somebody of this name and year who is here already is shown first."""
        given = super().clean() or {}
        agreed_on, today = given.get("consent_on"), timezone.localdate()
        if given.get("consent") and agreed_on is not None and agreed_on > today:
            self.add_error("consent_on", _("That day has not come yet."))
        name, year = given.get("name"), given.get("birth_year")
        self.alike = (
            participant_service.alike(self.clinic, name, year, self.instance.pk or 0)
            if name and year and (name, year) != (self.before["name"], self.before["birth_year"])
            else []
        )
        if self.alike and not given.get("another"):
            self.fields["another"].widget = forms.CheckboxInput()
            self.add_error(
                "another",
                _("Someone with this name and year of birth is here already. Look at them first; then tick here."),
            )
        return given

    def changed_fields(self) -> list[str]:
        """Return what differs from before, with the consent, which is set on the instance here."""
        agreed, on = self.cleaned_data["consent"], self.cleaned_data["consent_on"]
        before = self.before["research_consent_at"]
        if not agreed:
            self.instance.research_consent_at = None
        elif before is None or (on is not None and on != timezone.localdate(before)):
            noon = datetime.combine(on or timezone.localdate(), NOON)
            self.instance.research_consent_at = timezone.make_aware(noon)
        return [name for name, value in self.before.items() if getattr(self.instance, name) != value]


def _responsible(instance: Participant) -> forms.ModelChoiceField:  # type: ignore[type-arg] # not generic when it runs
    """Return the choice of therapist; who is responsible now stays a choice after leaving the clinic."""
    keys = [one.pk for one in colleagues_in(instance.clinic, Permission.SEE_DIARY)]
    if instance.responsible_id is not None:
        keys.append(instance.responsible_id)
    return _TherapistField(
        queryset=Account.objects.filter(pk__in=keys).order_by("first_name", "last_name", "username"),
        label=ParticipantForm.Meta.labels["responsible"],
        help_text=ParticipantForm.Meta.help_texts["responsible"],
        empty_label=_("no one yet"),
        required=False,
    )


class _TherapistField(forms.ModelChoiceField):  # type: ignore[type-arg] # not generic when it runs
    """A choice of colleagues by name."""

    def label_from_instance(self, obj: Any) -> str:  # noqa: ANN401 - Django's own signature
        return name_of(obj)


LONGEST_NICKNAME = 20


class PlanForm(forms.Form):
    """A plan. `values` holds what it says once it is valid."""

    mode = forms.ChoiceField(label=NAMES["mode"], choices=MODES.items(), widget=forms.RadioSelect)
    protocol = forms.ChoiceField(label=NAMES["protocol"])
    hr_max_bpm = FigureField(
        label=NAMES["hr_max_bpm"],
        required=False,
        help_text=gettext_lazy("Beats/min. May be empty only where perceived exertion leads."),
    )
    hr_max_source = forms.ChoiceField(label=NAMES["hr_max_source"], required=False)
    own_source = forms.CharField(label=gettext_lazy("In your own words"), required=False, max_length=40)
    hr_max_set_on = DayField(label=NAMES["hr_max_set_on"], required=False, widget=DayInput)
    ceiling_bpm = FigureField(
        label=NAMES["ceiling_bpm"],
        required=False,
        help_text=gettext_lazy("Beats/min: above it the coach eases, then cools down. Empty: HRmax."),
    )
    start_speed_kmh = FigureField(label=NAMES["start_speed_kmh"], required=False, help_text=gettext_lazy("km/h"))
    start_incline_percent = FigureField(
        label=NAMES["start_incline_percent"], required=False, help_text=gettext_lazy("Percent; 4×4 asks for 5 or more.")
    )
    max_speed_kmh = FigureField(
        label=NAMES["max_speed_kmh"], help_text=gettext_lazy("km/h: the coach never asks for more.")
    )
    speed_step_kmh = FigureField(
        label=NAMES["speed_step_kmh"], help_text=gettext_lazy("km/h for one press on the treadmill.")
    )
    slowest_kmh = FigureField(
        label=NAMES["slowest_kmh"],
        required=False,
        help_text=gettext_lazy("km/h: the coach never asks for less, except to stand still. Empty: 2."),
    )
    weekly_cap = forms.IntegerField(
        label=NAMES["weekly_cap"],
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        help_text=gettext_lazy("Empty: as many as they like. Two to three are meant."),
    )
    rest_hours = FigureField(label=NAMES["rest_hours"], help_text=gettext_lazy("Hours; 0: none is asked for."))
    cap_released = forms.BooleanField(label=gettext_lazy("Cap and rest are lifted for now"), required=False)
    valid_until = DayField(
        label=NAMES["valid_until"],
        required=False,
        widget=DayInput,
        help_text=gettext_lazy("After this day the machine says to talk to you. Empty: until it is changed."),
    )
    early_warm_up_end = forms.BooleanField(
        label=gettext_lazy("The warm-up may end early, after five minutes at the earliest"), required=False
    )
    exertion_when_lost = forms.BooleanField(
        label=gettext_lazy("Continue by RPE if the strap drops out"), required=False
    )
    ask_after = forms.ChoiceField(
        label=NAMES["ask_after"],
        choices=ASK_AFTER.items(),
        required=False,
        help_text=gettext_lazy(
            "It is never off: an odd fall of the heart rate always makes the machine ask. "
            "Steady sessions count as an interval, and are asked about every 10 minutes too."
        ),
    )
    questions = forms.MultipleChoiceField(
        label=NAMES["questions"],
        choices=QUESTION_WORDS.items(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Any yes means no session today, and a notice to you."),
    )
    closed_after_yes_h = FigureField(
        label=NAMES["closed_after_yes_h"],
        required=False,
        help_text=gettext_lazy(
            "Hours after a yes to chest pain, fainting, fever or intoxication; you can open sooner. Empty: 24."
        ),
    )
    reason = forms.CharField(
        label=gettext_lazy("Why it is changed"),
        max_length=200,
        help_text=gettext_lazy("For those who read the history later."),
    )
    base = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, data: Any = None, *, now: Values | None, first: bool, cleared: bool, **more: Any) -> None:  # noqa: ANN401 - Django's own signature
        """`now`: what the fields begin with. `first`: there was no plan, so no reason is asked.

        `cleared`: a clearance for more than moderate effort is in force.
        """
        super().__init__(data, **more)
        self.cleared = cleared
        now = now or Values()
        self.first = first
        self.today: date = timezone.localdate()
        for name in COMPARED:
            self.fields[name].initial = getattr(now, name)
        known = [(one.name, one.title) for one in protocols.offered()]
        if now.protocol not in dict(known):
            known.append((now.protocol, now.protocol))
        self._choose("protocol", known)
        self._choose("hr_max_source", [("", "–"), *SOURCES.items(), (OWN_WORDS, _("something else"))])
        if now.hr_max_source and now.hr_max_source not in SOURCES:
            self.fields["hr_max_source"].initial = OWN_WORDS
            self.fields["own_source"].initial = now.hr_max_source
        other = [(one, one) for one in now.questions if one not in QUESTIONS]
        self._choose("questions", [*QUESTION_WORDS.items(), *other])
        self.fields["questions"].initial = list(now.questions)
        if first:
            self.fields["reason"].required = False
            self.fields["hr_max_bpm"].widget.attrs["autofocus"] = True

    def _choose(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = choices

    def clean(self) -> dict[str, Any]:
        """Return the limits, each at its field."""
        given = super().clean() or {}
        if given.get("hr_max_source") == OWN_WORDS:
            given["hr_max_source"] = " ".join(given.get("own_source", "").split())
            if given["hr_max_source"] in (*SOURCES, OWN_WORDS):
                given["hr_max_source"] = ""
            if not given["hr_max_source"]:
                self.add_error("own_source", _("Enter where HRmax comes from."))
        if given.get("hr_max_bpm") is None and "hr_max_bpm" not in self.errors:
            given["hr_max_source"], given["hr_max_set_on"] = "", None
        for name in ("slowest_kmh", "ask_after", "closed_after_yes_h"):
            # A form of a page that was open before these fields existed leaves them out.
            if given.get(name) in (None, "") and name not in self.errors:
                given[name] = getattr(Values(), name)
        # A field that could not be read hides no other field's fault: its place is taken by the usual value.
        usual = Values()
        told = {name: given.get(name, getattr(usual, name)) for name in COMPARED if name != "questions"}
        self.values = Values(**told, questions=_ordered(given.get("questions", [])))
        if not self.cleared and "protocol" not in self.errors and not protocols.is_moderate(self.values.protocol):
            self.add_error(
                "protocol",
                _(
                    "Without a doctor's clearance in force, only a protocol of moderate effort can be planned, such as "
                    "%(moderate)s. Choose that one, or record the clearance first."
                )
                % {"moderate": next((one.title for one in protocols.offered() if one.moderate), "–")},
            )
        for fault in faults(self.values, self.today):
            if fault.field not in self.errors and not (AGAINST.get(fault.field, set()) & self.errors.keys()):
                self.add_error(fault.field, fault.words)
        return given


AGAINST = {
    "hr_max_source": {"hr_max_bpm", "own_source"},
    "ceiling_bpm": {"hr_max_bpm"},
    "slowest_kmh": {"max_speed_kmh"},
    "start_speed_kmh": {"max_speed_kmh", "slowest_kmh", "start_incline_percent"},
}
"""The fields that a field is judged against: while one of them cannot be read, nothing is said of it."""


def _ordered(questions: list[str]) -> tuple[str, ...]:
    """As machines ask them, whatever the order in which they were ticked."""
    return tuple(sorted(questions, key=lambda one: (QUESTIONS.index(one) if one in QUESTIONS else 99, one)))


class AgainForm(forms.Form):
    """What decides over safety, typed once more without a look at the first time; and the doubts, looked at."""

    def __init__(self, data: Any, fields: tuple[str, ...], values: Values, *, doubted: bool) -> None:  # noqa: ANN401 - Django's own signature
        """`fields`: some of `SAFETY`; what was left empty the first time may be again."""
        super().__init__(data)
        for name in SAFETY:
            if name not in fields:
                continue
            if name == "mode":
                self.fields["again_mode"] = forms.ChoiceField(
                    label=NAMES[name], choices=MODES.items(), widget=forms.RadioSelect
                )
            else:
                self.fields[f"again_{name}"] = FigureField(
                    label=NAMES[name], required=getattr(values, name) is not None
                )
        if doubted:
            self.fields["looked_at"] = forms.BooleanField(
                label=gettext_lazy("I have checked this, and it is right"),
                error_messages={"required": gettext_lazy("Tick this, or go back and change the plan.")},
            )

    def unlike(self, values: Values) -> tuple[str, ...]:
        """Which were typed otherwise the second time. The form is valid, but for doubts that were not looked at."""
        return tuple(
            name
            for name in SAFETY
            if f"again_{name}" in self.fields and self.cleaned_data.get(f"again_{name}") != getattr(values, name)
        )


class ParticipantNoteForm(forms.ModelForm):  # type: ignore[type-arg] # not generic when it runs
    """A note on a participant."""

    class Meta:
        """Its text alone."""

        model = Note
        fields: ClassVar = ["text"]
        labels: ClassVar = {"text": gettext_lazy("New note")}
        widgets: ClassVar = {"text": forms.Textarea(attrs={"rows": 3, "maxlength": 4000})}


class WordForm(forms.ModelForm):  # type: ignore[type-arg] # not generic when it runs
    """A word to the participant, for their next start; empty: none."""

    class Meta:
        """Its text alone."""

        model = Participant
        fields: ClassVar = ["word"]
        labels: ClassVar = {"word": gettext_lazy("A word for the next start")}

    def clean_word(self) -> str:
        """Return the word in single spaces, as a machine shows it."""
        return " ".join(str(self.cleaned_data["word"]).split())


class EndPlanForm(forms.Form):
    """Why a plan is withdrawn."""

    reason = forms.CharField(label=gettext_lazy("Why"), max_length=200, min_length=3)
    base = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
