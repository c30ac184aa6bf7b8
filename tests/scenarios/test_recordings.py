"""Recordings through the whole engine, against an independent computation on the same numbers.

Our own recordings, of a simulated person, are always there. Real ones are read from `shared/recordings` beside the
repository; where they are missing, each skipped test says what is then not shown.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from _pytest.mark import ParameterSet
from numpy.typing import NDArray

from coach.model.protocol import PhaseKind
from firmware.commands.replay import replay, with_warm_up
from firmware.participants.protocol_files import load
from firmware.recordings.reader import read
from firmware.simulation.session import Rehearsal

MADE = Path(__file__).parents[1] / "data" / "recordings"
REAL = Path(__file__).parents[2].parent / "shared" / "recordings"


def made(name: str, *values: float) -> ParameterSet:
    """Give a case with a recording of our own."""
    return pytest.param(MADE / name, *values, id=name)


def real(name: str, shows: str, *values: float) -> ParameterSet:
    """Give a case with a real recording, which is skipped where it is missing. `shows`: what only it can show."""
    missing = pytest.mark.skipif(not (REAL / name).is_file(), reason=f"without {name} it is not shown that {shows}")
    return pytest.param(REAL / name, *values, id=name, marks=[pytest.mark.recordings, missing])


@dataclass
class ByHand:
    """What an interval's numbers must be, computed from the raw table alone."""

    third_minute_bpm: float
    time_in_zone_s: int
    peak_bpm: float
    fall_60s_bpm: float


def rates_by_second(file: Path) -> NDArray[np.float64]:
    """Read the raw table with numpy, and hold each rate until the next one came."""
    table = np.genfromtxt(file, delimiter=",", names=True)
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


def replayed(file: Path, hr_max_bpm: float, warm_up_s: float) -> Rehearsal:
    return replay(read(file), with_warm_up(load("4x4"), warm_up_s), hr_max_bpm=hr_max_bpm)


SAME = "a real person's intervals get the numbers of a computation by hand"


@pytest.mark.parametrize(
    ("file", "hr_max_bpm", "warm_up_s", "intervals"),
    [
        made("made_4x4.csv", 184.0, 600.0, 4),
        real("hiit_4x4_polar_h10.csv", SAME, 160.0, 300.0, 4),
        real("row_4x200s.csv", SAME, 195.0, 300.0, 3),
        real("bike_2x10min.csv", SAME, 190.0, 300.0, 4),
    ],
)
def test_a_recording_gives_the_numbers_that_hand_computation_gives(
    file: Path, hr_max_bpm: float, warm_up_s: float, intervals: int
) -> None:
    summary = replayed(file, hr_max_bpm, warm_up_s).summary
    bpm = rates_by_second(file)
    assert summary.completed_intervals == intervals
    for at, one in enumerate(summary.intervals[:intervals]):
        start_s = int(warm_up_s) + at * 420
        expected = by_hand(bpm, start_s, hr_max_bpm)
        assert (one.start_s, one.end_s) == (start_s, start_s + 240)
        assert one.third_minute_bpm == pytest.approx(expected.third_minute_bpm, abs=0.1)
        assert one.time_in_zone_s == expected.time_in_zone_s
        assert one.peak_bpm == expected.peak_bpm
        assert one.recovery_fall_60s_bpm == expected.fall_60s_bpm


@pytest.mark.parametrize(
    ("file", "hr_max_bpm", "warm_up_s", "length_s"),
    [
        made("made_4x4.csv", 184.0, 600.0, 2400.0),
        real(
            "hiit_4x4_polar_h10.csv",
            "a real 4×4 is completed, with its third minutes in the zone",
            160.0,
            300.0,
            2100.0,
        ),
    ],
)
def test_a_4x4_is_completed_with_each_third_minute_in_the_zone(
    file: Path, hr_max_bpm: float, warm_up_s: float, length_s: float
) -> None:
    rehearsal = replayed(file, hr_max_bpm, warm_up_s)
    summary = rehearsal.summary
    assert (summary.completed, summary.completed_intervals, summary.signal.live_s) == (True, 4, length_s)
    assert all(0.85 <= (one.third_minute_fraction or 0) <= 0.95 for one in summary.intervals)
    assert [phase.kind for phase in rehearsal.protocol.phases].count(PhaseKind.INTERVAL) == 4


CLEAN = "a clean recording of a real heart is not called implausible"


@pytest.mark.parametrize(
    "file",
    [
        made("made_4x4.csv"),
        made("made_4x4.rr.csv"),
        *(
            real(name, CLEAN)
            for name in (
                "hiit_4x4_polar_h10.csv", "row_4x200s.csv", "bike_2x10min.csv", "bike_mixed.csv", "bike_mixed.rr.csv",
            )
        ),
    ],
)  # fmt: skip
def test_a_clean_recording_is_never_called_implausible_for_more_than_a_few_seconds(file: Path) -> None:
    signal = replayed(file, 200.0, 300.0).summary.signal
    assert signal.implausible_s <= 5
    assert signal.weak_s <= 20


@pytest.mark.parametrize(
    "file",
    [
        made("made_over_bluetooth.csv"),
        real("polar_h10_ble_rr_102min.csv", "a real strap's log stays usable through the gaps of its radio"),
    ],
)
def test_a_log_over_bluetooth_stays_usable_through_its_gaps_and_missed_beats(file: Path) -> None:
    signal = replayed(file, 190.0, 600.0).summary.signal
    assert signal.live_s >= 0.98 * 2400


@pytest.mark.parametrize("file", sorted([*MADE.glob("*.csv"), *REAL.glob("*.csv")]), ids=lambda file: file.stem)
def test_every_recording_is_read(file: Path) -> None:
    recording = read(file)
    times = [sample.t_s for sample in recording.samples]
    assert times == sorted(times)
    assert all(25 <= (sample.bpm or 0) <= 250 for sample in recording.samples)


@pytest.mark.parametrize(
    "file",
    [
        made("made_4x4.csv"),
        real("bike_mixed.csv", "rates from beats agree with those of a real watch"),
    ],
)
def test_rates_from_beats_agree_with_the_rates_that_were_recorded_beside_them(file: Path) -> None:
    recorded = rates_by_second(file)
    ours = read(file.with_suffix(".rr.csv")).samples
    differences = np.array(
        [(sample.bpm or 0) - recorded[int(sample.t_s)] for sample in ours if sample.t_s < recorded.size]
    )
    assert np.abs(differences).mean() < 1.5


def test_our_own_recordings_are_those_that_their_program_makes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "scripts.make_recordings", str(tmp_path)], cwd=MADE.parents[2], check=True)
    for file in sorted(MADE.glob("*.csv")):
        ours, again = (np.genfromtxt(folder / file.name, delimiter=",", skip_header=1) for folder in (MADE, tmp_path))
        # Another processor rounds otherwise, and a beat more or less is no other recording.
        assert len(ours) == pytest.approx(len(again), rel=0.01), file.name
        assert ours[:, 1].mean() == pytest.approx(again[:, 1].mean(), rel=0.01), file.name
