"""What the rules know of a participant: plain facts, read once, without database or clock."""

from datetime import date, datetime

from msgspec import Struct

from coach.model.summary import IntervalSummary

IN_ZONE_LEAST_FRACTION = 0.25
"""An interval with less of its length in or above the zone was trained under it."""


class HrMaxSuggestion(Struct, frozen=True):
    """What the exertion says of HRmax: the middle and an 80 % range, in bpm."""

    bpm: float
    low_bpm: float
    high_bpm: float


class HistorySession(Struct, frozen=True, kw_only=True):
    """A stored session, as far as the rules look at it.

    `notices` and `intervals` are those of its summary. `steered`: a zone of heart rates was the target.
    """

    key: str
    on: date
    completed: bool = True
    end_reason: str = "done"
    planned_intervals: int = 4
    completed_intervals: int = 4
    zone_s: float = 600.0
    live_fraction: float = 1.0
    borg: int | None = None
    peak_bpm: float | None = None
    hr_max_bpm: float | None = None
    speed_kmh: float | None = None
    incline_percent: float | None = None
    third_minute_bpm: float | None = None
    third_minute_fraction: float | None = None
    notices: tuple[str, ...] = ()
    intervals: tuple[IntervalSummary, ...] = ()
    steered: bool = True
    suggestion: HrMaxSuggestion | None = None

    @property
    def rate_seen(self) -> bool:
        """Return whether a rate was seen in the third minute of an interval."""
        return any(one.third_minute_bpm is not None for one in self.intervals)

    @property
    def above_zone_s(self) -> float:
        """Return the seconds above the zone."""
        return sum(one.above_zone_s for one in self.intervals)

    @property
    def hardest_borg(self) -> int | None:
        """Return the highest Borg of the session and its intervals."""
        return max(
            (borg for borg in (self.borg, *(one.borg for one in self.intervals)) if borg is not None), default=None
        )

    @property
    def under_zone(self) -> bool:
        """Return whether every interval with a rate was trained under its zone."""
        seen = [one for one in self.intervals if one.third_minute_bpm is not None]
        return bool(seen) and all(
            one.time_in_zone_s + one.above_zone_s < IN_ZONE_LEAST_FRACTION * (one.end_s - one.start_s) for one in seen
        )


class HistoryPlan(Struct, frozen=True, kw_only=True):
    """The newest plan. `opened_at`: when a therapist last opened training that a yes had closed.

    `needs_clearance`: it asks for more than moderate effort.
    """

    version: int
    withdrawn: bool = False
    hr_max_bpm: float | None = None
    ceiling_bpm: float | None = None
    valid_until: date | None = None
    opened_at: datetime | None = None
    needs_clearance: bool = False


class HistoryClearance(Struct, frozen=True, kw_only=True):
    """How it stands with the clearance. `state`: `server.assessment.clearance.ClearanceState`; `key`: None for none.

    `last_day`: the last on which a session beyond moderate effort may begin. `asked_at`, `asked_code`: the answer
    before a start that asks for a renewal.
    """

    state: str
    last_day: date
    key: int | None = None
    asked_at: datetime | None = None
    asked_code: str = ""


class HistoryCourse(Struct, frozen=True, kw_only=True):
    """The newest course, laid out as it stands on the day of the history."""

    key: int
    begins_on: date
    done: int
    due: int
    of: int
    fraction: float | None
    ends_on: date
    ended: bool = False
    back_to_week: int | None = None
    break_days: int = 0


class HistoryMissed(Struct, frozen=True):
    """An appointment without a session. `absence`: why, as a therapist said; empty where no one did."""

    key: int
    on: date
    absence: str


class HistoryAnswer(Struct, frozen=True):
    """A yes before the start, as a machine reported it."""

    key: int
    code: str
    at: datetime
    machine: str


class FollowUpHistory(Struct, frozen=True, kw_only=True):
    """Everything about one participant on the day `today`. `sessions`: newest first.

    `missed`: the appointments since the last one that was kept, newest first.
    """

    today: date
    begun_on: date
    plan: HistoryPlan | None = None
    clearance: HistoryClearance | None = None
    course: HistoryCourse | None = None
    sessions: tuple[HistorySession, ...] = ()
    first_session: HistorySession | None = None
    last_on: date | None = None
    answers: tuple[HistoryAnswer, ...] = ()
    missed: tuple[HistoryMissed, ...] = ()
    refusing_machines: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Return whether a plan is in force."""
        plan = self.plan
        return plan is not None and not plan.withdrawn and (plan.valid_until is None or plan.valid_until >= self.today)

    @property
    def course_runs(self) -> bool:
        """Return whether today lies within the course."""
        course = self.course
        return course is not None and not course.ended and course.begins_on <= self.today <= course.ends_on
