"""What the server keeps. Names of persons are not here: only pseudonyms travel."""

from typing import ClassVar

from django.db import models


class Session(models.Model):
    """One revision of one session, exactly once: (session id, revision) is unique, and `sha256` is the machine's own.

    `payload` is the sealed delivery byte for byte as it came (`sync.wire.envelope`), in one piece; it may be taken away
    when the raw data's time is over, and what the columns say remains. `read_through`: whether the whole delivery was
    read, not its head alone; `flaw` says what was wrong then, and a session with a flaw is shown as such, never as
    whole.
    """

    session_id = models.UUIDField()
    revision = models.IntegerField()
    sha256 = models.CharField(max_length=64)
    clinic = models.CharField(max_length=32)
    machine = models.CharField(max_length=32)
    participant = models.CharField(max_length=64)
    protocol = models.CharField(max_length=64)
    begun_wall_s = models.FloatField()
    clock_trusted = models.BooleanField()
    completed = models.BooleanField()
    summary = models.JSONField()
    format = models.IntegerField()
    read_through = models.BooleanField()
    flaw = models.CharField(max_length=200, blank=True, default="")
    stored_wall_s = models.FloatField()
    payload = models.BinaryField(null=True)

    class Meta:
        """One row for a revision; a participant's diary is read along its own index. Each more costs every commit."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["session_id", "revision"], name="session_once")]
        indexes: ClassVar = [
            models.Index(fields=["clinic", "participant", "begun_wall_s"], name="session_diary"),
            models.Index(fields=["id"], condition=models.Q(read_through=False), name="session_unread"),
        ]

    def __str__(self) -> str:
        """Return the key."""
        return f"{self.session_id} revision {self.revision}"


class QuarantinedSession(models.Model):
    """A session that a person must look at: `conflict`, `newer`, `not_understood`, `not_its_own`, ….

    `payload` is kept as it came. `times`: how often the same came.
    """

    payload_sha256 = models.CharField(max_length=64)
    clinic = models.CharField(max_length=32)
    machine = models.CharField(max_length=32)
    session_id = models.CharField(max_length=36)
    revision = models.IntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    why = models.CharField(max_length=32)
    reason = models.CharField(max_length=300)
    times = models.IntegerField(default=1)
    first_wall_s = models.FloatField()
    last_wall_s = models.FloatField()
    payload = models.BinaryField()

    class Meta:
        """The same from the same machine under the same id is one row."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["clinic", "machine", "session_id", "payload_sha256"], name="quarantined_once"
            )
        ]

    def __str__(self) -> str:
        """Which and why."""
        return f"{self.session_id}: {self.why}"


class DeadLetter(models.Model):
    """A message that says nothing the server can use, kept as it came. `payload` may be cut; `payload_bytes` tells."""

    payload_sha256 = models.CharField(max_length=64)
    topic = models.CharField(max_length=200)
    machine = models.CharField(max_length=65)
    why = models.CharField(max_length=32)
    reason = models.CharField(max_length=300)
    times = models.IntegerField(default=1)
    first_wall_s = models.FloatField()
    last_wall_s = models.FloatField()
    payload_bytes = models.IntegerField()
    payload = models.BinaryField()

    class Meta:
        """The same on the same topic is one row."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["topic", "payload_sha256"], name="dead_letter_once")]
        indexes: ClassVar = [models.Index(fields=["machine"], name="dead_letter_machine")]

    def __str__(self) -> str:
        """Which and why."""
        return f"{self.topic}: {self.why}"


class SessionPart(models.Model):
    """A part of a session too large for one message (`sync.wire.chunks`), until all are here.

    Parts of one session may come through several collectors, so they meet in the database.
    """

    clinic = models.CharField(max_length=32)
    machine = models.CharField(max_length=32)
    session_id = models.CharField(max_length=36)
    whole = models.CharField(max_length=64)
    number = models.IntegerField()
    parts = models.IntegerField()
    total_bytes = models.IntegerField()
    came_wall_s = models.FloatField()
    content = models.BinaryField()

    class Meta:
        """A part that comes again is the same part."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clinic", "machine", "session_id", "whole", "number"], name="part_once")
        ]

    def __str__(self) -> str:
        """Which part of how many."""
        return f"{self.session_id}: {self.number + 1} of {self.parts}"


class MachineState(models.Model):
    """What a machine last said of itself (birth or will). `connection` counts its connections.

    `instances`: the last starts of its courier that were born, the newest last. One that comes back after another means
    that two clients use the name, as after a card was copied; `doubled_wall_s`: when that was last seen.
    """

    clinic = models.CharField(max_length=32)
    machine = models.CharField(max_length=32)
    online = models.BooleanField()
    connection = models.BigIntegerField()
    waiting = models.IntegerField()
    state = models.JSONField()
    heard_wall_s = models.FloatField()
    instances = models.JSONField(default=list)
    doubled_wall_s = models.FloatField(null=True)

    class Meta:
        """One row for a machine."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["clinic", "machine"], name="machine_once")]

    def __str__(self) -> str:
        """Clinic and machine."""
        return f"{self.clinic}/{self.machine}"


class MessageSequence(models.Model):
    """Which of a machine's numbered messages arrived on one of its connections (docs/wire.md, 'Numbers').

    `ranges`: first and last number of each unbroken run, in order. `closed`: numbers that never came, below those.
    `refused`: how many the broker refused, as the machine says. `gap_wall_s`: since when some are missing, else null.
    `first_wall_s`: when the first of them arrived, 0 where that was before this column.
    """

    clinic = models.CharField(max_length=32)
    machine = models.CharField(max_length=32)
    connection = models.BigIntegerField()
    ranges = models.JSONField(default=list)
    closed = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)
    gap_wall_s = models.FloatField(null=True)
    first_wall_s = models.FloatField(default=0.0)
    last_wall_s = models.FloatField()

    class Meta:
        """One row for a connection of a machine."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clinic", "machine", "connection"], name="sequence_once")
        ]

    def __str__(self) -> str:
        """Whose, and which connection."""
        return f"{self.machine} {self.connection}"


class DeletedPseudonym(models.Model):
    """A participant who was deleted: until `until_wall_s` nothing that comes under the pseudonym is stored.

    The same lies in a file (`server.clinic_folder.deleted_list`), which a restored backup does not undo.
    """

    clinic = models.CharField(max_length=32)
    pseudonym = models.CharField(max_length=64)
    deleted_wall_s = models.FloatField()
    until_wall_s = models.FloatField()

    class Meta:
        """One row for a pseudonym."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["clinic", "pseudonym"], name="deleted_once")]

    def __str__(self) -> str:
        """Whose it was."""
        return f"{self.clinic} {self.pseudonym}"


class Restoration(models.Model):
    """A restore from a backup: what came between the two moments is asked of the machines again.

    `log_line`: the access log's last line in the backup; `lost_line`: the last one that is known from elsewhere, 0 if
    none is.
    """

    made_wall_s = models.FloatField()
    restored_wall_s = models.FloatField(unique=True)
    log_line = models.BigIntegerField(default=0)
    lost_line = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        """Return the moment."""
        return f"{self.restored_wall_s:.0f}"


class CommandOutcome(models.Model):
    """What a machine said became of a command: `accepted` first where it waits for its instant, then the last word."""

    clinic = models.CharField(max_length=32)
    machine = models.CharField(max_length=32)
    command_id = models.CharField(max_length=64)
    outcome = models.CharField(max_length=16)
    code = models.CharField(max_length=64, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    heard_wall_s = models.FloatField()

    class Meta:
        """One row for a command to a machine."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clinic", "machine", "command_id"], name="command_outcome_once")
        ]

    def __str__(self) -> str:
        """Which and what became of it."""
        return f"{self.command_id}: {self.outcome}"


class PlanOnMachine(models.Model):
    """What a machine last said of a participant's plan: `version` is in force there since `since_wall_s`, null: none.

    `refused_version`: a later one that it does not use, for `refused_for`. `participant`: the pseudonym, which may be
    nobody's any more; the row goes once the machine has let go of the plan. `boot_id`, `monotonic_s`: when it said so,
    by its own clock, which tells the order of what is committed in another.
    """

    clinic = models.CharField(max_length=32)
    machine = models.CharField(max_length=32)
    participant = models.CharField(max_length=64)
    version = models.IntegerField(null=True)
    since_wall_s = models.FloatField(default=0.0)
    refused_version = models.IntegerField(null=True)
    refused_for = models.CharField(max_length=300, blank=True)
    boot_id = models.CharField(max_length=64)
    monotonic_s = models.FloatField()

    class Meta:
        """One row for a participant at a machine."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clinic", "participant", "machine"], name="plan_on_machine_once")
        ]

    def __str__(self) -> str:
        """Whose, where."""
        return f"{self.participant} {self.machine}"


class Certificate(models.Model):
    """A certificate that the clinic's authority gave. `serial`: hexadecimal."""

    serial = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=40, db_index=True)
    given_wall_s = models.FloatField()
    until_wall_s = models.FloatField()
    revoked_wall_s = models.FloatField(null=True)

    def __str__(self) -> str:
        """Whose and which."""
        return f"{self.name} {self.serial}"


class EnrolmentCode(models.Model):
    """A one-time code for one machine: only a hash of its secret is kept.

    Once used, it answers the same public key with the same certificate until it expires, so that a power cut between
    the answer and the machine's disk does no harm.
    """

    code_sha256 = models.CharField(max_length=64, unique=True)
    machine = models.CharField(max_length=32)
    until_wall_s = models.FloatField()
    used_wall_s = models.FloatField(null=True)
    public_key_sha256 = models.CharField(max_length=64, blank=True)
    certificate_pem = models.TextField(blank=True)

    def __str__(self) -> str:
        """Whose it is."""
        return self.machine
