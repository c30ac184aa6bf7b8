"""Where no treadmill tells its speed: after each advice the belief forks, since it may or may not have been followed.

The branches are: followed (nearly, in the panel's steps), not followed, and something of the person's own. The rates
that follow weigh them; at the next advice the likeliest stays, and what it says of this person's obedience is
remembered.
"""

import numpy as np
from msgspec.structs import replace

from coach.guidance.heart_model import GAIN, Array, FilterBank

FOLLOWED, IGNORED, OWN = range(3)
IGNORED_SHARE, OWN_SHARE = 0.10, 0.06
"""5–20 % of all advice is not followed (training.md)."""
STEPS_SD, OWN_SD = 0.02, 0.40
"""Log load: the panel's rounding, and a speed of the person's own."""


def split_hypotheses(bank: FilterBank) -> FilterBank:
    """The belief in three branches, one after the other; `bank` must be in one."""
    count = len(bank.log_weight)
    cov = np.concatenate((bank.cov, bank.cov, bank.cov))
    cov[:count, GAIN, GAIN] += STEPS_SD**2
    cov[2 * count :, GAIN, GAIN] += OWN_SD**2
    shares = np.log((1 - IGNORED_SHARE - OWN_SHARE, IGNORED_SHARE, OWN_SHARE))
    return replace(
        bank,
        hr_max_bpm=np.tile(bank.hr_max_bpm, 3),
        fast_share=np.tile(bank.fast_share, 3),
        bends_from=np.tile(bank.bends_from, 3),
        gait=np.tile(bank.gait, 3),
        log_weight=np.tile(bank.log_weight, 3) + np.repeat(shares, count),
        mean=np.concatenate((bank.mean, bank.mean, bank.mean)),
        cov=cov,
        inputs=np.tile(bank.inputs, (1, 3, 1)),
    )


def branch_weights(bank: FilterBank, branches: int) -> Array:
    """The weight of each branch."""
    weights: Array = bank.weight.reshape(branches, -1).sum(axis=1)
    return weights


def merge_hypotheses(bank: FilterBank, branches: int) -> tuple[FilterBank, int]:
    """The belief in one branch again, the likeliest, and which that was."""
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
