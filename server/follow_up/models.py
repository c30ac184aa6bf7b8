"""What the follow-up list keeps: reasons, their evidence, what was decided, and when each person was looked at."""

from typing import ClassVar

from django.db import models

from server.accounts.models import Account, Clinic
from server.people.models import Participant


class FollowUpItem(models.Model):
    """One reason to follow somebody up; without a participant it is the clinic's own (sessions of no known person).

    `mark` and `facts` are those of `server.follow_up.rules.RuleEvidence`. `state`: `open`, `later` (open again from
    `until` on) or `done` (until the mark changes). `owner`: the colleague who was asked to take it.
    """

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="+")
    participant = models.ForeignKey(Participant, models.CASCADE, null=True, related_name="follow_ups")
    rule = models.CharField(max_length=32)
    weight = models.PositiveSmallIntegerField()
    mark = models.CharField(max_length=200)
    facts = models.JSONField(default=dict)
    found_at = models.DateTimeField()
    state = models.CharField(max_length=8, default="open")
    until = models.DateField(null=True)
    owner = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="+")
    decided_by = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        """A reason is there once; a clinic's open ones are found at once."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["clinic", "participant", "rule"], nulls_distinct=False, name="follow_up_once"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["clinic", "state"], name="follow_up_state")]

    def __str__(self) -> str:
        """Whose and why."""
        return f"{self.participant} {self.rule}"


class FollowUpCheck(models.Model):
    """When the rules last looked at a participant. `due`: something has changed since."""

    participant = models.OneToOneField(Participant, models.CASCADE, primary_key=True, related_name="+")
    checked_on = models.DateField(null=True)
    due = models.BooleanField(default=True)

    def __str__(self) -> str:
        """Whose."""
        return str(self.participant_id)


class FollowUpLimits(models.Model):
    """A clinic's own limits of the rules (`server.follow_up.thresholds`); what is not named has its default."""

    clinic = models.OneToOneField(Clinic, models.CASCADE, primary_key=True, related_name="+")
    values = models.JSONField(default=dict)

    def __str__(self) -> str:
        """Whose."""
        return str(self.clinic)
