"""One line of the access log. Lines are only ever added; each carries the hash of the one before it."""

from typing import ClassVar

from django.db import models


class Entry(models.Model):
    """Who, in which role, at which clinic, did what, about whom, when.

    `number` counts without gaps; `sha256` is over this line's content and `previous_sha256`. Names are kept as text, so
    that a deleted account or participant changes nothing here. `seal` is made with a key outside the database
    (`server.audit.seal`); lines of an earlier version have none.
    """

    number = models.BigIntegerField(unique=True)
    at = models.DateTimeField()
    account = models.CharField(max_length=150)
    role = models.CharField(max_length=20, blank=True)
    clinic = models.CharField(max_length=32, blank=True)
    participant = models.CharField(max_length=64, blank=True)
    action = models.CharField(max_length=64)
    detail = models.JSONField(default=dict)
    previous_sha256 = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64)
    seal = models.CharField(max_length=64, blank=True, default="", db_default="")

    class Meta:
        """Read by participant («who looked?») and by clinic."""

        indexes: ClassVar = [
            models.Index(fields=["clinic", "participant", "number"], name="audit_participant"),
            models.Index(fields=["clinic", "number"], name="audit_clinic"),
        ]

    def __str__(self) -> str:
        """Return number and action."""
        return f"{self.number} {self.action}"


class Head(models.Model):
    """The chain's end: one row, locked while a line is added, so that two writers make one chain."""

    number = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, default="0" * 64)

    def __str__(self) -> str:
        """How long the chain is."""
        return str(self.number)
