"""From topic and bytes to an arrival. Never raises: what cannot be read becomes a dead letter, or goes to quarantine.

Reading a session's head checks the envelope's checksum, who it is from and what it is; that is all that storing and its
receipt rest on, and costs a tenth of reading it through. Where many wait, the head is enough, and the rest is read
later (`server.collector.deferred_validation`).
"""

import hashlib
import math
import re
from collections.abc import Callable

import msgspec
from msgspec import Struct

from coach.model.summary import Summary
from server.collector.messages import (
    Arrival,
    Dead,
    KeptForAPerson,
    MessageSource,
    PartArrived,
    PlanWordArrived,
    ResultArrived,
    SessionArrived,
    StateArrived,
    Why,
)
from sync.errors import TopicError
from sync.wire import messages
from sync.wire.chunks import is_part, read_part
from sync.wire.codec import encode, read, read_session
from sync.wire.envelope import MOST_CONTENT_BYTES, Unreadable, beginning, unpacks_beyond
from sync.wire.ranges import find_out_of_range
from sync.wire.topics import PARTICIPANT, Kind, Topic, parse

MOST_REVISION = 2**31 - 1
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_COMMAND_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_LONGEST_PROTOCOL = 64
_AFTER_HEAD = b',"software":'
_HEAD_BYTES = 16 * 1024
READ_AT_ONCE_BYTES = 4 * 1024 * 1024
"""Ten times a usual session's content."""


class _Trusted(Struct, frozen=True):
    clock_trusted: bool


class DeliveryHead(Struct, frozen=True):
    """The fields of `sync.wire.messages.SessionDelivery` that storing needs; the others are passed over unread."""

    format: int
    session_id: str
    revision: int
    sha256: str
    clinic: str
    machine: str
    participant: str
    summary: Summary
    quality: _Trusted
    clocks: tuple[messages.ClocksAt, ...]


_head = msgspec.json.Decoder(DeliveryHead)


_SessionRead = DeliveryHead | messages.SessionDelivery | Unreadable


def arrival(topic_text: str, payload: bytes, *, thorough: bool = True) -> Arrival:
    """Return what this message is. `thorough`: a session is read through, not its head alone."""
    found = _arrival(topic_text, payload, read_session if thorough else _read_head_or_whole, thorough=thorough)
    if found is None:
        raise TypeError("A reader that reads all found nothing.")
    return found


def quick_arrival(topic_text: str, payload: bytes) -> Arrival | None:
    """Return what this is, a session by its head; None where one must be read whole to be known, however large."""
    return _arrival(topic_text, payload, _read_head, thorough=False)


def _arrival(
    topic_text: str, payload: bytes, read_one: Callable[[bytes], _SessionRead | None], *, thorough: bool
) -> Arrival | None:
    try:
        topic = parse(topic_text)
    except TopicError as error:
        return Dead(source=MessageSource(topic_text[:200]), why="not_a_topic", reason=str(error), payload=payload)
    source = MessageSource(topic_text, topic.clinic, topic.machine)
    match topic.kind:
        case Kind.SESSION if is_part(payload):
            return _part(source, topic, payload)
        case Kind.SESSION:
            found = read_one(payload)
            return None if found is None else _session(source, topic.name, payload, found, thorough=thorough)
        case Kind.STATE:
            return _state(source, topic, payload)
        case Kind.RESULT:
            return _result(source, payload)
        case Kind.TAKEN:
            return _plan_word(source, payload)
        case Kind.LIVE | Kind.RECEIPT | Kind.COMMAND | Kind.PLAN:
            return Dead(
                source=source, why="not_a_topic", reason="The collector has no use for this topic.", payload=payload
            )


def is_read_at_once(payload: bytes) -> bool:
    """Return whether a session is small enough to be read through before it is stored, as every usual one is."""
    return not unpacks_beyond(payload, READ_AT_ONCE_BYTES)


def whole_session(source: MessageSource, session_id: str, payload: bytes) -> Arrival:
    """Read a session that came in parts: a usual one through at once, of a larger one the head."""
    return session(source, session_id, payload, thorough=is_read_at_once(payload))


def session(source: MessageSource, session_id: str, payload: bytes, *, thorough: bool = True) -> Arrival:
    """Return a whole sealed session that came under this id."""
    found = read_session(payload) if thorough else _read_head_or_whole(payload)
    return _session(source, session_id, payload, found, thorough=thorough)


def _session(source: MessageSource, session_id: str, payload: bytes, found: _SessionRead, *, thorough: bool) -> Arrival:
    if isinstance(found, Unreadable):
        return _unreadable(source, session_id, found)
    problem = _not_its_own(source, session_id, found) or _not_usable(found)
    if problem is not None:
        why, reason = problem
        return Dead(source=source, why=why, reason=reason, payload=payload)
    return SessionArrived(
        source=source,
        session_id=session_id,
        revision=found.revision,
        sha256=found.sha256,
        participant=found.participant,
        protocol=found.summary.protocol,
        begun_wall_s=found.clocks[0].clocks.wall_s if found.clocks else 0.0,
        clock_trusted=found.quality.clock_trusted,
        completed=found.summary.completed,
        summary=encode(found.summary),
        format=found.format,
        read_through=thorough,
        payload=payload,
    )


def _read_head_or_whole(payload: bytes) -> _SessionRead:
    """Read the fields that come first. What is odd is read by the wire's own reader, which says what is wrong."""
    found = _read_head(payload)
    return read_session(payload) if found is None else found


def _read_head(payload: bytes) -> DeliveryHead | Unreadable | None:
    """Read the fields that come first; None where they are odd, or not in the content's beginning."""
    content = beginning(payload, _HEAD_BYTES)
    if isinstance(content, Unreadable):
        return content
    end = content.find(_AFTER_HEAD)
    try:
        # Inside a text the quotes would be escaped, so this is a key; deeper down the braces would not match.
        found = _head.decode(content[:end] + b"}")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    # What is out of range is read whole too: the reader says which value it is.
    sound = end > 0 and found.format == messages.FORMAT and not find_out_of_range(found)
    return found if sound else None


def _unreadable(source: MessageSource, session_id: str, found: Unreadable) -> Arrival:
    why = _why(found)
    if why == "newer":
        return KeptForAPerson(source=source, session_id=session_id, why=why, reason=found.reason, payload=found.kept)
    return Dead(source=source, why=why, reason=found.reason, payload=found.kept)


def _not_its_own(
    source: MessageSource, session_id: str, found: DeliveryHead | messages.SessionDelivery
) -> tuple[Why, str] | None:
    if (found.clinic, found.machine) != (source.clinic, source.machine):
        return "not_its_own", "The session says that it comes from another machine than the topic says."
    if found.session_id != session_id:
        return "not_its_own", "The session has another id than its topic."
    return None


def _not_usable(found: DeliveryHead | messages.SessionDelivery) -> tuple[Why, str] | None:
    if not 1 <= found.revision <= MOST_REVISION:
        return "not_understood", "The revision is out of range."
    if not _SHA256.match(found.sha256):
        return "not_understood", "The session's SHA-256 is none."
    if not PARTICIPANT.match(found.participant):
        return "not_understood", "The participant is no pseudonym."
    if not 1 <= len(found.summary.protocol) <= _LONGEST_PROTOCOL or not found.summary.protocol.isprintable():
        return "not_understood", "The protocol has no name that could be kept."
    if found.clocks and not math.isfinite(found.clocks[0].clocks.wall_s):
        return "not_understood", "The session's beginning is no time."
    return None


def _part(source: MessageSource, topic: Topic, payload: bytes) -> Arrival:
    found = read_part(payload)
    if isinstance(found, Unreadable):
        return _unreadable(source, topic.name, found)
    if found.total_bytes > MOST_CONTENT_BYTES:
        return Dead(source=source, why="too_large", reason="The session in parts is too large.", payload=payload)
    return PartArrived(
        source=source,
        session_id=topic.name,
        whole=found.whole,
        number=found.number,
        parts=found.parts,
        total_bytes=found.total_bytes,
        content=found.content,
    )


def _state(source: MessageSource, topic: Topic, payload: bytes) -> Arrival:
    found = read(payload, messages.State)
    if isinstance(found, Unreadable):
        return Dead(source=source, why=_why(found), reason=found.reason, payload=payload)
    if (found.clinic, found.machine) != (topic.clinic, topic.machine):
        reason = "The state says that it is of another machine than the topic says."
        return Dead(source=source, why="not_its_own", reason=reason, payload=payload)
    if not 0 <= found.connection < 2**63 or not 0 <= found.waiting <= MOST_REVISION:
        return Dead(source=source, why="not_understood", reason="A number in the state is none.", payload=payload)
    return StateArrived(source, found, encode(found))


def _result(source: MessageSource, payload: bytes) -> Arrival:
    found = read(payload, messages.CommandResult)
    if isinstance(found, Unreadable):
        return Dead(source=source, why=_why(found), reason=found.reason, payload=payload)
    if not _COMMAND_ID.match(found.id):
        return Dead(source=source, why="not_understood", reason="The command's id is none.", payload=payload)
    return ResultArrived(source, found, hashlib.sha256(payload).hexdigest())


def _plan_word(source: MessageSource, payload: bytes) -> Arrival:
    found = read(payload, messages.PlanTaken)
    if isinstance(found, Unreadable):
        return Dead(source=source, why=_why(found), reason=found.reason, payload=payload)
    if not PARTICIPANT.match(found.participant) or not 0 <= found.version <= MOST_REVISION:
        reason = "The participant is no pseudonym, or the version is none."
        return Dead(source=source, why="not_understood", reason=reason, payload=payload)
    if not math.isfinite(found.at.wall_s) or not math.isfinite(found.at.monotonic_s):
        return Dead(source=source, why="not_understood", reason="The time is none.", payload=payload)
    return PlanWordArrived(source, found, hashlib.sha256(payload).hexdigest())


def _why(found: Unreadable) -> Why:
    match found.why:
        case "newer":
            return "newer"
        case "damaged":
            return "damaged"
        case "too_large":
            return "too_large"
        case "not_an_envelope":
            return "not_an_envelope"
        case _:
            return "not_understood"
