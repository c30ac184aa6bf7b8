"""What is believed of a person before the first beat: population, plan, and what earlier sessions learned."""

import numpy as np
from msgspec import Struct

from coach.guidance.heart_model import (
    DRIFT,
    FALL_STEPS,
    FAST,
    GAIN,
    GAIT,
    LEAST_LOG_WEIGHT,
    REST,
    SLOW,
    STATES,
    TAU_DOWN,
    TAU_UP,
    WOBBLE,
    WOBBLE_SD_BPM,
    Array,
    FilterBank,
    unbent,
)
from coach.guidance.treadmill_load import GAITS, demands
from coach.model.plan import HIGHEST_HR_MAX_BPM, HR_MAX_SEE_BPM, LOWEST_HR_MAX_BPM, Load, Plan, formula_hr_max_bpm

RATIOS = (
    *(0.66, 0.69, 0.72, 0.75, 0.78, 0.81, 0.84, 0.87, 0.905, 0.935, 0.96, 0.98),
    *(1.0, 1.02, 1.04, 1.07, 1.10, 1.13),
)
"""The hypotheses of true HRmax, as shares of the plan's: finest where it most often is."""
LABELLED_FROM_RATIO = 0.865
FAR_OFF_SHARE, FAR_OFF_RATIOS = 0.03, (0.66, 0.90)
"""However a value came about, three in a hundred are far too high: a formula under the wrong label, a medicine begun
since the test. A label is evidence, and rules nothing out."""
STRUCTURES = ((0.0, 0.9), (0.5, 0.9), (0.8, 0.9), (0.3, 0.5))
"""(fast share, bends from): one time constant, or half, or most of the response fast; straight to near HRmax, or bent
from half way [G]."""
STRUCTURE_SHARES = (0.35, 0.25, 0.10, 0.30)
GAIT_SHARES = (0.30, 0.15, 0.25, 0.15, 0.15)
"""How common each hypothesis of `treadmill_load.GAITS` is [G]."""
KINDS = tuple((structure, gait) for gait in range(len(GAITS)) for structure in range(len(STRUCTURES)))
"""Every kind of person: structure of the response, and gait."""
PERSON = (REST, GAIN, TAU_UP, TAU_DOWN, GAIT)
"""What belongs to the person, and is carried from session to session."""
DAY_SD = (4.0, 0.08, 0.10, 0.12, 0.10)
"""Day to day: rest ± 4 bpm, gain ± 8 % (training.md); a little for the rest."""
RESTING_BPM, RESTING_SD_BPM = 80.0, 13.0
TAU_UP_S, TAU_UP_SD = (45.0, 72.0, 90.0, 58.0), 0.35
TAU_DOWN_S, TAU_DOWN_SD = (58.0, 72.0, 80.0, 65.0), 0.50
GAIT_SD = 0.15
START_AT_FRACTION, START_SD = 0.87, 0.22
"""A therapist's start load is meant for 87 % of HRmax, and misses by a fifth of the load (VO2max by eye, gain ± 16
%)."""
GAIN_PER_RESERVE, GAIN_SD = 1.25 / (36.0 - 3.5), 0.35
"""Without a start load: gain 1.25 over a VO2max of about 36 ml/kg/min (training.md's groups), widely spread."""
UNKNOWN_HR_MAX_BPM = 185.0
CHRONOTROPIC_SHARE, CHRONOTROPIC_RATIOS = 0.42, (0.68, 0.87)
"""A quarter to almost half do not reach the formula's rate, but 70–85 % of it (training.md)."""


class GuidedPerson(Struct, frozen=True, eq=False):
    """What is known of a person across days, for each of `KINDS`: means (N, 5), covariances, log weights.

    `evidence`: log likelihood of each HRmax in `hr_max_bpm` from everything seen so far, the plan's own prior left out.
    `by_way`: the kinds are ways of following (`unknown_load.WAYS`) where they else are gaits.
    """

    mean: Array
    cov: Array
    log_weight: Array
    hr_max_bpm: Array
    evidence: Array
    by_way: bool = False


def plan_hr_max_bpm(plan: Plan) -> float:
    """Return the plan's HRmax, else the formula's, else a middle one."""
    if plan.hr_max_bpm is not None:
        return plan.hr_max_bpm
    expected = UNKNOWN_HR_MAX_BPM if plan.age is None else formula_hr_max_bpm(plan.age)
    return min(max(expected, LOWEST_HR_MAX_BPM), HIGHEST_HR_MAX_BPM)


def hypotheses(plan: Plan) -> Array:
    """Return the HRmax hypotheses in bpm, lowest first."""
    return np.array(RATIOS) * plan_hr_max_bpm(plan)


def hr_max_log_prior(plan: Plan) -> Array:
    """How likely each hypothesis is by the source of the plan's HRmax.

    A measured one is mostly right within 2–3 bpm, and now and then far off (another day, another medicine); one that
    lies far under the formula was measured on a beta-blocker, whose effect varies. A formula is ± 10.8 bpm and knows
    nothing of chronotropic incompetence.
    """
    hr_max = plan_hr_max_bpm(plan)
    rates = hypotheses(plan)
    off = rates - hr_max
    source = plan.hr_max_source if plan.hr_max_bpm is not None else "formula"
    lowered = plan.age is not None and hr_max < formula_hr_max_bpm(plan.age) - 2 * HR_MAX_SEE_BPM
    if source == "formula":
        low, high = CHRONOTROPIC_RATIOS
        inside = (rates >= low * hr_max) & (rates <= high * hr_max)
        density = (1 - CHRONOTROPIC_SHARE) * _normal(off, HR_MAX_SEE_BPM)
        density = density + np.where(inside, CHRONOTROPIC_SHARE / ((high - low) * hr_max), 1e-5)
    elif source == "highest_seen":
        density = 0.9 * _normal(off, 7.0) + 0.1 * _normal(off, 14.0)
    elif lowered:
        density = 0.75 * _normal(off, 4.5) + 0.25 * _normal(off, 11.0)
    else:
        density = 0.72 * _normal(off, 2.5) + 0.28 * _normal(off, 12.0)
    if source != "formula":
        low, high = FAR_OFF_RATIOS
        inside = (rates >= low * hr_max) & (rates <= high * hr_max)
        density = (1 - FAR_OFF_SHARE) * density + np.where(inside, FAR_OFF_SHARE / ((high - low) * hr_max), 1e-5)
    log_prior: Array = np.log(density * np.gradient(rates) + 1e-9)
    return log_prior


def _normal(off: Array, sd: float) -> Array:
    density: Array = np.exp(-0.5 * (off / sd) ** 2) / sd / np.sqrt(2 * np.pi)
    return density


def as_labelled(bank: FilterBank, plan: Plan) -> FilterBank:
    """Return the belief of a person whose HRmax is no lower than a test's error allows.

    A strap is judged by what this person would show: the rare low values of HRmax would excuse a drying strap.
    """
    if plan.hr_max_bpm is None or plan.hr_max_source == "formula":
        return bank
    far_off = bank.hr_max_bpm < LABELLED_FROM_RATIO * plan.hr_max_bpm
    return bank.reweight(np.where(far_off, LEAST_LOG_WEIGHT, 0.0))


def first_bank(plan: Plan, start: Load | None, person: GuidedPerson | None) -> FilterBank:
    """Return the belief before the first reading of a session."""
    rates = hypotheses(plan)
    count = len(rates)
    total = count * len(KINDS)
    log_prior = hr_max_log_prior(plan)
    log_weight = np.zeros(total)
    picks = np.array(PERSON)
    mean = np.zeros((total, STATES))
    cov = np.zeros((total, STATES, STATES))
    for state, at, sd in ((FAST, 0.0, 2.0), (SLOW, 2.0, 6.0), (WOBBLE, 0.0, WOBBLE_SD_BPM), (DRIFT, 0.0, 1.0)):
        mean[:, state] = at
        cov[:, state, state] = sd**2
    for place, (structure, gait) in enumerate(KINDS):
        rows = slice(place * count, (place + 1) * count)
        if person is None:
            own, spread = _stranger(plan, start, rates, structure, gait)
            log_weight[rows] = log_prior + np.log(GAIT_SHARES[gait] * STRUCTURE_SHARES[structure])
        else:
            own = np.broadcast_to(person.mean[place], (count, len(PERSON)))
            spread = person.cov[place] + np.diag(np.square(DAY_SD))
            evidence = np.interp(rates, person.hr_max_bpm, person.evidence)
            log_weight[rows] = log_prior + evidence + person.log_weight[place]
        mean[rows, PERSON] = own
        cov[np.ix_(np.arange(rows.start, rows.stop), picks, picks)] = spread
    return FilterBank(
        hr_max_bpm=np.tile(rates, len(KINDS)),
        fast_share=np.repeat(np.array([STRUCTURES[structure][0] for structure, _ in KINDS]), count),
        bends_from=np.repeat(np.array([STRUCTURES[structure][1] for structure, _ in KINDS]), count),
        gait=np.repeat(np.array([gait for _, gait in KINDS]), count),
        log_weight=log_weight - log_weight.max(),
        mean=mean,
        cov=cov,
        inputs=np.zeros((FALL_STEPS + 1, total, 2)),
        hr_max_count=count,
    )


def _stranger(plan: Plan, start: Load | None, rates: Array, structure: int, gait: int) -> tuple[Array, Array]:
    """Somebody never seen: means (K, 5), covariance (5, 5). A higher HRmax means more beats for a load."""
    resting = np.minimum(RESTING_BPM, 0.62 * rates)
    reserve = rates - resting
    gain, gain_sd = np.log(reserve * GAIN_PER_RESERVE), GAIN_SD
    if start is not None:
        load = demands(start.speed_kmh, start.incline_percent)[gait][0]
        hr_max = plan_hr_max_bpm(plan)
        rest = min(RESTING_BPM, 0.62 * hr_max)
        share = (START_AT_FRACTION * hr_max - rest) / (hr_max - rest)
        wanted = float(unbent(np.array(share), np.array(STRUCTURES[structure][1])))
        gain, gain_sd = np.log(reserve * wanted / max(load, 2.0)), START_SD
    own = np.zeros((len(rates), len(PERSON)))
    own[:, 0], own[:, 1] = resting, gain
    own[:, 2], own[:, 3] = np.log(TAU_UP_S[structure]), np.log(TAU_DOWN_S[structure])
    return own, np.diag(np.square((RESTING_SD_BPM, gain_sd, TAU_UP_SD, TAU_DOWN_SD, GAIT_SD)))


def met_today(before: GuidedPerson | None, today: FilterBank, plan: Plan, *, by_way: bool = False) -> GuidedPerson:
    """Return what is known of the person after a day: a day's belief is the person's own plus that day's offset.

    `by_way`: today's kinds are ways of following. Where the days before knew gaits, or the other way round, what is
    the person's own is taken over kind by kind; the weights are today's.

    The HRmax hypotheses are folded together within each kind; their evidence is kept apart from the plan's prior.
    """
    count = today.hr_max_count
    picks = np.array(PERSON)
    day = np.diag(np.square(DAY_SD))
    log_weight = today.log_weight.reshape(len(KINDS), count)
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    own = today.mean[:, picks].reshape(len(KINDS), count, -1)
    within = today.cov[:, picks][:, :, picks].reshape(len(KINDS), count, len(PERSON), len(PERSON))
    mean = np.einsum("nk,nki->ni", weight, own)
    away = own - mean[:, None]
    cov = np.einsum("nk,nkij->nij", weight, within) + np.einsum("nk,nki,nkj->nij", weight, away, away)
    if before is None:
        cov = cov + day
    else:
        seen = before.cov + day
        pull = before.cov @ np.linalg.inv(seen)
        mean = before.mean + np.einsum("nij,nj->ni", pull, mean - before.mean)
        cov = before.cov - pull @ (seen - cov) @ pull.transpose(0, 2, 1)
    log_kind = np.logaddexp.reduce(log_weight, axis=1)
    evidence = np.logaddexp.reduce(log_weight, axis=0) - hr_max_log_prior(plan)
    return GuidedPerson(
        mean=mean,
        cov=(cov + cov.transpose(0, 2, 1)) / 2,
        log_weight=np.maximum(0.7 * (log_kind - log_kind.max()), -4.0),
        hr_max_bpm=hypotheses(plan),
        evidence=np.maximum(evidence - evidence.max(), -12.0),
        by_way=by_way,
    )
