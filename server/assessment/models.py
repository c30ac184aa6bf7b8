"""Clearances: who cleared a participant for training, when, by which list, with which restrictions, and until when."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from server.accounts.models import Account
from server.people.models import Participant

PROFESSIONS = [
    ("doctor", _("doctor")),
    ("nurse", _("nurse")),
    ("physiotherapist", _("physiotherapist")),
    ("other", _("another profession")),
]
EFFORTS = [
    ("hard", _("hard intervals, within the plan's limits")),
    ("moderate", _("moderate effort only")),
]


class Clearance(models.Model):
    """One clearance; never changed but for the answer to a renewal, only followed by the next one.

    `list_version`: the product's list (`server.assessment.contraindications`), empty where `list_name` names another.
    `beta_blocker`: null where the one who cleared did not say. `renewal_asked_at`, `renewal_code`: when, and by which
    answer before a start, the participant gave a reason to look at the clearance again. `renewal_answer`: why it holds
    nevertheless.
    """

    participant = models.ForeignKey(Participant, models.CASCADE, related_name="clearances")
    cleared_by = models.CharField(_("cleared by"), max_length=100)
    profession = models.CharField(_("profession"), max_length=16, choices=PROFESSIONS, default="doctor")
    cleared_on = models.DateField(_("cleared on"))
    effort = models.CharField(_("cleared for"), max_length=8, choices=EFFORTS, default="hard")
    list_version = models.CharField(_("version of the list"), max_length=16, blank=True)
    list_name = models.CharField(_("another list"), max_length=100, blank=True)
    restrictions = models.TextField(_("restrictions"), max_length=1000, blank=True)
    medicines = models.CharField(_("medicines that matter for training"), max_length=300, blank=True)
    beta_blocker = models.BooleanField(_("beta-blocker"), null=True)
    valid_until = models.DateField(_("valid until"))
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="+")
    renewal_asked_at = models.DateTimeField(null=True, blank=True)
    renewal_code = models.CharField(max_length=16, blank=True)
    renewal_answer = models.CharField(max_length=200, blank=True)
    renewal_answered_at = models.DateTimeField(null=True, blank=True)
    renewal_answered_by = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="+")

    class Meta:
        """The newest first."""

        ordering: ClassVar = ["participant", "-cleared_on", "-pk"]

    def __str__(self) -> str:
        """Whose and of when, never what it says."""
        return f"{self.participant} {self.cleared_on}"


class ClearanceGrace(models.Model):
    """Until when a participant may train hard without a clearance: those who had a plan before clearances were kept."""

    participant = models.OneToOneField(Participant, models.CASCADE, primary_key=True, related_name="clearance_grace")
    until = models.DateField()

    def __str__(self) -> str:
        """Whose and until when."""
        return f"{self.participant} {self.until}"


MOMENTS = [("start", _("start")), ("midway", _("midway")), ("end", _("end")), ("other", _("another day"))]


class CourseMeasurement(models.Model):
    """One figure that was measured and typed in. `kind`: a key of `server.assessment.measures.KINDS`, in its unit.

    `second`: the diastolic pressure, or the second try of a walk. `note`: what else matters, such as medicines.
    """

    participant = models.ForeignKey(Participant, models.CASCADE, related_name="measurements")
    kind = models.CharField(max_length=24)
    value = models.FloatField()
    second = models.FloatField(null=True, blank=True)
    taken_on = models.DateField(_("measured on"))
    moment = models.CharField(_("in the course"), max_length=8, choices=MOMENTS, default="start")
    note = models.CharField(_("remark"), max_length=200, blank=True)
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="+")

    class Meta:
        """Found by their participant, in the order of their days."""

        indexes: ClassVar = [models.Index(fields=["participant", "taken_on"], name="measurement_of")]

    def __str__(self) -> str:
        """Whose and what, never the figure."""
        return f"{self.participant} {self.kind} {self.taken_on}"
