"""uvicorn with time limits before and within a request, and with a limit on connections.

uvicorn has a time limit between requests only: a connection that says nothing, or half a request, is held for ever.
"""

import asyncio
import socket
import ssl
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from server.limits.listening import ConnectionLimit, LimitedListener, limit_for_pages

HANDSHAKE_S = 10.0
HEAD_S = 10.0
"""From the connection, or a request's first byte, until its whole head is here."""


class TimedProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which ends connections that do not send a whole request head in time."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time for the first request."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_S, self._end)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the time."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; the time runs until they make a whole head."""
        super().data_received(data)
        if not self._is_answering:
            if self._head_timer is None and not self.transport.is_closing():
                self._head_timer = self.loop.call_later(HEAD_S, self._end)
            return
        self._stop_timer()
        _prove(self.transport)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _end(self) -> None:
        self._head_timer = None
        if not self._is_answering:
            self.transport.abort()

    @property
    def _is_answering(self) -> bool:
        """Whether a whole head came and is not answered yet."""
        # uvicorn's own type says that there always is one.
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete


def _prove(transport: asyncio.Transport) -> None:
    counted = getattr(transport.get_extra_info("socket"), "_sock", None)
    told: tuple[ConnectionLimit, str] | None = getattr(counted, "counted", None)
    if told is not None:
        told[0].prove(counted)


class LimitedLoop(asyncio.SelectorEventLoop):
    """An event loop whose servers keep the connection limit and end slow TLS handshakes."""

    limit: ConnectionLimit

    async def create_server(self, *args: Any, **kwargs: Any) -> asyncio.Server:  # noqa: ANN401 - as asyncio has it
        """Listen, with the limits."""
        if isinstance(kwargs.get("ssl"), ssl.SSLContext):
            kwargs["ssl_handshake_timeout"] = HANDSHAKE_S
        listening: socket.socket | None = kwargs.get("sock")
        if listening is None:
            return await super().create_server(*args, **kwargs)
        kwargs["sock"] = LimitedListener.of(listening, self.limit)
        return await super().create_server(*args, **kwargs)


def make_loop() -> LimitedLoop:
    """Return a new event loop that limits connections by address and in all."""
    loop = LimitedLoop()
    loop.limit = limit_for_pages()
    return loop


def make_loop_behind_proxy() -> LimitedLoop:
    """Return a new event loop that limits connections in all: behind a proxy all come from one address."""
    loop = LimitedLoop()
    loop.limit = limit_for_pages(is_trusted=lambda _address: True)
    return loop


def bind(address: str, port: int) -> list[socket.socket]:
    """Bind on this address, or on every one where it is empty. Raises OSError."""
    bound: list[socket.socket] = []
    found = socket.getaddrinfo(address or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    try:
        for family, kind, protocol, _name, where in dict.fromkeys(found):
            try:
                listening = socket.socket(family, kind, protocol)
            except OSError:
                # This computer has no IPv6.
                continue
            bound.append(listening)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.bind(where)
            listening.settimeout(0.0)
            listening.set_inheritable(True)
    except OSError:
        for one in bound:
            one.close()
        raise
    return bound
