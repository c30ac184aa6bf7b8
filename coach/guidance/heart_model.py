"""How this person's heart answers the treadmill: a bank of extended Kalman filters, one for each hypothesis.

A hypothesis is a *true* HRmax and a structure of the response: one time constant, or a fast (vagal) share beside a
slow one; and a rate that bends only near HRmax, or from half of the reserve on. Within each, nine quantities are
Gaussian and learned together, every five seconds:

    rate = rest + fast + slow + wobble          steady (fast + slow) = soft limit(e^gain · demand + drift) at HRmax −
    rest

The soft limit is what tells HRmax: a rate that flattens while the load grows lies near it. Hypotheses are weighed by
how well they foretold the rate. The rise begins after one step, the fall after three (dead times 0–8 s and 8–25 s,
training.md). Everything is arithmetic on arrays without chance, so the same rates give the same belief.
"""

from typing import Self, TypeAlias

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

STEP_S = 5
FAST, SLOW, WOBBLE, REST, GAIN, TAU_UP, TAU_DOWN, GAIT, DRIFT = range(9)
STATES, MOVING = 9, 3
RISE_STEPS, FALL_STEPS = 1, 3
"""Dead time of rise and fall in steps; the setting is known to have changed within the step before."""
FAST_TAU_UP_S, FAST_TAU_DOWN_S = 14.0, 30.0
"""The fast share: vagal withdrawal within some 15 s, and its slower return [G]."""
SLOWER_FROM_FRACTION, SLOWER_AT_MAX = 0.85, 1.5
"""Time constants grow near HRmax (training.md)."""
WOBBLE_TAU_S, WOBBLE_SD_BPM = 60.0, 1.3
READING_SD_BPM = 1.0
DRIFT_FROM_FRACTION, DRIFT_BPM_PER_STEP = 0.6, 0.25 * STEP_S / 60
DRIFT_PER_INTERVAL_BPM, DRIFT_PER_INTERVAL_SD_BPM = 1.0, 1.0
"""0.25 ± 0.2 bpm/min in hard work and about 2.5 bpm from one equal interval to the next (docs/training.md)."""
WALK_SD = (0.25, 0.35, 0.0, 0.08, 0.002, 0.004, 0.004, 0.0, 0.05)
"""How much each quantity may wander in one step: the model is never quite right, so it never stops learning."""
LIKELIHOOD_POWER = 0.5
"""Readings 5 s apart err together; counting each in full would make the weights too sure."""
HR_MAX_POWER = 0.2
"""How a rate bends is weak evidence of HRmax: another bend explains it as well. Perceived exertion counts in full."""
SURPRISE_SD = 3.0
"""A reading further off than this is taken for a lesser one: a fault should not teach."""
LEAST_LOG_WEIGHT = -14.0
LOWEST_STATE = (-250.0, -250.0, -60.0, 20.0, -4.0, 1.0, 1.0, -4.0, -60.0)
HIGHEST_STATE = (250.0, 250.0, 60.0, 160.0, 7.0, 7.0, 7.0, 4.0, 60.0)
"""No belief leaves these bounds, far outside of what a heart does, so that all that follows stays finite."""


class FilterBank(Struct, frozen=True, eq=False):
    """The belief. `mean` (K, 9), `cov` (K, 9, 9), `log_weight` (K,).

    `hr_max_bpm`, `fast_share` and `bends_from` (a share of the reserve), each (K,), name the hypotheses.

    Hypotheses that differ only in HRmax lie side by side, `hr_max_count` of them.
    `gait` (K,) is the place of each hypothesis' gait in `treadmill_load.GAITS`.
    `inputs` (FALL_STEPS + 1, K, 2): demand and gait span of the last steps, newest last.
    """

    hr_max_bpm: Array
    fast_share: Array
    bends_from: Array
    gait: NDArray[np.intp]
    log_weight: Array
    mean: Array
    cov: Array
    inputs: Array
    hr_max_count: int

    def __eq__(self, other: object) -> bool:
        """Whether both are the same belief, number for number."""
        return isinstance(other, FilterBank) and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in self.__struct_fields__
        )

    __hash__ = None  # type: ignore[assignment]  # arrays are not hashable

    @property
    def weight(self) -> Array:
        """The hypotheses' weights, adding up to 1."""
        weight: Array = np.exp(self.log_weight - self.log_weight.max())
        weight /= weight.sum()
        return weight

    @property
    def rate_bpm(self) -> Array:
        """The expected rate by each hypothesis, without wobble."""
        return self.mean[:, REST] + self.mean[:, FAST] + self.mean[:, SLOW]

    def predict(self, load: Array, roam_sd: float = 0.0) -> Self:
        """One step later. `load` (branches, gaits, 2): mean demand and span; `roam_sd`: more wander of gain."""
        each = load[:, self.gait[: len(self.gait) // len(load)]].reshape(1, -1, 2)
        inputs = np.concatenate((self.inputs[1:], each))
        mean, jacobian = _moved(self, inputs)
        # Only fast, slow and wobble move (rows 0–2); the other rows of the Jacobian are the identity's.
        above = jacobian @ self.cov
        corner = above @ jacobian.transpose(0, 2, 1)
        cov = self.cov.copy()
        cov[:, :MOVING, MOVING:] = above[:, :, MOVING:]
        cov[:, MOVING:, :MOVING] = above[:, :, MOVING:].transpose(0, 2, 1)
        cov[:, :MOVING, :MOVING] = corner
        cov[:, _DIAGONAL, _DIAGONAL] += _WALK_VARIANCE
        cov[:, GAIN, GAIN] += roam_sd**2
        return replace(self, mean=mean, cov=cov, inputs=inputs)

    def update(self, bpm: float, sd_bpm: float = READING_SD_BPM) -> tuple[Self, float]:
        """Return the belief after a reading, and the standard deviations by which the best hypothesis missed it."""
        mean, cov = self.mean, self.cov
        across = cov[:, :, FAST] + cov[:, :, SLOW] + cov[:, :, WOBBLE] + cov[:, :, REST]
        miss = bpm - (mean[:, FAST] + mean[:, SLOW] + mean[:, WOBBLE] + mean[:, REST])
        variance = across[:, FAST] + across[:, SLOW] + across[:, WOBBLE] + across[:, REST] + sd_bpm**2
        variance = np.maximum(variance, np.maximum(miss**2 / SURPRISE_SD**2, sd_bpm**2))
        gain = across / variance[:, None]
        log_weight = self.log_weight - 0.5 * LIKELIHOOD_POWER * (miss**2 / variance + np.log(variance))
        log_weight = log_weight - log_weight.max()
        shape = (-1, self.hr_max_count)
        change = _folded(log_weight.reshape(shape)) - _folded(self.log_weight.reshape(shape))
        log_weight = (log_weight.reshape(shape) - (1 - HR_MAX_POWER) * (change - change.max())).ravel()
        log_weight = np.maximum(log_weight - log_weight.max(), LEAST_LOG_WEIGHT)
        best = int(np.argmax(log_weight))
        surprise = float(miss[best] / np.sqrt(variance[best]))
        corrected = replace(
            self,
            mean=np.clip(mean + gain * miss[:, None], LOWEST_STATE, HIGHEST_STATE),
            cov=cov - gain[:, :, None] * across[:, None, :],
            log_weight=log_weight,
        )
        return corrected, surprise

    def reweight(self, log_likelihood: Array) -> Self:
        """Return the belief after evidence on the hypotheses themselves (perceived exertion, a rate above HRmax)."""
        log_weight = self.log_weight + log_likelihood
        return replace(self, log_weight=np.maximum(log_weight - log_weight.max(), LEAST_LOG_WEIGHT))

    def inflate_covariance(self, state: int, sd: float) -> Self:
        """Return the belief where one quantity has become less sure by `sd`."""
        cov = self.cov.copy()
        cov[:, state, state] += sd**2
        return replace(self, cov=cov)

    def shift_mean(self, state: int, by: float, sd: float) -> Self:
        """Return the belief where one quantity has moved by `by` ± `sd`."""
        mean = self.mean.copy()
        mean[:, state] += by
        return replace(self.inflate_covariance(state, sd), mean=mean)

    def average(self, values: Array) -> float:
        """Return the weighted mean of one value per hypothesis."""
        return float(self.weight @ values)


def _folded(log_weight: Array) -> Array:
    """Log weights (structures, HRmax) added up over the structures."""
    most = log_weight.max()
    folded: Array = np.log(np.exp(log_weight - most).sum(axis=0) + 1e-30) + most
    return folded


_DIAGONAL = np.arange(STATES)
_WALK_VARIANCE = np.array(WALK_SD) ** 2
_KEEP_WOBBLE = float(np.exp(-STEP_S / WOBBLE_TAU_S))
_WALK_VARIANCE[WOBBLE] = WOBBLE_SD_BPM**2 * (1 - _KEEP_WOBBLE**2)


def soft_limit(wanted: Array, reserve: Array, bends_from: Array) -> tuple[Array, Array, Array]:
    """Return the steady rise over rest, below the reserve; its slopes by what is wanted and by the reserve."""
    share = wanted / reserve
    room = 1 - bends_from
    bend = np.exp(-np.maximum(share - bends_from, 0.0) / room)
    steady = np.where(share > bends_from, reserve * (1 - room * bend), wanted)
    by_reserve = np.where(share > bends_from, 1 - room * bend - share * bend, 0.0)
    return steady, bend, by_reserve


def unbent(share: Array, bends_from: Array) -> Array:
    """Return the share of the reserve that must be wanted for this steady share: `soft_limit` the other way."""
    room = 1 - bends_from
    over = np.clip((share - bends_from) / room, 0.0, 0.98)
    wanted: Array = np.where(share > bends_from, bends_from - room * np.log1p(-over), share)
    return wanted


def _moved(bank: FilterBank, inputs: Array) -> tuple[Array, Array]:
    """Mean of one step, and the Jacobian's first rows (K, 3, 9): those of what moves by itself."""
    mean = bank.mean
    fast, slow, rest = mean[:, FAST], mean[:, SLOW], mean[:, REST]
    gait, drift = mean[:, GAIT], mean[:, DRIFT]
    gain = np.exp(mean[:, GAIN])
    reserve = np.maximum(bank.hr_max_bpm - rest, 20.0)
    level = fast + slow
    newer, older = inputs[-1 - RISE_STEPS], inputs[-1 - FALL_STEPS]
    load = newer[:, 0] + gait * newer[:, 1]
    span = newer[:, 1]
    rises = soft_limit(gain * load + drift, reserve, bank.bends_from)[0] >= level
    if not rises.all():
        load = np.where(rises, load, older[:, 0] + gait * older[:, 1])
        span = np.where(rises, span, older[:, 1])
    steady, bend, by_reserve = soft_limit(gain * load + drift, reserve, bank.bends_from)
    rises = steady >= level
    near = np.clip(((rest + level) / bank.hr_max_bpm - SLOWER_FROM_FRACTION) / (1 - SLOWER_FROM_FRACTION), 0.0, 1.0)
    tau = np.exp(np.where(rises, mean[:, TAU_UP], mean[:, TAU_DOWN])) * (1 + (SLOWER_AT_MAX - 1) * near)
    keep_slow = np.exp(-STEP_S / tau)
    keep_fast = np.exp(-STEP_S / np.where(rises, FAST_TAU_UP_S, FAST_TAU_DOWN_S))
    share = bank.fast_share
    towards_slow = (1 - share) * steady - slow
    moved = mean.copy()
    moved[:, FAST] = fast + (1 - keep_fast) * (share * steady - fast)
    moved[:, SLOW] = slow + (1 - keep_slow) * towards_slow
    moved[:, WOBBLE] *= _KEEP_WOBBLE
    moved[:, DRIFT] += np.where(level > DRIFT_FROM_FRACTION * reserve, DRIFT_BPM_PER_STEP, 0.0)

    jacobian = np.zeros((len(mean), MOVING, STATES))
    jacobian[:, WOBBLE, WOBBLE] = _KEEP_WOBBLE
    for row, keep, part in ((FAST, keep_fast, share), (SLOW, keep_slow, 1 - share)):
        pull = (1 - keep) * part
        jacobian[:, row, row] = keep
        jacobian[:, row, REST] = -pull * by_reserve
        jacobian[:, row, GAIN] = pull * bend * gain * load
        jacobian[:, row, GAIT] = pull * bend * gain * span
        jacobian[:, row, DRIFT] = pull * bend
    by_tau = -(STEP_S / tau) * keep_slow * towards_slow
    jacobian[:, SLOW, TAU_UP] = np.where(rises, by_tau, 0.0)
    jacobian[:, SLOW, TAU_DOWN] = np.where(rises, 0.0, by_tau)
    return moved, jacobian
