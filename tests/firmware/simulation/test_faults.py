import numpy as np
import pytest

from coach.model.messages import HeartRate
from firmware.simulation.faults import (
    AnyFault,
    BurstAfterGap,
    Doubled,
    Dropout,
    DryStart,
    Frozen,
    Halved,
    Injector,
    Offset,
    Reads,
    draw_fault,
)


def spoilt(*faults: AnyFault, seconds: int = 100, bpm: float = 120.0) -> list[list[HeartRate]]:
    """Put faults upon a strap that reads a slow rise from `bpm`, two beats a second."""
    injector = Injector(faults, np.random.default_rng(1))
    clean = [HeartRate(float(t), bpm + t // 10, (500.0, 500.0 + t), contact=True) for t in range(seconds)]
    return [injector.second(message.t, [message]) for message in clean]


def clean(seconds: int = 100) -> list[list[HeartRate]]:
    return spoilt(seconds=seconds)


def rates(heard: list[list[HeartRate]]) -> list[float]:
    return [message.bpm for second in heard for message in second]


def test_without_faults_nothing_is_changed() -> None:
    assert [len(second) for second in clean()] == [1] * 100
    assert rates(clean())[:2] == [120.0, 120.0]


def test_a_dropout_is_silent_for_its_length_and_no_longer() -> None:
    heard = spoilt(Dropout(start_s=10, length_s=5))
    assert [at for at, second in enumerate(heard) if not second] == [10, 11, 12, 13, 14]
    assert heard[15:] == clean()[15:]


def test_a_frozen_strap_repeats_its_last_notification() -> None:
    heard = spoilt(Frozen(start_s=20, length_s=30))
    assert {(second[0].bpm, second[0].rr_ms) for second in heard[19:50]} == {(121.0, (500.0, 519.0))}
    assert [second[0].t for second in heard[20:50]] == [float(t) for t in range(20, 50)]
    assert heard[50:] == clean()[50:]


def test_doubled_and_halved_keep_beats_and_rate_in_agreement() -> None:
    doubled = spoilt(Doubled(start_s=0, length_s=100))[0][0]
    halved = spoilt(Halved(start_s=0, length_s=100))[0][0]
    assert (doubled.bpm, doubled.rr_ms) == (240.0, (250.0,) * 4)
    assert (halved.bpm, halved.rr_ms) == (60.0, (1000.0,))


@pytest.mark.parametrize("bpm", [40.0, -40.0])
def test_an_offset_moves_the_rate_and_its_beats(bpm: float) -> None:
    message = spoilt(Offset(start_s=0, length_s=100, bpm=bpm))[0][0]
    assert message.bpm == 120 + bpm
    assert 60_000 / message.rr_ms[0] == pytest.approx(message.bpm)


def test_a_dry_strap_is_smoothly_wrong_and_then_comes_right() -> None:
    heard = rates(spoilt(DryStart(start_s=0, length_s=600, bpm=-30), seconds=900))
    truth = rates(clean(900))
    errors = np.array(heard) - np.array(truth)
    assert -45 < errors[:300].mean() < -15
    assert abs(errors[590:600].mean()) < 8
    assert (errors[600:] == 0).all()
    assert np.abs(np.diff(heard))[:599].max() <= 5


@pytest.mark.parametrize("bpm", [0.0, 255.0])
def test_a_strap_that_reads_one_value_sends_no_beats(bpm: float) -> None:
    heard = spoilt(Reads(start_s=5, length_s=10, bpm=bpm))
    assert {(second[0].bpm, second[0].rr_ms) for second in heard[5:15]} == {(bpm, ())}


def test_after_a_gap_all_that_was_queued_comes_at_once() -> None:
    heard = spoilt(BurstAfterGap(start_s=10, length_s=8))
    assert [len(second) for second in heard[9:20]] == [1] + [0] * 8 + [9, 1]
    assert {message.t for message in heard[18]} == {18.0}
    assert rates(heard) == rates(clean())


def test_faults_act_together_in_their_order() -> None:
    heard = spoilt(
        Offset(start_s=0, length_s=50, bpm=10), Doubled(start_s=0, length_s=50), Dropout(start_s=2, length_s=1)
    )
    assert heard[0][0].bpm == 254.0
    assert heard[1][0].bpm == 254.0
    assert heard[2] == []


def test_a_drawn_fault_depends_on_the_seed_alone() -> None:
    drawn = [draw_fault(np.random.default_rng(seed), 2700) for seed in range(200)]
    assert drawn == [draw_fault(np.random.default_rng(seed), 2700) for seed in range(200)]
    kinds = {type(fault) for fault in drawn}
    assert kinds == {Dropout, Frozen, Doubled, Halved, Offset, DryStart, Reads, BurstAfterGap}
    assert all(0 <= fault.start_s < 2700 and fault.length_s > 0 for fault in drawn)
