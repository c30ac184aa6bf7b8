"""What arrives, read and sorted: each message becomes exactly one of these, and none is dropped."""

from typing import Literal

from msgspec import Struct

from sync.wire.messages import CommandResult, PlanTaken, State

Why = Literal[
    "conflict",
    "newer",
    "not_understood",
    "not_an_envelope",
    "damaged",
    "too_large",
    "not_its_own",
    "not_a_topic",
    "refused_by_database",
    "parts",
]
"""Why something is in quarantine or among the dead letters; docs/operations.md says what to do about each."""


class MessageSource(Struct, frozen=True):
    """Where a message came from: its topic as it came, and the clinic and machine in it (empty where it has none)."""

    topic: str
    clinic: str = ""
    machine: str = ""


class SessionArrived(Struct, frozen=True, kw_only=True):
    """A session whose head was read and fits its topic. `flaw` and `read_through`: see `server.models.Session`."""

    source: MessageSource
    session_id: str
    revision: int
    sha256: str
    participant: str
    protocol: str
    begun_wall_s: float
    clock_trusted: bool
    completed: bool
    summary: bytes
    format: int
    read_through: bool
    payload: bytes


class PartArrived(Struct, frozen=True, kw_only=True):
    """A part of a larger session."""

    source: MessageSource
    session_id: str
    whole: str
    number: int
    parts: int
    total_bytes: int
    content: bytes


class StateArrived(Struct, frozen=True):
    """A birth or a will."""

    source: MessageSource
    state: State
    payload: bytes


class ResultArrived(Struct, frozen=True):
    """What became of a command."""

    source: MessageSource
    result: CommandResult
    payload_sha256: str


class PlanWordArrived(Struct, frozen=True):
    """What became of a plan at a machine."""

    source: MessageSource
    word: PlanTaken
    payload_sha256: str


class KeptForAPerson(Struct, frozen=True, kw_only=True):
    """A session that goes to quarantine."""

    source: MessageSource
    session_id: str
    why: Why
    reason: str
    payload: bytes
    revision: int | None = None
    sha256: str = ""


class Dead(Struct, frozen=True, kw_only=True):
    """A message that no consumer can use, for the dead letters."""

    source: MessageSource
    why: Why
    reason: str
    payload: bytes


Arrival = SessionArrived | PartArrived | StateArrived | ResultArrived | PlanWordArrived | KeptForAPerson | Dead
