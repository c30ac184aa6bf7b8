"""What a treadmill's setting asks of a person: oxygen uptake above standing still, in ml/kg/min (ACSM's equations).

ACSM gives one equation for walking (up to about 6 km/h) and one for running (from about 8). Between them some walk
and some run, and at an incline the two differ by a fifth: a person's gait is a hypothesis to be learned. Around it,
`span` is what a whole change from walking to running would add there, for a little deviation of the person's own.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

WALK_UP_TO_KMH, RUN_FROM_KMH = 6.0, 8.0
GAIT_FADES_KMH = 0.5
"""Outside the range where both gaits occur the person's own deviation fades over this many km/h."""
FASTEST_KMH = 22.0
GAITS: tuple[float | None, ...] = (None, 6.5, 7.0, 7.5, 8.0)
"""Gait hypotheses: a gradual change over 6–8 km/h, or walking up to a speed in km/h and running from it."""
GRADUAL = 0


@lru_cache(maxsize=512)
def demands(speed_kmh: float, incline_percent: float) -> tuple[tuple[float, float], ...]:
    """(demand, span) of a treadmill's setting under each gait hypothesis."""
    metres = speed_kmh * (1000 / 60)
    climb = metres * incline_percent / 100
    walking = max(0.0, 0.1 * metres + 1.8 * climb)
    running = max(0.0, 0.2 * metres + 0.9 * climb)
    share = min(1.0, max(0.0, (speed_kmh - WALK_UP_TO_KMH) / (RUN_FROM_KMH - WALK_UP_TO_KMH)))
    away_kmh = max(0.0, WALK_UP_TO_KMH - speed_kmh, speed_kmh - RUN_FROM_KMH)
    span = max(0.0, 1.0 - away_kmh / GAIT_FADES_KMH) * (running - walking)
    found = []
    for runs_from_kmh in GAITS:
        run = share if runs_from_kmh is None else float(speed_kmh >= runs_from_kmh)
        found.append((walking + run * (running - walking), span))
    return tuple(found)


def demand(speed_kmh: float, incline_percent: float) -> float:
    """Demand of a setting for somebody who changes gait gradually."""
    return demands(speed_kmh, incline_percent)[GRADUAL][0]


def loads(settings: list[tuple[float, float]]) -> NDArray[np.float64]:
    """Return (settings, gaits, 2): demand and span of each (speed, incline)."""
    return np.array([demands(speed, incline) for speed, incline in settings]).reshape(-1, len(GAITS), 2)


def speed_for(wanted: float, incline_percent: float, fastest_kmh: float = FASTEST_KMH) -> float:
    """Return the speed in km/h that asks for this demand at this incline, between 0 and the fastest."""
    low, high = 0.0, fastest_kmh
    for _ in range(14):
        middle = (low + high) / 2
        low, high = (middle, high) if demand(round(middle, 3), incline_percent) < wanted else (low, middle)
    return high
