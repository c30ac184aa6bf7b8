"""Reading through the sessions of which only the head was read while many waited, or which are large."""

import time

from server.clinic_folder.transactions import in_transaction
from server.collector import parser
from server.collector.messages import Arrival, MessageSource, SessionArrived
from server.collector.reader_process import ReaderProcess
from server.models import Session
from sync.wire.topics import Kind, Topic, build

AT_A_TIME = 20
LONGEST_S = 0.5
"""After so long, what has been found so far is kept; the rest comes next time."""


def read_some(reader: ReaderProcess) -> int:
    """Read through some of them. Return how many were read; 0 where none is left. Raises StoreAwayError.

    Large ones are read by `reader`, so that no thread of the collector waits for them.

    The reading takes no lock: a session's delivery never changes.
    """
    numbers = in_transaction(
        lambda: list(Session.objects.filter(read_through=False).order_by("id").values_list("pk", flat=True)[:AT_A_TIME])
    )
    read, until_s = 0, time.monotonic() + LONGEST_S
    for number in numbers:
        if read and time.monotonic() >= until_s:
            break
        _read(number, reader)
        read += 1
    return read


def _read(number: int, reader: ReaderProcess) -> None:
    one = in_transaction(lambda: Session.objects.filter(pk=number).first())
    if one is None:
        return
    flaw = ""
    if one.payload is not None:
        found = _found(one, bytes(one.payload), reader)
        flaw = "" if isinstance(found, SessionArrived) else str(getattr(found, "reason", "not understood"))[:200]
    in_transaction(lambda: Session.objects.filter(pk=number).update(read_through=True, flaw=flaw))


def _found(one: Session, payload: bytes, reader: ReaderProcess) -> Arrival:
    session_id = str(one.session_id)
    if parser.is_read_at_once(payload):
        return parser.session(MessageSource("", one.clinic, one.machine), session_id, payload)
    return reader.read(build(Topic(one.clinic, one.machine, Kind.SESSION, session_id)), payload)
