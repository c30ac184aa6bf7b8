"""Listening with a limit: a bounded number of connections from one address and in all, whatever serves them.

Both asyncio and socketserver take connections by the listening socket's `accept`, so the limit is kept there, before a
TLS handshake costs anything. Where all places are taken, the oldest connection without a whole request is ended.
"""

import resource
import socket
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address, ip_address, ip_network

MOST_FROM_ONE = 1_000
RESERVED_FILES = 128
"""Descriptors that are left for databases, logs and files."""


class ConnectionLimit:
    """Counts open connections by address. `from_one`, `in_all`: the most; for trusted ones `in_all` alone."""

    def __init__(self, from_one: int, in_all: int, is_trusted: Callable[[str], bool] = lambda _address: False) -> None:
        """Start with none."""
        self.from_one, self.in_all = from_one, in_all
        self._is_trusted = is_trusted
        self._open: Counter[str] = Counter()
        self._unproven: dict[int, CountedSocket] = {}
        self._lock = threading.Lock()

    @property
    def open(self) -> int:
        """How many connections are open."""
        with self._lock:
            return self._open.total()

    def admit(self, connection: "CountedSocket", address: str) -> bool:
        """Count a new connection, and return whether it may stay."""
        oldest, address = None, caller_of(address)
        with self._lock:
            if self._open[address] >= self.from_one and not self._is_trusted(address):
                return False
            if self._open.total() >= self.in_all:
                if not self._unproven:
                    return False
                oldest = self._unproven.pop(next(iter(self._unproven)))
            self._open[address] += 1
            self._unproven[id(connection)] = connection
            connection.counted = (self, address)
        if oldest is not None:
            oldest.cut()
        return True

    def prove(self, connection: object) -> None:
        """Note that a whole request came: this connection is not ended to make room."""
        with self._lock:
            self._unproven.pop(id(connection), None)

    def release(self, connection: "CountedSocket", address: str) -> None:
        """Count a connection that is closed no longer."""
        with self._lock:
            self._unproven.pop(id(connection), None)
            self._open[address] -= 1
            if self._open[address] <= 0:
                del self._open[address]


def caller_of(address: str) -> str:
    """Return what counts as one caller: an IPv4 address, or an IPv6 network of 64 bits, which one subscriber has."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ip_network((int(known) >> 64 << 64, 64)))


class CountedSocket(socket.socket):
    """A connection that leaves its place in the count when it is closed."""

    counted: tuple[ConnectionLimit, str] | None = None
    _handle: socket.socket | None = None

    def keep_handle(self) -> None:
        """Keep a copy of the descriptor, so that `cut` works after another object has taken the connection over."""
        self._handle = self.dup()

    def close(self) -> None:
        """Close, and leave the place."""
        super().close()
        if self._handle is not None:
            self._handle.close()
        if self.counted is not None:
            limit, address = self.counted
            self.counted = None
            limit.release(self, address)

    def cut(self) -> None:
        """End the connection: whatever reads it sees its end."""
        with suppress(OSError):
            (self._handle or self).shutdown(socket.SHUT_RDWR)


class LimitedListener(socket.socket):
    """A listening socket that closes connections beyond the limit at once."""

    limit: ConnectionLimit

    @classmethod
    def of(cls, listening: socket.socket, limit: ConnectionLimit) -> "LimitedListener":
        """Take over a bound socket."""
        timeout = listening.gettimeout()
        made = cls(listening.family, listening.type, listening.proto, fileno=listening.detach())
        made.settimeout(timeout)
        made.limit = limit
        return made

    def accept(self) -> tuple[socket.socket, object]:
        """Take the next connection that is within the limit."""
        while True:
            descriptor, caller = self._accept()  # type: ignore[attr-defined] # what socket.accept itself is built on
            connection = CountedSocket(self.family, self.type, self.proto, fileno=descriptor)
            if socket.getdefaulttimeout() is None and self.gettimeout():
                connection.settimeout(None)
            if self.limit.admit(connection, str(caller[0])):
                return connection, caller
            connection.close()


def limit_for_pages(is_trusted: Callable[[str], bool] = lambda _address: False) -> ConnectionLimit:
    """Return the limit that fits the descriptors this process may open: one address takes a quarter of them at most."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    in_all = max(16, soft - RESERVED_FILES)
    return ConnectionLimit(min(MOST_FROM_ONE, in_all // 4), in_all, is_trusted)
