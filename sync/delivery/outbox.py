"""Which session goes next, which waits for its receipt, and which is put off. Pure: time is handed in.

Few sessions are held at a time. One that gets no receipt in time gives its place to the next, so that nothing that the
server cannot take holds up the rest; it is fetched from the journal again later, ever more seldom. What was put off
while the server was silent comes at once when it speaks again.
"""

from collections.abc import Iterator

from msgspec import Struct

from sync.wire.chunks import WHOLE_UP_TO_BYTES, can_cut, cut

FEW = 4
RECEIPT_WITHIN_S = 60.0
PUT_OFF_S, PUT_OFF_MOST_S = 60.0, 900.0
SET_ASIDE_S = 24 * 3600.0
"""What only a person can change is tried again once a day."""


class Shipment(Struct, frozen=True):
    """A sealed session on its way."""

    session_id: str
    revision: int
    sha256: str
    sealed: bytes


class _Place(Struct):
    shipment: Shipment
    payloads: tuple[bytes, ...] = ()
    next: int = 0
    sent_s: float = 0.0


class _PutOff(Struct, frozen=True):
    until_s: float
    since_s: float
    tries: int
    may_come_early: bool


class Outbox:
    """The sessions that the courier holds or knows of."""

    def __init__(self, few: int = FEW) -> None:
        """Hold nothing yet."""
        self._few = few
        self._places: dict[str, _Place] = {}
        self._put_off: dict[str, _PutOff] = {}
        self._last_receipt_s = float("-inf")

    def holds(self, now_s: float) -> tuple[str, ...]:
        """Ids that need not be handed over now."""
        return (*self._places, *(name for name, off in self._put_off.items() if off.until_s > now_s))

    @property
    def has_room(self) -> bool:
        """Whether another session would be taken."""
        return len(self._places) < self._few

    @property
    def waiting(self) -> int:
        """How many sessions are known that have no receipt."""
        return len(self._places) + sum(name not in self._places for name in self._put_off)

    def take(self, shipment: Shipment) -> None:
        """Take a session, or a newer revision of one, along."""
        self._places[shipment.session_id] = _Place(shipment)

    def to_send(self, most_bytes: int = WHOLE_UP_TO_BYTES) -> Iterator[tuple[Shipment, bytes]]:
        """Yield what is still to be published here, in order. Raises PartError where it cannot be cut so."""
        for place in tuple(self._places.values()):
            if not place.payloads:
                place.payloads = cut(place.shipment.sealed, most_bytes)
            while place.next < len(place.payloads):
                yield place.shipment, place.payloads[place.next]

    def not_cuttable(self, most_bytes: int) -> tuple[str, ...]:
        """Which of the sessions held cannot go in messages of this size at all."""
        return tuple(
            name for name, place in self._places.items() if not can_cut(len(place.shipment.sealed), most_bytes)
        )

    def sent(self, session_id: str, now_s: float) -> None:
        """Note that the next payload of this session was published."""
        place = self._places.get(session_id)
        if place is None:
            return
        place.next += 1
        place.sent_s = now_s

    def answered(self, session_id: str, now_s: float) -> None:
        """Note that the broker has taken a payload of this session."""
        place = self._places.get(session_id)
        if place is not None:
            place.sent_s = now_s

    def again(self) -> None:
        """Publish all that is held again: the connection, or the size, is a new one."""
        for place in self._places.values():
            place.payloads, place.next = (), 0

    def received(self, session_id: str, revision: int, sha256: str, now_s: float) -> None:
        """Forget a session: the server has it."""
        place = self._places.get(session_id)
        if place is not None and (place.shipment.revision, place.shipment.sha256) == (revision, sha256):
            del self._places[session_id]
        self._put_off.pop(session_id, None)
        for name, off in tuple(self._put_off.items()):
            if off.may_come_early and off.since_s > self._last_receipt_s:
                del self._put_off[name]
        self._last_receipt_s = now_s

    def put_off(self, session_id: str, now_s: float) -> None:
        """Give its place to the next, and try again later, each time twice as late."""
        known = self._put_off.get(session_id)
        tries = 0 if known is None else known.tries + 1
        self._places.pop(session_id, None)
        wait_s = min(PUT_OFF_MOST_S, PUT_OFF_S * 2 ** min(tries, 8))
        self._put_off[session_id] = _PutOff(now_s + wait_s, now_s, tries, may_come_early=True)

    def set_aside(self, session_id: str, now_s: float) -> None:
        """Try again only tomorrow: a person must look."""
        self._places.pop(session_id, None)
        self._put_off[session_id] = _PutOff(now_s + SET_ASIDE_S, now_s, 0, may_come_early=False)

    def put_off_unanswered(self, now_s: float) -> tuple[str, ...]:
        """Put off whatever has waited too long for its receipt; gives which."""
        late = tuple(
            name
            for name, place in self._places.items()
            if place.payloads and place.next >= len(place.payloads) and now_s - place.sent_s >= RECEIPT_WITHIN_S
        )
        for name in late:
            self.put_off(name, now_s)
        return late
