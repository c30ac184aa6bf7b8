"""What the diary knows of earlier sessions, for the next plan: how many lately, how long ago, what was learned.

The weekly cap and the days of rest (hazard H13) are counted from it, and from what the server says of all machines.
Where a wall clock was plainly wrong, a session that seems to lie in the future is left out: the cap counts one too few
rather than refusing somebody for nothing. But it is never earlier than when the server made its list: a machine whose
clock is behind counts from then on.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import replace

from coach.model.course_progress import PastSession
from coach.model.plan import COUNTS_FROM_S, WEEK_S, Plan
from coach.model.summary import Summary
from coach.progress.my_training import TrainingDay
from firmware.journal.record import SessionLine
from firmware.participants.plan_files import GUEST

USUAL_INTERVAL_S = 240.0
"""Length of an interval in sessions of earlier versions, which did not note how much work was planned (4×4)."""


class FinishedSession(Struct, frozen=True):
    """One finished session: whose, when it ended (s since 1970), seconds of training, what was learned and done."""

    participant: str
    ended_wall_s: float
    training_s: float
    response: Any = None
    done: PastSession | None = None


class TrainingHistory(Struct, frozen=True):
    """All finished sessions of this machine's diary, by session id."""

    sessions: dict[str, FinishedSession] = {}

    @classmethod
    def of(cls, lines: tuple[SessionLine, ...]) -> Self:
        """Take the list of the diary."""
        return cls(
            {
                line.session_id: _past(line.session_id, line.participant, line.begun.wall_s, line.summary)
                for line in lines
                if line.summary is not None
            }
        )

    def with_session(self, session_id: str, begun_wall_s: float, summary: Summary) -> Self:
        """Add a session that has just ended, or its newer summary."""
        past = _past(session_id, summary.participant, begun_wall_s, summary)
        return replace(self, sessions={**self.sessions, session_id: past})

    def trained_by(self, participant: str) -> tuple[PastSession, ...]:
        """Return the sessions of this diary that count for a participant, in no order. Guests have no past."""
        if participant == GUEST:
            return ()
        theirs = [past for past in self.sessions.values() if past.participant == participant]
        return tuple(past.done for past in theirs if past.done is not None and past.training_s >= COUNTS_FROM_S)

    def informed(self, plan: Plan, now_wall_s: float) -> Plan:
        """Give the plan with the sessions of the last 7 days, hours since the last, its number, and the response.

        What the plan itself says (a response from the server, a session number) goes before. The server knows other
        machines, and this one knows what the server has not heard of yet. Where the plan names its sessions, a session
        that both know is one, and whose it is the server says; where it only counts them, the stricter count holds.
        Guests have no past.
        """
        if plan.participant == GUEST:
            return plan
        mine = {key: past for key, past in self.sessions.items() if past.participant == plan.participant}
        own = {session_id: past.ended_wall_s for session_id, past in mine.items() if past.training_s >= COUNTS_FROM_S}
        week, hours, ages_s = _counted(plan, own, now_wall_s)
        learned = [past for past in mine.values() if past.response is not None]
        newest = max(learned, key=lambda past: past.ended_wall_s, default=None)
        return replace(
            plan,
            sessions_last_7_days=week,
            hours_since_last=None if hours is None else round(hours, 2),
            known_sessions=None,
            opens_wall_s=_opens_wall_s(plan, week, hours, ages_s, now_wall_s),
            session_number=len(own) + 1 if plan.session_number is None else plan.session_number,
            response=newest.response if plan.response is None and newest is not None else plan.response,
        )


def _counted(plan: Plan, own: Mapping[str, float], now_wall_s: float) -> tuple[int, float | None, list[float]]:
    """Return sessions of the last 7 days and hours since the last one, here and elsewhere, and the ages known (s)."""
    if plan.known_sessions is None:
        ages_s = _ages_s(own.values(), now_wall_s)
        week, hours = _counted_elsewhere(plan, now_wall_s)
        known = [] if hours is None else [hours]
        latest = min([*known, *(age_s / 3600 for age_s in ages_s)], default=None)
        return max(week, _of_week(ages_s)), latest, ages_s
    told = {one.session_id: one for one in plan.known_sessions}
    ended = {one.session_id: one.ended_wall_s for one in told.values() if one.counts}
    # Its own times are the better ones: a clock that was wrong may have been repaired since they were told.
    ended |= {session_id: at_s for session_id, at_s in own.items() if session_id not in told or told[session_id].counts}
    ages_s = _ages_s(ended.values(), max(now_wall_s, plan.counted_at_wall_s or now_wall_s))
    return _of_week(ages_s), min((age_s / 3600 for age_s in ages_s), default=None), ages_s


def _opens_wall_s(plan: Plan, week: int, hours: float | None, ages_s: list[float], now_wall_s: float) -> float | None:
    """Return when cap and rest allow the next session; None where they allow it now, or where it cannot be known."""
    waits_s = [0.0]
    if hours is not None:
        waits_s.append((plan.rest_hours - hours) * 3600)
    if plan.weekly_cap is not None and week >= plan.weekly_cap:
        of_week = sorted((age_s for age_s in ages_s if age_s < WEEK_S), reverse=True)
        must_leave = week - plan.weekly_cap
        if must_leave >= len(of_week):
            return None
        waits_s.append(WEEK_S - of_week[must_leave])
    longest_s = max(waits_s)
    return now_wall_s + longest_s if longest_s > 0 else None


def _ages_s(ended_wall_s: Iterable[float], now_wall_s: float) -> list[float]:
    """How long ago, without those that seem to lie in the future."""
    return [now_wall_s - at_s for at_s in ended_wall_s if at_s <= now_wall_s]


def _of_week(ages_s: Iterable[float]) -> int:
    return sum(age_s < WEEK_S for age_s in ages_s)


def _counted_elsewhere(plan: Plan, now_wall_s: float) -> tuple[int, float | None]:
    """Sessions of the last 7 days and hours since the last one by the plan, which may have been made long ago.

    Sessions of a count more than a week old have all left the week; a clock behind the count leaves it as it is.
    """
    since_s = 0.0 if plan.counted_at_wall_s is None else max(0.0, now_wall_s - plan.counted_at_wall_s)
    hours = None if plan.hours_since_last is None else plan.hours_since_last + since_s / 3600
    return plan.sessions_last_7_days if since_s < WEEK_S else 0, hours


def _past(session_id: str, participant: str, begun_wall_s: float, summary: Summary) -> FinishedSession:
    ended_wall_s = begun_wall_s + summary.duration_s
    done = _done(session_id, ended_wall_s, summary)
    return FinishedSession(participant, ended_wall_s, summary.training_s, summary.response, done)


def _done(session_id: str, ended_wall_s: float, summary: Summary) -> PastSession:
    """Return what "My training" needs of a session: its first interval with a third minute stands for all."""
    first = next((one for one in summary.intervals if one.third_minute_bpm is not None), None)
    planned_s = summary.planned_work_s
    return PastSession(
        session_id=session_id,
        ended_wall_s=ended_wall_s,
        good_s=summary.time_in_zone_s if summary.good_work_s is None else summary.good_work_s,
        planned_s=summary.planned_intervals * USUAL_INTERVAL_S if planned_s is None else planned_s,
        third_minute_bpm=None if first is None else first.third_minute_bpm,
        speed_kmh=None if first is None else first.speed_kmh,
        incline_percent=None if first is None else first.incline_percent,
    )


def training_day(now_wall_s: float) -> TrainingDay:
    """Return the time, with the offset of this machine's time zone at it."""
    offset = datetime.fromtimestamp(now_wall_s).astimezone().utcoffset()
    return TrainingDay(now_wall_s, 0.0 if offset is None else offset.total_seconds())
