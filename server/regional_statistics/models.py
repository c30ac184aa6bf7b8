"""Sums that are kept, so that a page over a million sessions need not add them up: no person stands in them."""

from typing import ClassVar

from django.db import models

from server.accounts.models import Clinic


class QuarterSum(models.Model):
    """A clinic's quarter, summed: sums and counts, without any name or pseudonym.

    The sums are a `server.regional_statistics.disclosure_control.Quarter`.

    On PostgreSQL triggers on the diary's entries count `changes` in the transaction that changes one, whoever does it;
    a row holds while `summed` is the same. On SQLite no row is kept: a clinic's few sessions are added up each time.
    """

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="+")
    quarter = models.IntegerField()
    changes = models.BigIntegerField(default=1)
    summed = models.BigIntegerField(default=0)
    sums = models.JSONField(default=dict)

    class Meta:
        """A quarter once."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["clinic", "quarter"], name="quarter_sum_once")]

    def __str__(self) -> str:
        """Which."""
        return f"{self.clinic_id} {self.quarter}"
