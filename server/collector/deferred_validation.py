"""Reading through, in a quiet moment, the sessions of which only the head was read while many waited."""

from server.clinic_folder.transactions import in_transaction
from server.collector import parser
from server.collector.messages import MessageSource, SessionArrived
from server.models import Session

AT_A_TIME = 20


def read_some() -> int:
    """Read through some of them. Gives how many were read; 0 where none is left. Raises StoreAwayError."""
    return in_transaction(_read_some)


def _read_some() -> int:
    unread = list(Session.objects.filter(read_through=False).order_by("id")[:AT_A_TIME])
    for one in unread:
        flaw = ""
        if one.payload is not None:
            source = MessageSource("", one.clinic, one.machine)
            found = parser.session(source, str(one.session_id), bytes(one.payload))
            flaw = "" if isinstance(found, SessionArrived) else str(getattr(found, "reason", "not understood"))[:200]
        Session.objects.filter(pk=one.pk).update(read_through=True, flaw=flaw)
    return len(unread)
