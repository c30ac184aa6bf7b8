"""Treadmill Data of the fitness-machine service, byte for byte."""

import random

import pytest

from firmware.sensors.gatt_treadmill import TreadmillData, TreadmillDataError, read

EVERYTHING = (
    "FE 3F"  # all fields, and speed
    "80 02 58 02 10 27 01 32 00 1D 00 64 00 32 00 5E 5F 2C 01 58 02 0A 91 5A 08 07 2C 01 0C 00 FA 00 E8 03"
)


def test_speed_alone() -> None:
    assert read(bytes.fromhex("00 00 80 02")) == TreadmillData(speed_kmh=6.4)


def test_speed_distance_incline_and_time() -> None:
    payload = bytes.fromhex("0C 04 80 02 10 27 00 32 00 1D 00 08 07")
    assert read(payload) == TreadmillData(
        speed_kmh=6.4, distance_m=10000, incline_percent=5.0, ramp_angle_deg=2.9, elapsed_s=1800
    )


def test_every_field_at_once() -> None:
    assert read(bytes.fromhex(EVERYTHING)) == TreadmillData(
        speed_kmh=6.4,
        average_speed_kmh=6.0,
        distance_m=75536,
        incline_percent=5.0,
        ramp_angle_deg=2.9,
        elevation_gain_m=10.0,
        elevation_loss_m=5.0,
        pace_min_per_km=9.4,
        average_pace_min_per_km=9.5,
        energy_kcal=300,
        energy_kcal_per_hour=600,
        energy_kcal_per_minute=10,
        heart_rate_bpm=145,
        metabolic_equivalent=9.0,
        elapsed_s=1800,
        remaining_s=300,
        belt_force_n=12,
        power_w=250,
        steps=1000,
    )


def test_more_data_has_no_speed_of_its_own() -> None:
    assert read(bytes.fromhex("09 00 E2 FF 00 00")) == TreadmillData(
        more_data=True, incline_percent=-3.0, ramp_angle_deg=0.0
    )


def test_not_known_is_none_and_never_a_number() -> None:
    payload = bytes.fromhex("88 10 00 00 FF 7F FF 7F FF FF FF FF FF FF 7F FF 7F")
    assert read(payload) == TreadmillData(speed_kmh=0.0)


def test_what_reserved_flags_announce_is_passed_over() -> None:
    assert read(bytes.fromhex("00 40 80 02 01 02 03")) == TreadmillData(speed_kmh=6.4)


@pytest.mark.parametrize("payload", ["", "00", "00 00 80", "00 00"])
def test_what_is_no_treadmill_data_is_refused(payload: str) -> None:
    with pytest.raises(TreadmillDataError, match="no treadmill data"):
        read(bytes.fromhex(payload))


def test_no_payload_whatever_does_more_than_be_refused() -> None:
    rng = random.Random(1826)
    for _ in range(20_000):
        try:
            read(rng.randbytes(rng.randrange(40)))
        except TreadmillDataError:
            continue
