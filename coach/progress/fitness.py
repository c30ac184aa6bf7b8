"""Fitness over the sessions of a course: one estimate of VO2max, its range, and the age at which it is the average.

The machine, the course's page and the letter use `fitness_trend` with the same sessions and HRmax, so they agree.

One session gives one observation, from the third minute of its first interval:

- ACSM's equations give the oxygen uptake of walking and running in a steady state (`coach.guidance.treadmill_load`).
  The third minute of an interval is nearly one. A person who holds the handrail takes up 4–21 % less than they say.
- %HRmax = 0.64·%VO2max + 37 (Swain, Abernathy, Smith, Lee and Bunn 1994, Med Sci Sports Exerc 26:112–116).

One observation is noisy: the rate differs by 4 bpm from day to day, which moves it by 4.1 %. So `fitness_trend` follows
a level that drifts slowly (a local-level filter of log VO2max): a single odd session hardly moves it. All sessions are
recomputed with one HRmax, since a corrected HRmax would otherwise look like a change of 9 % per 10 bpm.

What stays is bias, the same in all of a person's estimates: HRmax by formula 211 − 0.64·age is off by more than
10.8 bpm in one person of three (Nes 2013), a tenth of the estimate; ACSM's equations and the handrail make it too high.
The value can be off by 15 years (SEE 5 ml at 3.5 ml per decade). The direction says more than the value, and the range
given here is that of the direction. [to be confirmed by a clinician]
"""

from collections.abc import Iterable
from itertools import pairwise
from math import exp, log, sqrt
from statistics import median
from typing import Literal

from msgspec import Struct

from coach.guidance.treadmill_load import demand
from coach.model.course_progress import Sex

RESTING_VO2 = 3.5
SWAIN_SLOPE, SWAIN_BASE = 0.64, 0.37
LOWEST_FRACTION, HIGHEST_FRACTION = 0.70, 1.0
"""Of HRmax. Below, a little more or less rate makes much of the estimate; above, HRmax is wrong."""
SLOWEST_KMH = 3.0
"""Below this ACSM's equation for walking does not hold."""

UNCERTAIN_FRACTION = 0.15
"""Share by which one estimate of three is off; the letter says it of its figures."""
VALUE_OFF_BY_YEARS = 15
"""How far the value itself can be off by bias, in years of fitness age."""
POINT_EVERY = 4
"""A point of the trend for every fourth session that gives an observation; none before the fourth."""
DAY_TO_DAY = 0.041
"""Standard deviation of one observation from day to day, as a share of it (4 bpm)."""
DRIFT_PER_SESSION = 0.008
"""Standard deviation of the true change from one session to the next; 24 sessions changed VO2max by 12–15 %."""
MOST_SURPRISE = 2.0
"""An observation farther from the level than this many standard deviations is moved to that distance."""
WIDEST_FRACTION = 0.2
"""No trend is given where the range of its newest point is wider than this share of the estimate (about 20 years)."""
NINETY_FIVE = 1.96

UNFIT_SOURCES = ("formula_beta_blocker",)
"""Sources of HRmax for which no fitness is estimated: 164 − 0.7·age on a beta-blocker has a SEE of 18 bpm."""

HUNT_AGES = (25.0, 35.0, 45.0, 55.0, 65.0, 75.0)
HUNT_VO2_MAX: dict[Sex, tuple[float, ...]] = {
    "f": (43.0, 40.0, 38.0, 34.0, 31.0, 27.0),
    "m": (54.0, 49.0, 47.0, 42.0, 39.0, 34.0),
}
"""Mean VO2max in ml/kg/min of women and men in their 20s, 30s, … 70s and older (HUNT, as NTNU gives it)."""


class FitnessAge(Struct, frozen=True):
    """`years`: the age at which the estimate is the average. `beyond`: the table ends there, so younger, or older."""

    years: float
    beyond: Literal["", "younger", "older"] = ""


class FitnessEvidence(Struct, frozen=True):
    """One session's observation: mean rate (bpm) of a third minute at a treadmill's setting; None where unknown."""

    third_minute_bpm: float | None
    speed_kmh: float | None
    incline_percent: float | None


class FitnessPoint(Struct, frozen=True):
    """The estimate after `sessions` observations: VO2max in ml/kg/min, with its 95 % range from day to day.

    `at`: place of the last of them among all sessions, from 1.
    """

    sessions: int
    at: int
    vo2_max: float
    low: float
    high: float

    def age(self, sex: Sex) -> FitnessAge:
        """Return the age at which this estimate is the average."""
        return fitness_age(self.vo2_max, sex)

    def ages(self, sex: Sex) -> tuple[FitnessAge, FitnessAge]:
        """Return the range in years, the younger end first."""
        return fitness_age(self.high, sex), fitness_age(self.low, sex)

    def share_of_average(self, age: float, sex: Sex) -> tuple[float, float, float]:
        """Return the estimate and its range as fractions of the average at an age."""
        average = average_vo2_max(age, sex)
        return self.vo2_max / average, self.low / average, self.high / average


class FitnessTrend(Struct, frozen=True):
    """Points of the estimate, oldest first, all by the HRmax `hr_max_bpm`."""

    hr_max_bpm: float
    points: tuple[FitnessPoint, ...]

    @property
    def first(self) -> FitnessPoint:
        """Return the oldest point."""
        return self.points[0]

    @property
    def newest(self) -> FitnessPoint:
        """Return the newest point."""
        return self.points[-1]

    @property
    def change_is_certain(self) -> bool:
        """Return whether first and newest differ by more than both day-to-day ranges explain (95 %)."""
        apart = abs(log(self.newest.vo2_max / self.first.vo2_max))
        spreads = [log(one.high / one.low) / 2 for one in (self.first, self.newest)]
        return apart > sqrt(sum(spread * spread for spread in spreads))


def vo2_at(speed_kmh: float, incline_percent: float) -> float:
    """Return the oxygen uptake in ml/kg/min that this setting asks for in a steady state (ACSM)."""
    return RESTING_VO2 + demand(speed_kmh, incline_percent)


def vo2_max(
    speed_kmh: float | None, incline_percent: float | None, third_minute_fraction: float | None
) -> float | None:
    """Return one session's VO2max in ml/kg/min; None where load or rate do not allow an estimate."""
    if speed_kmh is None or third_minute_fraction is None or speed_kmh < SLOWEST_KMH:
        return None
    if not LOWEST_FRACTION <= third_minute_fraction <= HIGHEST_FRACTION:
        return None
    return vo2_at(speed_kmh, incline_percent or 0.0) / ((third_minute_fraction - SWAIN_BASE) / SWAIN_SLOPE)


def fitness_trend(
    evidence: Iterable[FitnessEvidence], hr_max_bpm: float | None, hr_max_source: str | None
) -> FitnessTrend | None:
    """Return the estimate over sessions, oldest first; None where the evidence is too little or too uncertain."""
    if hr_max_bpm is None or hr_max_source in UNFIT_SOURCES:
        return None
    each = [_observation(one, hr_max_bpm) for one in evidence]
    observed = [(at, log(found)) for at, found in enumerate(each, 1) if found is not None]
    if len(observed) < POINT_EVERY:
        return None
    trend = FitnessTrend(hr_max_bpm, tuple(_filtered(observed)))
    newest = trend.newest
    return trend if newest.high - newest.low <= WIDEST_FRACTION * newest.vo2_max else None


def _observation(one: FitnessEvidence, hr_max_bpm: float) -> float | None:
    fraction = None if one.third_minute_bpm is None else one.third_minute_bpm / hr_max_bpm
    return vo2_max(one.speed_kmh, one.incline_percent, fraction)


def _filtered(observed: list[tuple[int, float]]) -> Iterable[FitnessPoint]:
    """Run the local-level filter over log VO2max, and yield its state after every fourth observation."""
    values = [value for _, value in observed]
    noise = _noise(values) ** 2
    level, variance = median(values[:POINT_EVERY]), noise / POINT_EVERY
    yield _point(POINT_EVERY, observed[POINT_EVERY - 1][0], level, variance)
    for count, (at, value) in enumerate(observed[POINT_EVERY:], POINT_EVERY + 1):
        variance += DRIFT_PER_SESSION**2
        most = MOST_SURPRISE * sqrt(variance + noise)
        gain = variance / (variance + noise)
        level += gain * min(max(value - level, -most), most)
        variance *= 1 - gain
        if count % POINT_EVERY == 0:
            yield _point(count, at, level, variance)


def _noise(observed: list[float]) -> float:
    """Return the standard deviation of one observation: from session to session, and never less than day to day."""
    steps = [abs(after - before) for before, after in pairwise(observed)]
    return max(DAY_TO_DAY, 1.4826 * median(steps) / sqrt(2))


def _point(count: int, at: int, level: float, variance: float) -> FitnessPoint:
    spread = NINETY_FIVE * sqrt(variance)
    return FitnessPoint(count, at, exp(level), exp(level - spread), exp(level + spread))


def fitness_age(vo2_max: float, sex: Sex) -> FitnessAge:
    """Return the age at which this VO2max is the average, between the decades' middles by a straight line."""
    means = HUNT_VO2_MAX[sex]
    if vo2_max >= means[0]:
        return FitnessAge(HUNT_AGES[0], "younger" if vo2_max > means[0] else "")
    for place, (younger, older) in enumerate(pairwise(means)):
        if vo2_max >= older:
            share = (younger - vo2_max) / (younger - older)
            return FitnessAge(HUNT_AGES[place] + share * (HUNT_AGES[place + 1] - HUNT_AGES[place]))
    return FitnessAge(HUNT_AGES[-1], "older")


def average_vo2_max(age: float, sex: Sex) -> float:
    """Return the table's mean at an age, between the decades' middles by a straight line."""
    means = HUNT_VO2_MAX[sex]
    if age <= HUNT_AGES[0]:
        return means[0]
    for place, older in enumerate(HUNT_AGES[1:], 1):
        if age <= older:
            share = (age - HUNT_AGES[place - 1]) / (older - HUNT_AGES[place - 1])
            return means[place - 1] + share * (means[place] - means[place - 1])
    return means[-1]
