"""The courier between one machine and the clinic's server, as the sync service sees it.

It is handed finished sessions, and tells of receipts. A receipt is the server's own word that the session is committed
there; nothing else is one. The machine forgets a session only when a receipt names its id, revision and SHA-256.
"""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from sync.delivery.fault_registry import Trouble
from sync.wire.messages import Command, CommandResult, DeliverAgain, Live, PlanOnWire, PlanTaken, State


class CommittedVersion(Struct, frozen=True):
    """The server has committed this version of this session."""

    session_id: str
    revision: int
    sha256: str


class SealedSession(Struct, frozen=True):
    """One finished session: `document` is its canonical encoding, to be delivered byte for byte as it is."""

    session_id: str
    revision: int
    sha256: str
    document: bytes


class PlanCame(Struct, frozen=True):
    """A participant's plan, for the coach to check and use."""

    plan: PlanOnWire


class PlanWithdrawn(Struct, frozen=True):
    """The participant's plan no longer holds."""

    participant: str


Arrival = PlanCame | PlanWithdrawn | Command | DeliverAgain
"""What comes for the coach, beside receipts."""


class Courier(Protocol):
    """Whoever carries sessions to the server. No call waits for the network."""

    @property
    def holds(self) -> tuple[str, ...]:
        """Ids of the sessions it has been handed and has no receipt for: they need not be handed over again."""
        ...

    @property
    def wants_more(self) -> bool:
        """Whether it would take another session now."""
        ...

    @property
    def turns(self) -> bool:
        """Whether its own loop has turned lately; one that has not will never deliver again."""
        ...

    def hand_over(self, parcel: SealedSession) -> None:
        """Take a session along."""
        ...

    def receipts(self) -> tuple[CommittedVersion, ...]:
        """Receipts that have come since the last call."""
        ...

    def fileno(self) -> int | None:
        """Return what becomes readable when there is something new to ask for; None where nothing ever comes."""
        ...

    def arrivals(self) -> tuple[Arrival, ...]:
        """Plans and commands that have come since the last call."""
        ...

    def show(self, live: Live) -> None:
        """Take the newest picture of the machine, for all who watch the room."""
        ...

    def answer(self, result: CommandResult) -> None:
        """Tell what became of a command."""
        ...

    def tell_plan(self, word: PlanTaken) -> None:
        """Tell what became of a plan."""
        ...

    def tell_delivered_again(self, done: DeliverAgain) -> None:
        """Tell that the receipts of this time were taken back."""
        ...

    def note(self, trouble: Trouble, detail: str = "", about: str = "") -> None:
        """Something is wrong that the server should know of."""
        ...

    def clear(self, trouble: Trouble, about: str = "") -> None:
        """Note that it is right again."""
        ...

    def tell_machine(self, found: Mapping[str, str]) -> None:
        """Take what the machine finds wrong with itself now, details by code."""
        ...

    @property
    def state(self) -> State | None:
        """How it stands with the server; None where there is none."""
        ...

    def close(self) -> None:
        """Stop; what has no receipt stays in the machine's journal and is handed over again next time."""
        ...


class KeepingCourier:
    """A machine without a server: there is nowhere to send to, so nothing is acknowledged and the journal keeps all.

    It remembers ids only, never documents, so that it stays small however many sessions wait.
    """

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._held: dict[str, CommittedVersion] = {}

    @property
    def holds(self) -> tuple[str, ...]:
        """Ids of the sessions that wait for a server."""
        return tuple(self._held)

    @property
    def wants_more(self) -> bool:
        """Always: only the id is kept."""
        return True

    @property
    def turns(self) -> bool:
        """Always: it has no loop of its own."""
        return True

    def hand_over(self, parcel: SealedSession) -> None:
        """Note that the session waits."""
        self._held[parcel.session_id] = CommittedVersion(parcel.session_id, parcel.revision, parcel.sha256)

    def receipts(self) -> tuple[CommittedVersion, ...]:
        """None, ever: nobody has committed anything."""
        return ()

    def fileno(self) -> int | None:
        """Nothing ever comes."""
        return None

    def arrivals(self) -> tuple[Arrival, ...]:
        """None, ever."""
        return ()

    def show(self, live: Live) -> None:
        """Nobody watches."""

    def answer(self, result: CommandResult) -> None:
        """Nobody asked."""

    def tell_plan(self, word: PlanTaken) -> None:
        """Nobody asked."""

    def tell_delivered_again(self, done: DeliverAgain) -> None:
        """Do nothing: no server asked."""

    def note(self, trouble: Trouble, detail: str = "", about: str = "") -> None:
        """There is nobody to tell."""

    def clear(self, trouble: Trouble, about: str = "") -> None:
        """There is nobody to tell."""

    def tell_machine(self, found: Mapping[str, str]) -> None:
        """There is nobody to tell."""

    @property
    def state(self) -> State | None:
        """There is no server."""
        return None

    def close(self) -> None:
        """There is nothing to let go of."""
