"""A heart-rate page of ANT+ (device type 120): its bytes read, and beats made of the pages.

    byte  0 page (bit 7 is a toggle)   1–3 by page   4–5 time of the last beat, 1/1024 s   6 count of beats
          7 rate in bpm, 0: none

Page 2 names the maker and the upper half of the serial number, page 4 the time of the beat before, page 7 the battery.
With extended messages on, the stick adds a flag byte and the channel's identity: number, device type and transmission
type, whose upper half holds the number's bits 16–19. Source: ANT+ Managed Network Document, Heart Rate Monitor 2.5.
"""

from msgspec import Struct

from firmware.system.errors import FirmwareError

HEART_RATE_DEVICE = 120
PAGE_BYTES, IDENTITY_BYTES = 8, 5
HAS_IDENTITY = 0x80
LOWEST_USED_BPM, HIGHEST_USED_BPM = 20, 250
LONGEST_RR_MS, SHORTEST_RR_MS = 3000.0, 200.0
BEAT_CLOCK_HZ = 1024
MAKER_PAGE, PREVIOUS_BEAT_PAGE, BATTERY_PAGE = 2, 4, 7
MOST_PERCENT = 100


class AntPageError(FirmwareError, ValueError):
    """Bytes that are no heart-rate page of ANT+."""


class AntPage(Struct, frozen=True, kw_only=True):
    """One page. `device`: the strap's ANT number. `bpm` None: it has no rate. Times are in ticks of 1/1024 s."""

    device: int
    beat_ticks: int
    beats: int
    bpm: float | None
    previous_ticks: int | None = None
    maker: int | None = None
    battery_percent: int | None = None


def read_page(payload: bytes) -> AntPage:
    """Read one page with its extended identity. Raises AntPageError."""
    if len(payload) < PAGE_BYTES + IDENTITY_BYTES or not payload[8] & HAS_IDENTITY:
        raise AntPageError(f"{len(payload)} bytes ({payload.hex(' ')}) name no sender")
    number, kind, transmission = int.from_bytes(payload[9:11], "little"), payload[11], payload[12]
    if kind & 0x7F != HEART_RATE_DEVICE:
        raise AntPageError(f"device type {kind} is no pulse strap's")
    page, bpm = payload[0] & 0x7F, payload[7]
    percent = payload[1]
    return AntPage(
        device=(transmission >> 4) << 16 | number,
        beat_ticks=int.from_bytes(payload[4:6], "little"),
        beats=payload[6],
        bpm=float(bpm) if LOWEST_USED_BPM <= bpm <= HIGHEST_USED_BPM else None,
        previous_ticks=int.from_bytes(payload[2:4], "little") if page == PREVIOUS_BEAT_PAGE else None,
        maker=payload[1] if page == MAKER_PAGE else None,
        battery_percent=percent if page == BATTERY_PAGE and percent <= MOST_PERCENT else None,
    )


def rr_ms(before: AntPage, now: AntPage) -> float | None:
    """Return the time between the last two beats; None where a beat was missed, or none has come."""
    new = (now.beats - before.beats) % 256
    if new == 1:
        ticks = now.beat_ticks - before.beat_ticks
    elif new > 1 and now.previous_ticks is not None:
        ticks = now.beat_ticks - now.previous_ticks
    else:
        return None
    between_ms = ticks % 65536 * 1000 / BEAT_CLOCK_HZ
    return round(between_ms, 1) if SHORTEST_RR_MS <= between_ms <= LONGEST_RR_MS else None
