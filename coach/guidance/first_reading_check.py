"""The rate that a person never seen would have at this load: the belief before the first reading, carried along blind.

A dry strap is smoothly wrong from the first second on, so nothing that was learned from it can tell. What was expected
before it spoke can: a rate far under that is doubted in the warm-up, and nobody is urged by it.
"""

from typing import Self

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from coach.guidance.heart_model import GAIN, REST, FilterBank, soft_limit

TAU_S = 60.0
"""Rise and fall of somebody never seen (training.md: 31–80 s)."""
OTHERWISE_SD_BPM = 6.0
"""What rest and gain do not explain: time constants, gait, a handrail."""


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


def expectation(bank: FilterBank) -> PriorPrediction:
    """What a belief before the first reading expects."""
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
