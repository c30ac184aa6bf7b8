"""The rate that a person never seen would have at this load: the belief before the first reading, carried along blind.

A dry strap is smoothly wrong from the first second on, so nothing that was learned from it can tell. What was expected
before it spoke can: a rate far from that is doubted in the warm-up, and nobody is urged by it. The end of the warm-up
is no proof: where the rate is very low, the doubt lasts until it is not, or until the first interval is over.

A dry strap that becomes wet shows itself too: the rate falls at a load that was not lowered, or goes on rising long
after a load was raised. A heart's does neither.
"""

from math import log
from typing import Self

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from coach.guidance.heart_model import GAIN, REST, FilterBank, soft_limit

TAU_S = 60.0
"""Rise and fall of somebody never seen (training.md: 31–80 s)."""
OTHERWISE_SD_BPM = 6.0
"""What rest and gain do not explain: time constants, gait, a handrail."""
READS_LOW_SD = -3.0
"""No sound strap of 200 was so far under what is expected; the lowest were at −2.5."""
FALL_BPM, FALL_KEPT_BPM, FALL_FORGOTTEN_BPM = 7.0, 12.0, 0.25
"""A fall is remembered up to so many beats, and forgotten by so many in each slot: two minutes after it has ended."""
RISE_BPM, RISE_OVER_SLOTS, RISE_MEAN_OF = 8.0, 12, 3
"""A rise within a minute, by means of 15 s. At a load that was kept, clean rates seldom rise by so much: 4 of 60 sound
straps did, and 25 rose by 5 bpm (`benchmarks.bench_wrong_rates`)."""
RAISED_DEMAND, RAISED_SLOTS, MUCH_RAISED_DEMAND, MUCH_RAISED_SLOTS = 0.5, 12, 5.0, 24
"""A step of the warm-up lets the rate rise for a minute, the load of an interval for two; what comes later is less than
`RISE_BPM` a minute."""
WETTING_SLOTS, RISE_WETTING_BPM = 30, 4.9
"""What a dry strap reads wrong fades with a time constant of at most 150 s (a strap is dry for 15 min at most), so a
rise of 4.9 bpm in a minute leaves 10 bpm, and a larger one leaves more for longer."""
EASED_DEMAND, EASED_SLOTS = 0.5, 12
"""A load that is lower by this much lets the rate fall for a minute; what comes later is less than `FALL_BPM`."""


class PriorPrediction(Struct, frozen=True):
    """Rest and log gain with their variances, and the rise over rest now. Rates in bpm."""

    rest_bpm: float
    gain: float
    rest_variance: float
    gain_variance: float
    reserve_bpm: float
    bends_from: float
    rise_bpm: float = 0.0

    def after(self, demand: float, seconds: float) -> Self:
        """So many seconds later, at a demand in ml/kg/min above standing."""
        wanted = np.array([np.exp(self.gain) * demand])
        steady = float(soft_limit(wanted, np.array([self.reserve_bpm]), np.array([self.bends_from]))[0][0])
        share = 1 - float(np.exp(-seconds / TAU_S))
        return replace(self, rise_bpm=self.rise_bpm + share * (steady - self.rise_bpm))

    def standard_deviations_off(self, bpm: float) -> float:
        """How far a rate lies over (+) or under (−) what was expected, in standard deviations."""
        variance = self.rest_variance + self.gain_variance * self.rise_bpm**2 + OTHERWISE_SD_BPM**2
        return float((bpm - self.rest_bpm - self.rise_bpm) / np.sqrt(variance))

    def reads_low(self, bpm: float) -> bool:
        """Return whether a rate is too far under what was expected to urge anybody by it."""
        return self.standard_deviations_off(bpm) < READS_LOW_SD


class RateFall(Struct, frozen=True):
    """How far the rate has fallen at a load that was not lowered. `eased_slots`: left until a lowered one counts."""

    highest_bpm: float = 0.0
    load: float = 0.0
    eased_slots: int = 0

    def after(self, load: float, bpm: float | None) -> Self:
        """Five seconds later, at this load and with this mean rate."""
        eased_slots = EASED_SLOTS if load < self.load - EASED_DEMAND else max(self.eased_slots - 1, 0)
        if bpm is None:
            return replace(self, load=load, eased_slots=eased_slots)
        highest_bpm = max(bpm, min(self.highest_bpm, bpm + FALL_KEPT_BPM) - FALL_FORGOTTEN_BPM)
        return replace(self, highest_bpm=bpm if eased_slots else highest_bpm, load=load, eased_slots=eased_slots)

    def doubts(self, bpm: float) -> bool:
        """Return whether the rate has fallen as no heart's does at a load that was not lowered."""
        return self.highest_bpm - bpm >= FALL_BPM


class RateRise(Struct, frozen=True):
    """Whether the rate rises at a load that was not raised. `raised_slots`: left until a raised one counts.

    `recent_bpm`: the last means at a load that was kept. `doubted_slots`: for how long a rise that was seen is doubted.
    """

    recent_bpm: tuple[float, ...] = ()
    load: float = 0.0
    raised_slots: int = MUCH_RAISED_SLOTS
    doubted_slots: int = 0

    def after(self, load: float, bpm: float | None) -> Self:
        """Five seconds later, at this load and with this mean rate; a gap in the rates empties the window."""
        raised_slots = max(self.raised_slots - 1, 0)
        if load > self.load + RAISED_DEMAND:
            raised_slots = max(raised_slots, RAISED_SLOTS)
        if load > self.load + MUCH_RAISED_DEMAND:
            raised_slots = MUCH_RAISED_SLOTS
        recent = () if bpm is None or raised_slots else (*self.recent_bpm, bpm)[-RISE_OVER_SLOTS - RISE_MEAN_OF :]
        rose_bpm = (sum(recent[-RISE_MEAN_OF:]) - sum(recent[:RISE_MEAN_OF])) / RISE_MEAN_OF
        doubted_slots = max(self.doubted_slots - 1, 0)
        if len(recent) == RISE_OVER_SLOTS + RISE_MEAN_OF and rose_bpm >= RISE_BPM:
            doubted_slots = max(doubted_slots, round(WETTING_SLOTS * log(rose_bpm / RISE_WETTING_BPM)))
        return replace(self, recent_bpm=recent, load=load, raised_slots=raised_slots, doubted_slots=doubted_slots)

    @property
    def doubts(self) -> bool:
        """Whether the rate rises, or did a moment ago, as no heart's does at a load that was not raised."""
        return self.doubted_slots > 0


def expectation(bank: FilterBank) -> PriorPrediction:
    """Return what a belief before the first reading expects."""
    weight = bank.weight
    rest_bpm, gain = (float(weight @ bank.mean[:, state]) for state in (REST, GAIN))
    rest_variance, gain_variance = (
        float(weight @ (bank.cov[:, state, state] + (bank.mean[:, state] - middle) ** 2))
        for state, middle in ((REST, rest_bpm), (GAIN, gain))
    )
    return PriorPrediction(
        rest_bpm=rest_bpm,
        gain=gain,
        rest_variance=rest_variance,
        gain_variance=gain_variance,
        reserve_bpm=max(float(weight @ bank.hr_max_bpm) - rest_bpm, 20.0),
        bends_from=float(weight @ bank.bends_from),
    )
