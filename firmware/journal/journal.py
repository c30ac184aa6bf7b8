"""The journal: the one place where sessions are kept, and which says «saved» only of what is on the disk.

    journal = Journal.open(path)
    journal.begin(session_id, plan, protocol)
    journal.record(session_id, messages, events)       # returns at once; the future is done after the commit
    receipt = journal.finish(session_id, summary)      # done: the session can't be lost any more

No call waits for the disk, except `open` and `close`. Futures are `concurrent.futures.Future`s (`asyncio.wrap_future`
makes them awaitable); they are completed in the journal's own thread.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from msgspec import Struct

from coach.model.events import AdviceGiven, AnyEvent, Predicted, SignalChanged, TreadmillChanged
from coach.model.messages import AnyMessage, HeartRate, SourceLost, Time, TreadmillSpeed
from coach.model.plan import Plan
from coach.model.protocol import Protocol
from coach.model.summary import Summary
from firmware.journal import queries as store
from firmware.journal.errors import DamagedSessionError
from firmware.journal.file import JournalLock, Opening
from firmware.journal.queries import PendingDelivery, SessionVersion
from firmware.journal.record import (
    SessionLine,
    SessionRecord,
    encode_batch,
    encode_head,
    encode_summary,
)
from firmware.journal.writer import (
    Acknowledge,
    Append,
    Begin,
    Finish,
    JournalSettings,
    JournalWriter,
    SaveState,
    TakeBackReceipts,
    free_bytes,
)
from firmware.system.timestamps import StampClock, SystemStampClock, Timestamp

Answer = TypeVar("Answer")

_MAY_WAIT = (HeartRate, Time, SourceLost, TreadmillSpeed, AdviceGiven, Predicted, SignalChanged, TreadmillChanged)
"""Records that may wait for the next commit; a phase change, limit, pause, stop, answer or end is committed at once."""

LINES_A_PAGE = 500
MEMORY_FLOOR_BYTES = 4 * 1024 * 1024
"""In memory, less must be free than on a disk: a session and its delivery need less than 1 MB."""

_ALL = -1
"""SQL's word for no limit."""


class NoRoom(Struct, frozen=True):
    """Why no new session may start: less is free on the disk than a whole session and its delivery may need."""

    free_bytes: int
    floor_bytes: int
    code: str = "disk_full"

    def __str__(self) -> str:
        """Say what, why, and what to do."""
        return (
            f"No new session can start: {self.free_bytes // 2**20} MB are free on the disk of the diary, and "
            f"{self.floor_bytes // 2**20} MB are needed. Let the machine deliver its sessions, or remove other files."
        )


class Journal:
    """The diary of one machine, opened for writing. One at a time, in one process."""

    def __init__(
        self, path: Path, lock: JournalLock, writer: JournalWriter, clock: StampClock, floor_bytes: int
    ) -> None:
        """Use `Journal.open`."""
        self._path, self._lock, self._writer, self._clock = path, lock, writer, clock
        self._floor_bytes = floor_bytes
        self.opening: Opening = writer.opened.result()

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        clock: StampClock | None = None,
        settings: JournalSettings | None = None,
        on_state: Callable[[SaveState], None] | None = None,
        factory: type[sqlite3.Connection] = sqlite3.Connection,
    ) -> Self:
        """Open the journal; a damaged one is put aside and what can be read of it is carried over (see `opening`).

        `on_state` is called in the journal's thread when saving fails and when it works again.
        Raises JournalInUseError, JournalVersionError; sqlite3.Error or OSError where the disk refuses.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        clock, settings = clock or SystemStampClock(), settings or JournalSettings()
        lock = JournalLock(path)
        try:
            writer = JournalWriter(path, clock, settings, factory=factory, on_state=on_state)
            return cls(path, lock, writer, clock, settings.free_floor_bytes)
        except BaseException:
            lock.release()
            raise

    def close(self, timeout_s: float | None = None) -> bool:
        """Write what waits, close, and let another process in. Gives whether everything is on the disk."""
        everything_saved = self._writer.close(timeout_s)
        self._lock.release()
        return everything_saved

    def __enter__(self) -> Self:
        """Give the open journal."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    @property
    def state(self) -> SaveState:
        """Whether everything handed over is on the disk, now."""
        return self._writer.state

    @property
    def in_memory(self) -> bool:
        """Whether the file is in memory, since the card cannot be written."""
        return self._writer.in_memory

    def no_room(self) -> NoRoom | None:
        """Why no new session may start now; None where there is room. A session that runs is never refused."""
        free = free_bytes(self._writer.path)
        floor_bytes = MEMORY_FLOOR_BYTES if self.in_memory else self._floor_bytes
        if free >= floor_bytes:
            return None
        memory = self._writer.memory
        if memory is not None and free_bytes(memory) >= MEMORY_FLOOR_BYTES:
            # What the card does not take goes on in memory until it is delivered.
            return None
        return NoRoom(free, floor_bytes)

    def begin(self, session_id: str, plan: Plan, protocol: Protocol, stamp: Timestamp | None = None) -> Future[None]:
        """Begin a session, committed at once. Raises UnreadableRecordError."""
        return self._writer.put(Begin(session_id, encode_head(plan, protocol), stamp or self._clock.now()), urgent=True)

    def record(self, session_id: str, messages: Sequence[AnyMessage], events: Sequence[AnyEvent] = ()) -> Future[None]:
        """Keep what went into the engine, and what came out. The future is done when it is on the disk.

        Raises UnreadableRecordError at once where it could not be read back. An unknown session fails the future.
        """
        messages, events = tuple(messages), tuple(events)
        encode_batch(messages, events)
        records = (*messages, *events)
        urgent = any(not isinstance(record, _MAY_WAIT) for record in records)
        t = max((record.t for record in records), default=0.0)
        return self._writer.put(Append(session_id, t, self._clock.now(), messages, events), urgent=urgent)

    def finish(self, session_id: str, summary: Summary, revision: int | None = None) -> Future[SessionVersion]:
        """End a session, committed at once with all that waits. Done: it can't be lost any more, and will be delivered.

        Finishing again, after more was recorded (mood, exertion), makes a new revision: `revision`, or the next one.
        Raises UnreadableRecordError.
        """
        encode_summary(summary)
        return self._writer.put(Finish(session_id, summary, revision), urgent=True)

    def unfinished(self) -> Future[SessionRecord | None]:
        """Ask for the session to be offered again: the newest that began and did not end; None where there is none."""
        return self._writer.ask(_unfinished)

    def sessions(self, after: str = "", most: int | None = None) -> Future[tuple[SessionLine, ...]]:
        """Ask for the diary's list, oldest first: all of it, or at most `most` sessions after the one with an id."""
        return self._writer.ask(lambda connection: store.read_lines(connection, after, most))

    def lines(self) -> Iterator[SessionLine]:
        """Give the diary's list one by one, oldest first, and hold no more than a page of it. Waits for the disk."""
        after = ""
        while page := self.sessions(after, LINES_A_PAGE).result():
            yield from page
            after = page[-1].session_id

    def session(self, session_id: str) -> Future[SessionRecord]:
        """Ask for all of one session. The future fails with UnknownSessionError or DamagedSessionError."""
        return self._writer.ask(lambda connection: store.read_session(connection, session_id))

    def ask(self, question: Callable[[sqlite3.Connection], Answer]) -> Future[Answer]:
        """Have a question answered over the one connection; it may only read."""
        return self._writer.ask(question)

    def undelivered(self, limit: int = 10) -> Future[tuple[PendingDelivery, ...]]:
        """Ask for finished sessions of which no receipt has come, oldest first."""
        return self._writer.ask(lambda connection: _deliveries(connection, limit))

    def next_undelivered(self, held: Collection[str]) -> Future[PendingDelivery | None]:
        """Ask for the oldest finished session without a receipt that is not in `held`; None where there is none."""
        return self._writer.ask(lambda connection: _next_delivery(connection, held))

    def acknowledge(self, session_id: str, revision: int, sha256: str) -> Future[bool]:
        """Note the collector's receipt. True: it names the version stored now, which need not be delivered again.

        False: it names another version or session, and nothing is forgotten.
        """
        receipt = SessionVersion(session_id, revision, sha256)
        return self._writer.put(Acknowledge(receipt, self._clock.now()), urgent=True)

    def forget_receipts(self, since_wall_s: float, until_wall_s: float) -> Future[bool]:
        """Take back the receipts of this time, so that those sessions are delivered again.

        False: of some of them only the short line is still here.
        """
        return self._writer.put(TakeBackReceipts(since_wall_s, until_wall_s), urgent=True)


def _unfinished(connection: sqlite3.Connection) -> SessionRecord | None:
    while (session_id := store.unfinished_id(connection)) is not None:
        try:
            return store.read_session(connection, session_id)
        except DamagedSessionError:
            store.mark_damaged(connection, session_id)
    return None


def _deliveries(connection: sqlite3.Connection, limit: int) -> tuple[PendingDelivery, ...]:
    """Read what is to be delivered; a session whose document is damaged is marked and stands in nobody's way."""
    deliveries: list[PendingDelivery] = []
    while len(deliveries) < limit:
        receipts = store.undelivered_receipts(connection, limit)[len(deliveries) :]
        if not receipts:
            break
        for receipt in receipts:
            try:
                document = store.read_document(connection, receipt.session_id)
            except DamagedSessionError:
                store.mark_damaged(connection, receipt.session_id)
                break
            deliveries.append(PendingDelivery(receipt, document))
    return tuple(deliveries)


def _next_delivery(connection: sqlite3.Connection, held: Collection[str]) -> PendingDelivery | None:
    for receipt in store.undelivered_receipts(connection, _ALL):
        if receipt.session_id not in held:
            try:
                return PendingDelivery(receipt, store.read_document(connection, receipt.session_id))
            except DamagedSessionError:
                store.mark_damaged(connection, receipt.session_id)
    return None
