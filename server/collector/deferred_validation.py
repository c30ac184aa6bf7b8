"""Reading through the sessions of which only the head was read while many waited, or which are large."""

import time

from server.clinic_folder.transactions import in_transaction
from server.collector import parser
from server.collector.messages import MessageSource, SessionArrived
from server.models import Session

AT_A_TIME = 20
LONGEST_S = 0.5
"""After so long, what has been found so far is kept; the rest comes next time."""


def read_some() -> int:
    """Read through some of them. Return how many were read; 0 where none is left. Raises StoreAwayError.

    The reading takes no lock: a session's delivery never changes.
    """
    numbers = in_transaction(
        lambda: list(Session.objects.filter(read_through=False).order_by("id").values_list("pk", flat=True)[:AT_A_TIME])
    )
    read, until_s = 0, time.monotonic() + LONGEST_S
    for number in numbers:
        if read and time.monotonic() >= until_s:
            break
        _read(number)
        read += 1
    return read


def _read(number: int) -> None:
    one = in_transaction(lambda: Session.objects.filter(pk=number).first())
    if one is None:
        return
    flaw = ""
    if one.payload is not None:
        source = MessageSource("", one.clinic, one.machine)
        found = parser.session(source, str(one.session_id), bytes(one.payload))
        flaw = "" if isinstance(found, SessionArrived) else str(getattr(found, "reason", "not understood"))[:200]
    in_transaction(lambda: Session.objects.filter(pk=number).update(read_through=True, flaw=flaw))
