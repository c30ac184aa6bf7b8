"""What papers and files need to remember: the clinic's own procedure codes, and packages that came from elsewhere."""

from typing import ClassVar
from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _

from server.accounts.models import Account, Clinic
from server.people.models import Participant


class Counted(models.TextChoices):
    """When a session counts for a procedure code."""

    EACH = "each", _("each session")
    WHOLE = "whole", _("sessions trained to their end")
    LONG = "long", _("sessions of at least so many minutes")


class ProcedureCode(models.Model):
    """A code under which the clinic reports sessions, such as for reimbursement. What it means is the clinic's own.

    `protocol`: only sessions of this protocol; empty: of all. `least_minutes`: of training time, for `Counted.LONG`.
    """

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="procedure_codes")
    code = models.CharField(_("code"), max_length=20)
    text = models.CharField(_("what it stands for"), max_length=200)
    counted = models.CharField(_("counts"), max_length=10, choices=Counted.choices, default=Counted.EACH)
    least_minutes = models.PositiveSmallIntegerField(_("minutes at least"), null=True, blank=True)
    protocol = models.CharField(_("only this protocol"), max_length=64, blank=True)

    class Meta:
        """A code once a clinic."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["clinic", "code"], name="procedure_code_once")]
        ordering: ClassVar = ["code"]

    def __str__(self) -> str:
        """Return the code."""
        return self.code


class TakenOver(models.Model):
    """A handover package that was taken in: from where, as whom there, when, by whom. It goes with the participant.

    `signed_by`: fingerprint of the sender's key; empty for a file of an earlier version.
    """

    package_id = models.UUIDField()
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    participant = models.ForeignKey(Participant, models.CASCADE, related_name="taken_over")
    from_clinic = models.CharField(max_length=100)
    from_pseudonym = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    taken_at = models.DateTimeField(auto_now_add=True)
    taken_by = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="+")
    signed_by = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        """A package once a clinic."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["clinic", "package_id"], name="taken_over_once")]

    def __str__(self) -> str:
        """Which package."""
        return str(self.package_id)


class ResearchRelease(models.Model):
    """A release for research as the register keeps it: whose question, which fields, of how many, and its file.

    `cells`: groups of people who share site, sex and age band, and `smallest_cell` the least of them. `salt`: what its
    rows were drawn with, hexadecimal. The file holds no participant's row (`server.documents.export.synthesis`).
    """

    clinics = models.ManyToManyField(Clinic, related_name="research_releases")
    question = models.CharField(max_length=300)
    question_key = models.CharField(max_length=64, db_index=True)
    fields = models.JSONField()
    people = models.PositiveIntegerField()
    sessions = models.PositiveIntegerField()
    left_out = models.PositiveIntegerField(default=0)
    cells = models.PositiveIntegerField()
    smallest_cell = models.PositiveIntegerField()
    salt = models.CharField(max_length=64)
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="+")
    made_by_name = models.CharField(max_length=150)
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()

    class Meta:
        """The newest first."""

        ordering: ClassVar = ["-made_at", "-pk"]

    def __str__(self) -> str:
        """Return the question."""
        return self.question


class HeldPackage(models.Model):
    """An uploaded file, still encrypted, between its upload and the decision what becomes of it; an hour at most."""

    token = models.UUIDField(primary_key=True, default=uuid4)
    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="+")
    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    content = models.BinaryField()
    made_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        """Which upload."""
        return str(self.token)


class KnownSender(models.Model):
    """A key whose fingerprint a person here compared with its owner. `name`: the clinic to which it belongs."""

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="known_senders")
    fingerprint = models.CharField(max_length=40)
    name = models.CharField(max_length=100)
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="+")

    class Meta:
        """A key once a clinic."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["clinic", "fingerprint"], name="known_sender_once")]

    def __str__(self) -> str:
        """Whose key."""
        return f"{self.name}: {self.fingerprint}"
