"""Where the rate is going: a belief drawn out into a fixed cloud of people, each carried ahead in closed form.

The cloud is a quadrature, not chance: the same low-discrepancy points serve always. Each point is one possible person
(true HRmax, structure, gain, time constants, …); the spread of their futures is the honest uncertainty.
"""

from statistics import NormalDist

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from coach.guidance.heart_model import (
    DRIFT,
    DRIFT_BPM_PER_STEP,
    DRIFT_FROM_FRACTION,
    FAST,
    FAST_TAU_DOWN_S,
    FAST_TAU_UP_S,
    GAIN,
    GAIT,
    READING_SD_BPM,
    REST,
    SLOW,
    SLOWER_AT_MAX,
    SLOWER_FROM_FRACTION,
    STATES,
    STEP_S,
    TAU_DOWN,
    TAU_UP,
    WOBBLE,
    WOBBLE_SD_BPM,
    WOBBLE_TAU_S,
    Array,
    FilterBank,
    soft_limit,
)

POINTS = 96
RISE_BPM = 80.0
"""A usual rise over rest, for turning a share of the gain into beats."""
RISE_DEAD_S, FALL_DEAD_S = 5.0, 15.0
HR_MAX_GRAIN = 0.01
"""The hypotheses of HRmax lie about this share apart, so each point stands for a little range."""


def _points() -> Array:
    """Low-discrepancy standard normal points (POINTS, STATES + 1): Roberts' additive recurrence."""
    dimensions = STATES + 1
    golden = 1.5
    for _ in range(60):
        golden = (1 + golden) ** (1 / (dimensions + 1))
    steps = np.array([golden ** -(axis + 1) for axis in range(dimensions)])
    uniform = (0.5 + np.outer(np.arange(1, POINTS + 1), steps)) % 1.0
    normal = NormalDist()
    points = np.array([[normal.inv_cdf(float(np.clip(u, 0.004, 0.996))) for u in row] for row in uniform])
    centred: Array = (points - points.mean(axis=0)) / points.std(axis=0)
    return centred


_POINTS = _points()
_PLACES = (np.arange(POINTS) + 0.5) / POINTS


class SigmaPoints(Struct, frozen=True, eq=False):
    """Possible people, now: `state` (POINTS, 9), HRmax, fast share and bend (POINTS,), and loads (POINTS, 2)."""

    state: Array
    hr_max_bpm: Array
    fast_share: Array
    bends_from: Array
    gait: NDArray[np.intp]
    load: Array

    def ahead(self, loads: Array, times_s: Array, acts_after_s: float | Array) -> Array:
        """Rates (POINTS, 1 + C, times) `times_s` from now: if nothing changes, then for each load.

        `loads` (C, gaits, 2): demand and gait span; the treadmill goes there `acts_after_s` from now (for all,
        or for each gait).
        """
        state = self.state
        here = self.load[:, :1] + state[:, GAIT, None] * self.load[:, 1:]
        own = loads[:, self.gait]
        there = np.concatenate((here, (own[:, :, 0] + state[:, GAIT] * own[:, :, 1]).T), axis=1)
        steady_here = self._steady(here)
        steady = self._steady(there)
        fast, slow = state[:, FAST, None], state[:, SLOW, None]
        after_s = np.broadcast_to(acts_after_s, loads.shape[1])[self.gait][:, None]
        wait = after_s + np.where(steady >= fast + slow, RISE_DEAD_S, FALL_DEAD_S)
        times = times_s[None, None, :]
        before = np.minimum(times, wait[:, :, None])
        fast_mid, slow_mid = self._relax(fast, slow, np.broadcast_to(steady_here, steady.shape), before)
        fast_end, slow_end = self._relax(fast_mid, slow_mid, steady, times - before, level=fast + slow)
        level = fast_end + slow_end
        hard = steady > DRIFT_FROM_FRACTION * (self.hr_max_bpm - state[:, REST])[:, None]
        drift = np.where(hard, DRIFT_BPM_PER_STEP / STEP_S, 0.0)[:, :, None] * np.maximum(times - 60.0, 0.0)
        wobble = state[:, WOBBLE, None, None] * np.exp(-times / WOBBLE_TAU_S)
        rate = state[:, REST, None, None] + level + wobble + drift
        limited: Array = np.minimum(rate, (self.hr_max_bpm + 3.0)[:, None, None])
        return limited

    def _steady(self, load: Array) -> Array:
        state = self.state
        reserve = np.maximum(self.hr_max_bpm - state[:, REST], 20.0)[:, None]
        wanted = np.exp(state[:, GAIN, None]) * load + state[:, DRIFT, None]
        return soft_limit(wanted, reserve, self.bends_from[:, None])[0]

    def _relax(
        self, fast: Array, slow: Array, steady: Array, during: Array, *, level: Array | None = None
    ) -> tuple[Array, Array]:
        """Fast and slow parts (POINTS, C, T) after `during` seconds on the way to `steady` (POINTS, C)."""
        state = self.state
        now = fast + slow if level is None else level
        rises = steady >= now
        middle = (state[:, REST, None] + 0.35 * now + 0.65 * steady) / self.hr_max_bpm[:, None]
        near = np.clip((middle - SLOWER_FROM_FRACTION) / (1 - SLOWER_FROM_FRACTION), 0.0, 1.0)
        tau = np.exp(np.where(rises, state[:, TAU_UP, None], state[:, TAU_DOWN, None])) * (
            1 + (SLOWER_AT_MAX - 1) * near
        )
        fast_tau = np.where(rises, FAST_TAU_UP_S, FAST_TAU_DOWN_S)
        share = self.fast_share[:, None, None]
        target = steady[:, :, None]
        deep_fast = fast if fast.ndim == target.ndim else fast[:, :, None]
        deep_slow = slow if slow.ndim == target.ndim else slow[:, :, None]
        fast_now = share * target + (deep_fast - share * target) * np.exp(-during / fast_tau[:, :, None])
        slow_now = (1 - share) * target + (deep_slow - (1 - share) * target) * np.exp(-during / tau[:, :, None])
        return fast_now, slow_now


def cloud(bank: FilterBank) -> SigmaPoints:
    """Return the belief drawn out into possible people, as many for each hypothesis as it weighs."""
    rows = np.searchsorted(np.cumsum(bank.weight), _PLACES).clip(0, len(bank.log_weight) - 1)
    kept, of_kept = np.unique(rows, return_inverse=True)
    cov = bank.cov[kept]
    cov = cov + 1e-9 * np.eye(STATES)
    try:
        spread = np.linalg.cholesky(cov)
    except np.linalg.LinAlgError:
        spread = np.sqrt(np.maximum(np.einsum("kii->ki", cov), 0.0))[:, :, None] * np.eye(STATES)
    state = bank.mean[rows] + np.einsum("pij,pj->pi", spread[of_kept], _POINTS[:, :STATES])
    hr_max = bank.hr_max_bpm[rows] * (1 + HR_MAX_GRAIN * _POINTS[:, STATES])
    return SigmaPoints(
        state=state,
        hr_max_bpm=hr_max,
        fast_share=bank.fast_share[rows],
        bends_from=bank.bends_from[rows],
        gait=bank.gait[rows],
        load=bank.inputs[-1][rows],
    )


def spread_sd_bpm(rates: Array, ahead_s: Array, roam_sd: float) -> Array:
    """Return the standard deviation of what the strap will read: the people's spread, the wobble, efforts that roam.

    `roam_sd`: how much the log gain may wander in a step, where nobody knows what the treadmill does.
    """
    wobble = WOBBLE_SD_BPM**2 * (1 - np.exp(-2 * ahead_s / WOBBLE_TAU_S))
    roamed = (RISE_BPM * roam_sd) ** 2 * ahead_s / STEP_S / 2
    deviation: Array = np.sqrt(rates.var(axis=0) + wobble + roamed + READING_SD_BPM**2)
    return deviation
