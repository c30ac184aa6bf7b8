"""A session's id: UUID version 7 (RFC 9562), so that ids sort by the wall time at which the sessions began.

The wall clock may be wrong, so order is a convenience; uniqueness rests on 74 random bits.
"""

import os
from collections.abc import Callable
from uuid import UUID


def new_session_id(wall_s: float, random_bytes: Callable[[int], bytes] = os.urandom) -> str:
    """Make an id for a session that begins at `wall_s` (seconds since 1970; a clock before that counts as 1970)."""
    milliseconds = max(0, int(wall_s * 1000)) & (1 << 48) - 1
    chance = int.from_bytes(random_bytes(10), "big")
    version, variant = 0x7 << 76, 0b10 << 62
    low, high = chance & (1 << 62) - 1, (chance >> 62) & 0xFFF
    return str(UUID(int=milliseconds << 80 | version | high << 64 | variant | low))
