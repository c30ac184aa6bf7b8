"""The courier over MQTT: one thread that keeps the line to the broker, and calls for the service that never wait.

Theory of operation. The thread connects, turns the line, and when it ends waits (jittered) and makes another. While a
line stands it publishes what is held, few at a time; a session is forgotten on the collector's receipt alone, and
receipts are passed on whatever is remembered here, so killing this process at any moment loses nothing. Whatever
raises in the thread is logged, ends the line, and the thread goes on. Nothing is connected while the wall clock is not
synchronised: certificates could not be verified, and verification is never skipped.
"""

import contextlib
import logging
import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from sync.delivery.backoff import Backoff, Ended
from sync.delivery.fault_registry import Findings, Trouble
from sync.delivery.interface import Arrival, CommittedVersion, PlanCame, PlanWithdrawn, SealedSession
from sync.delivery.machine_identity import MachineIdentity, MachineIdentityError, read_account, tls_context
from sync.delivery.mqtt_connection import (
    FAILED,
    KEEPALIVE_S,
    PACKET_TOO_LARGE,
    PROTOCOL_ERROR,
    SESSION_TAKEN_OVER,
    MqttConnection,
    NoLineError,
    Will,
)
from sync.delivery.outbox import Outbox, Shipment
from sync.delivery.serializer import Sender, pack
from sync.delivery.word_outbox import Word, WordOutbox, read_words, word_of_plan, word_of_result, write_words
from sync.errors import ChunkError, SyncError, TopicError, WireError
from sync.wire.chunks import WHOLE_UP_TO_BYTES
from sync.wire.codec import encode, encode_session, read
from sync.wire.envelope import Unreadable
from sync.wire.messages import (
    Clocks,
    Command,
    CommandResult,
    DeliverAgain,
    Live,
    PlanOnWire,
    PlanTaken,
    Software,
    State,
    WordReceipt,
)
from sync.wire.messages import Receipt as WireReceipt
from sync.wire.topics import NUMBERED, Kind, Topic, build, parse, subscription

_log = logging.getLogger(__name__)

IN_FLIGHT = 8
"""Messages that the broker has not answered yet, at most."""

TURN_S = 1.0
TURNS_WITHIN_S = 180.0
"""Looking up a name and connecting may take two minutes on a bad network."""

LOOK_AT_CLOCK_EVERY_S = 2.0
STATE_EVERY_S, STATE_APART_S = 60.0, 1.0
SAY_OFFLINE_AFTER_S = 15.0
SMALLER_FOR_S = 24 * 3600.0
"""For so long it is believed that the broker takes only smaller messages."""

LEAST_MESSAGE_BYTES = 1024
"""A broker that does not take even this takes no session."""
CERTIFICATE_SOON_S = 14 * 24 * 3600.0
WORDS_FILE = "words.msgpack"
"""Results and withdrawals that the server has not acknowledged; in the identity's folder, the courier's own."""

TWICE = "Another client uses this machine's name. Was its SD card copied? Enrol one under another name."
LISTENS_TO = (Kind.STATE, Kind.RECEIPT, Kind.COMMAND, Kind.PLAN)
"""Its own state, too: mosquitto throws a client out without a word when another comes with its name."""


class CourierSettings(Struct, frozen=True, kw_only=True):
    """`folder`: the machine's identity. `speed` makes waits between connections shorter in tests; 1 in use."""

    folder: Path
    software: Software
    speed: float = 1.0
    keepalive_s: int = KEEPALIVE_S


class _Identified(Struct, frozen=True):
    """The part of a command that every version of it has."""

    id: str


class _Sent(Struct, frozen=True):
    kind: Kind
    session_id: str = ""
    bytes: int = 0


class MqttCourier:
    """Carries sessions, live pictures and results out, receipts, plans and commands in."""

    def __init__(
        self, settings: CourierSettings, clocks: Callable[[], Clocks], chance: random.Random | None = None
    ) -> None:
        """Read the identity and start the thread. Raises AccountError."""
        self._settings, self._clocks = settings, clocks
        self._account = read_account(settings.folder)
        self._lock = threading.Lock()
        self._shipments = Outbox()
        self._handed: deque[Shipment] = deque()
        self._words = WordOutbox(read_words(settings.folder / WORDS_FILE))
        self._live: Live | None = None
        self._arrived: deque[Arrival] = deque()
        self._receipts: deque[CommittedVersion] = deque()
        self._findings = Findings(self._believed_wall_s)
        self._backoff = Backoff(chance or random.SystemRandom())
        self._plan_versions: dict[str, int] = {}
        self._plans_told: dict[str, tuple[int, str]] = {}
        self._most_bytes, self._most_bytes_until_s = WHOLE_UP_TO_BYTES, 0.0
        self._connection = 0
        self._instance = os.urandom(8).hex()
        self._stood_before = False
        self._connected = False
        self._numbers = 0
        self._numbered = self._refused = 0
        self._delivered_again_wall_s = 0.0
        self._offline_since_s = time.monotonic()
        self._sent: dict[int, _Sent] = {}
        self._stop = threading.Event()
        self._reconnect = False
        self._inside, self._wake_inside = _pipe()
        self._outside, self._wake_outside = _pipe()
        self._turned_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
        self._thread.start()

    # What the service calls

    def fileno(self) -> int:
        """Readable when something has arrived for the service."""
        return self._outside

    @property
    def holds(self) -> tuple[str, ...]:
        """Ids of the sessions that need not be handed over now."""
        with self._lock:
            handed = [one.session_id for one in self._handed]
            confirmed = [one.session_id for one in self._receipts]
            return (*self._shipments.holds(time.monotonic()), *handed, *confirmed)

    @property
    def wants_more(self) -> bool:
        """Whether it would take another session now: only while the line stands."""
        with self._lock:
            return self._connected and not self._handed and self._shipments.has_room

    @property
    def turns(self) -> bool:
        """Whether the courier's thread has turned lately, with a line or waiting for one."""
        return time.monotonic() - self._turned_s < TURNS_WITHIN_S

    def hand_over(self, parcel: SealedSession) -> None:
        """Take a session along; one that cannot be read is noted, set aside, and stays in the journal."""
        try:
            sealed = encode_session(pack(parcel, self._sender))
        except WireError as error:
            with self._lock:
                self._shipments.set_aside(parcel.session_id, time.monotonic())
            self.note(Trouble.SESSION_UNPACKABLE, str(error), parcel.session_id)
            return
        with self._lock:
            self._handed.append(Shipment(parcel.session_id, parcel.revision, parcel.sha256, sealed))
        _wake(self._wake_inside)

    def receipts(self) -> tuple[CommittedVersion, ...]:
        """Receipts that have come since the last call."""
        _drain(self._outside)
        with self._lock:
            came = tuple(self._receipts)
            self._receipts.clear()
        return came

    def arrivals(self) -> tuple[Arrival, ...]:
        """Plans and commands that have come since the last call."""
        with self._lock:
            came = tuple(self._arrived)
            self._arrived.clear()
        return came

    def show(self, live: Live) -> None:
        """Take the newest picture; one that has not gone yet is forgotten."""
        with self._lock:
            self._live = live if self._connected else None
        if self._connected:
            _wake(self._wake_inside)

    def answer(self, result: CommandResult) -> None:
        """Tell what became of a command."""
        self._take_word(word_of_result(result, encode(result)))

    def tell_plan(self, word: PlanTaken) -> None:
        """Tell what became of a plan, once: it comes again with each connection."""
        with self._lock:
            if self._plans_told.get(word.participant) == (word.version, word.outcome):
                return
            if word.outcome != "withdrawn":
                self._plans_told[word.participant] = (word.version, word.outcome)
        self._take_word(word_of_plan(word, encode(word)))

    def tell_delivered_again(self, done: DeliverAgain) -> None:
        """Tell by a new birth that receipts were taken back; with it the plans come, and each answer to them, again."""
        with self._lock:
            self._delivered_again_wall_s = done.receipted_until_wall_s
            self._plans_told.clear()
        _log.info("The server was restored; what it may lack is delivered again.")
        self._reconnect = True
        _wake(self._wake_inside)

    def _take_word(self, word: Word) -> None:
        """Take a word along until the server acknowledges it, also over a restart of this process."""
        with self._lock:
            self._words.put(word)
            if word.lasting:
                self._keep_words()
        _wake(self._wake_inside)

    def _keep_words(self) -> None:
        try:
            write_words(self._settings.folder / WORDS_FILE, self._words.lasting)
        except OSError as error:
            # A card that refuses is told by the doctor; the word goes out all the same, unless this process ends.
            _log.warning("Words to the server could not be kept: %s", error)

    def note(self, trouble: Trouble, detail: str = "", about: str = "") -> None:
        """Something is wrong; said in the log once, and to the server."""
        with self._lock:
            new = self._findings.note(trouble, detail, about)
        if new:
            _log.warning("%s %s", trouble.value, detail)
        _wake(self._wake_inside)

    def clear(self, trouble: Trouble, about: str = "") -> None:
        """Note that it is right again."""
        with self._lock:
            cleared = self._findings.clear(trouble, about)
        if cleared:
            _log.info("%s is over.", trouble.value)
            _wake(self._wake_inside)

    def tell_machine(self, found: Mapping[str, str]) -> None:
        """Take what the machine finds wrong with itself now: said with its birth, and again when it changes."""
        with self._lock:
            self._findings.of_machine(found)
        _wake(self._wake_inside)

    @property
    def state(self) -> State:
        """How it stands, for people at the machine."""
        with self._lock:
            return self._state()

    def renewed(self) -> None:
        """Use the identity that has changed on the disk, on a new line."""
        self._account = read_account(self._settings.folder)
        self._reconnect = True
        _wake(self._wake_inside)

    def close(self) -> None:
        """Say good-bye and stop; what has no receipt stays in the machine's journal."""
        self._stop.set()
        _wake(self._wake_inside)
        self._thread.join(timeout=15.0)
        if not self._thread.is_alive():
            for end in (self._inside, self._wake_inside, self._outside, self._wake_outside):
                os.close(end)

    # The thread

    def _run(self) -> None:
        while not self._stop.is_set():
            ended, lived_s = Ended.LOST, None
            try:
                if not self._clock_is_set():
                    continue
                ended, lived_s = self._one_line()
            except Exception:  # noqa: BLE001 - see below
                # Whatever it was, this thread must live: the line is given up and another one made.
                _log.exception("The courier met an error and makes a new connection.")
            finally:
                with self._lock:
                    self._connected = False
                    self._offline_since_s = min(self._offline_since_s, time.monotonic())
            if self._stop.is_set():
                return
            wait_s = 0.0 if self._reconnect else self._backoff.wait_s(ended, lived_s) / self._settings.speed
            self._reconnect = False
            if self._backoff.loops:
                self.note(Trouble.REFUSED_BY_BROKER, "Connections end as soon as they stand, again and again.", "loop")
            self._idle(wait_s)

    def _clock_is_set(self) -> bool:
        now = self._clocks()
        if now.trusted:
            self.clear(Trouble.CLOCK_UNSYNCHRONISED)
            return True
        self.note(Trouble.CLOCK_UNSYNCHRONISED, "Waiting for the wall clock to be set from a time server.")
        self._idle(LOOK_AT_CLOCK_EVERY_S / self._settings.speed)
        return False

    def _idle(self, wait_s: float) -> None:
        """Wait without a line, and say so once it has lasted."""
        until_s = time.monotonic() + wait_s
        while not self._stop.is_set() and not self._reconnect and (left_s := until_s - time.monotonic()) > 0:
            if time.monotonic() - self._offline_since_s > SAY_OFFLINE_AFTER_S / self._settings.speed:
                self.note(Trouble.NO_BROKER, "No connection with the server.")
            self._turned_s = time.monotonic()
            self._stop.wait(min(left_s, 1.0))

    def _one_line(self) -> tuple[Ended, float | None]:
        """Make a line and serve it to its end; gives how it ended and how long it lived."""
        account, folder = self._account, self._settings.folder
        with self._lock:
            self._connection = max(self._connection + 1, int(self._clocks().wall_s))
            gone = replace(self._state(), online=False, at=None)
            self._sent.clear()
            self._numbered = self._refused = 0
            self._shipments.again()
            self._words.on_new_connection()
        try:
            context = tls_context(folder)
        except MachineIdentityError as error:
            self.note(Trouble.IDENTITY_UNREADABLE, str(error))
            return Ended.REFUSED, None
        self.clear(Trouble.IDENTITY_UNREADABLE)
        own = (account.clinic, account.machine)
        line = MqttConnection(
            f"ic-{account.machine}",
            context,
            Will(self._topic(Kind.STATE), encode(gone)),
            tuple(subscription(kind, *own) for kind in LISTENS_TO),
            keepalive_s=self._settings.keepalive_s,
        )
        try:
            line.connect(account.broker_host, account.broker_port)
        except NoLineError as error:
            if error.trusted:
                _log.info("%s", error)
                self.note(Trouble.NO_BROKER, str(error))
                return Ended.UNREACHABLE, None
            self.note(Trouble.BROKER_NOT_TRUSTED, str(error))
            return Ended.REFUSED, None
        try:
            self._serve(line)
            if line.ending is None:
                self._good_bye(line)
        finally:
            line.close()
        return self._how_it_ended(line)

    def _how_it_ended(self, line: MqttConnection) -> tuple[Ended, float | None]:
        lived_s = None if line.connected_s is None else time.monotonic() - line.connected_s
        ending = line.ending
        if ending is None:
            return Ended.LOST, lived_s
        if not self._stop.is_set():
            _log.info("The line to the broker ended: %s", ending.reason)
        if ending.code == SESSION_TAKEN_OVER and ending.said_by_broker:
            self.note(Trouble.IDENTITY_TWICE, TWICE)
        if ending.code in (PACKET_TOO_LARGE, PROTOCOL_ERROR):
            self._suspect_size()
        if line.connected_s is None:
            self.note(Trouble.REFUSED_BY_BROKER, ending.reason)
            return Ended.REFUSED, None
        self._stood_before = True
        with self._lock:
            twice = self._findings.has(Trouble.IDENTITY_TWICE)
        return Ended.TAKEN_OVER if twice else Ended.LOST, lived_s

    def _serve(self, line: MqttConnection) -> None:
        stood, said_at_s, said_changes = False, float("-inf"), -1
        began_s = time.monotonic()
        while line.ending is None and not self._stop.is_set() and not self._reconnect:
            self._turned_s = time.monotonic()
            line.turn(TURN_S, self._inside)
            _drain(self._inside)
            now_s = time.monotonic()
            if line.connected_s is None:
                if now_s - began_s > SAY_OFFLINE_AFTER_S:
                    return
                continue
            if not stood:
                stood = True
                self._stands(line)
            self._read(line)
            # Before all else: by it the server tells this machine from another client with its certificate.
            changed = self._findings.changes != said_changes and now_s - said_at_s > STATE_APART_S
            if changed or now_s - said_at_s > STATE_EVERY_S:
                said_changes, said_at_s = self._findings.changes, now_s
                with self._lock:
                    state = self._state()
                self._publish(line, _Sent(Kind.STATE), self._topic(Kind.STATE), encode(state), retain=True)
            self._write(line, now_s)
            self._steady(now_s - line.connected_s)

    def _stands(self, line: MqttConnection) -> None:
        with self._lock:
            self._connected = True
            self._offline_since_s = float("inf")
            if time.monotonic() > self._most_bytes_until_s:
                self._most_bytes = WHOLE_UP_TO_BYTES
            self._most_bytes = min(self._most_bytes, line.most_message_bytes)
        for trouble in (Trouble.NO_BROKER, Trouble.BROKER_NOT_TRUSTED, Trouble.REFUSED_BY_BROKER):
            self.clear(trouble)
        soon = self._account.certificate_until_wall_s - self._clocks().wall_s < CERTIFICATE_SOON_S
        (self.note if soon else self.clear)(Trouble.CERTIFICATE_SOON)
        _log.info("Connected with the broker.")
        _wake(self._wake_outside)

    def _steady(self, lived_s: float) -> None:
        """Note that no other machine uses the name: the line has stood long enough."""
        if lived_s > 10 * 60.0 / self._settings.speed:
            self.clear(Trouble.IDENTITY_TWICE)
        if lived_s > SAY_OFFLINE_AFTER_S / self._settings.speed:
            self.clear(Trouble.REFUSED_BY_BROKER, "loop")

    def _good_bye(self, line: MqttConnection) -> None:
        with self._lock:
            gone = replace(self._state(), online=False)
        self._publish(line, _Sent(Kind.STATE), self._topic(Kind.STATE), encode(gone), retain=True)

    # Out

    def _write(self, line: MqttConnection, now_s: float) -> None:
        with self._lock:
            while self._handed:
                self._shipments.take(self._handed.popleft())
            late = self._shipments.put_off_unanswered(now_s)
            live, self._live = self._live, None
        if late:
            _log.info("No receipt for %d sessions; they are sent again later.", len(late))
            _wake(self._wake_outside)
        self._send_words(line, now_s)
        if live is not None and not line.behind:
            self._numbers += 1
            live = replace(live, number=self._numbers, connection=self._connection)
            line.publish(self._topic(Kind.LIVE), encode(live), qos=0)
        self._send_sessions(line, now_s)

    def _send_words(self, line: MqttConnection, now_s: float) -> None:
        """Send a few at a time: a connection brings one for each participant. What is not acknowledged comes again."""
        while len(self._sent) < IN_FLIGHT and line.ending is None:
            with self._lock:
                word = self._words.next_due(now_s)
                if word is None:
                    return
                self._words.sent(word, now_s)
            self._publish(line, _Sent(word.kind), self._topic(word.kind), word.payload)

    def _send_sessions(self, line: MqttConnection, now_s: float) -> None:
        while len(self._sent) < IN_FLIGHT and line.ending is None:
            try:
                with self._lock:
                    following = next(self._shipments.to_send(self._most_bytes), None)
            except ChunkError as error:
                for session_id in self._shipments.not_cuttable(self._most_bytes):
                    self._set_aside_the_large(session_id, str(error), now_s)
                continue
            if following is None:
                return
            shipment, payload = following
            sent = _Sent(Kind.SESSION, shipment.session_id, len(payload))
            self._publish(line, sent, self._topic(Kind.SESSION, shipment.session_id), payload)
            with self._lock:
                self._shipments.sent(shipment.session_id, now_s)

    def _set_aside_the_large(self, session_id: str, reason: str, now_s: float) -> None:
        """Leave in the journal what fits the broker's limit not even in parts; the rest goes on."""
        with self._lock:
            self._shipments.set_aside(session_id, now_s)
        self.note(Trouble.SESSION_TOO_LARGE, f"Session {session_id}: {reason}", session_id)
        _wake(self._wake_outside)

    def _publish(self, line: MqttConnection, sent: _Sent, topic: str, payload: bytes, *, retain: bool = False) -> None:
        number = None
        if sent.kind in NUMBERED:
            self._numbered += 1
            number = f"{self._connection}.{self._numbered}"
        self._sent[line.publish(topic, payload, qos=1, retain=retain, number=number)] = sent

    def _suspect_size(self) -> None:
        """Suspect a size where a line breaks over a message: mosquitto refuses a large one by a forbidden code.

        Without this the same message would break every line. The largest that had no answer is taken for the cause.
        """
        largest = max((sent for sent in self._sent.values() if sent.session_id), key=lambda s: s.bytes, default=None)
        if largest is None:
            return
        if largest.bytes <= LEAST_MESSAGE_BYTES:
            self._set_aside_the_large(largest.session_id, "the broker takes no message of this size", time.monotonic())
        else:
            self._smaller_messages()
        self._reconnect = True

    def _smaller_messages(self) -> None:
        """Send smaller messages: the broker takes less than was thought."""
        with self._lock:
            self._most_bytes = max(LEAST_MESSAGE_BYTES, self._most_bytes // 2)
            self._most_bytes_until_s = time.monotonic() + SMALLER_FOR_S
            self._shipments.again()

    # In

    def _read(self, line: MqttConnection) -> None:
        while line.answers:
            answered = line.answers.popleft()
            sent = self._sent.pop(answered.message, None)
            if sent is not None:
                self._answered(sent, answered.code, answered.reason)
        while line.refused:
            refused = line.refused.popleft()
            self.note(Trouble.TOPIC_REFUSED, f"{refused.topic}: {refused.reason}", refused.topic)
        while line.messages:
            topic, payload = line.messages.popleft()
            try:
                self._heard(parse(topic), payload)
            except (TopicError, SyncError) as error:
                self.note(Trouble.MESSAGE_NOT_UNDERSTOOD, str(error))

    def _answered(self, sent: _Sent, code: int, reason: str) -> None:
        now_s = time.monotonic()
        if code < FAILED:
            self.clear(Trouble.TOPIC_REFUSED, sent.kind.value)
            with self._lock:
                self._shipments.answered(sent.session_id, now_s)
            return
        if sent.kind in NUMBERED:
            self._refused += 1
        if sent.kind is Kind.TAKEN:
            # Told again when the plans come with the next connection.
            with self._lock:
                self._plans_told.clear()
        if code == PACKET_TOO_LARGE and sent.kind is Kind.SESSION:
            if sent.bytes <= LEAST_MESSAGE_BYTES:
                self._set_aside_the_large(sent.session_id, reason, now_s)
            elif sent.bytes <= self._most_bytes:
                self._smaller_messages()
            return
        self.note(
            Trouble.TOPIC_REFUSED, f"The broker refused a message on «{sent.kind.value}»: {reason}.", sent.kind.value
        )
        if sent.kind is Kind.SESSION:
            with self._lock:
                self._shipments.put_off(sent.session_id, now_s)
            _wake(self._wake_outside)

    def _heard(self, topic: Topic, payload: bytes) -> None:
        if (topic.clinic, topic.machine) != (self._account.clinic, self._account.machine):
            return
        match topic.kind:
            case Kind.RECEIPT:
                receipt = read(payload, WireReceipt)
                if not isinstance(receipt, Unreadable):
                    self._heard_receipt(receipt)
                elif not isinstance(words := read(payload, WordReceipt), Unreadable):
                    with self._lock:
                        if self._words.acknowledged(words.words):
                            self._keep_words()
                elif not isinstance(again := read(payload, DeliverAgain), Unreadable):
                    self._arrive(again)
            case Kind.COMMAND:
                command = read(payload, Command)
                if isinstance(command, Unreadable):
                    self._refuse_unread(payload, command.reason)
                else:
                    self._arrive(command)
            case Kind.PLAN:
                self._heard_plan(topic.name, payload)
            case Kind.STATE:
                self._heard_own_name(payload)
            case _:
                pass

    def _refuse_unread(self, payload: bytes, why: str) -> None:
        """Refuse a newer server's command by its id, so that the room says why; one without an id is a finding."""
        named = read(payload, _Identified)
        if isinstance(named, Unreadable):
            self.note(Trouble.MESSAGE_NOT_UNDERSTOOD, f"A command: {why}", "command")
            return
        reason = "The machine's software does not know this command; it may be older than the server."
        at = self._clocks()
        self.answer(CommandResult(id=named.id, outcome="refused", at=at, code="not_understood", reason=reason))

    def _heard_own_name(self, payload: bytes) -> None:
        """After this process's first line, whatever stands under its name must be its own."""
        state = read(payload, State) if payload else None
        if isinstance(state, State) and self._stood_before and state.instance != self._instance:
            self.note(Trouble.IDENTITY_TWICE, TWICE)

    def _heard_receipt(self, receipt: WireReceipt) -> None:
        now_s = time.monotonic()
        if receipt.status == "quarantined":
            with self._lock:
                self._shipments.set_aside(receipt.session_id, now_s)
            reason = f"Session {receipt.session_id}: {receipt.reason or 'a person must look'}"
            self.note(Trouble.SESSION_QUARANTINED, reason, receipt.session_id)
        else:
            with self._lock:
                self._shipments.received(receipt.session_id, receipt.revision, receipt.sha256, now_s)
                self._receipts.append(CommittedVersion(receipt.session_id, receipt.revision, receipt.sha256))
            for trouble in (Trouble.SESSION_QUARANTINED, Trouble.SESSION_TOO_LARGE):
                self.clear(trouble, receipt.session_id)
        _wake(self._wake_outside)

    def _heard_plan(self, participant: str, payload: bytes) -> None:
        if not payload:
            self._plan_versions.pop(participant, None)
            with self._lock:
                self._plans_told.pop(participant, None)
            self.clear(Trouble.PLAN_REFUSED, participant)
            self._arrive(PlanWithdrawn(participant))
            return
        plan = read(payload, PlanOnWire)
        if isinstance(plan, Unreadable):
            self.note(Trouble.MESSAGE_NOT_UNDERSTOOD, f"The plan of {participant}: {plan.reason}", participant)
            return
        self.clear(Trouble.MESSAGE_NOT_UNDERSTOOD, participant)
        refused = None
        if plan.plan.participant != participant:
            refused = f"The plan under {participant} is another participant's."
        elif plan.version < self._plan_versions.get(participant, plan.version):
            refused = f"The plan of {participant} is older than the one in force."
        elif plan.valid_until_wall_s is not None and not self._clocks().wall_s < plan.valid_until_wall_s:
            refused = f"The plan of {participant} is no longer valid."
            self.tell_plan(
                PlanTaken(
                    participant=participant, version=plan.version, outcome="refused", at=self._clocks(), reason=refused
                )
            )
        if refused is not None:
            self.note(Trouble.PLAN_REFUSED, refused, participant)
            return
        self._plan_versions[participant] = plan.version
        self._arrive(PlanCame(plan))

    def _arrive(self, arrival: Arrival) -> None:
        with self._lock:
            self._arrived.append(arrival)
        _wake(self._wake_outside)

    # Of itself

    @property
    def account(self) -> MachineIdentity:
        """Who this machine is to the server."""
        return self._account

    @property
    def _sender(self) -> Sender:
        return Sender(self._account.clinic, self._account.machine, self._settings.software)

    def _topic(self, kind: Kind, name: str = "") -> str:
        return build(Topic(self._account.clinic, self._account.machine, kind, name))

    def _state(self) -> State:
        return State(
            online=self._connected,
            connection=self._connection,
            clinic=self._account.clinic,
            machine=self._account.machine,
            software=self._settings.software,
            findings=self._findings.now,
            waiting=self._shipments.waiting + len(self._handed),
            at=self._clocks(),
            certificate_until_wall_s=self._account.certificate_until_wall_s,
            instance=self._instance,
            refused=self._refused,
            delivered_again_wall_s=self._delivered_again_wall_s,
        )

    def _believed_wall_s(self) -> float | None:
        now = self._clocks()
        return now.wall_s if now.trusted else None


def _pipe() -> tuple[int, int]:
    """Return a pipe that wakes a `select`; neither end ever waits."""
    readable, writable = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    return readable, writable


def _wake(writable: int) -> None:
    with contextlib.suppress(OSError):
        os.write(writable, b"!")


def _drain(readable: int) -> None:
    with contextlib.suppress(OSError):
        os.read(readable, 4096)
