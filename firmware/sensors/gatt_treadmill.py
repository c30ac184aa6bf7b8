"""Treadmill Data (0x2ACD) of the Bluetooth fitness-machine service (0x1826): its bytes read.

Sixteen flag bits, then the fields that they announce, in the order of the bits, all little-endian. Bit 0 is «more
data» and turned round: where it is *clear* the instantaneous speed is there, where it is *set* this notification goes
on with what did not fit into another, and has no speed of its own.

    bit  0 more data (clear: speed, 0.01 km/h)   1 average speed      2 total distance, 24 bits, m
         3 incline 0.1 % and ramp angle 0.1°     4 elevation gain up and down, 0.1 m
         5 pace now, 0.1 min/km                  6 average pace       7 energy: total kcal, kcal/h, kcal/min
         8 heart rate, bpm    9 metabolic equivalent, 0.1    10 elapsed s    11 remaining s
        12 force on the belt N and power W      13 steps

Incline, ramp angle, force and power have a value that means «not known». Bits 14–15 are reserved: what they announce
comes last and is passed over.

Real treadmills send surplus bytes, steps of three bytes, paces of 16 bits, or fewer bytes than their flags announce.
The fields come in a fixed order, so those before the first doubt are certain and are used; what does not fit is left
out and named in `odd`. Speed and incline that no treadmill has are left out as well.
Source: Bluetooth SIG, Fitness Machine Service 1.0, 4.9.
"""

import struct

from msgspec import Struct

from firmware.system.errors import FirmwareError

MORE_DATA = 0x0001
_NOT_KNOWN_SIGNED = 0x7FFF
_KNOWN_FLAGS = 0x3FFF
HIGHEST_USED_KMH, STEEPEST_USED_PERCENT = 30.0, 45.0

_PACE_BIT, _AVERAGE_PACE_BIT = 5, 6

_FIELDS: tuple[tuple[int, str, tuple[str, ...]], ...] = (
    (1, "<H", ("average_speed",)),
    (2, "<HB", ("distance_low", "distance_high")),
    (3, "<hh", ("incline", "ramp_angle")),
    (4, "<HH", ("gain_up", "gain_down")),
    (_PACE_BIT, "<B", ("pace",)),
    (_AVERAGE_PACE_BIT, "<B", ("average_pace",)),
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

    `more_data`: the rest of what the treadmill knows now comes in another notification. `odd`: what of the bytes does
    not fit the flags, in words for the log; None where all of it does.
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
    odd: str | None = None


def read(payload: bytes | bytearray) -> TreadmillData:
    """Read one notification. Raises TreadmillDataError where not even its speed is certain."""
    if len(payload) < 2:  # noqa: PLR2004 - the flags alone have two bytes
        raise _refused(payload, "it is shorter than its flags")
    (flags,) = struct.unpack_from("<H", payload)
    raw, odd = _raw_fields(payload, flags)
    if not flags & MORE_DATA and "speed" not in raw:
        raise _refused(payload, "its speed is cut off")
    speed_kmh = _scaled(raw.get("speed"), 100)
    if speed_kmh is not None and speed_kmh > HIGHEST_USED_KMH:
        speed_kmh, odd = None, f"no treadmill runs at {speed_kmh} km/h"
    incline_percent = _scaled(_unless(raw.get("incline"), _NOT_KNOWN_SIGNED), 10)
    if incline_percent is not None and abs(incline_percent) > STEEPEST_USED_PERCENT:
        incline_percent, odd = None, odd or f"no treadmill is as steep as {incline_percent} %"
    distance = raw.get("distance_low")
    # «Not available» of the three energy fields is all ones.
    energy, per_hour = (_unless(raw.get(name), 0xFFFF) for name in ("energy", "energy_per_hour"))
    return TreadmillData(
        more_data=bool(flags & MORE_DATA),
        speed_kmh=speed_kmh,
        average_speed_kmh=_scaled(raw.get("average_speed"), 100),
        distance_m=None if distance is None else distance | raw["distance_high"] << 16,
        incline_percent=incline_percent,
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
        odd=odd,
    )


def _raw_fields(payload: bytes | bytearray, flags: int) -> tuple[dict[str, int], str | None]:
    """Return the fields that are certain, as sent, and what does not fit."""
    announced: list[tuple[str, tuple[str, ...]]] = [] if flags & MORE_DATA else [("<H", ("speed",))]
    announced += [(form, names) for bit, form, names in _FIELDS if flags & 1 << bit]
    paces = sum(bool(flags & 1 << bit) for bit in (_PACE_BIT, _AVERAGE_PACE_BIT))
    length = 2 + sum(struct.calcsize(form) for form, _ in announced)
    surplus = len(payload) - length
    odd, certain_paces = None, True
    if surplus < 0 or (surplus > 0 and not flags & ~_KNOWN_FLAGS):
        odd = f"its flags announce {length} bytes"
    if paces and odd is not None:
        # A later edition of the layout has paces of 16 bits, in another unit; the length tells which one this is.
        certain_paces = surplus == paces
        announced = [("<H", ("wide_pace",)) if "pace" in names[0] else (form, names) for form, names in announced]
        odd = None if certain_paces else odd
    fields: dict[str, int] = {}
    at = 2
    for form, names in announced:
        end = at + struct.calcsize(form)
        if end > len(payload) or ("pace" in names[0] and not certain_paces):
            break
        fields.update(zip(names, struct.unpack_from(form, payload, at), strict=True))
        at = end
    return fields, odd


def _unless(value: int | None, not_known: int) -> int | None:
    return None if value == not_known else value


def _scaled(value: int | None, parts: int) -> float | None:
    return None if value is None else value / parts


def _refused(payload: bytes | bytearray, why: str) -> TreadmillDataError:
    shown = bytes(payload).hex(" ").upper()
    return TreadmillDataError(
        f"The treadmill sent {len(payload)} bytes ({shown}) that are no treadmill data: {why}. They are passed over."
    )
