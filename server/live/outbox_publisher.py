"""Publishing what waits: one process at a time, in order, again until the broker has confirmed.

    waiting row ──► a turn is taken ──► published (QoS 1, retained) ──► PUBACK ──► marked published

A turn is a row that is taken by compare-and-set and ends by itself, so a process that dies with it stops nobody, on
SQLite and on PostgreSQL alike. All that waits for one topic goes over one connection in the order in which it was
written; what is published a second time after a fault ends with the newest, since order holds from the first that
waits.
"""

import logging
import queue
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Max, Q

from server.json_logging import log_fields
from server.live import plan_outbox, retention
from server.live.models import Outgoing, PublishingTurn

_log = logging.getLogger(__name__)

AT_ONCE = 200
"""Rows published before their confirmations are waited for."""

CONFIRMED_WITHIN_S = 10.0
TURN_S = 30.0
LOOK_EVERY_S = 5.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 30.0
KEPT = timedelta(days=1)
"""What was published is kept for a day, to look at after a fault; plans are health data, so no longer."""

TIDY_EVERY_S = 3600.0

UNSAVED = timedelta(seconds=60)
"""A broker that died had written all but the last half minute to disk (`autosave_interval`); twice that, to be sure."""

Publish = Callable[[str, bytes], int | None]


class Publisher:
    """A thread of a web worker. `publish` hands one retained message to the broker and gives its number, or None."""

    def __init__(self, name: str, publish: Publish, chance: random.Random | None = None) -> None:
        """Nothing runs before `start`."""
        self._name = name
        self._publish = publish
        # Jitter, no secret.
        self._chance = chance or random.Random()  # noqa: S311
        self._confirmations: queue.SimpleQueue[tuple[int, bool]] = queue.SimpleQueue()
        self._waiting = threading.Event()
        self._hurry = threading.Event()
        self._lost = threading.Event()
        self._away_since = datetime.now(UTC)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="publishing", daemon=True)
        self._tidy_at_s = 0.0

    def start(self) -> None:
        """Publish from now on."""
        plan_outbox.on_waiting(self.wake)
        self._thread.start()

    def stop(self, within_s: float = 5.0) -> None:
        """End after what is at hand."""
        plan_outbox.no_longer(self.wake)
        self._stopping.set()
        self._hurry.set()
        self._waiting.set()
        self._thread.join(within_s)

    def wake(self) -> None:
        """Something waits."""
        self._waiting.set()

    def broker_back(self) -> None:
        """There is a broker again, which may have died: send what it may have lost once more, with no back-off."""
        self._lost.set()
        self._hurry.set()
        self._waiting.set()

    def broker_gone(self) -> None:
        """There is no broker: what it confirmed of late may be lost with it."""
        self._away_since = datetime.now(UTC)

    def confirmed(self, number: int, taken: bool) -> None:  # noqa: FBT001 - a callback with one truth to tell
        """Take the broker's word on a publish. Never waits."""
        self._confirmations.put((number, taken))

    def _run(self) -> None:
        wait_s = FIRST_WAIT_S
        pause_s = 0.0
        while not self._stopping.is_set():
            # What begins to wait meanwhile hurries nobody after a fault; a broker that is back does.
            self._hurry.wait(pause_s)
            self._hurry.clear()
            self._waiting.clear()
            try:
                done = self.publish_waiting()
            except (DatabaseError, InterfaceError) as error:
                _log.warning("plans wait: the database is away", extra=log_fields(why=type(error).__name__))
                done = False
            except Exception:  # noqa: BLE001 - whatever it was, the next plan must go out
                _log.exception("plans wait")
                done = False
            connection.close()
            if done:
                wait_s, pause_s = FIRST_WAIT_S, 0.0
                self._waiting.wait(LOOK_EVERY_S * self._chance.uniform(0.8, 1.2))
            else:
                pause_s = self._chance.uniform(wait_s / 2, wait_s)
                wait_s = min(LONGEST_WAIT_S, wait_s * 2)

    def publish_waiting(self) -> bool:
        """Publish all that waits, if it is this process's turn. Gives whether nothing is left that it could publish."""
        if self._lost.is_set():
            self._lost.clear()
            of_late = Outgoing.objects.filter(published_at__gte=self._away_since - UNSAVED)
            newest = [row["newest"] for row in of_late.values("topic").annotate(newest=Max("pk"))]
            Outgoing.objects.filter(pk__in=newest).update(published_at=None)
        if not Outgoing.objects.filter(published_at=None).exists():
            self._tidy()
            return True
        if not self._take_turn():
            return False
        try:
            while not self._stopping.is_set():
                rows = list(Outgoing.objects.filter(published_at=None).order_by("pk")[:AT_ONCE])
                if not rows:
                    return True
                if not self._publish_all(rows) or not self._take_turn():
                    return False
        finally:
            PublishingTurn.objects.filter(pk=1, holder=self._name).update(until=datetime.now(UTC))
        return False

    def _publish_all(self, rows: list[Outgoing]) -> bool:
        while not self._confirmations.empty():
            self._confirmations.get()
        waiting: dict[int, int] = {}
        for row in rows:
            number = self._publish(row.topic, bytes(row.payload))
            if number is None:
                break
            waiting[number] = row.pk
        told, taken = len(waiting) == len(rows), []
        end_s = time.monotonic() + CONFIRMED_WITHIN_S
        while waiting:
            try:
                number, good = self._confirmations.get(timeout=max(0.0, end_s - time.monotonic()))
            except queue.Empty:
                told = False
                break
            row_pk = waiting.pop(number, None)
            if row_pk is not None and good:
                taken.append(row_pk)
            told = told and good
        Outgoing.objects.filter(pk__in=taken, published_at=None).update(published_at=datetime.now(UTC))
        if taken:
            _log.info("plans published", extra=log_fields(count=len(taken)))
        return told

    def _take_turn(self) -> bool:
        now = datetime.now(UTC)
        with transaction.atomic():
            PublishingTurn.objects.get_or_create(pk=1, defaults={"until": now})
            free = Q(until__lte=now) | Q(holder=self._name)
            ours = PublishingTurn.objects.filter(free, pk=1)
            return ours.update(holder=self._name, until=now + timedelta(seconds=TURN_S)) == 1

    def _tidy(self) -> None:
        if time.monotonic() >= self._tidy_at_s:
            self._tidy_at_s = time.monotonic() + TIDY_EVERY_S
            Outgoing.objects.filter(published_at__lt=datetime.now(UTC) - KEPT).delete()
            retention.forget_old(datetime.now(UTC))
