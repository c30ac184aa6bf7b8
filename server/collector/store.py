"""Committing a batch of arrivals: everything in one transaction, each session exactly once.

What is there already is looked up first, and the rest goes in at full speed. Where another collector was quicker with
the same session, the database's uniqueness stops the transaction, and it begins anew and finds it there.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, assert_never
from uuid import UUID

import msgspec
from django.db import connection
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Length
from msgspec import Struct

from server.accounts import message_sequences
from server.accounts.message_sequences import SequenceMark, note_arrived, note_refused
from server.accounts.restorations import span_to_deliver_again
from server.clinic_folder.transactions import in_transaction
from server.collector import parser
from server.collector.bulk_insert import insert_sessions
from server.collector.messages import (
    Arrival,
    Dead,
    KeptForAPerson,
    MessageSource,
    PartArrived,
    PlanWordArrived,
    ResultArrived,
    SessionArrived,
    StateArrived,
)
from server.follow_up.changes import mark_due
from server.live.plan_outbox import withdraw_left
from server.models import (
    CommandOutcome,
    DeadLetter,
    MachineState,
    PlanOnMachine,
    QuarantinedSession,
    Session,
    SessionPart,
)
from server.people import deleted_participants
from server.people.deleted_participants import deleted_among
from server.people.models import Participant
from sync.errors import ChunkError
from sync.wire.chunks import MOST_PARTS, Chunk, join
from sync.wire.messages import DeliverAgain, State
from sync.wire.topics import Kind

MOST_KEPT_A_MACHINE = 1_000
"""Quarantined sessions, and dead letters, of one machine: one that has gone mad does not fill the disk."""

MOST_DEAD_PAYLOAD_BYTES = 128 * 1024
MOST_PART_BYTES_A_MACHINE = 128 * 1024 * 1024
MOST_PARTS_A_MACHINE = 3 * MOST_PARTS
PARTS_KEPT_S = 30 * 86_400.0
PARTS_COUNTED_FOR_S = 30.0
"""So long a count of a machine's parts holds: what another collector took in the meantime comes on top."""

LARGE_BYTES = 1024 * 1024
"""Sessions in parts that are larger than this, sealed, are put together one at a time."""

What = Literal["stored", "again", "quarantined", "dead", "dropped", "part", "state", "result", "taken", "deleted"]
_INSTANCES_KEPT = 8
_WORDS = tuple(f"/{kind.value}" for kind in (Kind.RESULT, Kind.TAKEN))
CONFLICT = "The same session and revision is stored with another SHA-256."


class DueReceipt(Struct, frozen=True):
    """A session for which a receipt is due. `quarantined`: the reason where it is not stored but kept for a person."""

    clinic: str
    machine: str
    session_id: str
    revision: int
    sha256: str
    quarantined: str | None = None


class DueWordReceipt(Struct, frozen=True):
    """A result or a plan's word for which a receipt is due, by the SHA-256 of its bytes."""

    clinic: str
    machine: str
    sha256: str


class DueDelivery(Struct, frozen=True):
    """A machine that has not delivered again what a restored server may lack, on this connection of its."""

    clinic: str
    machine: str
    connection: int
    span: DeliverAgain


class StoreResult(Struct, frozen=True):
    """What became of an arrival by the commit that has just been made, and the receipt that may now be sent."""

    what: What
    receipt: DueReceipt | None = None
    word: DueWordReceipt | None = None
    again: DueDelivery | None = None


class PartGroup(Struct, frozen=True):
    """The parts of one sealed session (`sync.wire.chunks`)."""

    source: MessageSource
    session_id: str
    whole: str
    total_bytes: int

    @property
    def rows(self) -> QuerySet[SessionPart]:
        """Those that have come, in order."""
        return SessionPart.objects.filter(
            clinic=self.source.clinic, machine=self.source.machine, session_id=self.session_id, whole=self.whole
        ).order_by("number")


def commit(
    arrivals: Sequence[Arrival], clock: Callable[[], float] = time.time, marks: Sequence[SequenceMark] = ()
) -> tuple[StoreResult, ...]:
    """Commit all of these, then what sessions their parts have made whole. A verdict for each, and for each whole one.

    Large ones are left: `make_whole` takes them, one at a time. `marks`: the numbers that the machines gave them.
    Raises StoreAwayError where the database is away,
    StoreRefusedError where it will never take one of them. What was not committed may be handed in again, all of it:
    whatever is there already is found.
    """

    def take() -> tuple[StoreResult, ...]:
        verdicts = _take(arrivals, clock())
        note_arrived(marks, clock())
        return verdicts

    verdicts = in_transaction(take)
    for group in groups_of(arrivals):
        if group.total_bytes <= LARGE_BYTES:
            verdicts += make_whole(group, parser.whole_session, clock)
    return verdicts


def groups_of(arrivals: Iterable[Arrival]) -> list[PartGroup]:
    """Return the sessions to which parts among these belong."""
    parts = [one for one in arrivals if isinstance(one, PartArrived)]
    found = {PartGroup(part.source, part.session_id, part.whole, part.total_bytes) for part in parts}
    return sorted(found, key=str)


def _take(arrivals: Sequence[Arrival], now_s: float) -> tuple[StoreResult, ...]:
    stored = _take_sessions([one for one in arrivals if isinstance(one, SessionArrived)], now_s)
    verdicts: list[StoreResult] = []
    for arrival in arrivals:
        match arrival:
            case SessionArrived():
                verdicts.append(next(stored))
            case PartArrived():
                verdicts.append(_take_part(arrival, now_s))
            case StateArrived():
                verdicts.append(_take_state(arrival, now_s))
            case ResultArrived():
                verdicts.append(_worded(_take_result(arrival, now_s), arrival.source, arrival.payload_sha256))
            case PlanWordArrived():
                verdicts.append(_worded(_take_plan_word(arrival, now_s), arrival.source, arrival.payload_sha256))
            case KeptForAPerson():
                verdicts.append(quarantine(arrival, now_s))
            case Dead():
                buried = _bury(arrival, now_s)
                if arrival.source.machine and arrival.source.topic.endswith(_WORDS) and buried.what == "dead":
                    # The machine need not send again what no one can read.
                    buried = _worded(buried, arrival.source, hashlib.sha256(arrival.payload).hexdigest())
                verdicts.append(buried)
    return tuple(verdicts)


def _worded(result: StoreResult, source: MessageSource, sha256: str) -> StoreResult:
    return StoreResult(result.what, result.receipt, DueWordReceipt(source.clinic, source.machine, sha256))


def _take_sessions(sessions: list[SessionArrived], now_s: float) -> Iterator[StoreResult]:
    """Sorted by key, so that two collectors with the same sessions wait for each other and never in a circle."""
    known = _known(sessions)
    gone = deleted_among((one.source.clinic, one.participant) for one in sessions)
    fresh: list[SessionArrived] = []
    verdicts: list[StoreResult] = []
    for one in sessions:
        key = (one.session_id, one.revision)
        there = known.get(key)
        if (one.source.clinic, one.participant) in gone:
            # The machine is to forget it as one that was stored.
            verdicts.append(StoreResult("deleted", _receipted(one)))
        elif there is None:
            known[key] = one.sha256
            fresh.append(one)
            verdicts.append(StoreResult("stored", _receipted(one)))
        elif there == one.sha256:
            verdicts.append(StoreResult("again", _receipted(one)))
        else:
            verdicts.append(quarantine(_conflict(one), now_s))
    insert_sessions(sorted(fresh, key=lambda one: (one.session_id, one.revision)), now_s)
    return iter(verdicts)


def _known(sessions: Sequence[SessionArrived]) -> dict[tuple[str, int], str]:
    if not sessions:
        return {}
    ids = {UUID(one.session_id) for one in sessions}
    rows = Session.objects.filter(session_id__in=ids).values_list("session_id", "revision", "sha256")
    return {(str(session_id), revision): sha256 for session_id, revision, sha256 in rows}


def _receipted(one: SessionArrived) -> DueReceipt:
    return DueReceipt(one.source.clinic, one.source.machine, one.session_id, one.revision, one.sha256)


def _conflict(one: SessionArrived) -> KeptForAPerson:
    return KeptForAPerson(
        source=one.source,
        session_id=one.session_id,
        why="conflict",
        reason=CONFLICT,
        payload=one.payload,
        revision=one.revision,
        sha256=one.sha256,
    )


def quarantine(kept: KeptForAPerson, now_s: float) -> StoreResult:
    """Keep a session for a person; the same again only counts. Where quarantine is full there is no receipt."""
    clinic, machine = kept.source.clinic, kept.source.machine
    digest = hashlib.sha256(kept.payload).hexdigest()
    receipt = None
    if kept.revision is not None:
        receipt = DueReceipt(clinic, machine, kept.session_id, kept.revision, kept.sha256, quarantined=kept.reason)
    there = QuarantinedSession.objects.filter(
        clinic=clinic, machine=machine, session_id=kept.session_id, payload_sha256=digest
    )
    if not there.update(times=F("times") + 1, last_wall_s=now_s):
        if QuarantinedSession.objects.filter(clinic=clinic, machine=machine).count() >= MOST_KEPT_A_MACHINE:
            return StoreResult("dropped")
        QuarantinedSession.objects.create(
            payload_sha256=digest,
            clinic=clinic,
            machine=machine,
            session_id=kept.session_id,
            revision=kept.revision,
            sha256=kept.sha256,
            why=kept.why,
            reason=kept.reason[:300],
            first_wall_s=now_s,
            last_wall_s=now_s,
            payload=kept.payload,
        )
    return StoreResult("quarantined", receipt)


def _bury(dead: Dead, now_s: float) -> StoreResult:
    topic = "".join(letter if letter.isprintable() else "?" for letter in dead.source.topic[:200])
    machine = f"{dead.source.clinic}/{dead.source.machine}" if dead.source.machine else ""
    digest = hashlib.sha256(dead.payload).hexdigest()
    there = DeadLetter.objects.filter(topic=topic, payload_sha256=digest)
    if there.update(times=F("times") + 1, last_wall_s=now_s):
        return StoreResult("dead")
    if DeadLetter.objects.filter(machine=machine).count() >= MOST_KEPT_A_MACHINE:
        return StoreResult("dropped")
    DeadLetter.objects.create(
        payload_sha256=digest,
        topic=topic,
        machine=machine,
        why=dead.why,
        reason="".join(letter if letter.isprintable() else "?" for letter in dead.reason[:300]),
        first_wall_s=now_s,
        last_wall_s=now_s,
        payload_bytes=len(dead.payload),
        payload=dead.payload[:MOST_DEAD_PAYLOAD_BYTES],
    )
    return StoreResult("dead")


class _PartsKept:
    """What each machine's parts take up, counted in the database now and then: for each batch it costs their square."""

    def __init__(self) -> None:
        """Nothing is counted yet."""
        self._kept: dict[tuple[str, ...], tuple[int, int, float]] = {}
        self._lock = threading.Lock()

    def has_room(self, source: MessageSource, content_bytes: int) -> bool:
        """Count one more part, and return whether there is room for it."""
        key, now_s = _key(source), time.monotonic()
        with self._lock:
            count, size, until_s = self._kept.get(key, (0, 0, 0.0))
        if now_s >= until_s:
            own = SessionPart.objects.filter(clinic=source.clinic, machine=source.machine)
            kept = own.aggregate(count=Count("pk"), size=Sum(Length("content")))
            count, size, until_s = kept["count"], kept["size"] or 0, now_s + PARTS_COUNTED_FOR_S
        fits = count < MOST_PARTS_A_MACHINE and size + content_bytes <= MOST_PART_BYTES_A_MACHINE
        with self._lock:
            self._kept[key] = (count + fits, size + content_bytes * fits, until_s)
        return fits

    def forget(self, source: MessageSource | None = None) -> None:
        """Count a machine's parts again at the next one, or all machines'."""
        with self._lock:
            if source is None:
                self._kept.clear()
            else:
                self._kept.pop(_key(source), None)


def _key(source: MessageSource) -> tuple[str, ...]:
    return str(connection.settings_dict["NAME"]), source.clinic, source.machine


_parts_kept = _PartsKept()


def _take_part(part: PartArrived, now_s: float) -> StoreResult:
    own = SessionPart.objects.filter(clinic=part.source.clinic, machine=part.source.machine)
    same = own.filter(session_id=part.session_id, whole=part.whole)
    if same.filter(number=part.number).exists():
        return StoreResult("part")
    if not _parts_kept.has_room(part.source, len(part.content)):
        return StoreResult("dropped")
    SessionPart.objects.create(
        clinic=part.source.clinic,
        machine=part.source.machine,
        session_id=part.session_id,
        whole=part.whole,
        number=part.number,
        parts=part.parts,
        total_bytes=part.total_bytes,
        came_wall_s=now_s,
        content=part.content,
    )
    return StoreResult("part")


def make_whole(
    group: PartGroup, read_whole: Callable[[MessageSource, str, bytes], Arrival], clock: Callable[[], float] = time.time
) -> tuple[StoreResult, ...]:
    """Take a session whose last part has come, and let go of its parts. Parts that do not fit become a dead letter.

    It is read outside the transaction. Of two collectors that have the last parts at the same time, the second one
    finds the session there. Raises as `commit` does.
    """
    rows = in_transaction(lambda: _all_parts(group))
    if not rows:
        return ()
    parts = [Chunk(row.whole, row.number, row.parts, row.total_bytes, bytes(row.content)) for row in rows]
    try:
        arrival = read_whole(group.source, group.session_id, join(parts))
    except ChunkError as error:
        content = b"".join(part.content for part in parts)
        arrival = Dead(source=group.source, why="parts", reason=str(error), payload=content)

    def take() -> tuple[StoreResult, ...]:
        verdicts = _take((arrival,), clock())
        group.rows.delete()
        return verdicts

    verdicts = in_transaction(take)
    _parts_kept.forget(group.source)
    return verdicts


def _all_parts(group: PartGroup) -> list[SessionPart]:
    """Return the parts where all have come, else nothing. The first part's row says how many there are."""
    first = group.rows.first()
    if first is None or group.rows.count() < first.parts:
        return []
    return list(group.rows)


def _take_state(arrival: StateArrived, now_s: float) -> StoreResult:
    """Let the newest connection's word count, and within it «away» as the last, in whatever order they come."""
    said = arrival.state
    mine = MachineState.objects.filter(clinic=arrival.source.clinic, machine=arrival.source.machine)
    values = {
        "online": said.online,
        "connection": said.connection,
        "waiting": said.waiting,
        "state": msgspec.json.decode(arrival.payload),
        "heard_wall_s": now_s,
    }
    there = mine.first()
    fresh = said.online and not (there is not None and there.online and there.connection == said.connection)
    if said.online and said.instance:
        values |= _instances(there, said, now_s)
    note_refused(arrival.source.clinic, arrival.source.machine, said.connection, said.refused, now_s)
    older = Q(connection__lt=said.connection)
    same = Q(connection=said.connection) if not said.online else Q(connection=said.connection, online=True)
    if not mine.filter(older | same).update(**values) and not mine.exists():
        MachineState.objects.create(clinic=arrival.source.clinic, machine=arrival.source.machine, **values)
    if fresh:
        # A broker keeps plans for a machine that is away, and no withdrawal.
        withdraw_left(arrival.source.clinic, arrival.source.machine)
    span = span_to_deliver_again(said.delivered_again_wall_s, now_s) if said.online else None
    if span is None:
        return StoreResult("state")
    return StoreResult("state", again=DueDelivery(arrival.source.clinic, arrival.source.machine, said.connection, span))


def _instances(there: MachineState | None, said: State, now_s: float) -> dict[str, object]:
    """Return the starts of the machine's courier as columns; one that comes back after another is a second client."""
    known = list(there.instances) if there is not None else []
    if said.instance in known[:-1] and there is not None and said.connection > there.connection:
        return {"instances": [*(one for one in known if one != said.instance), said.instance], "doubled_wall_s": now_s}
    return {"instances": [*(one for one in known if one != said.instance), said.instance][-_INSTANCES_KEPT:]}


def _take_result(arrival: ResultArrived, now_s: float) -> StoreResult:
    """Let the last word count: an `accepted` that comes late does not undo it."""
    said = arrival.result
    mine = CommandOutcome.objects.filter(
        clinic=arrival.source.clinic, machine=arrival.source.machine, command_id=said.id
    )
    values = {
        "outcome": said.outcome,
        "code": said.code[:64],
        "reason": said.reason[:300],
        "heard_wall_s": now_s,
    }
    if not mine.exists():
        CommandOutcome.objects.create(
            clinic=arrival.source.clinic, machine=arrival.source.machine, command_id=said.id, **values
        )
    elif said.outcome != "accepted":
        mine.update(**values)
    return StoreResult("result")


def _take_plan_word(arrival: PlanWordArrived, now_s: float) -> StoreResult:
    """Let the machine's last word on a participant count, in whatever order they are committed.

    Of who is no participant (any more) only that a machine has a plan of theirs yet stays, until it says that it has
    none: till then it is told again to let go of it.
    """
    said, source = arrival.word, arrival.source
    mine = PlanOnMachine.objects.filter(clinic=source.clinic, machine=source.machine, participant=said.participant)
    there = mine.first()
    if there is not None and there.boot_id == said.at.boot_id and there.monotonic_s > said.at.monotonic_s:
        return StoreResult("taken")
    known = Participant.objects.filter(clinic__code=source.clinic, pseudonym=said.participant).exists()
    if not known and (there is None or said.outcome == "withdrawn"):
        mine.delete()
        return StoreResult("taken")
    refused_before = there.refused_version if there else None
    row = there or PlanOnMachine(clinic=source.clinic, machine=source.machine, participant=said.participant)
    row.boot_id, row.monotonic_s = said.at.boot_id[:64], said.at.monotonic_s
    match said.outcome:
        case "taken":
            if row.version != said.version:
                row.version, row.since_wall_s = said.version, min(said.at.wall_s, now_s) if said.at.trusted else now_s
            row.refused_version, row.refused_for = None, ""
        case "refused":
            row.refused_version = said.version
            row.refused_for = "".join(letter if letter.isprintable() else "?" for letter in said.reason[:300])
        case "withdrawn":
            row.version, row.since_wall_s, row.refused_version, row.refused_for = None, now_s, None, ""
        case _:
            assert_never(said.outcome)
    row.save()
    if row.refused_version != refused_before:
        of = Participant.objects.filter(clinic__code=source.clinic, pseudonym=said.participant)
        mark_due(of.values_list("pk", flat=True))
    return StoreResult("taken")


def forget_old_parts(now_s: float) -> int:
    """Parts of sessions that never became whole; the machine sends a session it has no receipt for from the start."""
    _parts_kept.forget()
    in_transaction(lambda: (message_sequences.forget_old(now_s), deleted_participants.forget_old(now_s)))
    return in_transaction(lambda: SessionPart.objects.filter(came_wall_s__lt=now_s - PARTS_KEPT_S).delete()[0])
