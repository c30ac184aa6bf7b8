"""What a treadmill's setting asks of a person: oxygen uptake above standing still, in ml/kg/min (ACSM's equations).

ACSM gives one equation for walking (up to about 6 km/h) and one for running (from about 8). Between them some walk and some
run, and at an incline the two differ by a fifth. So the load is `base + gait * gait_span`: `base` blends the two evenly over
6–8 km/h, and the person's own `gait` (0 until it is learned) shifts the blend.
"""

from msgspec import Struct

STANDING_VO2 = 3.5
"""Oxygen uptake at rest, ml/kg/min (one MET; ACSM)."""
WALK_UP_TO_KMH, RUN_FROM_KMH = 6.0, 8.0
GAIT_FADES_KMH = 0.5
"""Outside the blend the person's own gait counts less and less over this many km/h."""
FASTEST_KMH = 22.0


class Demand(Struct, frozen=True):
    """Uptake above standing with the even blend, and how much a whole change from walking to running would add."""

    base: float = 0.0
    gait_span: float = 0.0


def demand(speed_kmh: float, incline_percent: float) -> Demand:
    """The demand of a treadmill's setting."""
    metres = speed_kmh * (1000 / 60)
    climb = metres * incline_percent / 100
    walking = max(0.0, 0.1 * metres + 1.8 * climb)
    running = max(0.0, 0.2 * metres + 0.9 * climb)
    share = min(1.0, max(0.0, (speed_kmh - WALK_UP_TO_KMH) / (RUN_FROM_KMH - WALK_UP_TO_KMH)))
    away_kmh = max(0.0, WALK_UP_TO_KMH - speed_kmh, speed_kmh - RUN_FROM_KMH)
    own = max(0.0, 1.0 - away_kmh / GAIT_FADES_KMH)
    return Demand(walking + share * (running - walking), own * (running - walking))


def speed_for(base: float, incline_percent: float, fastest_kmh: float = FASTEST_KMH) -> float:
    """The speed in km/h that asks for this base demand at this incline, between 0 and the fastest."""
    low, high = 0.0, fastest_kmh
    for _ in range(18):
        middle = (low + high) / 2
        low, high = (middle, high) if demand(middle, incline_percent).base < base else (low, middle)
    return high
