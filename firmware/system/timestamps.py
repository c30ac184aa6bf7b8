"""When something was recorded, by clocks of which only the monotonic one can be trusted.

Most Pis have no clock chip: after a power cut the wall clock may be anywhere until the network sets it. A Pi 5 and an
RTC module keep the time while the power is off, where a battery is connected. So each record carries boot id, monotonic
time, wall time, and whether the wall clock was synchronised; the wall time is repaired once it is.
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
CHIP_WITHIN_S = 120.0
_TRY_CHIP_EVERY_S = 60.0
_CHIP_FROM_S, _CHIP_UNTIL_S = 1_735_689_600.0, 4_102_444_800.0
"""2025 to 2099, as for the doctor's check of the clock: before the first this software did not exist."""
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
    """Whether the wall clock has been set: by a time server (the kernel's or systemd's word), or by a clock chip."""
    return _set_by_time_server() or _chip.agrees(time.time(), time.monotonic())


class ClockChip:
    """The clock chip (RTC) that set the wall clock when the kernel started.

    A chip without a battery starts again at 1970 or 2000, so it is believed only in years that can be, and only while
    the wall clock still shows its time. A read goes over I²C: it is tried once a minute until it succeeds.
    """

    def __init__(self, folder: Path = Path("/sys/class/rtc")) -> None:
        """`folder`: where the kernel lists its clock chips."""
        self._folder = folder
        self._try_at_s = 0.0
        self._offset_s: float | None = None

    def agrees(self, wall_s: float, monotonic_s: float) -> bool:
        """Return whether the wall clock shows the chip's time, within `CHIP_WITHIN_S`."""
        if self._offset_s is None and monotonic_s >= self._try_at_s:
            self._try_at_s = monotonic_s + _TRY_CHIP_EVERY_S
            chip_s = self._read()
            self._offset_s = None if chip_s is None else chip_s - monotonic_s
        return self._offset_s is not None and abs(wall_s - monotonic_s - self._offset_s) <= CHIP_WITHIN_S

    def _read(self) -> float | None:
        """Return the time of the chip that set the clock, in s since 1970; None where there is none to believe."""
        for chip in sorted(self._folder.glob("rtc*")):
            try:
                if (chip / "hctosys").read_text(encoding="ascii").strip() == "1":
                    chip_s = float((chip / "since_epoch").read_text(encoding="ascii"))
                    return chip_s if _CHIP_FROM_S <= chip_s <= _CHIP_UNTIL_S else None
            except (OSError, ValueError):
                continue
        return None


_chip = ClockChip()


def _set_by_time_server() -> bool:
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
