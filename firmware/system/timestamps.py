"""When something was recorded, by clocks of which only the monotonic one can be trusted.

A Pi has no clock chip: after a power cut its wall clock may be anywhere until the network sets it. So each record
carries boot id, monotonic time, wall time, and whether the wall clock was synchronised; the wall time is repaired once
it is.
"""

import ctypes
import time
from functools import cache
from pathlib import Path
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIMESYNC_MARK = Path("/run/systemd/timesync/synchronized")
_STA_UNSYNC = 0x40
_TIME_ERROR = 5
_TIMEX_BYTES = 512
# struct timex (adjtimex(2)): `modes`, padded, and four longs stand before `status`.
_TIMEX_STATUS_OFFSET = 5 * ctypes.sizeof(ctypes.c_long)


class Timestamp(Struct, frozen=True):
    """One moment by all clocks.

    `monotonic_s` counts within the boot `boot_id`; `wall_s` is seconds since 1970 UTC. `synchronised`: the wall clock
    was set from a trusted source. `repaired`: `wall_s` was computed afterwards, from the monotonic time and a later
    synchronisation.
    """

    boot_id: str
    monotonic_s: float
    wall_s: float
    synchronised: bool
    repaired: bool = False

    def repaired_by(self, later: "Timestamp") -> "Timestamp":
        """Give this moment the wall time that `later`, a synchronised stamp, says; unchanged where it cannot say."""
        if self.synchronised or self.repaired or not later.synchronised or later.boot_id != self.boot_id:
            return self
        return replace(self, wall_s=self.monotonic_s + (later.wall_s - later.monotonic_s), repaired=True)

    @property
    def trusted(self) -> bool:
        """Whether `wall_s` can be believed."""
        return self.synchronised or self.repaired


class StampClock(Protocol):
    """Whatever tells what time it is."""

    def now(self) -> Timestamp:
        """Stamp this moment."""


class SystemStampClock:
    """The clocks of the machine that runs this."""

    def __init__(self) -> None:
        """Read the boot id once: it cannot change while this process lives."""
        self._boot_id = _BOOT_ID.read_text(encoding="ascii").strip()

    def now(self) -> Timestamp:
        """Stamp this moment; takes some microseconds and never touches a disk."""
        return Timestamp(self._boot_id, time.monotonic(), time.time(), wall_clock_synchronised())


def wall_clock_synchronised() -> bool:
    """Whether the kernel or systemd-timesyncd says that the wall clock has been set from a time server."""
    adjtimex = _adjtimex()
    if adjtimex is not None:
        # Reads only: `modes`, the first field of struct timex, is 0.
        timex = ctypes.create_string_buffer(_TIMEX_BYTES)
        state = adjtimex(timex)
        status = ctypes.c_int.from_buffer(timex, _TIMEX_STATUS_OFFSET).value
        if state >= 0 and state != _TIME_ERROR and not status & _STA_UNSYNC:
            return True
    return _TIMESYNC_MARK.exists()


@cache
def _adjtimex() -> "ctypes._NamedFuncPointer | None":
    """Find the C library's adjtimex; None on a system without it."""
    return getattr(ctypes.CDLL(None), "adjtimex", None)
