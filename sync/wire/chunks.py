"""A sealed session in parts, where it is larger than one message should be or the broker takes.

    bytes 0–1    «IP»
    byte  2      version of the part, 1
    byte  3      0
    bytes 4–35   SHA-256 of the whole sealed session
    bytes 36–37  number of this part, from 0
    bytes 38–39  how many parts there are
    bytes 40–43  bytes of the whole
    bytes 44–    this part's bytes

Parts go to the same topic as a whole session does. In a shared subscription they may reach different collectors, and
they come again after a lost connection, so whoever reads keeps them by (hash, number) until all are there.
"""

import hashlib
import struct
from collections.abc import Iterable

from msgspec import Struct

from sync.errors import ChunkError
from sync.wire.envelope import Unreadable

MAGIC = b"IP"
VERSION = 1
_HEAD = struct.Struct(">2sBB32sHHI")
HEAD_BYTES = _HEAD.size

WHOLE_UP_TO_BYTES = 64 * 1024
"""A sealed session up to this size goes as one message; a normal 4×4 takes about a third of it."""

LEAST_PART_BYTES = 512
MOST_PARTS = 4096


class Chunk(Struct, frozen=True):
    """One part. `whole`: SHA-256 of the sealed session, in hexadecimal; it says which parts belong together."""

    whole: str
    number: int
    parts: int
    total_bytes: int
    content: bytes


def cut(sealed: bytes, most_bytes: int = WHOLE_UP_TO_BYTES) -> tuple[bytes, ...]:
    """Return the payloads to publish, none larger than `most_bytes`: the sealed session itself where it fits.

    Raises ChunkError where so small messages cannot carry it.
    """
    if len(sealed) <= most_bytes:
        return (sealed,)
    step = most_bytes - HEAD_BYTES
    if not can_cut(len(sealed), most_bytes):
        raise ChunkError(f"A session of {len(sealed)} bytes cannot go in messages of {most_bytes} bytes.")
    number = -(-len(sealed) // step)
    digest = hashlib.sha256(sealed).digest()
    return tuple(
        _HEAD.pack(MAGIC, VERSION, 0, digest, place, number, len(sealed)) + sealed[place * step : (place + 1) * step]
        for place in range(number)
    )


def can_cut(sealed_bytes: int, most_bytes: int) -> bool:
    """Whether a session of this size can go in messages of that size."""
    step = most_bytes - HEAD_BYTES
    return sealed_bytes <= most_bytes or (step >= LEAST_PART_BYTES and -(-sealed_bytes // step) <= MOST_PARTS)


def is_part(payload: bytes) -> bool:
    """Whether a payload says that it is a part, of whatever version."""
    return payload[:2] == MAGIC


def read_part(payload: bytes) -> Chunk | Unreadable:
    """Read one part, or keep what cannot be read."""
    if len(payload) < HEAD_BYTES or not is_part(payload):
        return Unreadable(payload, "not_an_envelope", "This is no part of a session.")
    _, version, _, digest, number, parts, total = _HEAD.unpack_from(payload)
    if version != VERSION:
        return Unreadable(payload, "newer", f"The part is version {version}; this program reads {VERSION}.")
    content = payload[HEAD_BYTES:]
    if not (1 <= parts <= MOST_PARTS and number < parts and content and len(content) <= total):
        return Unreadable(payload, "damaged", "The part's head contradicts itself.")
    if number < parts - 1 and len(content) < LEAST_PART_BYTES:
        # No sender cuts so small, and a flood of them costs far more than its bytes.
        return Unreadable(payload, "damaged", f"A part of {len(content)} bytes is too small.")
    return Chunk(digest.hex(), number, parts, total, content)


def join(parts: Iterable[Chunk]) -> bytes:
    """Return the sealed session that these parts make up, in whatever order, some perhaps twice. Raises ChunkError."""
    by_number = {part.number: part for part in parts}
    first = next(iter(by_number.values()), None)
    if first is None or len(by_number) != first.parts:
        raise ChunkError(f"{len(by_number)} of {first.parts if first else '?'} parts are here.")
    alike = {(part.whole, part.parts, part.total_bytes) for part in by_number.values()}
    sealed = b"".join(by_number[number].content for number in sorted(by_number))
    if len(alike) != 1 or len(sealed) != first.total_bytes or hashlib.sha256(sealed).hexdigest() != first.whole:
        raise ChunkError("The parts do not make up the session whose hash they name.")
    return sealed
