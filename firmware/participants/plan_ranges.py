"""Ranges of a plan that this machine checks by itself: the last check must not believe the first.

The server's form checks most of this, and a plan may come by a server that was taken over, or from a file. The ranges
are wide: they say what cannot be meant. `coach.session.state` checks what a session needs.
"""

import unicodedata
from collections.abc import Iterator

from coach.model.plan import Plan

OLDEST_YEARS = 120
MOST_REST_H = 31 * 24.0
MOST_A_WEEK = 21
MOST_SESSIONS = 10_000
FASTEST_KMH = 30.0
MOST_NAME, MOST_QUESTIONS, MOST_KNOWN_SESSIONS = 200, 40, 1_000
YEAR_2200_S = 7_258_118_400.0
LIKELIEST_HR_MAX_BPM, HR_MAX_FALL_BPM_A_YEAR, HR_MAX_SPREAD_BPM = 211.0, 0.64, 65.0
"""Nes 2013; six standard deviations of 10.8 bpm: no HRmax so far above an age's own was measured in anybody."""

_RANGES = {
    "age": (0, OLDEST_YEARS),
    "rest_hours": (0.0, MOST_REST_H),
    "weekly_cap": (0, MOST_A_WEEK),
    "sessions_last_7_days": (0, MOST_SESSIONS),
    "hours_since_last": (0.0, YEAR_2200_S / 3600),
    "session_number": (0, MOST_SESSIONS),
    "course_sessions": (0, MOST_SESSIONS),
    "max_speed_kmh": (0.1, FASTEST_KMH),
    "counted_at_wall_s": (0.0, YEAR_2200_S),
    "valid_until_wall_s": (0.0, YEAR_2200_S),
    "training_opened_wall_s": (0.0, YEAR_2200_S),
}
_TEXTS = ("participant", "protocol", "hr_max_source", "nickname", "picture")
_NO_LETTERS = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
"""Control characters and marks that turn the direction of writing: they draw nothing, or other names."""


_JOINERS = "\u200c\u200d"
"""Parts of letters in some scripts, and of pictures such as those of families."""


def find_plan_fault(plan: Plan) -> str:
    """Return what in a plan cannot be meant, as one sentence; empty where all is well."""
    return next(_faults(plan), "")


def find_protocol_fault(plan: Plan) -> str:
    """Return what is wrong with a protocol of a plan that came over the wire: a name, and never a file's path."""
    if "/" in plan.protocol or "\\" in plan.protocol or plan.protocol.endswith(".toml"):
        return "protocol is a file; a plan from the server names a protocol, and this machine looks it up"
    return ""


def _faults(plan: Plan) -> Iterator[str]:
    for name, (low, high) in _RANGES.items():
        value = getattr(plan, name)
        if value is not None and not low <= value <= high:
            yield f"{name} is {value:g}; it must lie in {low:g}–{high:g}"
    for name in _TEXTS:
        yield from _text_faults(name, getattr(plan, name))
    for question in plan.questions[: MOST_QUESTIONS + 1]:
        yield from _text_faults("questions", question)
    if len(plan.questions) > MOST_QUESTIONS or len(plan.known_sessions or ()) > MOST_KNOWN_SESSIONS:
        yield "questions or known_sessions are more than a plan has; send the plan again"
    if plan.age is not None and plan.hr_max_bpm is not None:
        most = LIKELIEST_HR_MAX_BPM - HR_MAX_FALL_BPM_A_YEAR * plan.age + HR_MAX_SPREAD_BPM
        if plan.hr_max_bpm > most:
            yield f"hr_max_bpm is {plan.hr_max_bpm:g} at the age of {plan.age}; it must be at most {most:.0f}"


def _text_faults(name: str, text: str | None) -> Iterator[str]:
    if text is None:
        return
    if len(text) > MOST_NAME:
        yield f"{name} has {len(text)} characters; at most {MOST_NAME} can be meant"
    elif bad := next((one for one in text if unicodedata.category(one) in _NO_LETTERS and one not in _JOINERS), None):
        yield f"{name} has a character that draws nothing (U+{ord(bad):04X}); write it again without"
