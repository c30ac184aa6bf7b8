"""Heart Rate Measurement (0x2A37) of the Bluetooth heart-rate service: its bytes read whole, and written.

    flags  bit 0 rate has 16 bits · bit 1 contact detected · bit 2 contact supported · bit 3 energy follows
           bit 4 RR intervals follow: *all* the rest, oldest first · bits 5–7 reserved
    then   rate uint8 or uint16 in bpm · energy uint16 in kJ · RR uint16 each, in 1/1024 s; all little-endian

A rate of 0 means that the strap has no rate. Contact says something only where it is *supported*: without that bit a
set «detected» is noise. Bytes that the flags do not announce are refused: whatever they mean, it is not this.
Source: Bluetooth SIG, GATT Specification Supplement, Heart Rate Measurement.
"""

import struct

from msgspec import Struct

from firmware.errors import FirmwareError

SIXTEEN_BITS, CONTACT_DETECTED, CONTACT_SUPPORTED, ENERGY, RR = 0x01, 0x02, 0x04, 0x08, 0x10
MS_PER_TICK = 1000 / 1024
"""One RR tick, 1/1024 s, in ms: a binary fraction, so no interval is rounded."""

_LONGEST_RATE_8 = 0xFF


class HeartRateMeasurementError(FirmwareError, ValueError):
    """Bytes that are no Heart Rate Measurement. The connection they came over is as good as before."""


class HeartRateMeasurement(Struct, frozen=True):
    """What one notification says. `contact`: None where the strap does not report it. `rr_ticks` in 1/1024 s."""

    bpm: int
    contact: bool | None = None
    energy_kj: int | None = None
    rr_ticks: tuple[int, ...] = ()

    @property
    def rr_ms(self) -> tuple[float, ...]:
        """The intervals between beats in ms, oldest first."""
        return tuple(ticks * MS_PER_TICK for ticks in self.rr_ticks)


def read(payload: bytes | bytearray) -> HeartRateMeasurement:
    """Read one notification. Raises HeartRateMeasurementError with the bytes and what is wrong with them."""
    if not payload:
        raise HeartRateMeasurementError("The strap sent an empty measurement; the next one may be whole.")
    flags = payload[0]
    at = 3 if flags & SIXTEEN_BITS else 2
    energy_at = at
    if flags & ENERGY:
        at += 2
    if len(payload) < at:
        raise _refused(payload, f"its flags announce at least {at} bytes")
    tail = len(payload) - at
    if tail and not flags & RR:
        raise _refused(payload, f"its flags announce {at} bytes")
    if tail % 2:
        raise _refused(payload, "its last RR interval is cut off")
    bpm = payload[1] | payload[2] << 8 if flags & SIXTEEN_BITS else payload[1]
    return HeartRateMeasurement(
        bpm,
        bool(flags & CONTACT_DETECTED) if flags & CONTACT_SUPPORTED else None,
        payload[energy_at] | payload[energy_at + 1] << 8 if flags & ENERGY else None,
        struct.unpack_from(f"<{tail // 2}H", payload, at) if tail else (),
    )


def _refused(payload: bytes | bytearray, why: str) -> HeartRateMeasurementError:
    shown = bytes(payload).hex(" ").upper()
    return HeartRateMeasurementError(
        f"The strap sent {len(payload)} bytes ({shown}) that are no heart-rate measurement: {why}. It is passed over."
    )


def packed(measurement: HeartRateMeasurement) -> bytes:
    """The bytes that a strap would send for it. Raises struct.error for a value that does not fit."""
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
