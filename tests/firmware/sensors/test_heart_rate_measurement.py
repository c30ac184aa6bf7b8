"""Heart Rate Measurement, byte for byte."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.sensors.gatt_heart_rate import HeartRateMeasurement, HeartRateMeasurementError, packed, read
from firmware.system.errors import FirmwareError

VECTORS = [
    ("16 48 54 01 EC 02", HeartRateMeasurement(72, contact=True, rr_ticks=(340, 748)), (332.03125, 730.46875)),
    ("02 3C", HeartRateMeasurement(60, None), ()),
    ("01 01 01", HeartRateMeasurement(257), ()),
    (
        "1E 4B D2 04 00 04 00 02",
        HeartRateMeasurement(75, contact=True, energy_kj=1234, rr_ticks=(1024, 512)),
        (1000.0, 500.0),
    ),
    ("04 50", HeartRateMeasurement(80, contact=False), ()),
    ("00 00", HeartRateMeasurement(0), ()),
    ("10 50", HeartRateMeasurement(80), ()),
    ("10 50 00 04 00 04 00 04 00 04", HeartRateMeasurement(80, None, None, (1024,) * 4), (1000.0,) * 4),
    ("E0 50", HeartRateMeasurement(80), ()),
]


@pytest.mark.parametrize(("payload", "says", "rr_ms"), VECTORS)
def test_a_measurement_is_read_whole(payload: str, says: HeartRateMeasurement, rr_ms: tuple[float, ...]) -> None:
    measurement = read(bytes.fromhex(payload))
    assert (measurement, measurement.rr_ms) == (says, rr_ms)


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ("", "empty"),
        ("00", "at least 2 bytes"),
        ("01 48", "at least 3 bytes"),
        ("08 FF 01", "its energy is cut off"),
        ("16 FF 54", "its last RR interval is cut off"),
        ("00 FF 01", "surplus bytes"),
    ],
)
def test_what_is_no_measurement_is_refused_with_its_bytes(payload: str, why: str) -> None:
    with pytest.raises(HeartRateMeasurementError, match=why) as refused:
        read(bytes.fromhex(payload))
    assert isinstance(refused.value, FirmwareError)
    assert isinstance(refused.value, ValueError)
    assert payload in str(refused.value)


MEASUREMENTS = st.builds(
    HeartRateMeasurement,
    st.integers(0, 0xFFFF),
    st.none() | st.booleans(),
    st.none() | st.integers(0, 0xFFFF),
    st.lists(st.integers(0, 0xFFFF), max_size=9).map(tuple),
)


@given(MEASUREMENTS)
def test_what_is_written_is_read_back(measurement: HeartRateMeasurement) -> None:
    assert read(packed(measurement)) == measurement


def test_no_payload_whatever_does_more_than_be_refused() -> None:
    """The short form of ten million; `benchmarks/bench_strap.py --payloads` is the long one."""
    rng = random.Random(37)
    for _ in range(50_000):
        payload = rng.randbytes(rng.randrange(21))
        try:
            measurement = read(payload)
        except HeartRateMeasurementError:
            continue
        assert 0 <= measurement.bpm <= 0xFFFF
