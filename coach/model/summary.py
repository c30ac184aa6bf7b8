"""What a finished session says about itself: per interval and for the whole. Times in s, rates in bpm.

Third-minute rate and minutes in zone are the field's own measures (rusfeltet.no «4 x 4 intervalltrening»).
"""

from typing import Any

from msgspec import Struct


class IntervalSummary(Struct, frozen=True, kw_only=True):
    """One interval.

    `start_s`/`end_s`: since the session's start. `third_minute_bpm`: mean of its third minute (null if shorter or
    unseen); `time_to_zone_s`: seconds until the rate first reached the zone (null: never); `recovery_fall_60s_bpm`:
    rate at the interval's end minus the rate 60 s later (null if either was not seen).
    """

    index: int
    start_s: float
    end_s: float
    completed: bool
    third_minute_bpm: float | None
    third_minute_fraction: float | None
    time_to_zone_s: float | None
    time_in_zone_s: float
    above_zone_s: float
    peak_bpm: float | None
    end_bpm: float | None
    recovery_fall_60s_bpm: float | None
    speed_kmh: float | None
    incline_percent: float | None
    borg: int | None


class SignalSeconds(Struct, frozen=True):
    """Seconds of training time in each state of the heart-rate source."""

    live_s: float = 0.0
    weak_s: float = 0.0
    stale_s: float = 0.0
    lost_s: float = 0.0
    implausible_s: float = 0.0


class Summary(Struct, frozen=True, kw_only=True):
    """One session.

    `time_in_zone_s` counts the intervals' seconds in their zone; `above_95_s` those above 95 % of HRmax. `load`:
    Edwards' training load (minutes in 50–60–70–80–90–100 % of HRmax weighted 1…5; Edwards 1993).
    `signal_quality_fraction`: share of training time with a live rate. `response`: what guidance learned, for the
    next plan. `good_work_s` of `planned_work_s`: the intervals' good work as the person is told it
    (`coach.session.good_work`); None without intervals, and in sessions of earlier versions.
    """

    protocol: str
    participant: str
    completed: bool
    end_reason: str
    duration_s: float
    training_s: float
    completed_intervals: int
    planned_intervals: int
    time_in_zone_s: float
    above_95_s: float
    peak_bpm: float | None
    mean_bpm: float | None
    load: float
    hr_max_bpm: float | None
    borg: int | None
    mood: int | None
    intervals: tuple[IntervalSummary, ...]
    signal: SignalSeconds
    signal_quality_fraction: float
    notices: tuple[str, ...]
    response: Any = None
    good_work_s: float | None = None
    planned_work_s: float | None = None
