"""The collector: from the broker into the database, and a receipt for each session that is committed.

    received ──► read ──► committed ──► receipted ──► acknowledged

Whatever stops it between two of these, nothing is lost: what is not acknowledged the broker sends again, what has no
receipt the machine sends again, and what is committed is found again. While the database is away nothing is
receipted or acknowledged, so the broker's receive maximum bounds what waits here.
"""

import logging
import queue
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Literal, Protocol
from uuid import uuid4

from msgspec import Struct

from server.accounts.message_sequences import (
    SequenceMark,
    doubled_machines,
    mark_of,
    missing_messages,
    note_doubled,
    note_unborn,
)
from server.broker.mqtt_client import BrokerLink, LinkSettings, Received
from server.clinic_folder import transactions
from server.collector import deferred_validation, store
from server.collector.fair_queue import FairQueue, machine_of
from server.collector.flood_guard import FloodGuard
from server.collector.messages import (
    Arrival,
    Dead,
    MessageSource,
    PartArrived,
    PlanWordArrived,
    ResultArrived,
    SessionArrived,
)
from server.collector.metrics import CollectorMetrics
from server.collector.parser import arrival, is_read_at_once, quick_arrival
from server.collector.processor_time import USUAL_S, ProcessorTime
from server.collector.reader_process import ReaderProcess
from server.collector.slow_lane import SlowLane
from server.diary import ingest
from server.errors import StoreAwayError, StoreRefusedError
from server.follow_up import checking
from server.json_logging import log_fields
from sync.wire.chunks import is_part
from sync.wire.codec import encode
from sync.wire.messages import Receipt, WordReceipt
from sync.wire.topics import Kind, Topic, build

_log = logging.getLogger(__name__)

Step = Literal["received", "read", "committed", "receipted", "acknowledged"]

READERS = 2
SHARE = 25
"""Messages that a reader takes at a time."""

THOROUGH_UP_TO = 20
"""Batches up to this size are read through before they are stored; of larger ones the heads, and the rest in quiet."""

THOROUGH_S = 0.1
"""After so long the rest of a batch is read by its heads: one machine's large sessions hold up no other's receipt."""

FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 10.0
QUIET_S = 1.0
CHECK_EVERY_S, CHECKED_AT_A_TIME = 2.0, 20
"""Follow-up rules: 5,000 participants are looked at within ten minutes of midnight."""
TIDY_EVERY_S = 3600.0
GATE_EVERY_S = 10.0
PROVED_WITHIN_S = 20.0
ENTER_WITHIN_S = 10.0
"""Diary entries wait no longer than this where single sessions come all the time; a flood they wait out."""
ENTER_EVERY_S = 60.0
"""Without a session of one's own: another collector's that was late, or a clinic that has been added."""


class CollectorSettings(Struct, frozen=True, kw_only=True):
    """`link`: the broker. `batch`: messages committed together at most.

    `committers`: batches committed at the same time. PostgreSQL takes two, each on a connection and a core of its own;
    SQLite has one writer. `probe`: the topic of a machine that is none; a session published below it must come back,
    or nothing that machines send arrives.
    """

    link: LinkSettings
    batch: int = 350
    committers: int = 1
    probe: str = ""


class Gate(Protocol):
    """What shuts a machine out at the broker."""

    def shut_out(self, machine: str) -> bool:
        """Shut it out for a while. Return whether that was done."""
        ...

    def let_in_again(self) -> None:
        """Let in those whose time is over."""
        ...

    def doubled(self) -> Mapping[tuple[str, str], float]:
        """Return whose name the broker saw two clients use, by clinic and machine, and the wall time of it."""
        ...


class Collector:
    """Runs from `start` to `stop`. `at` is told each step of each batch, so that a test can stop the process there."""

    def __init__(
        self,
        settings: CollectorSettings,
        figures: CollectorMetrics | None = None,
        at: Callable[[Step], None] = lambda _: None,
        chance: random.Random | None = None,
        gate: Gate | None = None,
    ) -> None:
        """Nothing is connected before `start`. `gate` shuts out a machine that floods."""
        self._gate, self._floods = gate, FloodGuard()
        self._batch = settings.batch
        self._probe, self._proof, self._connected_s = settings.probe, "", time.monotonic()
        self.figures = figures or CollectorMetrics()
        self._at = at
        # Jitter, no secret.
        self._chance = chance or random.Random()  # noqa: S311
        self._waiting = FairQueue()
        self._slow = SlowLane(self._is_current, self._handle, self._join)
        self._times = ProcessorTime()
        self._times_lock = threading.Lock()
        self._took_s = threading.local()
        self._came = threading.Condition()
        self._stopping = threading.Event()
        self._given_up: deque[Received] = deque(maxlen=5_000)
        self._unread = True
        self._not_entered = True
        self._enter_at_s = 0.0
        self._tidy_at_s = 0.0
        self._gate_at_s = 0.0
        self._told_missing: set[tuple[str, str]] = set()
        self._asked_again: dict[tuple[str, str], int] = {}
        self._check_at_s = 0.0
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self._read_batches: queue.Queue[tuple[Sequence[Received], list[Arrival]]] = queue.Queue(maxsize=1)
        self._reading = threading.Thread(target=self._run_reading, name="reading", daemon=True)
        self._committing = [
            threading.Thread(target=self._run, args=(number == 0,), name=f"committing-{number}", daemon=True)
            for number in range(settings.committers)
        ]
        self._validating = threading.Thread(target=self._run_validating, name="validating", daemon=True)
        self._link = BrokerLink(settings.link, self._take, self._connection_changed, self.figures.refused.inc, chance)

    def start(self) -> None:
        """Connect and collect."""
        self._reading.start()
        self._slow.start()
        self._validating.start()
        for thread in self._committing:
            thread.start()
        self._link.start()

    def stop(self, within_s: float = 10.0) -> None:
        """Finish the batch at hand, say goodbye to the broker. What was not begun comes again next time."""
        self._stopping.set()
        with self._came:
            self._came.notify_all()
        for thread in self._committing:
            thread.join(within_s)
        self._reading.join(within_s)
        self._slow.stop(within_s)
        self._validating.join(within_s)
        self._link.stop()
        self._readers.shutdown(wait=False, cancel_futures=True)

    @property
    def alive(self) -> bool:
        """Whether it still collects."""
        return self._reading.is_alive() and all(thread.is_alive() for thread in self._committing)

    def _take(self, message: Received) -> None:
        self._at("received")
        if self._probe and message.topic.split("/")[3:4] == self._probe.split("/")[3:4]:
            self._take_proof(message)
            return
        if message.retained and _kind(message.topic) != Kind.STATE.value:
            self._clear(message)
            return
        with self._came:
            displaced = self._waiting.put(message)
            self.figures.waiting.set(len(self._waiting) + len(self._slow))
            self._came.notify()
        self._give_up(displaced)

    def _give_up(self, displaced: Received | None) -> None:
        """Acknowledge what gave up its place; a session has no receipt then, and its machine sends it again later."""
        if displaced is not None:
            self.figures.count("dropped")
            self._given_up.append(displaced)
            self._link.acknowledge(displaced)
            machine = machine_of(displaced.topic)
            with self._times_lock:
                floods = self._floods.floods(machine)
            if floods and self._gate is not None:
                # The broker's thread must not wait for a file.
                self._readers.submit(self._shut_out, machine)

    def _shut_out(self, machine: str) -> None:
        done = False
        try:
            done = self._gate is not None and self._gate.shut_out(machine)
        except Exception:  # noqa: BLE001 - whatever it was, the others' messages must come in
            _log.exception("a machine that floods could not be shut out")
        finally:
            transactions.leave()
        self.figures.floods.inc()
        _log.warning("a machine floods", extra=log_fields(machine=machine, shut_out=done))

    def _clear(self, message: Received) -> None:
        """Have the broker forget a message that no machine of ours lets it keep: it would outlive a deletion."""
        if message.payload:
            _log.warning("a retained message is cleared and not stored", extra=log_fields(kind=_kind(message.topic)))
            self.figures.count("dropped")
            self._link.publish_retained(message.topic, b"")
        self._link.acknowledge(message)

    def _connection_changed(self, up: bool) -> None:  # noqa: FBT001 - a callback with one truth to tell
        self.figures.broker_up.set(up)
        if up:
            self.figures.connections.inc()
            self._connected_s = time.monotonic()
            self._prove_path()

    def _prove_path(self) -> None:
        """Publish to itself: a broker grants a subscription also where its access list lets nothing through."""
        self.figures.path_proved.set(0)
        if self._probe:
            self._proof = f"{self._probe}/session/{uuid4()}"
            self._link.publish(self._proof, b"proof")

    def _take_proof(self, message: Received) -> None:
        """Take what this collector published to itself. Another collector's copy, or an old one, proves nothing."""
        self._link.acknowledge(message)
        if message.topic == self._proof:
            self._proof = ""
            self.figures.path_proved.set(1)
            _log.info("what is published reaches this collector")

    def _run_reading(self) -> None:
        """Read the next batch while the one before is committed; no more than that is read ahead."""
        while not self._stopping.is_set():
            try:
                batch, arrivals = self._read(self._next_batch())
                if batch:
                    read = (batch, arrivals)
                    while not self._stopping.is_set():
                        with suppress(queue.Full):
                            self._read_batches.put(read, timeout=QUIET_S)
                            break
            except Exception:  # noqa: BLE001 - whatever it was, the next batch must be taken
                _log.exception("a batch could not be read; its messages come again")

    def _run(self, tidies: bool) -> None:  # noqa: FBT001 - one of several alike has this task beside
        while not self._stopping.is_set():
            try:
                batch, arrivals = self._read_batches.get(timeout=QUIET_S)
            except queue.Empty:
                batch, arrivals = [], []
            try:
                if batch:
                    self._handle(batch, arrivals)
                if tidies and not batch:
                    self._in_quiet()
                elif tidies and len(batch) <= THOROUGH_UP_TO and time.monotonic() >= self._enter_at_s:
                    self._enter()
            except Exception:  # noqa: BLE001 - whatever it was, the next batch must be taken
                _log.exception("a batch failed; its messages come again")
                self._stopping.wait(FIRST_WAIT_S)
        transactions.leave()

    def _run_validating(self) -> None:
        """Read through, beside the committing, what was stored by its head alone, while nothing waits."""
        reader = ReaderProcess()
        while not self._stopping.wait(0 if self._unread and not self._waiting else QUIET_S):
            reader.stop_idle()
            if not self._unread or self._waiting:
                continue
            # Before it is looked: what is stored in the meantime makes it true again.
            self._unread = False
            try:
                if deferred_validation.read_some(reader):
                    self._unread = True
            except StoreAwayError:
                self._unread = True
                self._stopping.wait(QUIET_S)
            except Exception:  # noqa: BLE001 - whatever it was, the next sessions must be read
                _log.exception("stored sessions could not be read through")
        reader.stop()
        transactions.leave()

    def _next_batch(self) -> list[Received]:
        with self._came:
            if not self._waiting and not self._stopping.is_set():
                self._came.wait(QUIET_S)
            # What came on an earlier connection comes again on this one; twice would be twice the memory.
            batch = list(filter(self._is_current, self._waiting.take(self._batch)))
            self.figures.waiting.set(len(self._waiting) + len(self._slow))
            return batch

    def _is_current(self, message: Received) -> bool:
        return message.connection == self._link.connection or not message.qos

    def _handle(self, batch: Sequence[Received], arrivals: Sequence[Arrival]) -> None:
        self._at("read")
        self._took_s.seconds = 0.0
        verdicts = self._commit(arrivals, self._marks_of(batch))
        if verdicts is None:
            return
        self._at("committed")
        took_s = self._took_s.seconds
        self.figures.commits.observe(took_s)
        with self._times_lock:
            for message in batch:
                self._charge(message, took_s / len(batch))
        self.figures.batch.observe(len(batch))
        self._send_receipts(verdicts)
        self._at("receipted")
        for message in batch:
            self._link.acknowledge(message)
        self._at("acknowledged")
        for group in store.groups_of(arrivals):
            if group.total_bytes > store.LARGE_BYTES:
                self._slow.put_group(group)
        self._tell(verdicts)

    def _join(self, group: store.PartGroup, reader: ReaderProcess) -> None:
        """Put a large session together, where all of its parts are there."""

        def read(source: MessageSource, _session_id: str, sealed: bytes) -> Arrival:
            return quick_arrival(source.topic, sealed) or reader.read(source.topic, sealed)

        began_s = time.monotonic()
        verdicts = store.make_whole(group, read)
        with self._times_lock:
            self._times.spend(machine_of(group.source.topic), time.monotonic() - began_s)
        if verdicts:
            self._send_receipts(verdicts)
            self._unread = True
            self._tell(verdicts)

    def _read(self, batch: Sequence[Received]) -> tuple[list[Received], list[Arrival]]:
        """Read a batch. What would hold up other machines goes to the slow lane, and is not in what is returned."""
        few, until_s = len(batch) <= THOROUGH_UP_TO, time.monotonic() + THOROUGH_S

        def read(share: Sequence[Received]) -> list[Arrival | None]:
            return [self._read_quickly(one, thorough=few and time.monotonic() < until_s) for one in share]

        shares = [batch[start : start + SHARE] for start in range(0, len(batch), SHARE)]
        found = [one for share in self._readers.map(read, shares) for one in share]
        kept = [(message, one) for message, one in zip(batch, found, strict=True) if one is not None]
        for message, one in zip(batch, found, strict=True):
            if one is None:
                self._give_up(self._slow.put(message))
        if any(isinstance(one, SessionArrived) and not one.read_through for _, one in kept):
            self._unread = True
        for message in batch:
            self.figures.arrivals.labels(_kind(message.topic)).inc()
        return [message for message, _ in kept], [one for _, one in kept]

    def _read_quickly(self, message: Received, *, thorough: bool) -> Arrival | None:
        """Read a message at its machine's expense. None where the budget is spent, or it must be read whole."""
        machine = machine_of(message.topic)
        with self._times_lock:
            if self._times.is_spent(machine):
                return None
        began_s = time.thread_time()
        found = quick_arrival(message.topic, message.payload)
        if thorough and isinstance(found, SessionArrived) and is_read_at_once(message.payload):
            found = arrival(message.topic, message.payload)
        with self._times_lock:
            self._charge(message, time.thread_time() - began_s)
        return found

    def _charge(self, message: Received, seconds: float) -> None:
        """Let a machine pay for a message; a whole session of the usual size is free."""
        is_whole_session = _kind(message.topic) == Kind.SESSION.value and not is_part(message.payload)
        free_s = USUAL_S if is_whole_session else 0.0
        self._times.spend(machine_of(message.topic), max(0.0, seconds - free_s))

    def _marks_of(self, batch: Sequence[Received]) -> list[SequenceMark]:
        """Return the numbers of these messages, and of those that gave up their place: they arrived as well."""
        given_up = [self._given_up.popleft() for _ in range(len(self._given_up))]
        marks = []
        for message in (*batch, *given_up):
            clinic, _, machine = machine_of(message.topic).partition("/")
            if message.sequence and (mark := mark_of(clinic, machine, message.sequence)) is not None:
                marks.append(mark)
        return marks

    def _commit(
        self, arrivals: Sequence[Arrival], marks: Sequence[SequenceMark] = ()
    ) -> tuple[store.StoreResult, ...] | None:
        """Commit, however long the database is away. None where the collector is stopped before."""
        wait_s = FIRST_WAIT_S
        while not self._stopping.is_set():
            began_s = time.monotonic()
            try:
                verdicts = store.commit(arrivals, marks=marks)
            except StoreAwayError as error:
                if wait_s == FIRST_WAIT_S:
                    _log.warning("the database is away; nothing is receipted", extra=log_fields(why=str(error)))
                self.figures.database_up.set(0)
                self._stopping.wait(self._chance.uniform(wait_s / 2, wait_s))
                wait_s = min(LONGEST_WAIT_S, wait_s * 2)
            except StoreRefusedError as error:
                return self._one_by_one(arrivals, error)
            else:
                self.figures.database_up.set(1)
                # A database that is away is no machine's cost.
                self._took_s.seconds += time.monotonic() - began_s
                return verdicts
        return None

    def _one_by_one(
        self, arrivals: Sequence[Arrival], error: StoreRefusedError
    ) -> tuple[store.StoreResult, ...] | None:
        """One of them is refused for ever: the others go in without it, and it becomes a dead letter."""
        if len(arrivals) == 1:
            refused = arrivals[0]
            if isinstance(refused, Dead) and refused.why == "refused_by_database":
                _log.error("the database takes not even a dead letter", extra=log_fields(why=str(error)))
                return (store.StoreResult("dropped"),)
            return self._commit([_dead(refused, str(error))])
        verdicts: list[store.StoreResult] = []
        for one in arrivals:
            done = self._commit([one])
            if done is None:
                return None
            verdicts += done
        return tuple(verdicts)

    def _send_receipts(self, verdicts: Sequence[store.StoreResult]) -> None:
        now_s = time.time()
        words: dict[tuple[str, str], list[str]] = {}
        for word in filter(None, (verdict.word for verdict in verdicts)):
            words.setdefault((word.clinic, word.machine), []).append(word.sha256)
        for (clinic, machine), sha256s in words.items():
            told = WordReceipt(words=tuple(sha256s))
            if self._link.publish(build(Topic(clinic, machine, Kind.RECEIPT)), encode(told)):
                self.figures.receipts.labels("word").inc(len(sha256s))
        for verdict in verdicts:
            if verdict.again is not None:
                self._ask_again(verdict.again)
            due = verdict.receipt
            if due is None:
                continue
            receipt = Receipt(
                session_id=due.session_id,
                revision=due.revision,
                sha256=due.sha256,
                status="stored" if due.quarantined is None else "quarantined",
                stored_at_wall_s=now_s,
                reason=due.quarantined,
            )
            if self._link.publish(build(Topic(due.clinic, due.machine, Kind.RECEIPT)), encode(receipt)):
                self.figures.receipts.labels(receipt.status).inc()

    def _ask_again(self, due: store.DueDelivery) -> None:
        """Ask a machine, once on each of its connections, for what this server may lack since it was restored."""
        machine = (due.clinic, due.machine)
        if self._asked_again.get(machine) != due.connection:
            self._asked_again[machine] = due.connection
            self._link.publish(build(Topic(due.clinic, due.machine, Kind.RECEIPT)), encode(due.span))

    def _tell(self, verdicts: Sequence[store.StoreResult]) -> None:
        counts: dict[str, int] = {}
        for verdict in verdicts:
            self.figures.count(verdict.what)
            counts[verdict.what] = counts.get(verdict.what, 0) + 1
        if counts.get("stored"):
            self._not_entered = self._unread = True
            self.figures.last_stored.set_to_current_time()
        _log.info("committed", extra=log_fields(**counts))
        for what in ("quarantined", "dead", "dropped"):
            if counts.get(what):
                _log.warning("a person should look", extra=log_fields(what=what, count=counts[what]))

    def _in_quiet(self) -> None:
        try:
            if time.monotonic() >= self._tidy_at_s:
                self._tidy_at_s = time.monotonic() + TIDY_EVERY_S
                store.forget_old_parts(time.time())
            self.figures.database_up.set(1)
        except StoreAwayError:
            self.figures.database_up.set(0)
        else:
            if time.monotonic() >= self._gate_at_s:
                self._gate_at_s = time.monotonic() + GATE_EVERY_S
                self._look_at_machines()
            self._enter()
            self._check()

    def _look_at_machines(self) -> None:
        """Let in again who flooded; count missing messages, and machines whose name is used twice."""
        if self._gate is not None:
            self._gate.let_in_again()
        if self._proof and self._link.up and time.monotonic() - self._connected_s > PROVED_WITHIN_S:
            self._connected_s = time.monotonic()
            _log.error("nothing that is published reaches this collector; 'migrate' writes the access list again")
            self._prove_path()
        seen = self._gate.doubled() if self._gate is not None else {}
        transactions.in_transaction(lambda: note_doubled(seen))
        transactions.in_transaction(lambda: note_unborn(time.time()))
        missing, doubled = transactions.in_transaction(lambda: (missing_messages(), doubled_machines()))
        self.figures.missing.set(sum(one.missing for one in missing.values()))
        self.figures.doubled.set(len(doubled))
        for name in sorted(set(missing) - self._told_missing):
            one = missing[name]
            fields = log_fields(machine="/".join(name), missing=one.missing, sent=one.sent)
            _log.warning("messages of a machine did not arrive", extra=fields)
        self._told_missing = set(missing)

    def _check(self) -> None:
        """Look by the follow-up rules at a few participants who are due; a fault in a rule must not stop the intake."""
        if time.monotonic() < self._check_at_s or not self._read_batches.empty():
            return
        self._check_at_s = time.monotonic() + CHECK_EVERY_S
        try:
            transactions.in_transaction(lambda: checking.check_some(CHECKED_AT_A_TIME))
        except StoreAwayError:
            self.figures.database_up.set(0)
        except Exception:  # noqa: BLE001 - whatever it was, sessions must come in
            _log.exception("the follow-up rules failed")

    def _enter(self) -> None:
        """Make diary entries of what has been stored, until the next batch comes."""
        if not self._not_entered and time.monotonic() < self._enter_at_s + ENTER_EVERY_S - ENTER_WITHIN_S:
            return
        self._enter_at_s = time.monotonic() + ENTER_WITHIN_S
        # Before it is looked: what the other committer stores meanwhile makes it true again.
        self._not_entered = False
        try:
            while ingest.enter_some().more:
                if self._stopping.is_set() or not self._read_batches.empty():
                    self._not_entered = True
                    break
        except StoreAwayError:
            self._not_entered = True
            self.figures.database_up.set(0)


def _kind(topic: str) -> str:
    """Return the kind of topic, for counting; one word for all that are not ours: no figures are made up so."""
    levels = topic.split("/")
    word = levels[4] if len(levels) > 4 else ""  # noqa: PLR2004 - ic/1/clinic/machine/kind
    return word if word in ("session", "state", "result", "taken") else "other"


def _dead(refused: Arrival, reason: str) -> Dead:
    match refused:
        case PartArrived():
            payload = refused.content
        case ResultArrived():
            payload = encode(refused.result)
        case PlanWordArrived():
            payload = encode(refused.word)
        case _:
            payload = refused.payload
    return Dead(source=refused.source, why="refused_by_database", reason=reason, payload=payload)
