"""A session as the machine's journal keeps it, made into what goes over the wire.

The journal hands out its canonical document byte for byte; here it is read, laid out in columns and given the names of
clinic and machine. The receipt names the document's own SHA-256, so it does not matter that newer software may write
the same session with other bytes.
"""

from itertools import pairwise

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from coach.model.events import AnyEvent, Predicted
from coach.model.messages import AnyMessage, HeartRate, Time
from coach.model.plan import Plan
from coach.model.protocol import Protocol
from coach.model.summary import Summary
from sync.delivery.interface import SealedSession
from sync.errors import WireError
from sync.wire.messages import Clocks, ClocksAt, Quality, SessionDelivery, Software
from sync.wire.sample_columns import samples_of

DOCUMENT_FORMAT = 1


class ClockReading(Struct, frozen=True):
    """The clocks at `t`, as the journal writes them."""

    t: float
    stamp: Clocks


class Document(Struct, frozen=True, kw_only=True):
    """A session as the journal writes it."""

    format: int
    session_id: str
    revision: int
    plan: Plan
    protocol: Protocol
    begun: Clocks
    stamps: tuple[ClockReading, ...]
    summary: Summary
    messages: tuple[AnyMessage, ...]
    events: tuple[AnyEvent, ...]


class Sender(Struct, frozen=True):
    """Who sends: clinic and machine as in the topics, and what runs there."""

    clinic: str
    machine: str
    software: Software


_document = msgspec.json.Decoder(Document)


def pack(parcel: SealedSession, sender: Sender) -> SessionDelivery:
    """Return the delivery of one finished session. Raises WireError where its document is of an unknown kind."""
    try:
        document = _document.decode(parcel.document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"Session {parcel.session_id} cannot be read for sending: {error}.") from error
    if document.format != DOCUMENT_FORMAT or (document.session_id, document.revision) != (
        parcel.session_id,
        parcel.revision,
    ):
        raise WireError(f"Session {parcel.session_id} cannot be sent: its document is another one, or a newer form.")
    clocks = (ClocksAt(0.0, document.begun), *(ClocksAt(at.t, at.stamp) for at in document.stamps))
    rates = [message for message in document.messages if isinstance(message, HeartRate)]
    return SessionDelivery(
        session_id=document.session_id,
        revision=document.revision,
        sha256=parcel.sha256,
        clinic=sender.clinic,
        machine=sender.machine,
        participant=document.plan.participant,
        plan=replace(document.plan, nickname=None),
        protocol=document.protocol,
        events=tuple(event for event in document.events if not isinstance(event, Predicted)),
        inputs=tuple(message for message in document.messages if not isinstance(message, HeartRate | Time)),
        samples=samples_of(document.messages, document.events),
        summary=document.summary,
        clocks=clocks,
        software=sender.software,
        quality=Quality(
            rates=len(rates),
            rr_intervals=sum(len(rate.rr_ms) for rate in rates),
            longest_silence_s=_longest_silence_s(document),
            live_fraction=document.summary.signal_quality_fraction,
            signal=document.summary.signal,
            clock_trusted=all(at.clocks.trusted for at in clocks),
        ),
    )


def _longest_silence_s(document: Document) -> float:
    times = [0.0, *(m.t for m in document.messages if isinstance(m, HeartRate)), document.summary.duration_s]
    return max(0.0, *(later - earlier for earlier, later in pairwise(times)))
