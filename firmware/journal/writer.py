"""The one thread that owns the journal's connection: it writes in order, and says «saved» only after a commit returned.

Theory of operation. Callers put writes in a queue and go on at once. The thread takes all that wait, in order, into
one transaction: at once where something urgent is among them, else when the oldest has waited `commit_every_s`. If the
disk refuses, nothing is lost or claimed: the transaction is rolled back, the state becomes `not_saved` with its reason,
and the same writes are tried again every `retry_s`. After a failed sync the same connection writes the same pages
again: a new one would believe what it reads in the system's cache, which the disk may never have got. After damage the
file is opened anew, which rescues it; the session that runs is kept in memory too, and written into it again.
"""

import logging
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Literal, TypeVar

from msgspec import Struct

from coach.model.events import AnyEvent, PhaseStarted
from coach.model.messages import AnyMessage
from coach.model.summary import Summary
from firmware.journal import file
from firmware.journal import queries as store
from firmware.journal.errors import JournalError
from firmware.journal.queries import SessionVersion, StoredBatch
from firmware.journal.record import encode_batch
from firmware.journal.reserve import give_back_reserve, take_reserve
from firmware.journal.return_to_card import bring_back, bring_back_kept
from firmware.system.timestamps import StampClock, Timestamp

_log = logging.getLogger(__name__)

KEEP_LOG_SIZE, EMPTY_LOG = "PRAGMA wal_checkpoint(RESTART)", "PRAGMA wal_checkpoint(TRUNCATE)"
"""Both bring the log into the database file and sync it. While a session runs the log keeps its size: a file that grows
costs the file system a second flush for each commit. At its end it is emptied, so that nothing stays in it."""

LET_GO_AT_ONCE = 2
"""Sessions whose raw data is let go in one transaction: their pages must fit into the reserve."""

NotSavedReason = Literal["disk_full", "io_error", "damaged", "read_only", "failed"]
Answer = TypeVar("Answer")


class JournalSettings(Struct, frozen=True, kw_only=True):
    """`commit_every_s` ≤ 5: the most heart rate a power cut may take (faults.md, row 1). Times in s, sizes in bytes.

    `free_floor_bytes`: with less on the disk, delivered raw data is let go; 0: the disk is not watched, nor its reserve
    taken. `not_on_disk`: the file is in memory for this reason (`firmware.journal.memory`), so nothing in it is saved.
    `memory`: where the file goes on when its folder has refused every write for `move_after_s`; `card`: where a file
    that is in memory belongs, and goes back to once that can be written again.
    """

    commit_every_s: float = 4.0
    retry_s: float = 1.0
    housekeeping_s: float = 60.0
    keep_acknowledged_days: float = 30.0
    free_floor_bytes: int = 64 * 1024 * 1024
    not_on_disk: NotSavedReason | None = None
    memory: Path | None = None
    card: Path | None = None
    move_after_s: float = 10.0


class SaveState(Struct, frozen=True):
    """Whether all that was handed over is on the disk. `reason`: why `not_saved`; `waiting`: writes not there yet."""

    status: Literal["saved", "saving", "not_saved"]
    reason: NotSavedReason | None = None
    waiting: int = 0


class Begin(Struct, frozen=True):
    """Write: a session began."""

    session_id: str
    head: bytes
    stamp: Timestamp


class Append(Struct, frozen=True):
    """Write: records of a session, at its second `t`."""

    session_id: str
    t: float
    stamp: Timestamp
    messages: tuple[AnyMessage, ...]
    events: tuple[AnyEvent, ...]


class Finish(Struct, frozen=True):
    """Write: a session ended."""

    session_id: str
    summary: Summary
    revision: int | None


class Acknowledge(Struct, frozen=True):
    """Write: a receipt came."""

    receipt: SessionVersion
    stamp: Timestamp


class TakeBackReceipts(Struct, frozen=True):
    """Write: the server may lack what it receipted between these wall times."""

    since_wall_s: float
    until_wall_s: float


Write = Begin | Append | Finish | Acknowledge | TakeBackReceipts


class _Waiting(Struct):
    write: Write
    urgent: bool
    since_s: float
    future: Future[Any]


class _Live(Struct):
    """What is known to be committed of an unfinished session."""

    head: bytes
    stamp: Timestamp
    batches: list[StoredBatch]


class JournalWriter:
    """See the module's theory of operation. Every method but `close` returns at once."""

    def __init__(
        self,
        path: Path,
        clock: StampClock,
        settings: JournalSettings,
        *,
        factory: type[sqlite3.Connection] = sqlite3.Connection,
        on_state: Callable[[SaveState], None] | None = None,
    ) -> None:
        """Start the thread; `opened` tells when it has the file. `on_state` is called there on failure and recovery."""
        self._path, self._clock, self._settings, self._factory = path, clock, settings, factory
        self._on_state = on_state
        self._condition = threading.Condition()
        self._waiting: deque[_Waiting] = deque()
        self._questions: deque[tuple[Callable[[sqlite3.Connection], Any], Future[Any]]] = deque()
        self._closing = False
        self._reason: NotSavedReason | None = None
        self._not_on_disk = settings.not_on_disk
        self._card = settings.card
        self._card_lock: file.JournalLock | None = None
        self._failed_since_s: float | None = None
        self._retry_at_s = 0.0
        self._connection: sqlite3.Connection | None = None
        self._live: dict[str, _Live] = {}
        self._rewrite_live = False
        self._log_proven = False
        self._times_repaired = False
        self._housekeeping_at_s = 0.0
        self.opened: Future[file.Opening] = Future()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def state(self) -> SaveState:
        """Whether everything handed over is on the disk, now."""
        with self._condition:
            waiting = len(self._waiting)
            reason = self._reason or self._not_on_disk
            if reason is not None:
                return SaveState("not_saved", reason, waiting)
            return SaveState("saving" if waiting else "saved", None, waiting)

    @property
    def in_memory(self) -> bool:
        """Whether the file is in memory, where nothing is saved."""
        return self._not_on_disk is not None

    @property
    def path(self) -> Path:
        """Where the file is now."""
        return self._path

    @property
    def memory(self) -> Path | None:
        """Where the file can go on when the card refuses it; None where it is there, or has no such place."""
        return None if self.in_memory else self._settings.memory

    def put(self, write: Write, *, urgent: bool) -> Future[Any]:
        """Hand over a write. The future is done when the commit that holds it has returned, and never before."""
        future: Future[Any] = Future()
        with self._condition:
            if self._closing:
                raise JournalError("The journal is closed, so nothing more can be recorded. Open it again first.")
            self._waiting.append(_Waiting(write, urgent, time.monotonic(), future))
            self._condition.notify()
        return future

    def ask(self, question: Callable[[sqlite3.Connection], Answer]) -> Future[Answer]:
        """Have a question answered over the one connection, after all that was handed over before, if the disk lets."""
        future: Future[Answer] = Future()
        with self._condition:
            if self._closing:
                raise JournalError("The journal is closed, so nothing can be read. Open it again first.")
            self._questions.append((question, future))
            self._condition.notify()
        return future

    def close(self, timeout_s: float | None = None) -> bool:
        """Write what waits and close. Gives whether all of it is on the disk."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        self._thread.join(timeout_s)
        return not self._thread.is_alive() and not self._waiting

    def _run(self) -> None:
        try:
            self._connection, opening = file.open_file(self._path, self._factory)
        except BaseException as error:  # noqa: BLE001 - whoever opens the journal is told, whatever it was
            self._closing = True
            self.opened.set_exception(error)
            return
        if not self.in_memory:
            bring_back_kept(self._path, self._connection)
        self.opened.set_result(opening)
        while True:
            with self._condition:
                while not self._something_due():
                    self._condition.wait(self._wait_s())
                closing = self._closing
                questions = list(self._questions)
                self._questions.clear()
            self._flush()
            for question, future in questions:
                self._answer(question, future)
            self._housekeep()
            if closing:
                break
        self._abandon()

    def _abandon(self) -> None:
        if self._connection is not None:
            file.close(self._connection)
        if self._card_lock is not None:
            self._card_lock.release()
        with self._condition:
            for waiting in self._waiting:
                waiting.future.cancel()
            for _, future in self._questions:
                future.cancel()

    def _something_due(self) -> bool:
        return self._closing or bool(self._questions) or self._wait_s() <= 0

    def _wait_s(self) -> float:
        now_s = time.monotonic()
        due_s = self._housekeeping_at_s
        if self._waiting:
            urgent = any(waiting.urgent for waiting in self._waiting)
            commit_s = 0.0 if urgent else self._waiting[0].since_s + self._settings.commit_every_s
            due_s = min(due_s, max(commit_s, self._retry_at_s))
        return max(0.0, due_s - now_s)

    def _flush(self) -> None:
        """Commit all that waits, or keep it."""
        with self._condition:
            batch = list(self._waiting)
        if not batch and self._reason is None:
            return
        try:
            outcomes = self._commit([waiting.write for waiting in batch])
        except Exception as error:  # noqa: BLE001 - whatever it was, the thread lives on and nothing is called saved
            self._failed(error)
            return
        with self._condition:
            for _ in batch:
                self._waiting.popleft()
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if waiting.future.set_running_or_notify_cancel():
                if isinstance(outcome, BaseException):
                    waiting.future.set_exception(outcome)
                else:
                    waiting.future.set_result(outcome)
        self._succeeded()
        if any(isinstance(waiting.write, Finish) for waiting in batch):
            self._tidy()
        elif any(_begins_phase(waiting.write) for waiting in batch):
            # Damage in the log costs one phase at most; and a log that never grows needs one flush a commit, not two.
            self._checkpoint()

    def _commit(self, writes: Sequence[Write]) -> list[Any]:
        """Write all in one transaction. Gives for each its result, or the error that concerns it alone."""
        connection = self._open_again()
        self._prove_log(connection)
        connection.execute("BEGIN IMMEDIATE")
        try:
            if self._rewrite_live:
                for session_id, live in self._live.items():
                    store.insert_session(connection, session_id, live.head, live.stamp)
                    for batch in live.batches:
                        store.insert_batch(connection, session_id, batch)
            committed: list[tuple[str, _Live | StoredBatch | None]] = []
            outcomes: list[Any] = []
            for run in _runs(writes):
                outcome = self._apply(connection, run, committed)
                outcomes.extend([outcome] * len(run))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._rewrite_live = False
        for session_id, change in committed:
            if change is None:
                self._live.pop(session_id, None)
            elif isinstance(change, _Live):
                self._live.setdefault(session_id, change)
            else:
                self._live[session_id].batches.append(change)
        return outcomes

    def _apply(
        self,
        connection: sqlite3.Connection,
        run: Sequence[Write],
        committed: list[tuple[str, _Live | StoredBatch | None]],
    ) -> Any:  # noqa: ANN401 - each kind of write has its own result
        """Do one write, or one run of appends as one batch; what concerns it alone is given back, not raised."""
        connection.execute("SAVEPOINT one")
        try:
            match run[0]:
                case Begin(session_id, head, stamp):
                    store.insert_session(connection, session_id, head, stamp)
                    committed.append((session_id, _Live(head, stamp, [])))
                    result: Any = None
                case Append(session_id, t, stamp):
                    appends = [write for write in run if isinstance(write, Append)]
                    records = encode_batch(
                        tuple(message for write in appends for message in write.messages),
                        tuple(event for write in appends for event in write.events),
                    )
                    # A session may be finished and go on (Borg, a cool-down) within one transaction.
                    changes = [change for name, change in committed if name == session_id]
                    known = changes[-1] is not None if changes else session_id in self._live
                    if not known:
                        head, begun, batches = store.raw_session(connection, session_id)
                        committed.append((session_id, _Live(head, begun, batches)))
                    batch = StoredBatch(store.next_sequence(connection, session_id), t, stamp, records)
                    store.insert_batch(connection, session_id, batch)
                    committed.append((session_id, batch))
                    result = None
                case Finish(session_id, summary, revision):
                    result = store.finish(connection, session_id, summary, revision)
                    committed.append((session_id, None))
                case Acknowledge(receipt, stamp):
                    result = store.acknowledge(connection, receipt, stamp)
                case TakeBackReceipts(since_wall_s, until_wall_s):
                    result = store.forget_receipts(connection, since_wall_s, until_wall_s)
        except (JournalError, sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError) as error:
            connection.execute("ROLLBACK TO one")
            result = error
        connection.execute("RELEASE one")
        return result

    def _open_again(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection, opening = file.open_file(self._path, self._factory)
            self._log_proven = False
            if opening.quarantined is not None:
                self._rewrite_live = True
                _log.error("The diary was damaged and put aside as %s.", opening.quarantined)
        return self._connection

    def _prove_log(self, connection: sqlite3.Connection) -> None:
        """Before the first commit, bring what an earlier process left in the log into the file, and sync that.

        If a sync had failed there, the log may read well out of the system's cache and yet not be on the disk; what is
        committed after it would be lost with it in a power cut, though it was said to be saved.
        """
        if not self._log_proven:
            connection.execute(EMPTY_LOG).fetchall()
            self._log_proven = True

    def _failed(self, error: Exception) -> None:
        reason = reason_of(error)
        if reason == "disk_full" and self._connection is not None:
            self._make_room()
        elif reason != "io_error" and self._connection is not None:
            file.close(self._connection)
            self._connection = None
        if reason in ("io_error", "read_only", "disk_full"):
            self._move_to_memory(reason)
        with self._condition:
            self._retry_at_s = time.monotonic() + self._settings.retry_s
            changed, self._reason = self._reason != reason, reason
        if changed:
            _log.error("Not saved (%s): %s. Kept in memory; trying again.", reason, repr(error))
            self._tell()

    def _move_to_memory(self, reason: NotSavedReason) -> None:
        """Go on in memory where the disk has given up, so that a session that ends is delivered."""
        now_s = time.monotonic()
        self._failed_since_s = now_s if self._failed_since_s is None else self._failed_since_s
        memory = self.memory
        if memory is None or now_s - self._failed_since_s < self._settings.move_after_s:
            return
        # A full disk still takes a byte, and no session.
        if reason != "disk_full" and file.find_write_fault(self._path.parent) is None:
            return
        if self._connection is not None:
            file.close(self._connection)
            self._connection = None
        file.copy_to_memory(self._path, memory)
        with self._condition:
            self._card, self._path, self._not_on_disk, self._rewrite_live = self._path, memory, reason, True
        _log.error("The card cannot be written any more. The diary goes on in memory until it is delivered.")

    def _return_to_card(self) -> None:
        """Go back to the card where it can be written again and has room, while no session is under way.

        Raises OSError, JournalError or sqlite3.Error where it cannot; the file in memory goes on then.
        """
        card, memory = self._card, self._path
        if not self.in_memory or card is None or self._live or self._connection is None:
            return
        if free_bytes(card) < self._settings.free_floor_bytes or file.find_write_fault(card.parent) is not None:
            return
        if self._settings.card is not None and self._card_lock is None:
            self._card_lock = file.JournalLock(card)
        connection, opening = file.open_file(card, self._factory)
        try:
            self._log_proven = False
            self._prove_log(connection)
            carried = bring_back(self._connection, connection)
        except BaseException:
            file.close(connection)
            raise
        file.close(self._connection)
        with self._condition:
            self._connection, self._path, self._not_on_disk = connection, card, None
        if opening.quarantined is not None:
            _log.error("The diary was damaged and put aside as %s.", opening.quarantined)
        _log.warning("The card can be written again: %d sessions went back to it from memory.", carried)
        try:
            file.remove_diary(memory)
        except OSError as error:
            _log.warning("The diary in memory could not be removed: %s.", error)
        self._tell()

    def _succeeded(self) -> None:
        self._failed_since_s = None
        with self._condition:
            self._retry_at_s = 0.0
            changed, self._reason = self._reason is not None, None
        if changed:
            _log.warning("All that waited is in memory." if self.in_memory else "Saved again: all is on the disk.")
            self._tell()

    def _tell(self) -> None:
        if self._on_state is not None:
            try:
                self._on_state(self.state)
            except Exception:  # noqa: BLE001 - it is said, and the thread lives on
                _log.exception("Whoever is told of the diary's state failed; the diary goes on.")

    def _answer(self, question: Callable[[sqlite3.Connection], Any], future: Future[Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            try:
                answer = question(self._open_again())
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                if not file.is_damage(error) or self._connection is None:
                    raise
                file.close(self._connection)
                self._connection = None
                answer = question(self._open_again())
        except Exception as error:  # noqa: BLE001 - whoever asked is told; the thread lives on
            future.set_exception(error)
        else:
            future.set_result(answer)

    def _housekeep(self) -> None:
        """Repair wall times once the clock is synchronised; let go of old raw data that the server has."""
        if time.monotonic() < self._housekeeping_at_s or self._reason is not None or self._connection is None:
            self._housekeeping_at_s = max(self._housekeeping_at_s, time.monotonic() + self._settings.retry_s)
            return
        self._housekeeping_at_s = time.monotonic() + self._settings.housekeeping_s
        now = self._clock.now()
        try:
            self._return_to_card()
            if now.synchronised and not self._times_repaired:
                repaired = _in_transaction(self._connection, lambda on: store.repair_wall_times(on, now))
                if repaired:
                    _log.info("Wall times of %d sessions repaired.", repaired)
            self._times_repaired = now.synchronised
            if now.synchronised:
                before_wall_s = now.wall_s - self._settings.keep_acknowledged_days * 86400
                if _in_transaction(
                    self._connection, lambda on: store.prune(on, acknowledged_before_wall_s=before_wall_s)
                ):
                    self._tidy()
            if free_bytes(self._path) < self._settings.free_floor_bytes:
                self._make_room()
            elif self._settings.free_floor_bytes and not self.in_memory:
                take_reserve(self._path)
        except Exception as error:  # noqa: BLE001 - it is tried again at its time; the thread lives on
            _log.warning("Housekeeping of the diary was put off: %s.", error)

    def _make_room(self) -> None:
        """Let go of raw data that the server has, and of nothing else."""
        try:
            try:
                pruned = self._let_go()
            except sqlite3.OperationalError as error:
                if reason_of(error) != "disk_full" or not give_back_reserve(self._path):
                    raise
                pruned = self._let_go()
            if pruned:
                _log.warning("The disk is short: raw data of %d delivered sessions was let go.", pruned)
        except (sqlite3.Error, OSError) as error:
            _log.warning("No room could be made on the disk: %s.", error)

    def _let_go(self) -> int:
        """Let go of delivered raw data, a few sessions at a time; return how many it was. Raises sqlite3.Error."""
        connection = self._connection
        assert connection is not None  # noqa: S101 - both callers of `_make_room` have looked
        total = 0
        while pruned := _in_transaction(
            connection, lambda on: store.prune(on, acknowledged_before_wall_s=None, limit=LET_GO_AT_ONCE)
        ):
            total += pruned
            self._tidy()
        return total

    def _checkpoint(self) -> None:
        """Bring the log into the database file and begin it again at its old size."""
        assert self._connection is not None  # noqa: S101 - a commit has just succeeded
        try:
            self._connection.execute(KEEP_LOG_SIZE).fetchall()
        except sqlite3.Error as error:
            _log.warning("The diary's log could not be brought into its file yet: %s.", error)

    def _tidy(self) -> None:
        """Give free pages back and bring the log into the database file; what is committed does not depend on it."""
        if self._connection is not None:
            try:
                # As a script: `execute` would take one step of it, which frees one page.
                self._connection.executescript("PRAGMA incremental_vacuum")
                self._connection.execute(EMPTY_LOG).fetchall()
            except sqlite3.Error as error:
                _log.warning("The diary's log could not be brought into its file yet: %s.", error)


def reason_of(error: Exception) -> NotSavedReason:
    """Name why nothing could be saved, for the screen and the log."""
    if isinstance(error, OSError):
        return "io_error"
    if file.is_damage(error):
        return "damaged"
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return "disk_full"
        case sqlite3.SQLITE_IOERR:
            return "io_error"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return "read_only"
        case _:
            return "failed"


def free_bytes(path: Path) -> int:
    """Bytes that may still be written beside `path`."""
    disk = os.statvfs(path.parent)
    return disk.f_bavail * disk.f_frsize


def _runs(writes: Sequence[Write]) -> list[list[Write]]:
    """Put appends to one session that follow each other together."""
    runs: list[list[Write]] = []
    for write in writes:
        before = runs[-1][-1] if runs else None
        if isinstance(write, Append) and isinstance(before, Append) and write.session_id == before.session_id:
            runs[-1].append(write)
        else:
            runs.append([write])
    return runs


def _begins_phase(write: Write) -> bool:
    return isinstance(write, Append) and any(isinstance(event, PhaseStarted) for event in write.events)


def _in_transaction(connection: sqlite3.Connection, act: Callable[[sqlite3.Connection], Answer]) -> Answer:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = act(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result
