"""What published layouts and real devices send is read: the certain fields are used, whatever follows them."""

import random
from collections.abc import Callable

import pytest

from firmware.sensors import gatt_heart_rate, gatt_treadmill
from firmware.sensors.odd_reports import KINDS_LOGGED, OddReports
from firmware.system.errors import FirmwareError
from tests.firmware.published_reports import HEART_RATE, TREADMILL, HeartRateReport, TreadmillReport


@pytest.mark.parametrize("report", HEART_RATE, ids=lambda one: f"{one.source} {one.payload[:17]}")
def test_a_heart_rate_report_is_read(report: HeartRateReport) -> None:
    read = gatt_heart_rate.read(bytes.fromhex(report.payload))
    assert (read.bpm, read.rr_ticks, read.contact, read.energy_kj, read.odd is None) == report[2:]


@pytest.mark.parametrize("report", TREADMILL, ids=lambda one: f"{one.source} {one.payload[:17]}")
def test_a_treadmill_report_is_read(report: TreadmillReport) -> None:
    read = gatt_treadmill.read(bytes.fromhex(report.payload))
    said = (read.speed_kmh, read.incline_percent, read.distance_m, read.elapsed_s, read.odd is None)
    assert said == report[2:]


@pytest.mark.parametrize("report", [one for one in HEART_RATE if one.bpm], ids=lambda one: one.source)
def test_whatever_follows_a_heart_rate_changes_nothing_of_it(report: HeartRateReport) -> None:
    for tail in ("FF", "00", "00 00", "FF FF FF", "00" * 18):
        assert gatt_heart_rate.read(bytes.fromhex(report.payload + tail)).bpm == report.bpm


@pytest.mark.parametrize("report", TREADMILL, ids=lambda one: one.source)
def test_a_cut_or_padded_treadmill_report_keeps_its_speed(report: TreadmillReport) -> None:
    payload = bytes.fromhex(report.payload)
    has_speed = not payload[0] & gatt_treadmill.MORE_DATA
    for cut in range(4 if has_speed else 2, len(payload) + 1):
        assert gatt_treadmill.read(payload[:cut]).speed_kmh == report.speed_kmh
    for pad in (b"\0", b"\xff\xff\xff"):
        assert gatt_treadmill.read(payload + pad).speed_kmh == report.speed_kmh


@pytest.mark.parametrize("payload", ["00 FF 01", "01 2C 01 00", "00 13 00", "08 FB"])
def test_where_the_layout_is_doubtful_a_rate_that_no_heart_has_is_refused(payload: str) -> None:
    with pytest.raises(gatt_heart_rate.HeartRateMeasurementError, match="no heart has"):
        gatt_heart_rate.read(bytes.fromhex(payload))


@pytest.mark.parametrize("read", [gatt_heart_rate.read, gatt_treadmill.read])
def test_no_random_report_does_more_than_be_refused(read: Callable[[bytes], object]) -> None:
    """The short form; `benchmarks/bench_strap.py --payloads 10000000` is the long one."""
    rng = random.Random(0x2ACD)
    for _ in range(50_000):
        payload = rng.randbytes(rng.randrange(24))
        try:
            said = read(payload)
        except FirmwareError:
            continue
        if isinstance(said, gatt_treadmill.TreadmillData):
            assert said.speed_kmh is None or 0 <= said.speed_kmh <= gatt_treadmill.HIGHEST_USED_KMH
        elif isinstance(said, gatt_heart_rate.HeartRateMeasurement) and said.odd and said.bpm:
            assert 20 <= said.bpm <= 250


def test_odd_reports_are_counted_and_each_kind_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    odd = OddReports("strap")
    assert odd.detail == ""
    for number in range(100):
        odd.note(f"it ends with {number} surplus bytes", bytes((0, 72, number)))
    odd.note("its energy is cut off", b"\x08\x48")
    assert (odd.count, len(caplog.messages)) == (101, 2)
    assert odd.detail == "101 reports; first 00 48 00: it ends with 0 surplus bytes"


def test_a_device_that_sends_noise_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    odd = OddReports("treadmill")
    for number in range(100):
        odd.note("x" * number, b"")
    assert len(caplog.messages) == KINDS_LOGGED
