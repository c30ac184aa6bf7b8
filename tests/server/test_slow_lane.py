"""What one machine costs does not delay the others: budgets of processor time, a reader of its own, the slow lane."""

import os
import signal
import threading

from server.broker.mqtt_client import Received
from server.collector import parser
from server.collector.flood_guard import FloodGuard
from server.collector.messages import Dead, SessionArrived
from server.collector.processor_time import ProcessorTime
from server.collector.reader_process import ReaderProcess
from server.collector.slow_lane import SlowLane
from sync.wire.envelope import seal, unseal
from tests.support.broker.delivery_factory import sealed, session_id
from tests.support.clinic.local_clinic import until

TOPIC = f"ic/1/trondheim/machine-1/session/{session_id(1)}"


def odd_session() -> bytes:
    """A session whose head is not in its first 16 KiB."""
    content = unseal(sealed(1, seconds=60))
    assert isinstance(content, bytes)
    return seal(content.replace(b'"response":null', b'"response":"' + b"x" * 100_000 + b'"', 1))


def test_a_machine_that_has_spent_its_time_waits_and_gets_it_back() -> None:
    now = [0.0]
    times = ProcessorTime(most_s=1.0, refill=0.1, clock=lambda: now[0])
    times.spend("a", 0.9)
    assert not times.is_spent("a")
    times.spend("a", 0.2)
    assert (times.is_spent("a"), times.is_spent("b")) == (True, False)
    now[0] = 1.1
    assert not times.is_spent("a")
    times.spend("a", 1_000.0)
    now[0] = 62.0
    assert not times.is_spent("a")


def test_a_session_that_must_be_read_whole_is_not_read_in_the_fast_lane() -> None:
    assert parser.quick_arrival(TOPIC, odd_session()) is None
    assert isinstance(parser.quick_arrival(TOPIC, sealed(1, seconds=60)), SessionArrived)
    assert isinstance(parser.quick_arrival(TOPIC, b"?"), Dead)


def test_the_reader_reads_and_is_started_again_where_it_was_ended() -> None:
    reader = ReaderProcess()
    first = reader.read(TOPIC, sealed(1, seconds=60))
    assert isinstance(first, SessionArrived)
    pid = reader.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert isinstance(reader.read(TOPIC, odd_session()), Dead)
    assert reader.pid not in (None, pid)
    reader.stop()
    assert reader.pid is None


def test_what_takes_too_long_to_read_is_a_dead_letter() -> None:
    reader = ReaderProcess(within_s=0.0)
    found = reader.read(TOPIC, sealed(1, seconds=60))
    assert isinstance(found, Dead)
    assert (found.why, found.source.topic) == ("too_large", TOPIC)
    reader.stop()


def test_the_slow_lane_takes_one_message_at_a_time_and_passes_over_what_came_again() -> None:
    handled: list[tuple[int, str]] = []
    gate = threading.Event()

    def handle(batch: object, arrivals: object) -> None:
        assert isinstance(batch, list)
        assert isinstance(arrivals, list)
        handled.append((batch[0].number, type(arrivals[0]).__name__))

    lane = SlowLane(lambda message: message.connection == 2, handle, lambda _group, _reader: gate.set())
    for number, connection in ((1, 1), (2, 2)):
        assert lane.put(Received(TOPIC, sealed(1, seconds=60), connection, number, 1)) is None
    lane.start()
    until(lambda: handled)
    lane.stop(10)
    assert handled == [(2, "SessionArrived")]


def test_only_a_machine_whose_messages_are_given_up_by_the_hundred_floods() -> None:
    now = [0.0]
    guard = FloodGuard(most=3, clock=lambda: now[0])
    assert [guard.floods("a") for _ in range(3)] == [False, False, True]
    guard.floods("b")
    guard.floods("b")
    now[0] = 61.0
    assert not guard.floods("b")
