"""Where an interval's rate will end, by the rate alone: for people whose treadmill tells nothing.

A hierarchical linear model. A bout's rise over its first rate is a sum of five curves; their weights vary about a mean
by person, and within a person by bout. What earlier bouts of the session showed is carried over. The numbers come from
83 bouts of 15 people in public recordings; figures on people left out whole are in docs/guidance.md.
"""

from typing import Self

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from coach.guidance.heart_model import STEP_S, Array

CURVES_TAU_S = (12.0, 35.0, 100.0)
RAMP_S = 240.0
STARTS_AFTER_S = 4.0
"""A phase begins some seconds before the rate begins to rise."""
MEAN = ((-0.8, -0.3), (-14.7, 4.4), (56.7, -11.6), (-4.4, -7.3), (7.9, 4.1))
"""Mean weight of each curve in bpm, and its change by each `PER_BPM` of the first rate over `FROM_BPM`."""
FROM_BPM, PER_BPM = 110.0, 30.0
PERSON_COV = (
    (4.7, -27.1, 29.4, 17.4, -8.6),
    (-27.1, 298.4, -315.4, -174.4, 90.3),
    (29.4, -315.4, 405.0, 180.3, -105.9),
    (17.4, -174.4, 180.3, 186.0, -72.9),
    (-8.6, 90.3, -105.9, -72.9, 52.5),
)
BOUT_COV = (
    (3.3, -8.2, 1.1, 5.3, 2.0),
    (-8.2, 74.2, -40.3, -37.9, -6.0),
    (1.1, -40.3, 114.0, 5.3, -18.2),
    (5.3, -37.9, 5.3, 84.5, 1.5),
    (2.0, -6.0, -18.2, 1.5, 32.7),
)
WOBBLE_SD_BPM, WOBBLE_TAU_S, NOISE_SD_BPM = 3.0, 40.0, 0.8
"""How a rate strays from its curve: slowly, and from reading to reading."""
LEAST_READINGS = 60 // STEP_S
"""With less than a minute of readings the band is not calibrated (it holds 0.67 at 30 s), so nothing is shown."""


class EndRateForecast(Struct, frozen=True):
    """What the bouts so far showed of this person (mean and covariance of the weights), and the bout now."""

    person_mean: tuple[float, ...] = (0.0,) * len(MEAN)
    person_cov: tuple[tuple[float, ...], ...] = PERSON_COV
    seconds: tuple[float, ...] = ()
    rates_bpm: tuple[float, ...] = ()

    def with_reading(self, second: float, bpm: float) -> Self:
        """Return the forecast with a reading at a second of the interval."""
        return replace(self, seconds=(*self.seconds, second), rates_bpm=(*self.rates_bpm, bpm))

    def after_bout(self) -> Self:
        """Return the forecast for the next bout: what this one showed of the person is kept."""
        if len(self.seconds) < LEAST_READINGS:
            return replace(self, seconds=(), rates_bpm=())
        own = np.array(self.person_cov)
        curves, misses, pull = self._fit(own)
        mean = np.array(self.person_mean) + pull @ misses
        cov = own - pull @ curves @ own
        cov = (cov + cov.T) / 2
        return replace(
            self,
            person_mean=tuple(float(x) for x in mean),
            person_cov=tuple(tuple(float(x) for x in row) for row in cov),
            seconds=(),
            rates_bpm=(),
        )

    def foretell(self, second: float) -> tuple[float, float] | None:
        """Return the rate at a second of this bout in bpm and its standard deviation; None with too few readings."""
        if len(self.seconds) < LEAST_READINGS:
            return None
        before = np.array(self.person_cov) + np.array(BOUT_COV)
        curves, misses, pull = self._fit(before)
        then = _curves(np.array([second]))[0]
        weights = self._expected_weights() + pull @ misses
        variance = float(then @ (before - pull @ curves @ before) @ then) + WOBBLE_SD_BPM**2
        return float(self.rates_bpm[0] + then @ weights), float(np.sqrt(max(variance, WOBBLE_SD_BPM**2)))

    def _expected_weights(self) -> Array:
        first = (self.rates_bpm[0] - FROM_BPM) / PER_BPM
        weights: Array = np.array(MEAN) @ (1.0, first) + np.array(self.person_mean)
        return weights

    def _fit(self, learned: Array) -> tuple[Array, Array, Array]:
        """Return curves at the readings, what they missed by, and how that pulls weights of covariance `learned`."""
        times = np.array(self.seconds)
        curves = _curves(times)
        misses = np.array(self.rates_bpm) - self.rates_bpm[0] - curves @ self._expected_weights()
        apart = np.abs(times[:, None] - times)
        noise = WOBBLE_SD_BPM**2 * np.exp(-apart / WOBBLE_TAU_S) + NOISE_SD_BPM**2 * np.eye(len(times))
        whole = np.array(self.person_cov) + np.array(BOUT_COV)
        spread = curves @ whole @ curves.T + noise
        pull: Array = np.linalg.solve(spread, curves @ learned).T
        return curves, misses, pull


def _curves(times: Array) -> Array:
    since = np.maximum(times - STARTS_AFTER_S, 0.0)
    rises = [1 - np.exp(-since / tau_s) for tau_s in CURVES_TAU_S]
    curves: Array = np.stack([np.ones_like(since), *rises, since / RAMP_S], axis=-1)
    return curves
