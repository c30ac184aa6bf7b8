"""My training: what a participant's sessions add up to, told against themselves and never as a loss.

Pure: the sessions, the plan and the time are handed in. Weeks are the calendar's, from Monday, at the machine's offset
from UTC.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from coach.model.course_progress import (
    MOMENTS,
    CourseProgress,
    FitnessShown,
    MyTraining,
    PastSession,
    SessionShown,
    TherapistWord,
    TrainingLine,
)
from coach.model.plan import WEEK_S, Load, Plan
from coach.progress.fitness import FitnessEvidence, fitness_trend

DAY_S = 86_400.0
BREAK_DAYS = 7
"""So many whole days without a session are a break, as on the course's page (`server.diary.course.schedule`)."""
A_WEEK = 3
"""Sessions a week where nothing else was agreed (24 in 8 weeks; Flemmen 2014)."""
FORGIVEN_WEEKS = 1
"""So many weeks without a session, one after the other, do not end a row of weeks."""

SAME_SPEED_KMH, SAME_INCLINE_PERCENT = 0.05, 0.25
LOWER_BY_BPM, SAME_RATE_BPM = 2.0, 2.0
FASTER_BY_KMH = 0.1
MORE_BY_S = 60.0
"""Less than these is no difference worth a line."""

LONGEST_SESSION_S = 3600.0
"""A word that was written in the last hour before a session's end came after its start."""

AT_HAND_S = 3600.0
"""People come early: an appointment so near is this one."""

_MONDAY_S = 4 * DAY_S
"""1970-01-05 was a Monday."""


class TrainingDay(Struct, frozen=True):
    """The time now (s since 1970; None while the clock is not set), and the local time's offset from UTC in s."""

    now_wall_s: float | None
    utc_offset_s: float = 0.0

    def week_of(self, wall_s: float) -> int:
        """Return the number of the calendar week of a wall time, counted from 1970."""
        return int((wall_s + self.utc_offset_s - _MONDAY_S) // WEEK_S)


def known_sessions(own: Iterable[PastSession], progress: CourseProgress | None) -> tuple[PastSession, ...]:
    """Return the machine's own sessions and those that the server knows, each once, oldest first.

    Where the server says when the course began, sessions before it are left out.
    """
    told = progress or CourseProgress()
    known = {one.session_id: one for one in told.sessions}
    known |= {one.session_id: one for one in own if one.dated or one.session_id not in known}
    since_s = told.begun_wall_s or 0.0
    of_course = (one for one in known.values() if one.ended_wall_s >= since_s or not one.dated)
    return tuple(sorted(of_course, key=lambda one: one.ended_wall_s))


def my_training(
    sessions: Sequence[PastSession], plan: Plan, progress: CourseProgress | None, day: TrainingDay, done: int = 0
) -> MyTraining:
    """Return what the participant sees. `sessions`: all known, oldest first; `done`: how many the course has had."""
    told = progress or CourseProgress()
    course = sessions[-done:] if 0 < done < len(sessions) else sessions
    line, amount = _line(course)
    weeks = [day.week_of(one.ended_wall_s) for one in sessions if one.dated]
    this_week = None if day.now_wall_s is None else day.week_of(day.now_wall_s)
    missing = max(0, done - len(sessions))
    return MyTraining(
        shares=(*(1.0 for _ in range(missing)), *(one.share for one in course))[-plan.course_sessions :],
        course_sessions=plan.course_sessions,
        week_done=None if this_week is None else weeks.count(this_week),
        week_goal=_goal(plan, told),
        line=line,
        amount=amount,
        weeks=0 if this_week is None else _weeks_in_a_row(weeks, this_week),
        fitness=_fitness(sessions, plan, told),
        back_after_days=_break_days(sessions, day),
        word=_unread(told.word, sessions),
        appointment_wall_s=next_appointment(told, day.now_wall_s),
        sessions=tuple(
            SessionShown(
                number=missing + at,
                ended_wall_s=one.ended_wall_s if one.dated else None,
                good_s=one.good_s,
                planned_s=one.planned_s,
                speed_kmh=one.speed_kmh,
            )
            for at, one in enumerate(course, 1)
        )[::-1],
    )


def with_moment(training: MyTraining) -> MyTraining:
    """Return the same after a session: with the calm moment where one of `MOMENTS` has just been reached."""
    count = len(training.shares)
    return replace(training, moment=count if count in MOMENTS else None)


def step_back(sessions: Sequence[PastSession], plan: Plan, day: TrainingDay) -> Plan:
    """Return the plan set back a week after a break: the start of a session a week before the last, never harder.

    "After a break, go back a week in the plan" (rusfeltet.no, "4 x 4 intervalltrening"). Where no such session is
    known, the start is one step of the treadmill slower.
    """
    if plan.start is None or _break_days(sessions, day) is None:
        return plan
    before = [one for one in sessions[:-A_WEEK] if one.speed_kmh is not None]
    slower_kmh = plan.start.speed_kmh - plan.speed_step_kmh
    wanted_kmh = slower_kmh if not before else min(before[-1].speed_kmh or slower_kmh, slower_kmh)
    speed_kmh = min(plan.start.speed_kmh, max(wanted_kmh, plan.slowest_kmh))
    return replace(plan, start=Load(round(speed_kmh, 2), plan.start.incline_percent))


def _unread(word: TherapistWord | None, sessions: Sequence[PastSession]) -> TherapistWord | None:
    """Return the word if no session has begun since it was written: it is shown at one start."""
    if word is None or not sessions:
        return word
    return word if word.written_wall_s >= sessions[-1].ended_wall_s - LONGEST_SESSION_S else None


def _goal(plan: Plan, told: CourseProgress) -> int:
    goal = told.a_week or A_WEEK
    return max(1, min(goal, plan.weekly_cap or goal))


def _weeks_in_a_row(weeks: Sequence[int], this_week: int) -> int:
    """Return how many weeks had a session, back from this one; a single week without one is forgiven, not counted."""
    trained, row, empty = set(weeks), 0, 0
    if not trained:
        return 0
    for week in range(this_week, min(trained) - 1, -1):
        if week in trained:
            row, empty = row + 1, 0
        elif week != this_week:
            empty += 1
            if empty > FORGIVEN_WEEKS:
                break
    return row


def next_appointment(progress: CourseProgress | None, now_wall_s: float | None) -> float | None:
    """Return the wall time of the next appointment; None also while the clock is not set.

    One within `AT_HAND_S` is what the person has come for, and no next one.
    """
    if progress is None or now_wall_s is None:
        return None
    told = progress.appointments_wall_s or (progress.appointment_wall_s,)
    return min((one for one in told if one is not None and one > now_wall_s + AT_HAND_S), default=None)


def _break_days(sessions: Sequence[PastSession], day: TrainingDay) -> int | None:
    """Return the days of a break; None where there was none, or where no clock can say."""
    if not sessions or not sessions[-1].dated or day.now_wall_s is None:
        return None
    days = int((day.now_wall_s - sessions[-1].ended_wall_s) // DAY_S)
    return days if days > BREAK_DAYS else None


def _line(sessions: Sequence[PastSession]) -> tuple[TrainingLine, float]:
    """Return the best true thing to say of the newest session against an earlier one."""
    if len(sessions) < 2:  # noqa: PLR2004 - nothing to compare
        return ("sessions", float(len(sessions))) if sessions else ("begun", 0.0)
    newest = sessions[-1]
    for before in reversed(sessions[:-1]):
        lower = _lower_bpm(newest, before)
        if lower is not None:
            if lower >= LOWER_BY_BPM:
                return "same_speed", float(round(lower))
            break
    previous = sessions[-2]
    if newest.speed_kmh is not None and previous.speed_kmh is not None and _no_flatter(newest, previous):
        faster_kmh = newest.speed_kmh - previous.speed_kmh
        rates = (newest.third_minute_bpm, previous.third_minute_bpm)
        if faster_kmh >= FASTER_BY_KMH and None not in rates and (rates[0] or 0) <= (rates[1] or 0) + SAME_RATE_BPM:
            return "faster", round(faster_kmh, 1)
    more_s = newest.good_s - previous.good_s
    return ("more_minutes", more_s) if more_s >= MORE_BY_S else ("sessions", float(len(sessions)))


def _lower_bpm(newest: PastSession, before: PastSession) -> float | None:
    """Return by how much the rate of the third minute was lower at the same setting; None at another setting."""
    if newest.speed_kmh is None or before.speed_kmh is None:
        return None
    if abs(newest.speed_kmh - before.speed_kmh) > SAME_SPEED_KMH:
        return None
    if abs((newest.incline_percent or 0.0) - (before.incline_percent or 0.0)) > SAME_INCLINE_PERCENT:
        return None
    if newest.third_minute_bpm is None or before.third_minute_bpm is None:
        return None
    return before.third_minute_bpm - newest.third_minute_bpm


def _no_flatter(newest: PastSession, before: PastSession) -> bool:
    return (newest.incline_percent or 0.0) >= (before.incline_percent or 0.0) - SAME_INCLINE_PERCENT


def _fitness(sessions: Sequence[PastSession], plan: Plan, told: CourseProgress) -> FitnessShown | None:
    evidence = [FitnessEvidence(one.third_minute_bpm, one.speed_kmh, one.incline_percent) for one in sessions]
    trend = fitness_trend(evidence, plan.hr_max_bpm, plan.hr_max_source)
    if trend is None or told.sex is None:
        return None
    newest = trend.newest
    age, (low, high) = newest.age(told.sex), newest.ages(told.sex)
    if age.beyond == "older":
        # The table ends there: "75 or older" helps a younger person with nothing.
        return None
    now, before = round(age.years), round(trend.first.age(told.sex).years)
    gained = trend.change_is_certain and before > now
    return FitnessShown(
        now=now,
        low=round(low.years),
        high=round(high.years),
        sessions=newest.sessions,
        before=before if gained else None,
        younger=age.beyond == "younger",
    )
