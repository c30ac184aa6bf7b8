"""From beats to a rate by the second, as a pulse strap does it: the mean of the last few seconds' plausible intervals.

Plausible: 270–2000 ms and within ±15 % of the median of the last 11 intervals (training.md «The strap»). About twice
that is a missed beat, half an extra one; neither counts towards the rate, and all are handed on with it.
"""

import math
from collections import deque
from statistics import median

from msgspec import Struct

from firmware.recordings.sample import Sample

AVERAGED_S = 4.0
SILENT_AFTER_S = 3.0
RR_LOWEST_MS, RR_HIGHEST_MS = 270.0, 2000.0
RR_OFF_FRACTION = 0.15
RR_IN_MEDIAN = 11


class Beat(Struct, frozen=True):
    """A beat known at `t_s`, `rr_ms` after the one before it."""

    t_s: float
    rr_ms: float


def rates_from_beats(beats: list[Beat]) -> list[Sample]:
    """Return one sample for each whole second in which the strap was heard lately; none where it was silent for 3 s."""
    samples: list[Sample] = []
    lately: deque[tuple[float, float]] = deque()
    last_intervals: deque[float] = deque(maxlen=RR_IN_MEDIAN)
    at = 0
    second = math.ceil(beats[0].t_s) if beats else 0
    while at < len(beats):
        received: list[float] = []
        while at < len(beats) and beats[at].t_s <= second:
            beat = beats[at]
            received.append(beat.rr_ms)
            last_intervals.append(beat.rr_ms)
            off = abs(beat.rr_ms / median(last_intervals) - 1)
            if RR_LOWEST_MS <= beat.rr_ms <= RR_HIGHEST_MS and off <= RR_OFF_FRACTION:
                lately.append((beat.t_s, beat.rr_ms))
            at += 1
        while len(lately) > 1 and lately[0][0] < second - AVERAGED_S:
            lately.popleft()
        heard_s = beats[at - 1].t_s if at else -math.inf
        if lately and second - heard_s < SILENT_AFTER_S:
            rate = 60_000 * len(lately) / sum(rr for _, rr in lately)
            samples.append(Sample(float(second), float(round(rate)), tuple(received)))
        second += 1
    return samples
