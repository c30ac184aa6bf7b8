"""The plan a therapist made for one participant: what the session may ask, and where it must stop.

HRmax and its sources, chronotropic incompetence and perceived exertion: ../docs/training.md.
"""

from collections.abc import Mapping
from math import ceil, floor
from typing import Any, Literal

from msgspec import Struct

HrMaxSource = Literal["measured", "highest_seen", "formula"]
"""Where HRmax may come from; a plan may name another source in its own words."""

Mode = Literal["heart_rate", "exertion"]

AskAfter = Literal["every_interval", "hardest_interval", "odd_fall"]
"""When the coach asks whether all is well. An odd fall of the rate makes it ask in each of them: it is never off."""

LOWEST_HR_MAX_BPM, HIGHEST_HR_MAX_BPM = 80.0, 240.0

COUNTS_FROM_S = 600.0
"""A session that was stopped before ten minutes of training counts neither for the cap nor for the rest (H13)."""

SLOWEST_KMH = 2.0
"""The slowest speed that is asked of somebody who walks, where the plan names none: most belts and legs manage it."""

LEAST_SLOWEST_KMH, MOST_SLOWEST_KMH = 0.5, 6.0
"""A plan's own slowest speed lies between these."""

LEAST_CLOSED_H, MOST_CLOSED_H = 1.0, 720.0
"""For at least an hour, and at most a month, a yes closes training; a therapist may open it at any time."""

CLOSING_QUESTIONS = ("chest_pain", "fainting", "fever", "intoxication")
"""A yes to one of these closes training on the machine, and not only this session (hazard H14)."""

URGENT_QUESTIONS = ("chest_pain", "fainting")
"""A yes to one of these is answered with what to do now: sit down, call somebody, 113."""

TRAINED_LATELY, TRAINED_OFTEN, CLOSED_LATELY = "trained_lately", "trained_often", "closed_lately"
"""What the machine asks by itself where its clock is not set: whether the rest is not over, whether the weekly cap is
reached (H13), and whether an answer that closed training is too new (H14). A clock that is not set decides none."""

CLOCK_QUESTIONS = (TRAINED_LATELY, TRAINED_OFTEN, CLOSED_LATELY)

UNWELL_QUESTIONS = ("chest_pain", "fainting", "dizziness", "injury")
"""What is asked of somebody who was not all right in a session, once they sit."""

EARNED_REST = ("weekly_cap", "rest")
"""Why there is no session today although all is well: enough was trained for now."""

POOR_MOODS = (1, 2)
"""A mood this low after a session gets an answer of its own."""

WORTH_A_NUMBER_S = 300.0
"""A shorter training is thanked for: no figure is shown of it, and nobody is asked how hard it was."""

WEEK_S = 7 * 86400.0
"""Over so long the weekly cap counts."""


class Load(Struct, frozen=True):
    """A treadmill's setting: belt speed in km/h and incline in percent."""

    speed_kmh: float
    incline_percent: float = 0.0


class KnownSession(Struct, frozen=True):
    """A session that the server knows of, by whatever machine: its id, and when it ended (s since 1970).

    `counts`: towards this participant's cap and rest; not where a therapist has counted it for somebody else. Only
    sessions of at least `COUNTS_FROM_S` are told.
    """

    session_id: str
    ended_wall_s: float
    counts: bool = True


class Plan(Struct, frozen=True, kw_only=True):
    """One participant's plan for one session.

    `hr_max_bpm` may be absent only in exertion mode; `hr_max_source` says where it comes from: `measured`,
    `highest_seen`, `formula`. `ceiling_bpm` is the personal ceiling (hazard H1); where the therapist set none, HRmax
    is the ceiling. `start` is the treadmill's setting for the first interval. No speed under `slowest_kmh` is asked
    for. `ask_after`: how often the coach asks whether all is well (H5). `response` is what earlier sessions'
    summaries learned about this person, handed back untouched. `nickname`, `picture`: how the person chose to be
    shown in the room; `picture` is the key of a drawing. `valid_until_wall_s`: no session begins from this plan
    afterwards (s since 1970). `counted_at_wall_s`: when `sessions_last_7_days` and `hours_since_last` were counted;
    None: just now. `known_sessions`: those that were counted, one by one, so that a machine can count its own among
    them once, and each leaves the week at its own time; None: whoever made the plan only counted. `closed_after_yes_h`:
    how long a yes to one of `CLOSING_QUESTIONS` closes training on that machine; `training_opened_wall_s`: when a
    therapist last opened it again. `closed_by_yes`: set by the machine, the answers that close training now.
    `opens_wall_s`: set by the machine, when cap and rest allow the next session (s since 1970).
    """

    participant: str
    protocol: str = "4x4"
    hr_max_bpm: float | None = None
    hr_max_source: str | None = None
    age: int | None = None
    ceiling_bpm: float | None = None
    mode: Mode = "heart_rate"
    start: Load | None = None
    response: Any = None
    speed_step_kmh: float = 0.2
    max_speed_kmh: float = 20.0
    slowest_kmh: float = SLOWEST_KMH
    language: Literal["nb", "en"] = "nb"
    nickname: str | None = None
    picture: str | None = None
    session_number: int | None = None
    course_sessions: int = 24
    early_warm_up_end: bool = False
    exertion_when_lost: bool = False
    ask_after: AskAfter = "every_interval"
    questions: tuple[str, ...] = ()
    weekly_cap: int | None = None
    rest_hours: float = 0.0
    cap_released: bool = False
    sessions_last_7_days: int = 0
    hours_since_last: float | None = None
    counted_at_wall_s: float | None = None
    known_sessions: tuple[KnownSession, ...] | None = None
    valid_until_wall_s: float | None = None
    closed_after_yes_h: float = 24.0
    training_opened_wall_s: float | None = None
    closed_by_yes: tuple[str, ...] = ()
    opens_wall_s: float | None = None

    @property
    def floor_kmh(self) -> float:
        """Return the slowest speed that may be asked for: a start or a highest speed below the plan's own lowers it."""
        start = () if self.start is None else (self.start.speed_kmh,)
        return min(self.slowest_kmh, self.max_speed_kmh, *start)

    @property
    def effective_ceiling_bpm(self) -> float | None:
        """The stricter of the therapist's ceiling and HRmax; None where neither is known."""
        known = [bpm for bpm in (self.ceiling_bpm, self.hr_max_bpm) if bpm is not None]
        return min(known) if known else None


def is_urgent(answers: Mapping[str, bool]) -> bool:
    """Return whether one of the answers says that something must be done now."""
    return any(answers.get(question, False) for question in URGENT_QUESTIONS)


def rounded_kmh(speed_kmh: float, step_kmh: float, slowest_kmh: float, fastest_kmh: float) -> float:
    """Return the nearest speed in whole steps between slowest and fastest; the slowest where no step lies there."""
    fewest, most = ceil(slowest_kmh / step_kmh - 1e-9), floor(fastest_kmh / step_kmh + 1e-9)
    if most < fewest:
        return slowest_kmh
    return round(min(max(round(speed_kmh / step_kmh), fewest), most) * step_kmh, 2)


HR_MAX_SEE_BPM, BETA_BLOCKED_SEE_BPM = 10.8, 18.0
"""Standard errors of the two formulas below: Nes 2013; Brawner 2004, heart patients of 40–80 years, r² 0.13."""


def formula_hr_max_bpm(age: int, *, beta_blocked: bool = False) -> float:
    """HRmax expected at an age: 211 − 0.64·age (Nes 2013, SEE 10.8 bpm); on a beta-blocker 164 − 0.7·age (Brawner)."""
    return 164 - 0.7 * age if beta_blocked else 211 - 0.64 * age
