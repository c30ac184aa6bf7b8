"""Which setting of the treadmill is best: each candidate's foretold rates, scored for every possible person.

A setting is worth the time it is expected to keep the person in the zone of their *own* true HRmax, less the time it
may drive them over it, which counts more. The plan's zone is never exceeded upwards: where true HRmax seems higher
than the plan's, only the plan's upper part is used; where it seems lower, the zone moves down with it.
"""

import numpy as np
from msgspec import Struct

from coach.guidance.forecast import SigmaPoints
from coach.guidance.heart_model import DRIFT, GAIN, REST, Array, unbent
from coach.guidance.interface import GuidanceInput
from coach.guidance.perceived_exertion import fraction_for_borg
from coach.guidance.treadmill_load import demand, loads, speed_for
from coach.model.plan import SLOWEST_KMH, rounded_kmh
from coach.model.protocol import PhaseKind

OVER_COSTS = 1.6
"""A second above the zone costs as much as this many seconds outside it: slightly low is better than high."""
EDGE_BPM = 1.5
"""The zone's edges are soft by the wobble that no forecast sees."""
FULL_FROM_S, HALF_FROM_S = 120, 60
EARLY_WEIGHT = 0.6
"""Minutes 3–4 of an interval count in full; the second minute a little; the first not at all (training.md: run-up)."""
RECOVERED_BY_S = 80
RECOVERY_AIM, WARM_UP_AIM, COOL_DOWN_AIM = 0.695, 0.70, 0.60
AIM_SD = 0.05
TOO_HARD_COSTS = 16.0
"""Resting far too low is a miss like another; far too high is worse the higher it is."""
GRID = 8
GRID_SHARE = 0.022
NARROW_STEEP_PERCENT = 0.5


class Setting(Struct, frozen=True):
    """A treadmill's setting."""

    speed_kmh: float
    incline_percent: float


class SpeedRange(Struct, frozen=True):
    """What may be asked on this treadmill now: whole steps, between the plan's slowest and fastest, up to a demand."""

    step_kmh: float
    fastest_kmh: float
    slowest_kmh: float = SLOWEST_KMH
    most_demand: float = 60.0

    def rounded(self, speed_kmh: float) -> float:
        """Return a speed in the panel's steps that a person may be asked for."""
        return rounded_kmh(speed_kmh, self.step_kmh, self.slowest_kmh, self.fastest_kmh)

    def setting_for(self, base: float, incline_percent: float) -> Setting:
        """Return the setting that asks for this demand: flat where walking uphill would be too slow."""
        base = min(base, self.most_demand)
        speed_kmh = speed_for(base, incline_percent)
        if speed_kmh < self.slowest_kmh and incline_percent > NARROW_STEEP_PERCENT:
            return Setting(self.rounded(speed_for(base, 0.0)), 0.0)
        return Setting(self.rounded(speed_kmh), incline_percent)

    def around(self, middle: Setting) -> list[Setting]:
        """Return settings from well below to well above, in whole steps, one incline."""
        steps = max(1, round(GRID_SHARE * middle.speed_kmh / self.step_kmh))
        speeds = {self.rounded(middle.speed_kmh + place * steps * self.step_kmh) for place in range(-GRID, GRID + 1)}
        settings = [Setting(speed, middle.incline_percent) for speed in sorted(speeds)]
        allowed = [one for one in settings if demand(one.speed_kmh, one.incline_percent) <= self.most_demand]
        return allowed or settings[:1]


def loads_of(settings: list[Setting]) -> Array:
    """Demand and gait span of each setting under each gait, (C, gaits, 2)."""
    return loads([(one.speed_kmh, one.incline_percent) for one in settings])


def zone_fractions(moment: GuidanceInput) -> tuple[float, float]:
    """Return the phase's zone as fractions of HRmax: its own, else what its Borg range means."""
    if moment.phase.zone is not None:
        return moment.phase.zone.low_fraction, moment.phase.zone.high_fraction
    if moment.phase.borg is not None:
        return fraction_for_borg(moment.phase.borg.low), fraction_for_borg(moment.phase.borg.high)
    return 0.5, 0.7


def middle_setting(cloud: SigmaPoints, fraction: float, treadmill: SpeedRange, incline_percent: float) -> Setting:
    """Return the setting whose steady rate is, for the middle person, this fraction of true HRmax."""
    reserve = np.maximum(cloud.hr_max_bpm - cloud.state[:, REST], 20.0)
    share = np.clip((fraction * cloud.hr_max_bpm - cloud.state[:, REST]) / reserve, 0.0, 0.95)
    wanted = reserve * unbent(share, cloud.bends_from) - cloud.state[:, DRIFT]
    base = float(np.median(np.maximum(wanted, 2.0) / np.exp(cloud.state[:, GAIN])))
    return treadmill.setting_for(base, incline_percent)


def work_worth(rates: Array, seconds: Array, length_s: int, hr_max_bpm: Array, moment: GuidanceInput) -> Array:
    """Worth (C,) of settings in an interval; `rates` (P, C, T) at these seconds of the phase."""
    low, high = zone_fractions(moment)
    scale = length_s / 240
    weight = np.where(seconds >= FULL_FROM_S * scale, 1.0, np.where(seconds >= HALF_FROM_S * scale, EARLY_WEIGHT, 0.0))
    high_bpm = high * hr_max_bpm
    if moment.high_bpm is not None:
        high_bpm = np.minimum(high_bpm, moment.high_bpm)
    under = _over(low * hr_max_bpm[:, None, None], rates)
    over = _over(rates, high_bpm[:, None, None])
    inside = (1 - under) * (1 - over)
    in_zone = (inside * weight).sum(axis=2) / max(float(weight.sum()), 1e-9)
    above = over.mean(axis=2)
    worth: Array = (in_zone - OVER_COSTS * above).mean(axis=0)
    return worth


def rest_worth(rates: Array, seconds: Array, hr_max_bpm: Array, aim: float, from_s: float) -> Array:
    """Worth (C,) of settings where a level is sought: warm-up, recovery, cool-down, steady work."""
    weight = np.where(seconds >= from_s, 1.0, 0.0)
    weight = weight if weight.any() else np.ones_like(weight)
    miss = (rates / hr_max_bpm[:, None, None] - aim) / AIM_SD
    cost = np.minimum(miss**2, np.where(miss > 0, TOO_HARD_COSTS, 4.0)) + 0.1 * miss**2
    worth: Array = -((cost * weight).sum(axis=2) / weight.sum()).mean(axis=0)
    return worth


def aim_of(moment: GuidanceInput) -> float:
    """Return the fraction of HRmax that a phase other than an interval aims at."""
    low, high = zone_fractions(moment)
    match moment.phase.kind:
        case PhaseKind.RECOVERY:
            return RECOVERY_AIM if moment.phase.zone is not None and high <= 0.75 else (low + high) / 2  # noqa: PLR2004
        case PhaseKind.WARM_UP:
            return min(WARM_UP_AIM, high)
        case PhaseKind.COOL_DOWN:
            return min(COOL_DOWN_AIM, high)
        case _:
            return low + (high - low) / 3


def _over(high: Array, low: Array) -> Array:
    """Return a soft step: how surely `high` lies above `low`."""
    step: Array = 1 / (1 + np.exp(np.clip(1.7 * (low - high) / EDGE_BPM, -30, 30)))
    return step
