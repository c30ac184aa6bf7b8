"""Thousands of machines in one process: as little MQTT 5 as a benchmark needs, over asyncio, so that they are light.

Only CONNECT, SUBSCRIBE, PUBLISH and PUBACK; what is measured is the broker and the collector, never this client.
"""

import asyncio
import contextlib
import ssl
import struct
from collections.abc import Callable

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ = 0x10, 0x20, 0x30, 0x40, 0x82, 0x90, 0xC0
_SESSION_EXPIRY = 0x11


class LightMachine:
    """One connection. `heard` is told topic and payload of each message; `acknowledged` the number and reason."""

    def __init__(
        self,
        name: str,
        heard: Callable[[str, bytes], None] = lambda _topic, _payload: None,
        acknowledged: Callable[[int, int], None] = lambda _number, _reason: None,
    ) -> None:
        """Not connected yet."""
        self.name = name
        self.connected = False
        self._heard = heard
        self._acknowledged = acknowledged
        self._number = 0
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    async def connect(self, port: int, tls: ssl.SSLContext | None, *, subscribe: str | None = None) -> None:
        """Connect, and subscribe to one filter. Raises OSError where that does not work."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=tls, server_hostname="localhost" if tls else None, limit=1 << 18
        )
        self._writer = writer
        properties = struct.pack(">BI", _SESSION_EXPIRY, 3600)
        head = _text("MQTT") + bytes((5, 0)) + struct.pack(">H", 300) + bytes((len(properties),)) + properties
        writer.write(_packet(CONNECT, head + _text(self.name)))
        kind, body = await _read(reader)
        if kind != CONNACK or body[1] >= 0x80:
            writer.close()
            raise ConnectionRefusedError(f"the broker refuses {self.name}")
        if subscribe:
            writer.write(_packet(SUBSCRIBE, struct.pack(">HB", 1, 0) + _text(subscribe) + b"\x01"))
        self.connected = True
        self._reading = asyncio.create_task(self._read_all(reader))

    def publish(self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False) -> int:
        """Publish; gives the message's number (0 for QoS 0)."""
        if self._writer is None:
            raise ConnectionError("not connected")
        head = _text(topic)
        number = 0
        if qos:
            self._number = number = self._number % 65_000 + 1
            head += struct.pack(">H", number)
        self._writer.write(_packet(PUBLISH | qos << 1 | retain, head + b"\x00" + payload))
        return number

    async def drain(self) -> None:
        """Wait until what was published has gone out."""
        if self._writer is not None:
            await self._writer.drain()

    async def close(self) -> None:
        """Leave without a word."""
        if self._reading is not None:
            self._reading.cancel()
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await self._writer.wait_closed()
        self.connected = False

    async def _read_all(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ssl.SSLError):
            while True:
                kind, body = await _read(reader)
                if kind & 0xF0 == PUBLISH:
                    self._take(kind, body)
                elif kind == PUBACK:
                    self._acknowledged(struct.unpack_from(">H", body)[0], body[2] if len(body) > 2 else 0)
        self.connected = False

    def _take(self, kind: int, body: bytes) -> None:
        length = struct.unpack_from(">H", body)[0]
        topic = body[2 : 2 + length].decode()
        at = 2 + length
        if kind & 0x06:
            number = body[at : at + 2]
            at += 2
            if self._writer is not None:
                self._writer.write(_packet(PUBACK, number))
        # The properties of what this system sends are fewer than 128 bytes.
        self._heard(topic, body[at + 1 + body[at] :])


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            return kind, await reader.readexactly(length)
        shift += 7


def _packet(kind: int, body: bytes) -> bytes:
    length, head = len(body), bytearray((kind,))
    while True:
        length, byte = length >> 7, length & 0x7F
        head.append(byte | 0x80 if length else byte)
        if not length:
            return bytes(head) + body


def _text(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode()
