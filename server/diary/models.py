"""What the diary, the course pages and the sums read: a narrow row for each stored session."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from server.accounts.models import Account, Clinic
from server.models import Session
from server.people.models import Participant


class DiaryEntry(models.Model):
    """One session, as its newest stored revision tells it, at a clinic, with the participant it is counted for.

    Made from `server.models.Session` a moment after it was stored (`server.diary.ingest`). `participant` is null
    where nobody here has that pseudonym (a guest): a person decides then. Times in s, rates in bpm, `*_fraction` of
    HRmax; `zone_s` in the zone, `above_95_s` above 95 % of HRmax. `third_minute_bpm`/`_fraction`: of the first
    interval that has one, as `speed_kmh` and `incline_percent` are of it; `recovery_fall_bpm`: the mean over the
    intervals; `first_time_to_zone_s`: of the first interval.
    """

    session_id = models.UUIDField(unique=True)
    stored = models.ForeignKey(Session, models.PROTECT, related_name="+")
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="entries")
    participant = models.ForeignKey(Participant, models.SET_NULL, null=True, related_name="entries")
    pseudonym = models.CharField(max_length=64)
    machine = models.CharField(_("machine"), max_length=32)
    begun_at = models.DateTimeField(_("begun"))
    begun_on = models.DateField(_("day"))
    clock_trusted = models.BooleanField()
    protocol = models.CharField(_("protocol"), max_length=64)
    completed = models.BooleanField()
    end_reason = models.CharField(max_length=64)
    training_s = models.FloatField()
    planned_intervals = models.PositiveSmallIntegerField()
    completed_intervals = models.PositiveSmallIntegerField()
    zone_s = models.FloatField()
    above_95_s = models.FloatField()
    load = models.FloatField()
    hr_max_bpm = models.FloatField(null=True)
    peak_bpm = models.FloatField(null=True)
    third_minute_bpm = models.FloatField(null=True)
    third_minute_fraction = models.FloatField(null=True)
    speed_kmh = models.FloatField(null=True)
    incline_percent = models.FloatField(null=True)
    first_time_to_zone_s = models.FloatField(null=True)
    recovery_fall_bpm = models.FloatField(null=True)
    borg = models.PositiveSmallIntegerField(null=True)
    mood = models.PositiveSmallIntegerField(null=True)
    live_fraction = models.FloatField()

    class Meta:
        """Read by participant, by clinic and day, and summed by clinic."""

        indexes: ClassVar = [
            models.Index(fields=["participant", "begun_at"], name="entry_participant"),
            models.Index(fields=["clinic", "begun_on"], name="entry_clinic_day"),
            models.Index(fields=["clinic", "pseudonym"], name="entry_pseudonym"),
        ]

    def __str__(self) -> str:
        """Which session."""
        return str(self.session_id)


class ImportedSession(models.Model):
    """A session that was trained at another clinic and came with its participant: part of the course, no activity here.

    `clinic_code`, `clinic_name`: where it was trained; `first_id`: its id there.
    """

    session_id = models.UUIDField(unique=True)
    clinic_code = models.CharField(max_length=32)
    clinic_name = models.CharField(max_length=100)
    first_id = models.CharField(max_length=36)

    def __str__(self) -> str:
        """Which session, and where."""
        return f"{self.session_id}: {self.clinic_name}"


class Reassignment(models.Model):
    """A session counted for another participant than it was trained as (hazard H12): who decided, when and why."""

    entry = models.ForeignKey(DiaryEntry, models.CASCADE, related_name="reassignments")
    before = models.ForeignKey(Participant, models.SET_NULL, null=True, related_name="+")
    after = models.ForeignKey(Participant, models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="+")
    reason = models.CharField(_("why"), max_length=200)

    def __str__(self) -> str:
        """Which session."""
        return str(self.entry)


class Progress(models.Model):
    """How far `server.diary.ingest` has come: one row. `last_id`: the newest stored session that it has seen.

    `missing`: ids before it that were not there then (`server.diary.ingest.Gap`). `passed_over`: clinics that are not
    in the table, each with the first of its sessions that has no entry for that.
    """

    last_id = models.BigIntegerField(default=0)
    missing = models.JSONField(default=list)
    passed_over = models.JSONField(default=dict)

    def __str__(self) -> str:
        """How far."""
        return str(self.last_id)
