"""What is known of a participant's earlier sessions and coming ones, and what "My training" shows of it.

`CourseProgress` comes from the server with the plan; `MyTraining` is made of it and of the machine's own diary
(`coach.progress.my_training`) and shown to the participant alone, after their PIN where they have one.
"""

from typing import Literal

from msgspec import Struct

Sex = Literal["f", "m"]

MOMENTS = (6, 12, 18, 24)
"""After so many sessions of a course the screen stops for a calm moment."""

MOST_WORD = 80
"""Most characters of a therapist's word: it is read while standing."""

TrainingLine = Literal["same_speed", "faster", "more_minutes", "sessions", "begun"]
"""What the one line against oneself compares; each of them is good news or a plain fact, never a loss."""


class PastSession(Struct, frozen=True, kw_only=True):
    """One earlier session, on any machine. Wall times in s since 1970.

    `good_s` of `planned_s`: seconds of good work of the intervals' seconds. The last three: of the first interval with
    a third minute; None where unknown. `dated` is False where no clock told when it ended: `ended_wall_s` then only
    keeps its place among the others.
    """

    session_id: str
    ended_wall_s: float
    good_s: float
    planned_s: float
    third_minute_bpm: float | None = None
    speed_kmh: float | None = None
    incline_percent: float | None = None
    dated: bool = True

    @property
    def share(self) -> float:
        """Return good work as a fraction of the planned, 0 to 1."""
        return min(max(self.good_s / self.planned_s, 0.0), 1.0) if self.planned_s > 0 else 1.0


class TherapistWord(Struct, frozen=True):
    """A word from the therapist, shown at the participant's next start."""

    text: str
    written_wall_s: float = 0.0


class CourseProgress(Struct, frozen=True, kw_only=True):
    """What the server knows of a participant, sent with the plan; optional, and older machines pass over it.

    `sessions`: those of the course, oldest first; `begun_wall_s`: when the course began. `a_week`: sessions a week that
    were agreed. `sex`: for the fitness age, absent where none is to be shown. `appointments_wall_s`: the next
    appointments, the soonest first; `appointment_wall_s`: the soonest alone, for machines that do not know the list.
    """

    sessions: tuple[PastSession, ...] = ()
    begun_wall_s: float | None = None
    a_week: int | None = None
    sex: Sex | None = None
    word: TherapistWord | None = None
    appointment_wall_s: float | None = None
    appointments_wall_s: tuple[float, ...] = ()


class FitnessShown(Struct, frozen=True):
    """Fitness age in whole years as it is shown: at first, now, and the range of now.

    `before` is None where the change is no gain, or not certain. `younger`: the table ends there.
    """

    now: int
    low: int
    high: int
    sessions: int
    before: int | None = None
    younger: bool = False


class SessionShown(Struct, frozen=True, kw_only=True):
    """One session to leaf through: its number in the course, and what was done in it.

    `ended_wall_s` is None where no clock told when that was.
    """

    number: int
    ended_wall_s: float | None
    good_s: float
    planned_s: float
    speed_kmh: float | None = None


class MyTraining(Struct, frozen=True, kw_only=True):
    """A participant's own training, as they see it before the start and after the end.

    `shares`: of each session of the course, oldest first, the share of good work. `week_done` of `week_goal`: this
    calendar week, None while the clock is not set. `line` and `amount`: the one line against oneself; bpm, km/h, s or
    sessions. `weeks`: weeks in a row with training, of which one without is forgiven. `back_after_days`: days since the
    last session where that was a break, else None. `eased`: the start was set back a week for it.
    `moment`: one of `MOMENTS`, just reached.
    `sessions`: to leaf through, newest first.
    """

    shares: tuple[float, ...] = ()
    course_sessions: int = 24
    week_done: int | None = 0
    week_goal: int = 3
    line: TrainingLine = "begun"
    amount: float = 0.0
    weeks: int = 0
    fitness: FitnessShown | None = None
    back_after_days: int | None = None
    eased: bool = False
    moment: int | None = None
    word: TherapistWord | None = None
    appointment_wall_s: float | None = None
    sessions: tuple[SessionShown, ...] = ()
