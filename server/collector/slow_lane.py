"""What would hold up other machines: messages that must be read whole, and those of a machine over its budget.

They are taken one at a time, in turn among machines, and at most half of the time, so that the fast lane always has its
share of processor and database. Nothing is lost by waiting here: what has no receipt is sent again.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from server.broker.mqtt_client import Received
from server.clinic_folder import transactions
from server.collector.fair_queue import FairQueue
from server.collector.messages import Arrival
from server.collector.reader_process import ReaderProcess
from server.collector.store import PartGroup

_log = logging.getLogger(__name__)

MOST_WAITING_OF_ONE = 50
MOST_GROUPS = 1_000
QUIET_S = 1.0

Handle = Callable[[Sequence[Received], Sequence[Arrival]], None]
Join = Callable[[PartGroup, ReaderProcess], None]


class SlowLane:
    """A thread that reads and commits one message at a time, from `start` to `stop`."""

    def __init__(self, is_current: Callable[[Received], bool], handle: Handle, join: Join) -> None:
        """Start nothing yet. `is_current`: whether a message did not come again in the meantime; `handle`: commits.

        `join` puts a large session together.
        """
        self._is_current, self._handle, self._join = is_current, handle, join
        self._groups: OrderedDict[PartGroup, None] = OrderedDict()
        self._waiting = FairQueue(MOST_WAITING_OF_ONE, at_once_of_one=1)
        self._came = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slow lane", daemon=True)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def start(self) -> None:
        """Read from now on."""
        self._thread.start()

    def stop(self, within_s: float) -> None:
        """End after the message at hand."""
        self._stopping.set()
        with self._came:
            self._came.notify_all()
        if self._thread.ident is not None:
            self._thread.join(within_s)

    def put(self, message: Received) -> Received | None:
        """Add a message. Return the oldest of its machine, which gives up its place, where too many wait."""
        with self._came:
            displaced = self._waiting.put(message)
            self._came.notify()
        return displaced

    def put_group(self, group: PartGroup) -> None:
        """Add a large session of which a part has come. One that is lost here is sent again by its machine."""
        with self._came:
            self._groups[group] = None
            self._groups.move_to_end(group)
            if len(self._groups) > MOST_GROUPS:
                self._groups.popitem(last=False)
            self._came.notify()

    def _run(self) -> None:
        reader = ReaderProcess()
        while not self._stopping.is_set():
            with self._came:
                if not self._waiting and not self._groups:
                    self._came.wait(QUIET_S)
                taken = self._waiting.take(1)
                group = self._groups.popitem(last=False)[0] if self._groups else None
            began_s = time.monotonic()
            try:
                for message in filter(self._is_current, taken):
                    self._handle([message], [reader.read(message.topic, message.payload)])
                if group is not None:
                    self._join(group, reader)
                reader.stop_idle()
            except Exception:  # noqa: BLE001 - whatever it was, the next message must be taken
                _log.exception("a message failed in the slow lane; it comes again")
            if taken or group is not None:
                self._stopping.wait(time.monotonic() - began_s)
        reader.stop()
        transactions.leave()
