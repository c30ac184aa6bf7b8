"""Heart Rate Measurement (0x2A37) of the Bluetooth heart-rate service: its bytes read, and written.

    flags  bit 0 rate has 16 bits · bit 1 contact detected · bit 2 contact supported · bit 3 energy follows
           bit 4 RR intervals follow: *all* the rest, oldest first · bits 5–7 reserved
    then   rate uint8 or uint16 in bpm · energy uint16 in kJ · RR uint16 each, in 1/1024 s; all little-endian

A rate of 0 means that the strap has no rate. Contact says something only where it is *supported*: without that bit a
set «detected» is noise.

Real straps send surplus bytes, an odd last byte, or a flag without its field. The rate comes first and is certain, so
it is used; what does not fit is left out and named in `odd`. Where something does not fit, a rate that no heart has is
refused: then the layout may be another one altogether.
Source: Bluetooth SIG, GATT Specification Supplement, Heart Rate Measurement.
"""

import struct

from msgspec import Struct

from firmware.system.errors import FirmwareError

SIXTEEN_BITS, CONTACT_DETECTED, CONTACT_SUPPORTED, ENERGY, RR = 0x01, 0x02, 0x04, 0x08, 0x10
MS_PER_TICK = 1000 / 1024
"""One RR tick, 1/1024 s, in ms: a binary fraction, so no interval is rounded."""

_LONGEST_RATE_8 = 0xFF
LOWEST_USED_BPM, HIGHEST_USED_BPM = 20, 250


class HeartRateMeasurementError(FirmwareError, ValueError):
    """Bytes that are no Heart Rate Measurement. The connection they came over is as good as before."""


class HeartRateMeasurement(Struct, frozen=True):
    """What one notification says. `contact`: None where the strap does not report it. `rr_ticks` in 1/1024 s.

    `odd`: what of the bytes does not fit the flags, in words for the log; None where all of it does.
    """

    bpm: int
    contact: bool | None = None
    energy_kj: int | None = None
    rr_ticks: tuple[int, ...] = ()
    odd: str | None = None

    @property
    def rr_ms(self) -> tuple[float, ...]:
        """The intervals between beats in ms, oldest first."""
        return tuple(ticks * MS_PER_TICK for ticks in self.rr_ticks)


def read(payload: bytes | bytearray) -> HeartRateMeasurement:
    """Read one notification. Raises HeartRateMeasurementError where not even its rate is certain."""
    if not payload:
        raise HeartRateMeasurementError("The strap sent an empty measurement; the next one may be whole.")
    flags = payload[0]
    at = 3 if flags & SIXTEEN_BITS else 2
    if len(payload) < at:
        raise _refused(payload, f"its flags announce at least {at} bytes")
    bpm = payload[1] | payload[2] << 8 if flags & SIXTEEN_BITS else payload[1]
    energy_kj, odd = None, None
    if flags & ENERGY:
        if len(payload) < at + 2:
            odd = "its energy is cut off"
            at = len(payload)
        else:
            energy_kj = payload[at] | payload[at + 1] << 8
            at += 2
    tail = len(payload) - at
    beats = tail // 2 if flags & RR else 0
    if tail > 2 * beats:
        odd = (
            "its last RR interval is cut off"
            if flags & RR
            else "it ends with surplus bytes that its flags do not announce"
        )
    if odd is not None and bpm != 0 and not LOWEST_USED_BPM <= bpm <= HIGHEST_USED_BPM:
        raise _refused(payload, f"{odd}, and no heart has {bpm} bpm")
    return HeartRateMeasurement(
        bpm,
        bool(flags & CONTACT_DETECTED) if flags & CONTACT_SUPPORTED else None,
        energy_kj,
        struct.unpack_from(f"<{beats}H", payload, at) if beats else (),
        odd,
    )


def _refused(payload: bytes | bytearray, why: str) -> HeartRateMeasurementError:
    shown = bytes(payload).hex(" ").upper()
    return HeartRateMeasurementError(
        f"The strap sent {len(payload)} bytes ({shown}) that are no heart-rate measurement: {why}. It is passed over."
    )


def packed(measurement: HeartRateMeasurement) -> bytes:
    """Return the bytes that a strap would send for it. Raises struct.error for a value that does not fit."""
    wide = measurement.bpm > _LONGEST_RATE_8
    flags = SIXTEEN_BITS if wide else 0
    if measurement.contact is not None:
        flags |= CONTACT_SUPPORTED | (CONTACT_DETECTED if measurement.contact else 0)
    fields = struct.pack("<H" if wide else "<B", measurement.bpm)
    if measurement.energy_kj is not None:
        flags |= ENERGY
        fields += struct.pack("<H", measurement.energy_kj)
    if measurement.rr_ticks:
        flags |= RR
        fields += struct.pack(f"<{len(measurement.rr_ticks)}H", *measurement.rr_ticks)
    return bytes((flags,)) + fields
