"""Limits on what strangers may use: counting failures, places for expensive work, connections, hashing."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from server.limits.admission import Admission, AdmissionError
from server.limits.failure_rate import FailureRate
from server.limits.hashing import HashingBusyError, HashingQueue
from server.limits.listening import ConnectionLimit, LimitedListener, caller_of


def test_failures_count_by_caller_and_in_all_and_are_forgotten() -> None:
    now = [0.0]
    rate = FailureRate(from_one=3, from_all=5, within_s=60.0, clock=lambda: now[0])
    for _ in range(3):
        rate.note("a")
    assert (rate.too_many("a"), rate.too_many("b")) == (True, False)
    for caller in ("b", "c"):
        rate.note(caller)
    assert rate.too_many("d")
    now[0] = 61.0
    assert not rate.too_many("a")


def test_a_full_hashing_queue_refuses_and_what_waits_is_hashed() -> None:
    queue = HashingQueue(threads=1, most_waiting=1)
    gate = threading.Event()
    done: list[int] = []
    threads = [
        threading.Thread(target=lambda: done.append(queue.run(lambda: (gate.wait(10) and 7) or 0))) for _ in "12"
    ]
    for one in threads:
        one.start()
    end_s = time.monotonic() + 10
    refused = False
    while not refused and time.monotonic() < end_s:
        with contextlib.suppress(HashingBusyError):
            if queue._places._value:  # type: ignore[attr-defined] - until both have their place
                time.sleep(0.01)
                continue
            queue.run(lambda: 0)
            continue
        refused = True
    gate.set()
    for one in threads:
        one.join(10)
    assert (refused, done) == (True, [7, 7])
    assert queue.run(lambda: 5) == 5


def test_expensive_work_has_places_by_address_and_in_all() -> None:
    async def tried() -> None:
        admission = Admission(at_once=3, from_one=2, waiting=3, waiting_from_one=2, patience_s=5.0)
        leave = asyncio.Event()
        inside: list[str] = []

        async def come(caller: str) -> str:
            try:
                async with admission.place(caller):
                    inside.append(caller)
                    await leave.wait()
            except AdmissionError:
                return "refused"
            return "served"

        flood = [asyncio.create_task(come("flood")) for _ in range(50)]
        await asyncio.sleep(0)
        honest = asyncio.create_task(come("honest"))
        await asyncio.sleep(0.05)
        assert sorted(inside) == ["flood", "flood", "honest"]
        leave.set()
        answers = await asyncio.gather(*flood, honest)
        assert (answers.count("served"), answers.count("refused"), answers[-1]) == (5, 46, "served")
        assert not admission._inside

    asyncio.run(tried())


def test_who_waits_in_vain_or_goes_leaves_no_place_taken() -> None:
    async def tried() -> None:
        admission = Admission(at_once=1, from_one=1, waiting=5, waiting_from_one=5, patience_s=0.05)
        async with admission.place("a"):
            with pytest.raises(AdmissionError):
                async with admission.place("b"):
                    raise AssertionError
            gone = asyncio.create_task(admission.place("c").__aenter__())
            await asyncio.sleep(0)
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone
        async with admission.place("d"):
            pass
        assert not admission._inside
        assert not admission._waiting

    asyncio.run(tried())


@contextlib.contextmanager
def listening(limit: ConnectionLimit) -> Iterator[tuple[LimitedListener, int, list[socket.socket]]]:
    plain = socket.create_server(("127.0.0.1", 0))
    port = int(plain.getsockname()[1])
    with LimitedListener.of(plain, limit) as one:
        one.settimeout(0.3)
        kept: list[socket.socket] = []
        yield one, port, kept
        for connection in kept:
            connection.close()


def called(port: int, source: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5, source_address=(source, 0))


def accepted(one: LimitedListener) -> socket.socket | None:
    try:
        return one.accept()[0]
    except TimeoutError:
        return None


def test_one_address_takes_its_share_of_connections_and_a_closed_one_frees_its_place() -> None:
    limit = ConnectionLimit(2, 10)
    with listening(limit) as (one, port, kept), contextlib.ExitStack() as callers:
        for _ in range(4):
            callers.enter_context(called(port, "127.0.0.2"))
        kept += [found for found in (accepted(one) for _ in range(3)) if found]
        assert (len(kept), limit.open) == (2, 2)
        callers.enter_context(called(port, "127.0.0.3"))
        other = accepted(one)
        assert other is not None
        kept.append(other)
        kept[0].close()
        callers.enter_context(called(port, "127.0.0.2"))
        again = accepted(one)
        assert again is not None
        kept.append(again)
        assert limit.open == 3
    assert limit.open == 0


def test_where_all_places_are_taken_the_oldest_silent_connection_makes_room() -> None:
    limit = ConnectionLimit(5, 3)
    with listening(limit) as (one, port, kept), contextlib.ExitStack() as stack:
        callers = [stack.enter_context(called(port, f"127.0.0.{number}")) for number in (2, 3, 4)]
        kept += [found for found in (accepted(one) for _ in range(3)) if found]
        limit.prove(kept[0])
        stack.enter_context(called(port, "127.0.0.5"))
        newest = accepted(one)
        assert newest is not None
        kept.append(newest)
        assert callers[1].recv(1) == b""
        callers[0].settimeout(0.1)
        with pytest.raises(TimeoutError):
            callers[0].recv(1)


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("", ""),
    ],
)
def test_a_caller_is_an_address_or_a_subscribers_network(address: str, caller: str) -> None:
    assert caller_of(address) == caller
