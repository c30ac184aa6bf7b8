"""Time limits of the pages' server, with uvicorn as it really serves, and the limits of a request's body."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import uvicorn

from server.limits import serving_time
from server.limits.listening import ConnectionLimit
from server.limits.request_limits import limited
from server.limits.serving_time import LimitedLoop, TimedProtocol

SHORT_S = 0.4


async def hello(_scope: object, receive: Any, send: Any) -> None:  # noqa: ANN401 - as ASGI has it
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A served application with short limits: two connections an address, 0.4 s for a head and for a body."""
    monkeypatch.setattr(serving_time, "HEAD_S", SHORT_S)

    def make_short() -> LimitedLoop:
        loop = LimitedLoop()
        loop.limit = ConnectionLimit(2, 50)
        return loop

    [bound] = serving_time.bind("127.0.0.1", 0)
    config = uvicorn.Config(
        limited(hello, body_s=SHORT_S), http=TimedProtocol, lifespan="off", ws="none", log_config=None, access_log=False
    )
    config.get_loop_factory = lambda: make_short  # type: ignore[method-assign]
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
    where = int(bound.getsockname()[1])
    thread.start()
    end_s = time.monotonic() + 10
    while not server.started and time.monotonic() < end_s:
        time.sleep(0.02)
    yield where
    server.should_exit = True
    thread.join(10)


def call(port: int, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5, source_address=(source, 0))


def said_until_closed(line: socket.socket) -> bytes:
    """All that comes until the server ends the connection, which it must within 5 s."""
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := line.recv(4096):
            said += piece
    return said


@pytest.mark.parametrize("beginning", [b"", b"G", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "])
def test_a_connection_without_a_whole_head_is_ended(port: int, beginning: bytes) -> None:
    with call(port) as line:
        line.sendall(beginning)
        assert said_until_closed(line) == b""


def test_a_header_line_now_and_then_buys_no_time(port: int) -> None:
    began_s = time.monotonic()
    with call(port) as line, contextlib.suppress(OSError):
        line.sendall(b"GET / HTTP/1.1\r\n")
        for number in range(40):
            time.sleep(SHORT_S / 4)
            line.sendall(b"X-%d: slow\r\n" % number)
    assert time.monotonic() - began_s < SHORT_S * 8


def test_a_second_request_has_to_come_whole_too_and_a_whole_one_is_answered(port: int) -> None:
    with call(port) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert line.recv(4096).startswith(b"HTTP/1.1 200")
        line.sendall(b"GET / HT")
        assert said_until_closed(line) in (b"", b"ok")


def test_a_slow_body_is_answered_with_408_and_its_connection_ended(port: int) -> None:
    with call(port) as line:
        line.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n123")
        assert said_until_closed(line).startswith(b"HTTP/1.1 408")


def test_one_address_cannot_take_all_connections(port: int) -> None:
    with call(port, "127.0.0.2"), call(port, "127.0.0.2"), call(port, "127.0.0.2") as third:
        assert said_until_closed(third) == b""
        with call(port, "127.0.0.3") as honest:
            honest.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert said_until_closed(honest).startswith(b"HTTP/1.1 200")


def test_a_large_body_has_the_time_that_its_length_takes() -> None:
    async def asked() -> list[int]:
        pieces = [{"type": "http.request", "body": b"x", "more_body": number < 3} for number in range(4)]
        statuses: list[int] = []

        async def receive() -> Mapping[str, Any]:
            await asyncio.sleep(0.1)
            return pieces.pop(0)

        async def send(message: Mapping[str, Any]) -> None:
            if "status" in message:
                statuses.append(message["status"])

        scope = {"type": "http", "path": "/", "method": "POST", "headers": [(b"content-length", b"65536")]}
        await limited(hello, body_s=0.1)(scope, receive, send)
        return statuses

    assert asyncio.run(asked()) == [200]
