"""Where the rate lies against the target zone, and which way it moves, as every display shows it.

The zone's ends are whole beats (`Zone.bounds_bpm`), and the rate is compared as the whole number that is shown. A
rate that wobbles across an end changes nothing: the position follows once the rate has stayed on the other side for
`SETTLED_S`, or at once where it is `CLEARLY_BPM` beyond. A new zone is judged at once.
"""

from msgspec import Struct
from msgspec.structs import replace

from coach.model.snapshot import Position, Trend

SETTLED_S = 15.0
CLEARLY_BPM = 4
TREND_OVER_S, TREND_MEAN_S = 20, 5
MOVES_BPM, RESTS_BPM = 4.0, 1.5
"""A trend begins at the first and ends below the second, in beats between two means of `TREND_MEAN_S` seconds."""

Bounds = tuple[float, float]


class ZonePosition(Struct, frozen=True):
    """The position and trend shown now, with what they rest on.

    `other_since_t`: since when the rate has been on another side than `position`. `recent_bpm`: one rate a second.
    """

    position: Position = "unknown"
    trend: Trend = "steady"
    bounds: Bounds | None = None
    other_since_t: float | None = None
    recent_bpm: tuple[float, ...] = ()


def follow_position(place: ZonePosition, t: float, bpm: float | None, bounds: Bounds | None) -> ZonePosition:
    """Return the position after the rate `bpm` at `t`; None for a rate that may not be compared with a zone."""
    if bpm is None or bounds is None:
        return replace(place, position="unknown", bounds=bounds, other_since_t=None)
    measured = _measured(bpm, bounds)
    if place.position == "unknown" or bounds != place.bounds:
        return replace(place, position=measured, bounds=bounds, other_since_t=None)
    if measured == place.position:
        return place if place.other_since_t is None else replace(place, other_since_t=None)
    since_t = t if place.other_since_t is None else place.other_since_t
    if t - since_t >= SETTLED_S or _distance_bpm(place.position, bpm, bounds) >= CLEARLY_BPM:
        return replace(place, position=measured, other_since_t=None)
    return replace(place, other_since_t=since_t)


def follow_trend(place: ZonePosition, bpm: float | None) -> ZonePosition:
    """Return the trend after one more second with the rate `bpm`. Without a rate nothing is known to move."""
    if bpm is None:
        return replace(place, trend="steady", recent_bpm=()) if place.recent_bpm else place
    recent = (*place.recent_bpm, bpm)[-TREND_OVER_S:]
    if len(recent) < TREND_OVER_S:
        return replace(place, trend="steady", recent_bpm=recent)
    moved_bpm = (sum(recent[-TREND_MEAN_S:]) - sum(recent[:TREND_MEAN_S])) / TREND_MEAN_S
    trend = place.trend
    if abs(moved_bpm) >= MOVES_BPM:
        trend = "rising" if moved_bpm > 0 else "falling"
    elif abs(moved_bpm) < RESTS_BPM or (moved_bpm > 0) != (trend == "rising"):
        trend = "steady"
    return replace(place, trend=trend, recent_bpm=recent)


def _measured(bpm: float, bounds: Bounds) -> Position:
    shown = round(bpm)
    return "below" if shown < bounds[0] else "above" if shown > bounds[1] else "in"


def _distance_bpm(position: Position, bpm: float, bounds: Bounds) -> float:
    """How far the rate is from the nearest rate at which `position` would be right, in whole beats."""
    shown, (low, high) = round(bpm), bounds
    match position:
        case "below":
            return shown - low + 1
        case "above":
            return high + 1 - shown
        case _:
            return max(low - shown, shown - high)
