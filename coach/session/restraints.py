"""What restrains what: one table of notices, questions, signal states and limits, from which the limits are applied.

`docs/hazards.md` holds the same table, made by `python -m scripts.restraints`.
"""

from typing import Literal

from msgspec import Struct

from coach.model.events import Signal
from coach.session.state import SessionState

NEAR_MAX_FRACTION = 0.95
"""From this share of HRmax on nothing asks for more, and no interval begins (the zone's upper edge, training.md)."""


class Restraint(Struct, frozen=True):
    """One cause and what it forbids.

    `urging`: advice to do more, and the cues `faster` and `speed_up`. `interval`: the next interval. `speech`:
    ordinary speech (times, countdowns, hold). `therapist`: the therapist's page shows it.
    """

    cause: str
    what: Literal["notice", "question", "signal", "limit"]
    urging: bool = False
    interval: bool = False
    speech: bool = False
    therapist: bool = False


TABLE = (
    Restraint("signal_weak", "signal", urging=True, interval=True),
    Restraint("signal_stale", "signal", urging=True, interval=True),
    Restraint("signal_lost", "signal", urging=True, interval=True),
    Restraint("signal_implausible", "signal", urging=True, interval=True),
    Restraint("signal_slow", "signal", urging=True),
    Restraint("signal_not_fresh", "signal", urging=True),
    Restraint("signal_flat", "signal", urging=True),
    Restraint("no_ceiling", "limit", urging=True),
    Restraint("over_ceiling", "notice", urging=True, interval=True, therapist=True),
    Restraint("rate_high", "limit", urging=True, interval=True),
    Restraint("above_zone", "limit", urging=True),
    Restraint("question", "question", urging=True, interval=True),
    Restraint("no_answer", "notice", urging=True, interval=True, speech=True, therapist=True),
    Restraint("not_all_right", "notice", urging=True, interval=True, speech=True, therapist=True),
    Restraint("unwell", "notice", urging=True, interval=True, speech=True, therapist=True),
    Restraint("model_disagrees", "limit", urging=True),
    Restraint("over_ceiling_long", "limit", urging=True, interval=True, therapist=True),
    Restraint("over_ceiling_twice", "limit", urging=True, interval=True, therapist=True),
    Restraint("no_signal", "limit", urging=True, interval=True),
    Restraint("waiting_for_signal", "notice", therapist=True),
    Restraint("eased_without_signal", "notice", therapist=True),
    Restraint("by_exertion", "notice", therapist=True),
    Restraint("speed_doubted", "notice", therapist=True),
    Restraint("guidance_off", "notice", therapist=True),
    Restraint("hr_max_seems_lower", "notice", therapist=True),
    Restraint("hr_max_seems_higher", "notice", therapist=True),
    Restraint("not_ready", "notice", urging=True, interval=True, therapist=True),
)
BY_CAUSE = {row.cause: row for row in TABLE}
BY_SIGNAL = frozenset(row.cause for row in TABLE if row.what == "signal")
"""What exertion does without: where the therapist lets work go on by Borg, these hold no interval back."""


def causes_now(state: SessionState) -> tuple[str, ...]:
    """Return every cause that restrains something now, once each."""
    causes = [*_of_the_rate(state)]
    if state.question is not None:
        causes.append("question")
    if state.outlook.doubt is not None:
        causes.append(state.outlook.doubt)
    # A notice of the signal stays a while after the signal is back; what restrains is the signal as it is now.
    causes += [notice.code for notice in state.notices if notice.code in BY_CAUSE and notice.code not in BY_SIGNAL]
    causes += state.cool_down_only
    return tuple(dict.fromkeys(causes))


def _of_the_rate(state: SessionState) -> list[str]:
    source, causes = state.source, []
    if source.signal is Signal.WEAK and source.reason == "slow":
        # A source that reports seldom, but steadily: too slow to urge by, good enough to train by.
        causes.append("signal_slow")
    elif source.signal is not Signal.LIVE:
        causes.append(f"signal_{source.signal.value}")
    elif not source.fresh(state.t):
        causes.append("signal_not_fresh")
    elif source.flat(state.t):
        causes.append("signal_flat")
    ceiling_bpm, hr_max_bpm, bpm = state.plan.effective_ceiling_bpm, state.zone_hr_max_bpm, source.bpm
    if ceiling_bpm is None:
        causes.append("no_ceiling")
    elif bpm is not None and bpm > ceiling_bpm:
        causes.append("over_ceiling")
    if hr_max_bpm is not None and bpm is not None and bpm >= NEAR_MAX_FRACTION * hr_max_bpm:
        causes.append("rate_high")
    if state.place.position == "above":
        causes.append("above_zone")
    return causes


def no_urging_because(state: SessionState) -> tuple[str, ...]:
    """Return why no advice may ask for more effort now; nothing where it may."""
    return tuple(cause for cause in causes_now(state) if (row := BY_CAUSE.get(cause)) is None or row.urging)


def no_interval_because(state: SessionState, *, by_rate: bool = True) -> tuple[str, ...]:
    """Return why no interval may begin now. Not `by_rate`: it needs no rate, so a doubtful one is no cause."""
    held = (cause for cause in causes_now(state) if (row := BY_CAUSE.get(cause)) is None or row.interval)
    return tuple(cause for cause in held if by_rate or cause not in BY_SIGNAL)


def ordinary_speech(state: SessionState) -> bool:
    """Whether times, countdowns and "hold" may be said now."""
    return not any(BY_CAUSE[cause].speech for cause in causes_now(state) if cause in BY_CAUSE)
