"""Treadmill Data (0x2ACD) of the Bluetooth fitness-machine service (0x1826): its bytes read whole.

Sixteen flag bits, then the fields that they announce, in the order of the bits, all little-endian. Bit 0 is «more
data» and turned round: where it is *clear* the instantaneous speed is there, where it is *set* this notification goes
on with what did not fit into another, and has no speed of its own.

    bit  0 more data (clear: speed, 0.01 km/h)   1 average speed      2 total distance, 24 bits, m
         3 incline 0.1 % and ramp angle 0.1°     4 elevation gain up and down, 0.1 m
         5 pace now, 0.1 min/km                  6 average pace       7 energy: total kcal, kcal/h, kcal/min
         8 heart rate, bpm    9 metabolic equivalent, 0.1    10 elapsed s    11 remaining s
        12 force on the belt N and power W      13 steps

Incline, ramp angle, force and power have a value that means «not known». Bits 14–15 are reserved: what they announce
comes last and is passed over. Source: Bluetooth SIG, Fitness Machine Service 1.0, 4.9.
"""

import struct
from collections.abc import Iterator

from msgspec import Struct

from firmware.errors import FirmwareError

MORE_DATA = 0x0001
_NOT_KNOWN_SIGNED = 0x7FFF
_KNOWN_FLAGS = 0x3FFF

_FIELDS: tuple[tuple[int, str, tuple[str, ...]], ...] = (
    (1, "<H", ("average_speed",)),
    (2, "<HB", ("distance_low", "distance_high")),
    (3, "<hh", ("incline", "ramp_angle")),
    (4, "<HH", ("gain_up", "gain_down")),
    (5, "<B", ("pace",)),
    (6, "<B", ("average_pace",)),
    (7, "<HHB", ("energy", "energy_per_hour", "energy_per_minute")),
    (8, "<B", ("heart_rate",)),
    (9, "<B", ("metabolic_equivalent",)),
    (10, "<H", ("elapsed",)),
    (11, "<H", ("remaining",)),
    (12, "<hh", ("force", "power")),
    (13, "<H", ("steps",)),
)


class TreadmillDataError(FirmwareError, ValueError):
    """Bytes that are no Treadmill Data. The connection they came over is as good as before."""


class TreadmillData(Struct, frozen=True, kw_only=True):
    """What one notification says; None where it does not say.

    `more_data`: the rest of what the treadmill knows now comes in another notification.
    """

    more_data: bool = False
    speed_kmh: float | None = None
    average_speed_kmh: float | None = None
    distance_m: int | None = None
    incline_percent: float | None = None
    ramp_angle_deg: float | None = None
    elevation_gain_m: float | None = None
    elevation_loss_m: float | None = None
    pace_min_per_km: float | None = None
    average_pace_min_per_km: float | None = None
    energy_kcal: int | None = None
    energy_kcal_per_hour: int | None = None
    energy_kcal_per_minute: int | None = None
    heart_rate_bpm: int | None = None
    metabolic_equivalent: float | None = None
    elapsed_s: int | None = None
    remaining_s: int | None = None
    belt_force_n: int | None = None
    power_w: int | None = None
    steps: int | None = None


def read(payload: bytes | bytearray) -> TreadmillData:
    """Read one notification. Raises TreadmillDataError with the bytes and what is wrong with them."""
    if len(payload) < 2:  # noqa: PLR2004 - the flags alone have two bytes
        raise _refused(payload, "it is shorter than its flags")
    (flags,) = struct.unpack_from("<H", payload)
    raw = dict(_raw_fields(payload, flags))
    distance = raw.get("distance_low")
    # «Not available» of the three energy fields is all ones.
    energy, per_hour = (_unless(raw.get(name), 0xFFFF) for name in ("energy", "energy_per_hour"))
    return TreadmillData(
        more_data=bool(flags & MORE_DATA),
        speed_kmh=_scaled(raw.get("speed"), 100),
        average_speed_kmh=_scaled(raw.get("average_speed"), 100),
        distance_m=None if distance is None else distance | raw["distance_high"] << 16,
        incline_percent=_scaled(_unless(raw.get("incline"), _NOT_KNOWN_SIGNED), 10),
        ramp_angle_deg=_scaled(_unless(raw.get("ramp_angle"), _NOT_KNOWN_SIGNED), 10),
        elevation_gain_m=_scaled(raw.get("gain_up"), 10),
        elevation_loss_m=_scaled(raw.get("gain_down"), 10),
        pace_min_per_km=_scaled(raw.get("pace"), 10),
        average_pace_min_per_km=_scaled(raw.get("average_pace"), 10),
        energy_kcal=energy,
        energy_kcal_per_hour=per_hour,
        energy_kcal_per_minute=_unless(raw.get("energy_per_minute"), 0xFF),
        heart_rate_bpm=raw.get("heart_rate"),
        metabolic_equivalent=_scaled(raw.get("metabolic_equivalent"), 10),
        elapsed_s=raw.get("elapsed"),
        remaining_s=raw.get("remaining"),
        belt_force_n=_unless(raw.get("force"), _NOT_KNOWN_SIGNED),
        power_w=_unless(raw.get("power"), _NOT_KNOWN_SIGNED),
        steps=raw.get("steps"),
    )


def _raw_fields(payload: bytes | bytearray, flags: int) -> Iterator[tuple[str, int]]:
    at = 2
    announced: list[tuple[str, tuple[str, ...]]] = [] if flags & MORE_DATA else [("<H", ("speed",))]
    announced += [(form, names) for bit, form, names in _FIELDS if flags & 1 << bit]
    for form, names in announced:
        end = at + struct.calcsize(form)
        if end > len(payload):
            raise _refused(payload, f"its flags announce at least {end} bytes")
        yield from zip(names, struct.unpack_from(form, payload, at), strict=True)
        at = end
    if at < len(payload) and not flags & ~_KNOWN_FLAGS:
        raise _refused(payload, f"its flags announce {at} bytes")


def _unless(value: int | None, not_known: int) -> int | None:
    return None if value == not_known else value


def _scaled(value: int | None, parts: int) -> float | None:
    return None if value is None else value / parts


def _refused(payload: bytes | bytearray, why: str) -> TreadmillDataError:
    shown = bytes(payload).hex(" ").upper()
    return TreadmillDataError(
        f"The treadmill sent {len(payload)} bytes ({shown}) that are no treadmill data: {why}. They are passed over."
    )
