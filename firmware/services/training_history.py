"""What the diary knows of earlier sessions, for the next plan: how many lately, how long ago, what was learned.

The weekly cap and the days of rest (hazard H13) are counted from it, and from what the server says of all machines.
A session counts only where its age is known (`firmware.system.known_time`). Where the clock is not set, an age may be
unknown: then cap and rest refuse no person, and the participant is asked whether they are reached (docs/clock.md).
Where a trusted clock was plainly wrong, a session that seems to lie in the future is left out: the cap counts one too
few rather than refusing somebody for nothing. But it is never earlier than when the server made its list.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import replace

from coach.model.course_progress import PastSession
from coach.model.plan import COUNTS_FROM_S, TRAINED_LATELY, TRAINED_OFTEN, WEEK_S, Plan
from coach.model.summary import Summary
from coach.progress.my_training import TrainingDay
from firmware.journal.record import SessionLine
from firmware.participants.plan_files import GUEST
from firmware.system.known_time import Age, KnownTime, trusted_moment
from firmware.system.timestamps import Timestamp

USUAL_INTERVAL_S = 240.0
"""Length of an interval in sessions of earlier versions, which did not note how much work was planned (4×4)."""


class FinishedSession(Struct, frozen=True):
    """One finished session: whose, when it ended, seconds of training, what was learned and done."""

    participant: str
    ended: Timestamp
    training_s: float
    response: Any = None
    done: PastSession | None = None


class _Counted(Struct, frozen=True):
    """Sessions of the last 7 days for certain, hours since the last one, and the ages of all.

    `one_by_one`: the ages of the sessions that are known one by one, not by a count alone. `perhaps`: how many more
    sessions may be of these 7 days.
    """

    week: int
    hours: float | None
    ages: tuple[Age, ...]
    one_by_one: tuple[Age, ...]
    perhaps: int


class TrainingHistory(Struct, frozen=True):
    """All finished sessions of this machine's diary, by session id, in the order in which they began."""

    sessions: dict[str, FinishedSession] = {}

    @classmethod
    def of(cls, lines: Iterable[SessionLine]) -> Self:
        """Take the list of the diary."""
        return cls(
            {
                line.session_id: _past(line.session_id, line.participant, line.begun, line.summary)
                for line in lines
                if line.summary is not None
            }
        )

    def with_session(self, session_id: str, begun: Timestamp, summary: Summary) -> Self:
        """Add a session that has just ended, or its newer summary."""
        past = _past(session_id, summary.participant, begun, summary)
        return replace(self, sessions={**self.sessions, session_id: past})

    def known_time(self, now: Timestamp) -> KnownTime:
        """Return what is known about the time now, by this moment's stamp and the trusted stamps of the diary."""
        trusted = [one.ended for one in (*self.sessions.values(), FinishedSession("", now, 0.0)) if one.ended.trusted]
        offsets_s = {one.boot_id: one.wall_s - one.monotonic_s for one in trusted if one.boot_id}
        return KnownTime(now, offsets_s, max((one.wall_s for one in trusted), default=0.0))

    def trained_by(self, participant: str, now: KnownTime) -> tuple[PastSession, ...]:
        """Return the sessions of this diary that count for a participant, oldest first. Guests have no past.

        A session without a known time keeps its place in that order and is not dated.
        """
        if participant == GUEST:
            return ()
        found: list[PastSession] = []
        for past in self.sessions.values():
            if past.participant == participant and past.done is not None and past.training_s >= COUNTS_FROM_S:
                wall_s = now.wall_of(past.ended)
                before_s = found[-1].ended_wall_s if found else 0.0
                undated = replace(past.done, ended_wall_s=before_s, dated=False)
                found.append(undated if wall_s is None else replace(past.done, ended_wall_s=wall_s))
        return tuple(found)

    def informed(self, plan: Plan, now: KnownTime) -> Plan:
        """Give the plan with the sessions of the last 7 days, hours since the last, its number, and the response.

        What the plan itself says (a response from the server, a session number) goes before. The server knows other
        machines, and this one knows what the server has not heard of yet. Where the plan names its sessions, a session
        that both know is one, and whose it is the server says; where it only counts them, the stricter count holds.
        Guests have no past.
        """
        if plan.participant == GUEST:
            return plan
        mine = {key: past for key, past in self.sessions.items() if past.participant == plan.participant}
        then = now.not_before(plan.counted_at_wall_s) if plan.known_sessions is not None else now
        ages = self._ages(then)
        own = {key: ages[key] for key, past in mine.items() if past.training_s >= COUNTS_FROM_S}
        counted = _counted(plan, own, then)
        learned = [key for key, past in mine.items() if past.response is not None]
        newest = min(reversed(learned), key=lambda key: ages[key].least_s, default="")
        return replace(
            plan,
            sessions_last_7_days=counted.week,
            hours_since_last=None if counted.hours is None else round(counted.hours, 2),
            known_sessions=None,
            opens_wall_s=_opens_wall_s(plan, counted, now.wall_s),
            session_number=len(own) + 1 if plan.session_number is None else plan.session_number,
            response=mine[newest].response if plan.response is None and newest else plan.response,
            questions=(*_asked(plan, counted), *plan.questions),
        )

    def _ages(self, now: KnownTime) -> dict[str, Age]:
        """Return the age of each session; one without a known time is at least as old as those that began after it."""
        ages: dict[str, Age] = {}
        least_s = 0.0
        for session_id, past in reversed(self.sessions.items()):
            age = now.age_of(past.ended)
            least_s = max(least_s, age.least_s)
            ages[session_id] = age if age.exact_s is not None else Age(least_s)
        return ages


def _asked(plan: Plan, counted: _Counted) -> tuple[str, ...]:
    """Return what is asked where no clock says whether the rest is over, or whether the weekly cap is reached."""
    if plan.cap_released:
        return ()
    rest = any(age.may_be_under(plan.rest_hours * 3600) for age in counted.ages)
    cap = plan.weekly_cap is not None and counted.perhaps > 0 and counted.week + counted.perhaps >= plan.weekly_cap
    return (*((TRAINED_LATELY,) if rest else ()), *((TRAINED_OFTEN,) if cap else ()))


def _counted(plan: Plan, own: Mapping[str, Age], now: KnownTime) -> _Counted:
    """Count sessions here and elsewhere."""
    if plan.known_sessions is None:
        week, perhaps, elsewhere = _counted_elsewhere(plan, now)
        here = _past_ages(own.values())
        ages = (*here, *elsewhere)
        perhaps = max(perhaps, _perhaps_of_week(here))
        return _Counted(max(week, _of_week(here)), _latest_h(ages), ages, tuple(here), perhaps)
    told = {one.session_id: one for one in plan.known_sessions}
    known = {one.session_id: now.age_of(trusted_moment(one.ended_wall_s)) for one in told.values() if one.counts}
    # Its own times are the better ones: a clock that was wrong may have been repaired since they were told.
    theirs = {key: age for key, age in own.items() if key not in told or told[key].counts}
    known |= {key: age for key, age in theirs.items() if _is_better(age, known.get(key))}
    ages = tuple(_past_ages(known.values()))
    return _Counted(_of_week(ages), _latest_h(ages), ages, ages, _perhaps_of_week(ages))


def _is_better(own: Age, told: Age | None) -> bool:
    """Return whether the machine's own age of a session is to be used rather than the server's."""
    return told is None or own.exact_s is not None or (told.exact_s is None and own.least_s >= told.least_s)


def _opens_wall_s(plan: Plan, counted: _Counted, now_wall_s: float | None) -> float | None:
    """Return when cap and rest allow the next session; None where they allow it now, or where it cannot be known."""
    if now_wall_s is None:
        return None
    waits_s = [0.0]
    if counted.hours is not None:
        waits_s.append((plan.rest_hours - counted.hours) * 3600)
    if plan.weekly_cap is not None and counted.week >= plan.weekly_cap:
        of_week = sorted((age.least_s for age in counted.one_by_one if age.under(WEEK_S)), reverse=True)
        must_leave = counted.week - plan.weekly_cap
        if must_leave >= len(of_week):
            return None
        waits_s.append(WEEK_S - of_week[must_leave])
    longest_s = max(waits_s)
    return now_wall_s + longest_s if longest_s > 0 else None


def _past_ages(ages: Iterable[Age]) -> list[Age]:
    """Return the ages without those of sessions that seem to lie in the future."""
    return [age for age in ages if age.exact_s is None or age.exact_s >= 0]


def _of_week(ages: Iterable[Age]) -> int:
    return sum(age.under(WEEK_S) for age in ages)


def _perhaps_of_week(ages: Iterable[Age]) -> int:
    return sum(age.may_be_under(WEEK_S) for age in ages)


def _latest_h(ages: Iterable[Age]) -> float | None:
    return min((age.exact_s / 3600 for age in ages if age.exact_s is not None), default=None)


def _counted_elsewhere(plan: Plan, now: KnownTime) -> tuple[int, int, list[Age]]:
    """Return the plan's sessions of the last 7 days, those that may be of them, and the age of the last one.

    The plan may have been made long ago. Sessions of a count more than a week old have all left the week; a clock
    behind the count leaves it as it is. Where it is not known how long ago they were counted, none is held against the
    participant.
    """
    since = Age(0.0, 0.0)
    if plan.counted_at_wall_s is not None:
        since = now.age_of(trusted_moment(plan.counted_at_wall_s))
    week = plan.sessions_last_7_days if since.under(WEEK_S) else 0
    perhaps = plan.sessions_last_7_days if since.may_be_under(WEEK_S) else 0
    if plan.hours_since_last is None:
        return week, perhaps, []
    then_s = plan.hours_since_last * 3600
    exact_s = None if since.exact_s is None else then_s + max(0.0, since.exact_s)
    return week, perhaps, [Age(then_s + since.least_s, exact_s)]


def _past(session_id: str, participant: str, begun: Timestamp, summary: Summary) -> FinishedSession:
    lasted_s = summary.duration_s
    ended = replace(begun, monotonic_s=begun.monotonic_s + lasted_s, wall_s=begun.wall_s + lasted_s)
    done = _done(session_id, ended.wall_s, summary)
    return FinishedSession(participant, ended, summary.training_s, summary.response, done)


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


def training_day(now_wall_s: float | None) -> TrainingDay:
    """Return the time, with the offset of this machine's time zone at it. None: the clock is not set."""
    offset = None if now_wall_s is None else datetime.fromtimestamp(now_wall_s).astimezone().utcoffset()
    return TrainingDay(now_wall_s, 0.0 if offset is None else offset.total_seconds())
