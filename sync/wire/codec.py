"""Messages to bytes and back: an older format is brought up to today's, a newer one is kept and reported.

A session goes in an envelope, and is cut by `sync.wire.chunks` where it is large; all else is plain JSON.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from sync.errors import WireError
from sync.wire.envelope import Unreadable, seal, unseal
from sync.wire.messages import FORMAT, SessionDelivery
from sync.wire.ranges import find_out_of_range

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
"""Makes a message of one format into the next one's."""

UPGRADES: Mapping[int, Upgrade] = {}
"""`UPGRADES[n]` makes format n into n + 1. Format 1 is the first, so there is nothing older yet."""

MOST_MESSAGE_BYTES = 1024 * 1024
"""No message but a session is nearly so long."""

_encoder = msgspec.json.Encoder(order="deterministic")
_Message = TypeVar("_Message", bound=Struct)


class _Numbered(Struct):
    format: int


_numbered = msgspec.json.Decoder(_Numbered)


def encode(message: Struct) -> bytes:
    """Return a message as JSON: keys in order, no white space. Raises WireError where JSON cannot say it."""
    try:
        return _encoder.encode(message)
    except (TypeError, ValueError) as error:
        raise WireError(f"A {type(message).__name__} cannot be written as JSON: {error}.") from error


def encode_session(delivery: SessionDelivery) -> bytes:
    """Return a session in its envelope. Raises WireError."""
    return seal(encode(delivery))


def read(payload: bytes, kind: type[_Message], *, upgrades: Mapping[int, Upgrade] = UPGRADES) -> _Message | Unreadable:
    """Return a message of this kind, or what came and why it cannot be read."""
    if len(payload) > MOST_MESSAGE_BYTES:
        return Unreadable(payload, "too_large", f"The message has {len(payload)} bytes.")
    return _read(payload, payload, kind, upgrades)


def read_session(payload: bytes, *, upgrades: Mapping[int, Upgrade] = UPGRADES) -> SessionDelivery | Unreadable:
    """Return a sealed session, or what came and why it cannot be read."""
    content = unseal(payload)
    if isinstance(content, Unreadable):
        return content
    return _read(content, payload, SessionDelivery, upgrades)


def _read(content: bytes, kept: bytes, kind: type[_Message], upgrades: Mapping[int, Upgrade]) -> _Message | Unreadable:
    try:
        number = _numbered.decode(content).format
        newest = max(upgrades, default=FORMAT - 1) + 1
        if number > newest:
            return Unreadable(kept, "newer", f"The message is format {number}; this program reads up to {newest}.")
        if number == newest:
            found = msgspec.json.decode(content, type=kind)
        else:
            tree = msgspec.json.decode(content)
            for step in range(number, newest):
                tree = upgrades[step](tree)
            found = msgspec.convert(tree, kind)
        flaw = find_out_of_range(found)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError, TypeError, ValueError) as error:
        return Unreadable(kept, "not_understood", f"This is no {kind.__name__}: {_short(error)}.")
    return Unreadable(kept, "not_understood", flaw) if flaw else found


def _short(error: BaseException) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in str(error)[:200])
