"""A clinic's room in one web worker: what the machines say comes in, and each browser gets what has changed.

Messages come from the broker's thread, what is remembered from the database's thread, and browsers are served in the
event loop. One lock is held for the few microseconds that a message takes; the loop collects what changed for
`GATHER_S` and makes one piece of it for all browsers alike.
"""

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

import msgspec

from server.live.machine_state import DisplayName, Heard, LiveMachine, NoticeKey
from server.live.subscriber import StreamSubscriber
from server.live.tiles import CommandTold, NoticeTold, Tile, Tiles
from sync.wire.messages import CommandResult, Live, State

_log = logging.getLogger(__name__)

GATHER_S = 0.04
"""A twenty-fifth of a second gathers what came together, and nobody sees it."""

GONE_S = 30 * 86_400.0
"""A machine that has been away so long is not shown any more."""


class Feed:
    """One clinic's room."""

    def __init__(self, code: str, clock: Callable[[], float]) -> None:
        """Nobody is heard yet. `clock`: seconds since 1970 that never jump."""
        self.code = code
        self._clock = clock
        self._lock = threading.Lock()
        self._places: dict[str, LiveMachine] = {}
        self._changed: set[str] = set()
        self._watchers: set[StreamSubscriber] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._scheduled = False
        self._broker: tuple[bool, float] = (False, clock())

    # What comes in, from any thread

    def hear_state(self, machine: str, state: State) -> None:
        """Take a birth or a will."""
        with self._lock:
            if self._place(machine).hear_state(state, self._clock()):
                self._touch(machine)

    def hear_live(self, machine: str, live: Live) -> Heard | None:
        """Take a picture. Return what it raised and ended, where it is not a late one."""
        with self._lock:
            heard = self._place(machine).hear_live(live, self._clock())
            if heard is not None:
                self._touch(machine)
            return heard

    def hear_result(self, machine: str, result: CommandResult) -> None:
        """Take what became of a command."""
        with self._lock:
            if self._place(machine).hear_result(result):
                self._touch(machine)

    def accept(self, machine: str, what: CommandTold | NoticeTold) -> bool:
        """Something that is remembered. Gives whether it is news."""
        with self._lock:
            place = self._place(machine)
            news = place.told_command(what) if isinstance(what, CommandTold) else place.told_notice(what)
            if news:
                self._touch(machine)
            return news

    def told_seen(self, machine: str, key: NoticeKey, by: str, at_s: float) -> None:
        """Somebody has seen a notice."""
        with self._lock:
            if self._place(machine).told_seen(key, by, at_s):
                self._touch(machine)

    def told_who(self, participant: str, who: DisplayName | None) -> None:
        """Who a pseudonym is."""
        with self._lock:
            for place in self._places.values():
                if place.told_who(participant, who):
                    self._touch(place.machine)

    def broker(self, up: bool) -> None:  # noqa: FBT001 - one truth
        """Whether the server hears the machines."""
        with self._lock:
            if up != self._broker[0]:
                self._broker = (up, self._clock())
                self._touch("")

    # What is asked

    def machines(self) -> set[str]:
        """Every machine heard."""
        with self._lock:
            return set(self._places)

    def participant_at(self, machine: str) -> str | None:
        """Return the pseudonym of who trains there now."""
        with self._lock:
            place = self._places.get(machine)
            return place.participant if place else None

    def participants(self) -> set[str]:
        """Return the pseudonyms of all who train now."""
        with self._lock:
            return {place.participant for place in self._places.values() if place.participant is not None}

    def training(self, machine: str) -> str | None:
        """Return the session that runs there."""
        with self._lock:
            place = self._places.get(machine)
            return place.training if place else None

    def has_notice(self, machine: str, key: NoticeKey) -> bool:
        """Whether there is such a notice to acknowledge."""
        with self._lock:
            place = self._places.get(machine)
            return place is not None and place.has_notice(key)

    @property
    def watched(self) -> bool:
        """Whether a browser shows this room."""
        return bool(self._watchers)

    # What goes out, in the event loop

    @contextmanager
    def watching(self) -> Iterator[StreamSubscriber]:
        """Hold a browser's share, as long as it watches. Called in the event loop."""
        watcher = StreamSubscriber()
        self._loop = asyncio.get_running_loop()
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    def whole(self) -> bytes:
        """Return the whole room as it stands, with every trace."""
        now_s = self._clock()
        with self._lock:
            tiles = tuple(_draw_tile(place, partial(place.tile_with_trace, now_s)) for place in self._shown(now_s))
            up, since_s = self._broker
        return _piece("room", Tiles(sent_s=round(now_s, 3), broker_up=up, broker_s=since_s, whole=True, tiles=tiles))

    def beat(self) -> bytes:
        """Return a sign of life for a quiet room; it carries the time, and whether the server hears the machines."""
        with self._lock:
            up, since_s = self._broker
        told = Tiles(sent_s=round(self._clock(), 3), broker_up=up, broker_s=since_s, whole=False, tiles=())
        return b": still here\n" + _piece("tiles", told)

    def forget_old(self) -> None:
        """Let go of what is no longer shown."""
        now_s = self._clock()
        with self._lock:
            for place in self._places.values():
                if place.forget_old(now_s):
                    self._touch(place.machine)

    def _place(self, machine: str) -> LiveMachine:
        place = self._places.get(machine)
        if place is None:
            place = self._places[machine] = LiveMachine(machine)
        return place

    def _shown(self, now_s: float) -> Iterator[LiveMachine]:
        for place in self._places.values():
            away_s = place.away_s(now_s)
            if away_s is None or away_s < GONE_S:
                yield place

    def _touch(self, machine: str) -> None:
        """Note a change; the loop is told once for all that comes until it has looked."""
        self._changed.add(machine)
        loop = self._loop
        if loop is None or self._scheduled or not self._watchers:
            return
        # The loop ends before the broker's thread does.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(loop.call_later, GATHER_S, self._hand_round)
            self._scheduled = True

    def _hand_round(self) -> None:
        now_s = self._clock()
        with self._lock:
            self._scheduled = False
            changed, self._changed = self._changed, set()
            places = [self._places[one] for one in sorted(changed) if one in self._places]
            tiles = tuple(_draw_tile(place, place.tile) for place in places)
            up, since_s = self._broker
        piece = _piece("tiles", Tiles(sent_s=round(now_s, 3), broker_up=up, broker_s=since_s, whole=False, tiles=tiles))
        for watcher in tuple(self._watchers):
            watcher.offer(piece)


def _draw_tile(place: LiveMachine, draw: Callable[[], Tile]) -> Tile:
    """Return a machine's tile; a bare one, with a line in the log, where it cannot be drawn: the others come anyway."""
    try:
        return draw()
    except Exception:  # noqa: BLE001 - what one machine sent must not take the room from all others
        _log.exception("the tile of %s cannot be drawn", place.machine)
        return place.bare_tile()


def _piece(event: str, told: Tiles) -> bytes:
    """Return a server-sent event. JSON holds no line break."""
    return b"event: " + event.encode() + b"\ndata: " + msgspec.json.encode(told) + b"\n\n"


class StreamCount:
    """Counts each account's open streams in this process."""

    def __init__(self) -> None:
        """Start with none."""
        self._open: Counter[int] = Counter()
        self._lock = threading.Lock()

    def open_of(self, account: int) -> int:
        """Return how many streams this account has open."""
        with self._lock:
            return self._open[account]

    @contextmanager
    def counted(self, account: int) -> Iterator[None]:
        """Count a stream of this account until it ends."""
        with self._lock:
            self._open[account] += 1
        try:
            yield
        finally:
            with self._lock:
                self._open[account] -= 1
                if not self._open[account]:
                    del self._open[account]
