"""A draft: the fields of a form that was not sent yet, sealed for the account that typed them."""

from typing import ClassVar

from django.db import models

from server.accounts.models import Account
from server.people.models import Participant


class Draft(models.Model):
    """What an account typed into one form of one open page.

    `key`: the page's own random name for it. `mark`: a keyed hash of which form it is. `sealed`: form and fields,
    encrypted (`server.drafts.sealing`). `participant`: whom the form is about; the draft goes with them.
    """

    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    participant = models.ForeignKey(Participant, models.CASCADE, null=True, related_name="+")
    key = models.CharField(max_length=32)
    mark = models.CharField(max_length=64)
    sealed = models.BinaryField()
    kept_at = models.DateTimeField(db_index=True)

    class Meta:
        """An open page keeps one draft of each form."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "key"], name="draft_once")]
        indexes: ClassVar = [models.Index(fields=["account", "mark"], name="draft_mark")]

    def __str__(self) -> str:
        """Whose."""
        return f"{self.account_id} {self.key}"
