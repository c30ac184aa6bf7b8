"""What the room remembers, in a thread of its own: neither the broker's thread nor the event loop waits for a database.

Notices are written when they are heard. What other workers wrote (a command given, a notice seen) is looked for twice
a second while somebody watches the room; so all browsers of all workers show the same half a second later.
"""

import logging
import math
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection
from msgspec import Struct

from server.accounts.models import Account, Clinic
from server.json_logging import log_fields
from server.live.feed import Feed
from server.live.machine_state import COMMANDS_SHOWN_S, PASSED_SHOWN_S, DisplayName, NoticeKey
from server.live.models import Acknowledgement, GivenCommand, RaisedNotice
from server.live.plan_outbox import supply_machine
from server.live.signals import notice_raised
from server.live.tiles import CommandTold, NoticeTold, command_name
from server.models import CommandOutcome
from server.people.models import Participant
from sync.wire.messages import Clocks, CommandResult

_log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
WHO_EVERY_S = 30.0
OVERLAP = 100
"""Rows looked at again: two that are written at the same time need not appear in the order of their numbers."""

ASK_AGAIN_S = 30.0
MOST_TASKS = 10_000


class _Known(Struct):
    """How far a clinic's rows have been read."""

    clinic: Clinic
    commands: int = 0
    seen: int = 0
    who_at_s: float = 0.0
    who: frozenset[str] = frozenset()


class Remembering:
    """The thread. `feeds` gives the rooms that there are now."""

    def __init__(self, feeds: Callable[[], Iterable[Feed]]) -> None:
        """Nothing runs before `start`."""
        self._feeds = feeds
        self._known: dict[str, _Known] = {}
        self._supplied: dict[tuple[str, str], float] = {}
        self._tasks: queue.Queue[Callable[[], None]] = queue.Queue(MOST_TASKS)
        self._again: deque[Callable[[], None]] = deque(maxlen=MOST_TASKS)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="remembering", daemon=True)

    def start(self) -> None:
        """Remember from now on."""
        self._thread.start()

    def stop(self, within_s: float = 5.0) -> None:
        """End after what is at hand."""
        self._stopping.set()
        self._put(lambda: None)
        self._thread.join(within_s)

    def raised(self, code: str, machine: str, participant: str | None, notice: NoticeTold) -> None:
        """Keep that a notice began. Never waits."""
        self._put(lambda: self._write_raised(code, machine, participant, notice))

    def ended(self, code: str, machine: str, key: NoticeKey, lasted_s: float) -> None:
        """Keep that a notice passed. Never waits."""
        self._put(lambda: self._write_ended(code, machine, key, lasted_s))

    def heard(self, code: str, machine: str) -> None:
        """Keep that a machine was heard: if it is new, it gets all plans. Never waits."""
        now_s = time.monotonic()
        if self._supplied.get((code, machine), -1.0) < now_s:
            self._supplied[code, machine] = math.inf
            self._put(lambda: self._supply(code, machine))

    def _put(self, task: Callable[[], None]) -> None:
        try:
            self._tasks.put_nowait(task)
        except queue.Full:
            _log.error("the database is away too long; notices are shown and not written")

    def _run(self) -> None:
        look_at_s = 0.0
        while not self._stopping.is_set():
            try:
                while self._again:
                    self._again[0]()
                    self._again.popleft()
                self._do_tasks(LOOK_EVERY_S)
                if time.monotonic() >= look_at_s:
                    look_at_s = time.monotonic() + LOOK_EVERY_S
                    for feed in tuple(self._feeds()):
                        if feed.watched:
                            self._look(feed)
            except (DatabaseError, InterfaceError) as error:
                _log.warning("the room's memory is away", extra=log_fields(why=type(error).__name__))
                connection.close()
                self._stopping.wait(1.0)
            except Exception:  # noqa: BLE001 - whatever it was, the room must go on
                _log.exception("the room's memory failed")
                if self._again:
                    self._again.popleft()
                connection.close()
                self._stopping.wait(1.0)
        connection.close()

    def _do_tasks(self, within_s: float) -> None:
        """Do what waits; what the database did not take is tried again."""
        try:
            task = self._tasks.get(timeout=within_s)
        except queue.Empty:
            return
        while True:
            self._again.append(task)
            task()
            self._again.pop()
            try:
                task = self._tasks.get_nowait()
            except queue.Empty:
                return

    def _look(self, feed: Feed) -> None:
        known = self._known.get(feed.code)
        if known is None:
            clinic = Clinic.objects.filter(code=feed.code).first()
            if clinic is None:
                return
            known = self._known[feed.code] = _Known(clinic)
            self._recall_notices(feed, clinic)
        self._look_for_commands(feed, known)
        self._look_for_seen(feed, known)
        self._look_for_who(feed, known)
        feed.forget_old()

    def _recall_notices(self, feed: Feed, clinic: Clinic) -> None:
        """Recall what was unseen before this process began, or its browser came."""
        since = datetime.now(UTC) - timedelta(seconds=PASSED_SHOWN_S)
        for row in RaisedNotice.objects.filter(clinic=clinic, heard_at__gte=since):
            told = NoticeTold(
                code=row.code,
                level=row.level,
                since_s=row.since_s,
                session_id=str(row.session_id) if row.session_id else None,
                heard_s=row.heard_at.timestamp(),
                holds=False,
                lasted_s=row.lasted_s,
                to_acknowledge=True,
            )
            feed.accept(row.machine, told)

    def _look_for_commands(self, feed: Feed, known: _Known) -> None:
        since = datetime.now(UTC) - timedelta(seconds=COMMANDS_SHOWN_S)
        rows = GivenCommand.objects.filter(
            clinic=known.clinic, pk__gt=known.commands - OVERLAP, made_at__gte=since
        ).select_related("made_by")
        for row in rows.order_by("pk"):
            known.commands = max(known.commands, row.pk)
            if feed.accept(row.machine, told_of(row)):
                self._recall_outcome(feed, row)

    def _recall_outcome(self, feed: Feed, row: GivenCommand) -> None:
        """Recall the outcome of a command that was answered before this worker knew of it."""
        outcome = CommandOutcome.objects.filter(
            clinic=feed.code, machine=row.machine, command_id=row.command_id
        ).first()
        if outcome is not None and outcome.outcome in ("accepted", "done", "refused"):
            at = Clocks("", 0.0, outcome.heard_wall_s, synchronised=True)
            told = CommandResult(
                id=row.command_id,
                outcome=outcome.outcome,  # type: ignore[arg-type] # one of the three, see above
                at=at,
                code=outcome.code,
                reason=outcome.reason,
            )
            feed.hear_result(row.machine, told)

    def _look_for_seen(self, feed: Feed, known: _Known) -> None:
        since = datetime.now(UTC) - timedelta(seconds=PASSED_SHOWN_S)
        rows = Acknowledgement.objects.filter(clinic=known.clinic, pk__gt=known.seen - OVERLAP, at__gte=since)
        for row in rows.select_related("by").order_by("pk"):
            known.seen = max(known.seen, row.pk)
            key = NoticeKey(str(row.session_id) if row.session_id else None, row.code, row.since_s)
            feed.told_seen(row.machine, key, called(row.by), row.at.timestamp())

    def _look_for_who(self, feed: Feed, known: _Known) -> None:
        asked = frozenset(feed.participants())
        now_s = time.monotonic()
        if asked == known.who and now_s - known.who_at_s < WHO_EVERY_S:
            return
        rows = Participant.objects.filter(clinic=known.clinic, pseudonym__in=asked)
        found = {
            row["pseudonym"]: DisplayName(row["nickname"], row["picture"])
            for row in rows.values("pseudonym", "nickname", "picture")
        }
        for one in asked:
            feed.told_who(one, found.get(one))
        known.who, known.who_at_s = asked, now_s

    def _write_raised(self, code: str, machine: str, participant: str | None, notice: NoticeTold) -> None:
        clinic = Clinic.objects.filter(code=code).first()
        if clinic is None:
            return
        row = RaisedNotice(
            clinic=clinic,
            machine=machine,
            session_id=session_uuid(notice.session_id),
            participant=participant or "",
            code=notice.code,
            level=notice.level,
            since_s=notice.since_s,
            heard_at=datetime.fromtimestamp(notice.heard_s, UTC),
        )
        RaisedNotice.objects.bulk_create([row], ignore_conflicts=True)
        notice_raised.send(RaisedNotice, notice=row)

    def _write_ended(self, code: str, machine: str, key: NoticeKey, lasted_s: float) -> None:
        rows = RaisedNotice.objects.filter(
            clinic__code=code,
            machine=machine,
            session_id=session_uuid(key.session_id),
            code=key.code,
            since_s=key.since_s,
        )
        rows.filter(lasted_s=None).update(lasted_s=lasted_s)

    def _supply(self, code: str, machine: str) -> None:
        clinic = Clinic.objects.filter(code=code).first()
        if clinic is None:
            # Made later, perhaps.
            self._supplied[code, machine] = time.monotonic() + ASK_AGAIN_S
            return
        given = supply_machine(clinic, machine)
        if given:
            _log.info("a new machine was given the plans", extra=log_fields(machine=machine, plans=given))


def told_of(row: GivenCommand) -> CommandTold:
    """Return a command as its tile shows it."""
    return CommandTold(
        id=row.command_id,
        name=command_name(row.action),
        made_s=row.made_at.timestamp(),
        by=called(row.made_by),
    )


def called(account: Account | None) -> str:
    """Return what colleagues are shown of an account."""
    return "" if account is None else account.get_short_name() or account.get_username()


def session_uuid(text: str | None) -> UUID | None:
    """Return the session's id, where it is one."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
