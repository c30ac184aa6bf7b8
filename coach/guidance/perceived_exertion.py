"""Perceived exertion as a witness to true HRmax: who says 19 at a rate where 15 is usual is nearer to the maximum."""

import numpy as np

from coach.guidance.heart_model import Array

BORG_AT_FRACTION = ((0.40, 6.0), (0.70, 12.0), (0.85, 15.0), (0.93, 17.0), (0.99, 19.0), (1.02, 20.0))
"""12 / 15 / 17 / 19 at 70 / 85 / 93 / 99 % of true HRmax (training.md [G]); the ends are carried on to 6 and 20."""
BORG_SD = 1.35
"""A person's own spread, 1.2 (training.md), and the rounding to whole numbers."""
_FRACTIONS = np.array([fraction for fraction, _ in BORG_AT_FRACTION])
_BORGS = np.array([borg for _, borg in BORG_AT_FRACTION])


def expected_borg(fraction: Array) -> Array:
    """Borg 6–20 expected at these shares of true HRmax."""
    borg: Array = np.interp(fraction, _FRACTIONS, _BORGS)
    return borg


def fraction_for_borg(borg: float) -> float:
    """Return the share of true HRmax at which a Borg is expected."""
    return float(np.interp(borg, _BORGS, _FRACTIONS))


def log_likelihood(borg: int, rate_bpm: float, hr_max_bpm: Array) -> Array:
    """How well each HRmax explains this answer at this rate."""
    miss = borg - expected_borg(rate_bpm / hr_max_bpm)
    return -0.5 * (miss / BORG_SD) ** 2
