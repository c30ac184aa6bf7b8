from pathlib import Path

import pytest

from firmware.commands.replay import replay
from firmware.participants.protocol_files import load
from firmware.recordings.pace import draw_pace
from firmware.recordings.reader import read, read_csv


def rate_at(t: int) -> int:
    """A made 4×4: up to 165 bpm within the first two minutes of each interval, down to 120 between."""
    into = (t - 600) % 420
    if t < 600:
        return 90 + min(30, t // 10) + t // 7 % 2
    return min(165, 120 + into // 2) + t // 7 % 2 if into < 240 else max(120, 165 - (into - 240) // 2) + t // 7 % 2


def recorded_at(times: list[int]) -> bytes:
    return "\n".join(["t_s,hr_bpm", *(f"{t},{rate_at(t)}" for t in times)]).encode()


def times_every(step: int) -> list[int]:
    return list(range(0, 2701, step))


def times_on_change() -> list[int]:
    return [t for t in range(2701) if t == 0 or rate_at(t) != rate_at(t - 1)]


def times_of_smart_recording() -> list[int]:
    steps, at, times = [1, 2, 7, 3, 1, 12, 5, 2, 9, 4], 0, [0]
    while at < 2700:
        at += steps[len(times) % len(steps)]
        times.append(at)
    return times


@pytest.mark.parametrize(
    "times",
    [times_every(2), times_every(5), times_every(6), times_every(7), times_every(10), times_on_change(),
     times_of_smart_recording()],
)  # fmt: skip
def test_a_recordings_own_interval_is_no_silence(times: list[int]) -> None:
    by_second = replay(read_csv("a.csv", recorded_at(times_every(1))), load("4x4"), hr_max_bpm=185).summary
    coarse = replay(read_csv("a.csv", recorded_at(times)), load("4x4"), hr_max_bpm=185).summary
    assert (coarse.completed, coarse.completed_intervals) == (True, 4)
    assert coarse.time_in_zone_s == pytest.approx(by_second.time_in_zone_s, abs=4 * 5)
    assert (coarse.signal.stale_s, coarse.signal.lost_s) == (0.0, 0.0)
    assert coarse.mean_bpm == pytest.approx(by_second.mean_bpm, abs=0.5)


def test_a_strap_that_fell_silent_in_a_coarse_recording_is_still_silence() -> None:
    times = [t for t in times_every(5) if not 1100 < t < 1200]
    recording = read_csv("a.csv", recorded_at(times))
    paced = draw_pace(recording)
    assert (paced.step_s, paced.silences, paced.silent_s) == (5.0, 1, 100.0)
    summary = replay(recording, load("4x4"), hr_max_bpm=185).summary
    assert summary.signal.stale_s + summary.signal.lost_s >= 90.0


def test_rows_without_a_rate_are_silence_however_coarse_the_recording() -> None:
    rows = recorded_at(times_every(5)).decode().split("\n")
    rows[3] = "10,"
    paced = draw_pace(read_csv("a.csv", "\n".join(rows).encode()))
    assert (paced.silences, paced.silent_s) == (1, 10.0)
    assert all(not 5 < sample.t_s < 15 for sample in paced.samples)


def test_a_recording_by_the_second_is_handed_on_as_it_is() -> None:
    recording = read_csv("a.csv", recorded_at([t for t in times_every(1) if not 900 < t < 920]))
    assert draw_pace(recording).samples == recording.samples


def test_a_recording_that_is_too_coarse_says_so() -> None:
    paced = draw_pace(read_csv("a.csv", recorded_at(times_every(60))))
    assert "too coarse for intervals: a rate only every 60 s" in paced.remarks[0]


def test_the_recorded_rates_themselves_are_never_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(recorded_at(times_every(10)))
    recording = read(path)
    drawn = {sample.t_s: sample.bpm for sample in draw_pace(recording).samples}
    assert all(drawn[sample.t_s] == sample.bpm for sample in recording.samples)
