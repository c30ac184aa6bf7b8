"""A recording's own interval, so that a file that was written every 5 s is not judged as a strap that fell silent.

Many recorders write a rate every 5 or 10 s, or only when it changes (Garmin: «smart recording»). The session engine
knows a live strap, which is stale after 5 s. Between two rates that belong together by the recording's own pace, a
straight line is drawn, as training diaries do; a longer gap, or a row without a rate, stays silence.
"""

import itertools
from statistics import median

from msgspec import Struct
from msgspec.structs import replace

from firmware.recordings.sample import Sample, SampleRecording

ENGINE_HOLDS_S = 4.5
"""The engine itself holds a rate for just under 5 s; nothing is drawn in shorter gaps."""
LONGEST_BRIDGED_S = 30.0
"""Smart recording writes at least so often; nothing is known of a heart over a longer gap."""
USUAL_GAPS_FRACTION = 0.95
BRIDGED_TIMES_USUAL = 2.0
"""One missing row of a steady recording is bridged; two in a row are not."""


class PacedRecording(Struct, frozen=True):
    """A recording for the engine: `samples` with the line drawn, and how much of it was drawn or is silence."""

    samples: tuple[Sample, ...]
    step_s: float
    bridged_s: float = 0.0
    silences: int = 0
    silent_s: float = 0.0

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of the summary must know of the pace."""
        told: list[str] = []
        if self.step_s > LONGEST_BRIDGED_S:
            told.append(
                f"It is too coarse for intervals: a rate only every {self.step_s:g} s. "
                "Record every second and replay again."
            )
        elif self.bridged_s:
            told.append(
                f"It was recorded every {self.step_s:g} s (median). Its longer steps, {self.bridged_s:.0f} s in all, "
                "count by a straight line between two rates."
            )
        if self.silences:
            told.append(f"{self.silences} gaps without a rate, {self.silent_s:.0f} s in all, count as silence.")
        return tuple(told)


def draw_pace(recording: SampleRecording) -> PacedRecording:
    """Return the recording with its own steps filled in by the second."""
    rated = [sample for sample in recording.samples if sample.bpm]
    gaps = [after.t_s - before.t_s for before, after in itertools.pairwise(rated) if after.t_s > before.t_s]
    if not gaps:
        return PacedRecording(recording.samples, 0.0)
    usual_s = sorted(gaps)[min(len(gaps) - 1, int(USUAL_GAPS_FRACTION * len(gaps)))]
    longest_s = min(LONGEST_BRIDGED_S, BRIDGED_TIMES_USUAL * usual_s)
    unrated = {*recording.unrated_s, *(sample.t_s for sample in recording.samples if sample.bpm == 0)}
    silent_at = sorted(unrated)
    drawn: list[Sample] = []
    bridged_s = silent_s = 0.0
    silences = at = 0
    for before, after in itertools.pairwise(rated):
        gap_s = after.t_s - before.t_s
        while at < len(silent_at) and silent_at[at] <= before.t_s:
            at += 1
        if gap_s <= ENGINE_HOLDS_S:
            continue
        if gap_s > longest_s or (at < len(silent_at) and silent_at[at] < after.t_s):
            silences, silent_s = silences + 1, silent_s + gap_s
            continue
        drawn += _line(before, after)
        bridged_s += gap_s
    samples = sorted([*recording.samples, *drawn], key=lambda sample: sample.t_s)
    return PacedRecording(tuple(samples), median(gaps), bridged_s, silences, silent_s)


def _line(before: Sample, after: Sample) -> list[Sample]:
    assert before.bpm is not None  # noqa: S101 - the caller passes rated samples
    assert after.bpm is not None  # noqa: S101 - as above
    slope = (after.bpm - before.bpm) / (after.t_s - before.t_s)
    steps = range(1, int(after.t_s - before.t_s + 0.999))
    plain = replace(before, rr_ms=(), speed_kmh=None, incline_percent=None)
    return [replace(plain, t_s=before.t_s + step, bpm=round(before.bpm + slope * step, 1)) for step in steps]
