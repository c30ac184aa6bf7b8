"""Where no treadmill tells its speed: the load is unknown, and how this person follows is learned with the heart.

`WAYS` take the place of the gait hypotheses: each row of the bank has its own load, by its own way of following.
The belief also forks at each advice, since any one may be left out; the rates that follow weigh both. No way
is ever ruled out, and what a phase's load is off by (the panel's rounding, a speed of the person's own) is a part of
the state that is doubted again at each advice.
"""

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from coach.guidance.advice_policy import Setting
from coach.guidance.heart_model import DRIFT, GAIN, Array, FilterBank
from coach.guidance.treadmill_load import GAITS, GRADUAL, demands

ALL, FLAT, LATE, HALF, STILL = range(5)
WAYS = len(GAITS)
WAY_SHARES = (0.58, 0.18, 0.08, 0.08, 0.08)
"""Does as advised; takes no incline outside intervals; does so late; takes half of each change; takes none [G]."""
LEAST_WAY_SHARE = 0.02
"""At each advice so much of the belief is spread over all ways: people change."""
LATE_S = 35
HALF_SHARE = 0.5
FOLLOWED, IGNORED = range(2)
IGNORED_SHARE = 0.10
"""5–20 % of all advice is not followed (training.md)."""
STEPS_SD = 0.02
"""Log load: the panel's rounding."""
OFF_KEEPS, OFF_SD_BPM, OFF_LITTLE_SD_BPM = 0.6, 6.0, 3.0
"""How much of a phase's own load lasts into the next one, and how far a phase and a correction may be off."""


def settings_after(was: Sequence[Setting], setting: Setting, *, working: bool) -> tuple[Setting, ...]:
    """Return what each way makes of an advice."""
    flat = setting if working else replace(setting, incline_percent=0.0)
    half_kmh = was[HALF].speed_kmh + HALF_SHARE * (setting.speed_kmh - was[HALF].speed_kmh)
    still = was[STILL] if was[STILL].speed_kmh > 0 else setting
    return (setting, flat, setting, replace(setting, speed_kmh=half_kmh), still)


def loads_by_way(settings: Sequence[Setting]) -> Array:
    """Return demand and gait span, (settings / ways, ways, 2)."""
    each = [demands(one.speed_kmh, one.incline_percent)[GRADUAL] for one in settings]
    return np.array(each).reshape(-1, WAYS, 2)


def relabelled(bank: FilterBank, shares: Sequence[float]) -> FilterBank:
    """Return the belief with gaits for ways, or ways for gaits: the likeliest one's rows serve all, at these shares."""
    count = len(bank.log_weight) // WAYS
    folded = bank.log_weight.reshape(WAYS, count)
    best = int(np.argmax(np.logaddexp.reduce(folded, axis=1)))
    rows = np.tile(np.arange(best * count, (best + 1) * count), WAYS)
    log_weight = np.tile(np.logaddexp.reduce(folded, axis=0), WAYS) + np.repeat(np.log(shares), count)
    return replace(
        bank,
        log_weight=log_weight - log_weight.max(),
        mean=bank.mean[rows],
        cov=bank.cov[rows],
        inputs=bank.inputs[:, rows],
    )


def split_hypotheses(bank: FilterBank, off_sd_bpm: float, *, kept: float = 1.0) -> FilterBank:
    """Return the belief in two branches, one after the other; `bank` must be in one.

    `off_sd_bpm`: how far this setting may be off; `kept`: how much of the last one's deviation lasts.
    """
    count = len(bank.log_weight)
    mean, cov = bank.mean.copy(), bank.cov.copy()
    mean[:, DRIFT] *= kept
    cov[:, DRIFT, :] *= kept
    cov[:, :, DRIFT] *= kept
    cov[:, DRIFT, DRIFT] += off_sd_bpm**2
    weight = bank.weight.reshape(WAYS, -1)
    way = weight.sum(axis=1, keepdims=True)
    mixed = (1 - LEAST_WAY_SHARE) * way + LEAST_WAY_SHARE * np.array(WAY_SHARES)[:, None]
    log_weight = np.log(np.maximum(weight / np.maximum(way, 1e-9) * mixed, 1e-9)).ravel()
    shares = np.log((1 - IGNORED_SHARE, IGNORED_SHARE))
    cov = np.concatenate((cov, cov))
    cov[:count, GAIN, GAIN] += STEPS_SD**2
    return replace(
        bank,
        hr_max_bpm=np.tile(bank.hr_max_bpm, 2),
        fast_share=np.tile(bank.fast_share, 2),
        bends_from=np.tile(bank.bends_from, 2),
        gait=np.tile(bank.gait, 2),
        log_weight=np.tile(log_weight, 2) + np.repeat(shares, count),
        mean=np.concatenate((mean, mean)),
        cov=cov,
        inputs=np.tile(bank.inputs, (1, 2, 1)),
    )


def branch_weights(bank: FilterBank, branches: int) -> Array:
    """Return the weight of each branch."""
    weights: Array = bank.weight.reshape(branches, -1).sum(axis=1)
    return weights


def way_weights(bank: FilterBank, branches: int) -> Array:
    """Return the weight of each way of following in each branch, (branches, ways)."""
    weights: Array = bank.weight.reshape(branches, WAYS, -1).sum(axis=2)
    return weights


def merge_hypotheses(bank: FilterBank, branches: int) -> tuple[FilterBank, int]:
    """Return the belief in one branch again, the likeliest, and which that was."""
    if branches == 1:
        return bank, 0
    weights = branch_weights(bank, branches)
    best = int(np.argmax(weights))
    count = len(bank.log_weight) // branches
    rows = slice(best * count, (best + 1) * count)
    log_weight = np.logaddexp.reduce(bank.log_weight.reshape(branches, count), axis=0)
    cov = bank.cov[rows].copy()
    # What the other branches thought possible stays possible.
    cov[:, GAIN, GAIN] += ((1 - weights[best]) * 0.1) ** 2
    merged_bank = replace(
        bank,
        hr_max_bpm=bank.hr_max_bpm[rows],
        fast_share=bank.fast_share[rows],
        bends_from=bank.bends_from[rows],
        gait=bank.gait[rows],
        log_weight=log_weight - log_weight.max(),
        mean=bank.mean[rows],
        cov=cov,
        inputs=bank.inputs[:, rows],
    )
    return merged_bank, best
