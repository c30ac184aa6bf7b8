"""When the plan's HRmax is wrong (hazard H7): when to say so, and what to say.

The belief weighs every HRmax hypothesis by the plan's source, by perceived exertion and, weakly, by how the rate
bends. A finding needs heard exertion: the heart alone can't tell a fit person from one who does not reach the
formula's rate.
"""

import numpy as np

from coach.guidance.carried_response import HrMaxEstimate
from coach.guidance.heart_model import Array, FilterBank
from coach.model.events import HrMaxFinding
from coach.model.plan import Plan

LOWER_THAN_PLAN, HIGHER_THAN_PLAN = 0.965, 1.035
"""Nearer to the plan than this share, the plan's value stands: no test is better (day to day ± 2–3 %)."""
SURE, STILL_SURE = 0.85, 0.60
"""How surely true HRmax must lie beyond those before it is said, and before it is taken back."""
HIGHER_BORGS = 3
"""To suggest more than the plan needs more answers than to suggest less."""

ABOVE_FOR_SLOTS = 3
"""Five-second readings in a row above the plan's HRmax."""
SEEN_MARGIN_BPM = 15.0
"""The highest rate seen in a 4×4 lies up to this much under HRmax (Bodø kommune adds it)."""


def hr_max_weights(bank: FilterBank) -> tuple[Array, Array]:
    """Return the HRmax hypotheses, lowest first, and their weights."""
    weights = bank.weight.reshape(-1, bank.hr_max_count).sum(axis=0)
    return bank.hr_max_bpm[: bank.hr_max_count], weights


def estimate(bank: FilterBank, plan: Plan) -> HrMaxEstimate:
    """Return true HRmax by all the evidence: middle and 80 % range."""
    rates, weights = hr_max_weights(bank)
    edges = np.cumsum(weights) - weights / 2
    low, high = (float(np.interp(share, edges, rates)) for share in (0.1, 0.9))
    return HrMaxEstimate(
        bpm=round(float(weights @ rates), 1),
        low_bpm=round(low, 1),
        high_bpm=round(high, 1),
        source=plan.hr_max_source or "none",
    )


def judged(
    bank: FilterBank, plan: Plan, borgs: tuple[tuple[float, int], ...], before: HrMaxFinding | None
) -> HrMaxFinding | None:
    """Return what is to be said of the plan's HRmax after the exertion heard so far."""
    if plan.hr_max_bpm is None or not borgs:
        return None
    rates, weights = hr_max_weights(bank)
    lower = float(weights[rates < LOWER_THAN_PLAN * plan.hr_max_bpm].sum())
    higher = float(weights[rates > HIGHER_THAN_PLAN * plan.hr_max_bpm].sum())
    needed = SURE if before is None else STILL_SURE
    found = estimate(bank, plan)
    if lower >= needed:
        code = "hr_max_seems_lower"
    elif higher >= needed and len(borgs) >= HIGHER_BORGS:
        code = "hr_max_seems_higher"
    else:
        return None
    return HrMaxFinding(
        code="hr_max_seems_lower" if code == "hr_max_seems_lower" else "hr_max_seems_higher",
        suggested_bpm=float(round(found.bpm)),
        low_bpm=found.low_bpm,
        high_bpm=found.high_bpm,
        source="exertion",
        evidence=borgs,
    )


def sailed_above(recent_bpm: tuple[float, ...], plan: Plan) -> HrMaxFinding | None:
    """Return a believed rate above the plan's HRmax for ten seconds and more: then HRmax is at least that."""
    if plan.hr_max_bpm is None or len(recent_bpm) < ABOVE_FOR_SLOTS:
        return None
    seen_bpm = min(recent_bpm[-ABOVE_FOR_SLOTS:])
    if seen_bpm <= plan.hr_max_bpm:
        return None
    suggested_bpm = float(np.ceil(seen_bpm))
    return HrMaxFinding(
        "hr_max_seems_higher", suggested_bpm, suggested_bpm, suggested_bpm + SEEN_MARGIN_BPM, "rate_seen"
    )
