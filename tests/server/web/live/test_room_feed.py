"""A clinic's room in one worker: what each browser gets, and that none waits for another."""

import asyncio

import msgspec
import pytest

from server.live.feed import Feed
from server.live.machine_state import LiveMachine
from server.live.subscriber import MOST_WAITING, StreamSubscriber
from server.live.tiles import Tile, Tiles
from sync.wire.messages import Clocks, Live

AT = Clocks("boot", 1.0, 1000.0, synchronised=True)


def live(number: int) -> Live:
    return Live(
        number=number, connection=1, at=AT, age_s=0.0, face="session", participant="p-1", rate_bpm=float(number)
    )


def read(piece: bytes) -> list[tuple[str, Tiles]]:
    """The events in a piece of the stream."""
    told = []
    for event in piece.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in event.splitlines() if not line.startswith(":"))
        if "data" in lines:
            told.append((lines["event"], msgspec.json.decode(lines["data"], type=Tiles)))
    return told


def test_each_browser_gets_what_changed_once_and_together() -> None:
    async def watch() -> list[list[tuple[str, Tiles]]]:
        feed = Feed("trondheim", lambda: 2000.0)
        with feed.watching() as one, feed.watching() as other:
            for watcher in (one, other):
                watcher.begin()
            for number in range(3):
                feed.hear_live(f"molle-{number}", live(number + 1))
            assert await one.wait(30.0)
            assert await other.wait(30.0)
            return [read(one.take()), read(other.take())]

    first, second = asyncio.run(watch())
    assert first == second
    ((event, told),) = first
    assert (event, told.whole, [tile.machine for tile in told.tiles]) == (
        "tiles",
        False,
        ["molle-0", "molle-1", "molle-2"],
    )


def test_the_whole_room_has_every_machine_as_it_stands() -> None:
    feed = Feed("trondheim", lambda: 2000.0)
    feed.hear_live("molle-1", live(1))
    feed.hear_live("molle-1", live(2))
    ((event, told),) = read(feed.whole())
    assert (event, told.whole, told.sent_s, told.broker_up) == ("room", True, 2000.0, False)
    (tile,) = told.tiles
    assert tile.now is not None
    assert tile.now.rate_bpm == 2.0


def test_a_beat_says_whether_the_machines_are_heard() -> None:
    feed = Feed("trondheim", lambda: 2000.0)
    feed.broker(up=True)
    ((event, told),) = read(feed.beat())
    assert (event, told.broker_up, told.broker_s, told.tiles) == ("tiles", True, 2000.0, ())


def test_a_browser_that_does_not_keep_up_holds_little_and_gets_the_whole_room_next() -> None:
    async def offer() -> StreamSubscriber:
        slow = StreamSubscriber()
        slow.begin()
        for _ in range(10 * MOST_WAITING):
            slow.offer(b"piece")
        return slow

    slow = asyncio.run(offer())
    assert slow.needs_whole
    assert slow.take() == b""


def test_a_browser_that_has_gone_is_not_handed_anything() -> None:
    async def leave() -> bool:
        feed = Feed("trondheim", lambda: 2000.0)
        with feed.watching():
            pass
        return feed.watched

    assert asyncio.run(leave()) is False


def test_a_tile_that_cannot_be_drawn_takes_no_other_tile_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Feed("trondheim", lambda: 2000.0)
    for machine in ("molle-1", "molle-2"):
        feed.hear_live(machine, live(1))
    drawn = LiveMachine.tile

    def tile(place: LiveMachine) -> Tile:
        if place.machine == "molle-1":
            raise IndexError
        return drawn(place)

    monkeypatch.setattr(LiveMachine, "tile", tile)
    ((_, told),) = read(feed.whole())
    assert [(one.machine, one.now is not None) for one in told.tiles] == [("molle-1", False), ("molle-2", True)]
