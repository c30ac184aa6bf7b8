"""Oxygen uptake at the treadmill's setting, what it says about fitness, and the age at which that is the average. Pure.

An estimate from one heart rate at one load, and no test:

- ACSM's equations give the oxygen uptake of walking and running in a steady state (`coach.guidance.treadmill_load`).
  The third minute of an interval is nearly one. Who holds the handrail takes up less than they say.
- %HRmax = 0.64·%VO2max + 37 (Swain, Abernathy, Smith, Lee and Bunn 1994, Med Sci Sports Exerc 26:112–116).
- HRmax itself: by the formula 211 − 0.64·age one in three is off by more than 10.8 bpm (Nes 2013), which moves the
  estimate by a tenth.

Together one estimate in three is off by more than 15 % [to be confirmed by a clinician]. Who is chronotropically
incompetent or takes a beta-blocker, and has HRmax by formula, gets a wrong number. The same error is in all of a
person's estimates, so their change says more than their value.
"""

from itertools import pairwise
from typing import Literal

from msgspec import Struct

from coach.guidance.treadmill_load import demand

RESTING_VO2 = 3.5
SWAIN_SLOPE, SWAIN_BASE = 0.64, 0.37
UNCERTAIN_FRACTION = 0.15
LOWEST_FRACTION, HIGHEST_FRACTION = 0.70, 1.0
"""Of HRmax. Below, a little more or less rate makes much of the estimate; above, HRmax is wrong."""
SLOWEST_KMH = 3.0
"""Below this ACSM's equation for walking does not hold."""

Sex = Literal["f", "m"]

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


def vo2_at(speed_kmh: float, incline_percent: float) -> float:
    """Oxygen uptake in ml/kg/min that this setting asks for in a steady state (ACSM)."""
    return RESTING_VO2 + demand(speed_kmh, incline_percent)


def vo2_max(
    speed_kmh: float | None, incline_percent: float | None, third_minute_fraction: float | None
) -> float | None:
    """Estimated VO2max in ml/kg/min; None where load or rate do not allow one."""
    if speed_kmh is None or third_minute_fraction is None or speed_kmh < SLOWEST_KMH:
        return None
    if not LOWEST_FRACTION <= third_minute_fraction <= HIGHEST_FRACTION:
        return None
    return vo2_at(speed_kmh, incline_percent or 0.0) / ((third_minute_fraction - SWAIN_BASE) / SWAIN_SLOPE)


def fitness_age(vo2_max: float, sex: Sex) -> FitnessAge:
    """The age at which this VO2max is the average, between the decades' middles by a straight line."""
    means = HUNT_VO2_MAX[sex]
    if vo2_max >= means[0]:
        return FitnessAge(HUNT_AGES[0], "younger" if vo2_max > means[0] else "")
    for place, (younger, older) in enumerate(pairwise(means)):
        if vo2_max >= older:
            share = (younger - vo2_max) / (younger - older)
            return FitnessAge(HUNT_AGES[place] + share * (HUNT_AGES[place + 1] - HUNT_AGES[place]))
    return FitnessAge(HUNT_AGES[-1], "older")


def average_vo2_max(age: float, sex: Sex) -> float:
    """The table's mean at an age, between the decades' middles by a straight line."""
    means = HUNT_VO2_MAX[sex]
    if age <= HUNT_AGES[0]:
        return means[0]
    for place, older in enumerate(HUNT_AGES[1:], 1):
        if age <= older:
            share = (age - HUNT_AGES[place - 1]) / (older - HUNT_AGES[place - 1])
            return means[place - 1] + share * (means[place] - means[place - 1])
    return means[-1]
