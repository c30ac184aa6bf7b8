"""The envelope of a session on the wire: version, compression, checksum, content.

    bytes 0–1    «IC»
    byte  2      version of the envelope, 1
    byte  3      0 the content as it is, 1 compressed with zlib (RFC 1950)
    bytes 4–35   SHA-256 of bytes 0–3 and 36–, as they are sent
    bytes 36–    the content

The content is JSON with keys in the order of the struct's fields and no white space, encoded once; nobody makes it anew
to compare. A reader that cannot read an envelope keeps it and says why (`Unreadable`): it is never dropped.
"""

import hashlib
import struct
import zlib

from msgspec import Struct

from sync.errors import WireError

MAGIC = b"IC"
VERSION = 1
PLAIN, ZLIB = 0, 1
_HEAD = struct.Struct(">2sBB32s")
HEAD_BYTES = _HEAD.size

MOST_CONTENT_BYTES = 32 * 1024 * 1024
"""What a reader unpacks at most: more than a day at the treadmill, and little enough for a hostile message."""

_PIECE_BYTES = 256 * 1024

Why = str
"""`not_an_envelope`, `newer`, `damaged`, `too_large`, `not_understood`."""


class Unreadable(Struct, frozen=True):
    """What could not be read, kept as it came. `why` is for programs, `reason` for people."""

    kept: bytes
    why: Why
    reason: str


def seal(content: bytes) -> bytes:
    """Put content into an envelope, compressed where that makes it smaller. Raises WireError where it is too large."""
    if len(content) > MOST_CONTENT_BYTES:
        raise WireError(f"A session of {len(content)} bytes is too large for the wire ({MOST_CONTENT_BYTES}).")
    packed = zlib.compress(content, 9)
    compression, body = (ZLIB, packed) if len(packed) < len(content) else (PLAIN, content)
    return _HEAD.pack(MAGIC, VERSION, compression, digest_of(MAGIC + bytes((VERSION, compression)), body)) + body


def unseal(payload: bytes) -> bytes | Unreadable:
    """Take content out of its envelope, checked; or keep what cannot be read."""
    body = _body(payload)
    if isinstance(body, Unreadable) or payload[3] == PLAIN:
        return body
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(body, MOST_CONTENT_BYTES)
    except zlib.error as error:
        return Unreadable(payload, "damaged", f"The content cannot be unpacked ({error}).")
    if unpacking.unconsumed_tail:
        return Unreadable(payload, "too_large", f"The content unpacks to more than {MOST_CONTENT_BYTES} bytes.")
    if not unpacking.eof:
        return Unreadable(payload, "damaged", "The content is cut off.")
    return content


def beginning(payload: bytes, most_bytes: int) -> bytes | Unreadable:
    """Return the content's first bytes, so many at most, where the envelope is whole: enough to know what it is.

    A server into which thousands come at once needs no more before it stores them; unpacking all is ten times the work.
    """
    body = _body(payload)
    if isinstance(body, Unreadable):
        return body
    try:
        return body[:most_bytes] if payload[3] == PLAIN else zlib.decompressobj().decompress(body, most_bytes)
    except zlib.error as error:
        return Unreadable(payload, "damaged", f"The content cannot be unpacked ({error}).")


def unpacks_beyond(payload: bytes, most_bytes: int) -> bool:
    """Return whether an envelope's content is larger than this; unpacked no further. False where it is no envelope."""
    if len(payload) <= HEAD_BYTES or payload[:2] != MAGIC or payload[3] == PLAIN:
        return len(payload) > most_bytes
    unpacking, packed = zlib.decompressobj(), payload[HEAD_BYTES:]
    try:
        return len(unpacking.decompress(packed, most_bytes + 1)) > most_bytes
    except zlib.error:
        return False


def holds(payload: bytes, wanted: bytes) -> bool:
    """Return whether a message, sealed or plain, whole or cut, holds these bytes; read in pieces, within the limits.

    Neither version nor checksum matter here: what nobody could read may still name a person. Of a content that unpacks
    to more than `MOST_CONTENT_BYTES`, so much is searched.
    """
    if payload[:2] != MAGIC or len(payload) <= HEAD_BYTES or payload[3] == PLAIN:
        return wanted in payload
    unpacking, packed = zlib.decompressobj(), payload[HEAD_BYTES:]
    kept, searched = b"", 0
    while packed and searched < MOST_CONTENT_BYTES:
        try:
            piece = unpacking.decompress(packed, _PIECE_BYTES)
        except zlib.error:
            return False
        if wanted in kept + piece:
            return True
        kept, searched = (kept + piece)[-len(wanted) :], searched + len(piece)
        if not piece:
            break
        packed = unpacking.unconsumed_tail
    return False


def _body(payload: bytes) -> bytes | Unreadable:
    """Return what follows the head, where the head and the checksum are right."""
    if len(payload) < HEAD_BYTES or payload[:2] != MAGIC:
        return Unreadable(payload, "not_an_envelope", "This is no envelope of a session.")
    _, version, compression, digest = _HEAD.unpack_from(payload)
    if version > VERSION:
        return Unreadable(payload, "newer", f"The envelope is version {version}; this program reads up to {VERSION}.")
    if version < 1 or compression not in (PLAIN, ZLIB):
        return Unreadable(payload, "not_an_envelope", "The envelope's head says what no envelope says.")
    body = payload[HEAD_BYTES:]
    if digest_of(payload[:4], body) != digest:
        return Unreadable(payload, "damaged", "The content differs from its checksum: it was damaged on the way.")
    return body


def digest_of(head: bytes, body: bytes) -> bytes:
    """Return the checksum over an envelope's first four bytes and what follows the checksum."""
    digest = hashlib.sha256(head)
    digest.update(body)
    return digest.digest()
