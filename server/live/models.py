"""What the live room remembers: commands given, notices raised and seen, messages that wait to be published."""

from typing import ClassVar

from django.db import models

from server.accounts.models import Account, Clinic


class GivenCommand(models.Model):
    """A command to a machine; what became of it stands in `server.models.CommandOutcome` under the same id."""

    command_id = models.CharField(max_length=64)
    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="commands")
    machine = models.CharField(max_length=32)
    participant = models.CharField(max_length=64, blank=True)
    action = models.JSONField()
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    made_by = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="+")

    class Meta:
        """A group start has one id at several machines."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clinic", "machine", "command_id"], name="command_once")
        ]

    def __str__(self) -> str:
        """Which, at which machine."""
        return f"{self.command_id} {self.machine}"


class Acknowledgement(models.Model):
    """A notice that somebody has seen: who, when. `since_s`: the session's second at which the notice began."""

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="acknowledgements")
    machine = models.CharField(max_length=32)
    session_id = models.UUIDField(null=True)
    code = models.CharField(max_length=64)
    since_s = models.FloatField()
    by = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Seen once is seen; a notice outside a session has no session id."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["clinic", "machine", "session_id", "code", "since_s"],
                nulls_distinct=False,
                name="acknowledged_once",
            )
        ]

    def __str__(self) -> str:
        """Which notice where."""
        return f"{self.machine} {self.code}"


class Outgoing(models.Model):
    """A retained message for a machine (a plan, or its withdrawal) that the broker has not confirmed yet.

    Written in the same transaction as what it tells, and published at once by a web worker; after a fault, again.
    """

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="+")
    topic = models.CharField(max_length=200)
    payload = models.BinaryField()
    made_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)

    class Meta:
        """What still waits is found at once."""

        indexes: ClassVar = [
            models.Index(fields=["id"], condition=models.Q(published_at=None), name="outgoing_waiting"),
        ]

    def __str__(self) -> str:
        """Where to."""
        return self.topic


class RaisedNotice(models.Model):
    """A notice that somebody should see, also when it has passed before they looked.

    `since_s` as in Acknowledgement. `lasted_s`: how long it held; null while it holds, and where nobody heard its end.
    Whichever web worker hears it first writes it.
    """

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="raised_notices")
    machine = models.CharField(max_length=32)
    session_id = models.UUIDField(null=True)
    participant = models.CharField(max_length=64, blank=True)
    code = models.CharField(max_length=64)
    level = models.CharField(max_length=16)
    since_s = models.FloatField()
    lasted_s = models.FloatField(null=True)
    heard_at = models.DateTimeField()

    class Meta:
        """Several workers hear the same notice; it is one row."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["clinic", "machine", "session_id", "code", "since_s"],
                nulls_distinct=False,
                name="raised_once",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["clinic", "heard_at"], name="raised_lately")]

    def __str__(self) -> str:
        """Which notice where."""
        return f"{self.machine} {self.code}"


class SuppliedMachine(models.Model):
    """A machine that was given all the clinic's plans when it was first heard; from then on it gets each change."""

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="supplied_machines")
    machine = models.CharField(max_length=32)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Once for each machine."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["clinic", "machine"], name="supplied_once")]

    def __str__(self) -> str:
        """Which."""
        return self.machine


class PublishingTurn(models.Model):
    """Which process publishes what waits: one at a time, so that what is told on one topic stays in its order.

    One row. A turn that is not given back ends by itself at `until`.
    """

    holder = models.CharField(max_length=64, blank=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        """Whose turn it is."""
        return self.holder
