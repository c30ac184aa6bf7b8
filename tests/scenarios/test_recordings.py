"""Real recordings through the whole engine, against an independent computation on the same numbers."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from coach.protocol import PhaseKind
from firmware.protocol_store import load
from firmware.recording import read
from firmware.rehearsal import Rehearsal
from firmware.replay import replay, with_warm_up

RECORDINGS = Path(__file__).parents[2].parent / "shared" / "recordings"

pytestmark = [
    pytest.mark.recordings,
    pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the shared recordings are not beside the repository"),
]


@dataclass
class ByHand:
    """What an interval's numbers must be, computed from the raw table alone."""

    third_minute_bpm: float
    time_in_zone_s: int
    peak_bpm: float
    fall_60s_bpm: float


def rates_by_second(name: str) -> NDArray[np.float64]:
    """Read the raw table with numpy, and hold each rate until the next one came."""
    table = np.genfromtxt(RECORDINGS / name, delimiter=",", names=True)
    table = table[~np.isnan(table["hr_bpm"])]
    grid = np.arange(0, int(table["t_s"][-1]) + 1)
    held = np.searchsorted(table["t_s"], grid, side="right") - 1
    return np.asarray(table["hr_bpm"][held], dtype=np.float64)


def by_hand(bpm: NDArray[np.float64], start_s: int, hr_max_bpm: float) -> ByHand:
    within = bpm[start_s : start_s + 240]
    in_zone = (within >= 0.85 * hr_max_bpm) & (within <= 0.95 * hr_max_bpm)
    return ByHand(
        third_minute_bpm=float(within[120:180].mean()),
        time_in_zone_s=int(in_zone.sum()),
        peak_bpm=float(within.max()),
        # The interval's last second, and the last one of the minute after it.
        fall_60s_bpm=float(bpm[start_s + 239] - bpm[start_s + 299]),
    )


def replayed(name: str, hr_max_bpm: float, warm_up_s: float) -> Rehearsal:
    return replay(read(RECORDINGS / name), with_warm_up(load("4x4"), warm_up_s), hr_max_bpm=hr_max_bpm)


CASES = [
    ("hiit_4x4_polar_h10.csv", 160.0, 300.0, 4),
    ("row_4x200s.csv", 195.0, 300.0, 3),
    ("bike_2x10min.csv", 190.0, 300.0, 4),
]


@pytest.mark.parametrize(("name", "hr_max_bpm", "warm_up_s", "intervals"), CASES)
def test_a_real_recording_gives_the_numbers_that_hand_computation_gives(
    name: str, hr_max_bpm: float, warm_up_s: float, intervals: int
) -> None:
    summary = replayed(name, hr_max_bpm, warm_up_s).summary
    bpm = rates_by_second(name)
    assert summary.completed_intervals == intervals
    for at, one in enumerate(summary.intervals[:intervals]):
        start_s = int(warm_up_s) + at * 420
        expected = by_hand(bpm, start_s, hr_max_bpm)
        assert (one.start_s, one.end_s) == (start_s, start_s + 240)
        assert one.third_minute_bpm == pytest.approx(expected.third_minute_bpm, abs=0.1)
        assert one.time_in_zone_s == expected.time_in_zone_s
        assert one.peak_bpm == expected.peak_bpm
        assert one.recovery_fall_60s_bpm == expected.fall_60s_bpm


def test_the_real_4x4_is_completed_with_each_third_minute_in_the_zone() -> None:
    rehearsal = replayed("hiit_4x4_polar_h10.csv", 160.0, 300.0)
    summary = rehearsal.summary
    assert (summary.completed, summary.completed_intervals, summary.signal.live_s) == (True, 4, 2100.0)
    assert all(0.85 <= (one.third_minute_fraction or 0) <= 0.95 for one in summary.intervals)
    assert [phase.kind for phase in rehearsal.protocol.phases].count(PhaseKind.INTERVAL) == 4


CLEAN = ["hiit_4x4_polar_h10.csv", "row_4x200s.csv", "bike_2x10min.csv", "bike_mixed.csv", "bike_mixed.rr.csv"]


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_real_recording_is_never_called_implausible_for_more_than_a_few_seconds(name: str) -> None:
    signal = replayed(name, 200.0, 300.0).summary.signal
    assert signal.implausible_s <= 5
    assert signal.weak_s <= 20


def test_the_h10_log_over_bluetooth_stays_usable_through_its_gaps_and_missed_beats() -> None:
    signal = replayed("polar_h10_ble_rr_102min.csv", 190.0, 600.0).summary.signal
    assert signal.live_s >= 0.98 * 2400


@pytest.mark.parametrize("file", sorted(RECORDINGS.glob("*.csv")), ids=lambda file: file.stem)
def test_every_shared_recording_is_read(file: Path) -> None:
    recording = read(file)
    times = [sample.t_s for sample in recording.samples]
    assert times == sorted(times)
    assert all(25 <= (sample.bpm or 0) <= 250 for sample in recording.samples)


def test_rates_from_beats_agree_with_the_rates_that_the_watch_recorded() -> None:
    watch = rates_by_second("bike_mixed.csv")
    ours = read(RECORDINGS / "bike_mixed.rr.csv").samples
    differences = np.array([(sample.bpm or 0) - watch[int(sample.t_s)] for sample in ours if sample.t_s < watch.size])
    assert np.abs(differences).mean() < 1.5
