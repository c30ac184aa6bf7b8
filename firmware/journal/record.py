"""A session as the diary keeps it: one document, with one canonical encoding and its SHA-256.

The canonical encoding is JSON with keys in the order of the fields below and no white space. The receipt of a delivered
session names the SHA-256 of exactly those bytes, so they are stored and sent as they are, never made anew.
"""

import hashlib
import zlib

import msgspec
from msgspec import Struct

from coach.model.events import AnyEvent
from coach.model.messages import AnyMessage
from coach.model.plan import Plan
from coach.model.protocol import Protocol
from coach.model.summary import Summary
from firmware.journal.errors import DamagedSessionError, UnreadableRecordError
from firmware.system.timestamps import Timestamp

FORMAT = 1
_CLOCK_MOVED_S = 0.05


class StampAt(Struct, frozen=True):
    """The clocks at `t` seconds since the session began."""

    t: float
    stamp: Timestamp


class SessionDocument(Struct, frozen=True, kw_only=True):
    """All that is known of one session.

    `messages` are what went into the engine, the source of truth; `events` what came out. `stamps` tell the clocks at
    the first record, at the last, and wherever boot, synchronisation or wall clock changed between. `summary` is None
    while the session is unfinished, and `revision` 0.
    """

    format: int = FORMAT
    session_id: str
    revision: int
    plan: Plan
    protocol: Protocol
    begun: Timestamp
    stamps: tuple[StampAt, ...]
    summary: Summary | None
    messages: tuple[AnyMessage, ...]
    events: tuple[AnyEvent, ...]


class SessionRecord(SessionDocument, frozen=True, kw_only=True):
    """A document and where it stands. `sha256` is None while unfinished; `pruned`: raw data has left this machine."""

    sha256: str | None = None
    delivered: bool = False
    pruned: bool = False


class SessionLine(Struct, frozen=True, kw_only=True):
    """One line of the diary's list. `damaged`: the raw data failed its checksum; the rest is as it was written."""

    session_id: str
    begun: Timestamp
    participant: str
    nickname: str | None
    protocol: str
    finished: bool
    revision: int
    summary: Summary | None
    delivered: bool
    pruned: bool
    damaged: bool


class Batch(Struct, frozen=True):
    """What is committed together."""

    messages: tuple[AnyMessage, ...]
    events: tuple[AnyEvent, ...]


class SessionHead(Struct, frozen=True):
    """What is known when a session begins."""

    plan: Plan
    protocol: Protocol


_encoder = msgspec.json.Encoder(order="deterministic")
_document = msgspec.json.Decoder(SessionDocument)
_batch = msgspec.json.Decoder(Batch)
_head = msgspec.json.Decoder(SessionHead)
_summary = msgspec.json.Decoder(Summary)


def encode_batch(messages: tuple[AnyMessage, ...], events: tuple[AnyEvent, ...]) -> bytes:
    """Encode what came in and what came out.

    Raises UnreadableRecordError where it would not read back as the same: a number that is not finite, a foreign
    object.
    """
    batch = Batch(messages, events)
    encoded = _encode(batch, "a record")
    if _batch.decode(encoded) != batch:
        raise UnreadableRecordError("A record would not read back as it was given, so the journal refused it.")
    return encoded


def encode_head(plan: Plan, protocol: Protocol) -> bytes:
    """Encode a session's plan and protocol. Raises UnreadableRecordError as `encode_batch` does."""
    return _encode(SessionHead(plan, protocol), "a plan")


def encode_summary(summary: Summary) -> bytes:
    """Encode a summary. Raises UnreadableRecordError as `encode_batch` does."""
    return _encode(summary, "a summary")


def encode_document(document: SessionDocument) -> bytes:
    """Give the canonical encoding."""
    return _encoder.encode(document)


def decode_batch(encoded: bytes) -> Batch:
    """Read a batch back."""
    return _batch.decode(encoded)


def decode_head(encoded: bytes) -> SessionHead:
    """Read plan and protocol back."""
    return _head.decode(encoded)


def decode_summary(encoded: bytes) -> Summary:
    """Read a summary back."""
    return _summary.decode(encoded)


def decode_document(encoded: bytes) -> SessionDocument:
    """Read the canonical encoding. Raises DamagedSessionError where it is not one."""
    try:
        return _document.decode(encoded)
    except msgspec.MsgspecError as error:
        raise DamagedSessionError(f"This is not a session's document: {error}.") from error


def sha256_of(encoded: bytes) -> str:
    """SHA-256 of a canonical encoding, in hexadecimal: what a receipt must name."""
    return hashlib.sha256(encoded).hexdigest()


def pack(encoded: bytes) -> bytes:
    """Compress for the disk: a 45-minute session takes about a fifth."""
    return zlib.compress(encoded, 6)


def unpack(packed: bytes, sha256: str) -> bytes:
    """Undo `pack` and check. Raises DamagedSessionError where the bytes are not those that were stored."""
    try:
        encoded = zlib.decompress(packed)
    except zlib.error as error:
        raise DamagedSessionError("The session's stored data is damaged: it cannot be unpacked.") from error
    if sha256_of(encoded) != sha256:
        raise DamagedSessionError("The session's stored data is damaged: its checksum differs.")
    return encoded


def telling_stamps(stamps: list[StampAt]) -> tuple[StampAt, ...]:
    """Keep the first and last stamp, and those at which a clock did something that the one before did not foretell."""
    kept = stamps[:1]
    for at in stamps[1:]:
        was, now = kept[-1].stamp, at.stamp
        same = (was.boot_id, was.synchronised, was.repaired) == (now.boot_id, now.synchronised, now.repaired)
        moved_s = (now.wall_s - now.monotonic_s) - (was.wall_s - was.monotonic_s)
        if not same or abs(moved_s) > _CLOCK_MOVED_S:
            kept.append(at)
    if len(stamps) > 1 and kept[-1] is not stamps[-1]:
        kept.append(stamps[-1])
    return tuple(kept)


def _encode(value: Struct, what: str) -> bytes:
    try:
        encoded = _encoder.encode(value)
        msgspec.json.decode(encoded, type=type(value))
    except (msgspec.MsgspecError, TypeError, ValueError) as error:
        raise UnreadableRecordError(f"The journal refused {what} that could not be read back: {error}.") from error
    return encoded
