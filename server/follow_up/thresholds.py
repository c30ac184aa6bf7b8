"""The clinic's own limits of the follow-up rules; each has a default and a range."""

from msgspec import Struct


class FollowUpThresholds(Struct, frozen=True, kw_only=True):
    """The limits; whole numbers, in the unit at the end of the name, or a count."""

    zone_sessions: int = 2
    zone_least_s: int = 30
    hard_borg: int = 18
    easy_borg: int = 12
    stopped_sessions: int = 2
    strap_sessions: int = 2
    strap_percent: int = 80
    attendance_percent: int = 70
    attendance_from: int = 4
    away_days: int = 7
    missed_times: int = 2
    plan_ends_days: int = 7
    clearance_ends_days: int = 21
    course_ends_days: int = 7


RANGES: dict[str, tuple[int, int]] = {
    "zone_sessions": (1, 10),
    "zone_least_s": (0, 600),
    "hard_borg": (15, 20),
    "easy_borg": (6, 14),
    "stopped_sessions": (1, 10),
    "strap_sessions": (1, 10),
    "strap_percent": (10, 99),
    "attendance_percent": (10, 100),
    "attendance_from": (1, 24),
    "away_days": (2, 60),
    "missed_times": (1, 10),
    "plan_ends_days": (0, 60),
    "clearance_ends_days": (0, 90),
    "course_ends_days": (0, 60),
}


def thresholds_of(values: dict[str, object]) -> FollowUpThresholds:
    """Return the limits from stored values; what is missing, unknown or out of range has its default."""
    kept = {
        name: value
        for name, value in values.items()
        if name in RANGES and isinstance(value, int) and RANGES[name][0] <= value <= RANGES[name][1]
    }
    return FollowUpThresholds(**kept)
