"""Participants and their plans. The name stands here and nowhere else: machines and wire know the pseudonym."""

from datetime import date, timedelta
from typing import ClassVar, cast

from django.db import models
from django.utils.translation import gettext_lazy as _

from coach.model.course_progress import MOST_WORD
from server.accounts.models import Account, Clinic

SEARCHED = ("name", "nickname", "pseudonym", "group")
"""By what a participant is found in the list."""


def searchable(*words: str) -> str:
    """As the list searches: case does not matter, and spaces are single. SQLite knows no case beyond ASCII («Ø»)."""
    return " ".join(" ".join(words).casefold().split())


class SearchedField(models.TextField):  # type: ignore[type-arg] # not generic when it runs
    """What the list searches in, made from `SEARCHED` at every save and bulk creation."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:  # noqa: ARG002, FBT001 - Django's own signature
        """Return the words of this row."""
        words = searchable(*(getattr(model_instance, name) for name in SEARCHED))
        setattr(model_instance, self.attname, words)
        return words


class Participant(models.Model):
    """Somebody who trains at a clinic.

    `pseudonym`: what machines and wire know (`sync.wire.topics.PARTICIPANT`); drawn at random, never from the name.
    `nickname` and `picture`: what screens in the room show, chosen by the participant. `group`: the clinic's own word,
    such as a training group, for sums. `responsible`: the therapist whose participant it is on the follow-up list.
    `word`: a line from the responsible therapist, shown at the participant's next start; written `word_written_at`.
    `research_consent_at`: when they agreed to research on pseudonymised sessions; null: never, or withdrawn.
    """

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="participants")
    pseudonym = models.CharField(_("pseudonym"), max_length=64)
    name = models.CharField(_("name"), max_length=200)
    nickname = models.CharField(_("nickname"), max_length=40)
    picture = models.CharField(_("picture"), max_length=32, blank=True)
    birth_year = models.PositiveSmallIntegerField(_("year of birth"))
    sex = models.CharField(_("sex"), max_length=1, choices=[("f", _("female")), ("m", _("male"))], blank=True)
    language = models.CharField(
        _("language"), max_length=2, choices=[("nb", "Bokmål"), ("en", "English")], default="nb"
    )
    group = models.CharField(_("group"), max_length=40, blank=True)
    active = models.BooleanField(_("in training"), default=True)
    responsible = models.ForeignKey(
        Account, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("responsible therapist")
    )
    word = models.CharField(_("word"), max_length=MOST_WORD, blank=True, default="", db_default="")
    word_written_at = models.DateTimeField(null=True, blank=True)
    research_consent_at = models.DateTimeField(_("consent to research"), null=True, blank=True)
    made_at = models.DateTimeField(auto_now_add=True)
    handed_over_to = models.CharField(max_length=100, blank=True)
    searched = SearchedField(editable=False, default="")

    class Meta:
        """A pseudonym is one person's within a clinic."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["clinic", "pseudonym"], name="participant_once")]
        indexes: ClassVar = [models.Index(fields=["clinic", "active", "name"], name="participant_list")]

    def __str__(self) -> str:
        """Return the pseudonym: the name must not end up in a log."""
        return self.pseudonym

    def save(self, **options: object) -> None:
        """Save; what the list searches in goes along where only some fields are saved."""
        some = cast("set[str] | None", options.get("update_fields"))
        if some is not None and set(some) & set(SEARCHED):
            options["update_fields"] = {*some, "searched"}
        super().save(**options)  # type: ignore[arg-type] # passed on as they came

    @property
    def told_apart(self) -> str:
        """The name with what tells two people of one name apart: nickname and year of birth."""
        return f"{self.name} ({self.nickname}, {self.birth_year})"


class PlanVersion(models.Model):
    """One version of a participant's plan; never changed, only followed by the next one.

    `version` counts from 1 and is the version on the wire. Rates in bpm, `start_*` in km/h and percent.
    `hr_max_source`: `measured`, `highest_seen`, `formula`, `formula_beta_blocker`, or the therapist's own words.
    `withdrawn`: from this version on no plan holds. `training_opened_at`: when a therapist last opened training that a
    yes before the start had closed on a machine; carried from version to version.
    """

    participant = models.ForeignKey(Participant, models.CASCADE, related_name="plans")
    version = models.PositiveIntegerField()
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="+")
    protocol = models.CharField(_("protocol"), max_length=64, default="4x4")
    mode = models.CharField(
        _("led by"),
        max_length=10,
        choices=[("heart_rate", _("heart rate")), ("exertion", _("perceived exertion (Borg)"))],
        default="heart_rate",
    )
    hr_max_bpm = models.FloatField(_("HRmax"), null=True, blank=True)
    hr_max_source = models.CharField(_("source of HRmax"), max_length=40, blank=True)
    hr_max_set_on = models.DateField(_("HRmax measured on"), null=True, blank=True)
    ceiling_bpm = models.FloatField(_("ceiling"), null=True, blank=True)
    start_speed_kmh = models.FloatField(_("start speed"), null=True, blank=True)
    start_incline_percent = models.FloatField(_("start incline"), null=True, blank=True)
    speed_step_kmh = models.FloatField(_("treadmill's step"), default=0.2)
    max_speed_kmh = models.FloatField(_("highest speed"), default=20.0)
    slowest_kmh = models.FloatField(_("slowest walking speed"), default=2.0, db_default=2.0)
    weekly_cap = models.PositiveSmallIntegerField(_("sessions a week at most"), null=True, blank=True)
    rest_hours = models.FloatField(_("hours of rest between sessions"), default=0.0)
    cap_released = models.BooleanField(_("cap lifted by the therapist"), default=False)
    early_warm_up_end = models.BooleanField(_("warm-up may end early"), default=False)
    exertion_when_lost = models.BooleanField(_("continues by RPE if the strap drops out"), default=False)
    closed_after_yes_h = models.FloatField(_("hours that a yes closes training"), default=24.0, db_default=24.0)
    ask_after = models.CharField(
        _("asks whether all is well"),
        max_length=16,
        choices=[
            ("every_interval", _("after every interval")),
            ("hardest_interval", _("after the hardest interval")),
            ("odd_fall", _("only when the heart rate falls oddly")),
        ],
        default="every_interval",
        db_default="every_interval",
    )
    questions = models.JSONField(_("questions before the start"), default=list)
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    training_opened_at = models.DateTimeField(_("training opened again"), null=True, blank=True)
    withdrawn = models.BooleanField(default=False)
    reason = models.CharField(_("why it was changed"), max_length=200, blank=True)

    class Meta:
        """Versions count within a participant."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["participant", "version"], name="plan_version_once")]
        ordering: ClassVar = ["participant", "-version"]

    def __str__(self) -> str:
        """Whose and which."""
        return f"{self.participant} {self.version}"


class Note(models.Model):
    """A therapist's note on a participant, or on one of their sessions."""

    participant = models.ForeignKey(Participant, models.CASCADE, related_name="notes")
    session_id = models.UUIDField(null=True, blank=True, db_index=True)
    text = models.TextField(_("note"), max_length=4000)
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="+")

    def __str__(self) -> str:
        """Whose, never what it says."""
        return f"{self.participant} {self.made_at:%Y-%m-%d}"


MOST_COURSE_WEEKS = 520
"""Ten years: a longer course is a damaged row, and is counted as so long."""


def course_weeks(weeks: int) -> int:
    """Return a course's length in weeks as it is counted."""
    return min(max(1, weeks), MOST_COURSE_WEEKS)


def course_end(begins_on: date, weeks: int) -> date:
    """Return the day after a course's last."""
    return begins_on + min(timedelta(weeks=course_weeks(weeks)), date.max - begins_on)


class Course(models.Model):
    """A course: 24 sessions over 8 weeks unless the therapist says otherwise (Flemmen 2014)."""

    participant = models.ForeignKey(Participant, models.CASCADE, related_name="courses")
    begins_on = models.DateField(_("begins on"))
    weeks = models.PositiveSmallIntegerField(_("weeks"), default=8)
    sessions = models.PositiveSmallIntegerField(_("sessions"), default=24)
    ended_on = models.DateField(_("ended on"), null=True, blank=True)

    def __str__(self) -> str:
        """Whose and from when."""
        return f"{self.participant} {self.begins_on}"
