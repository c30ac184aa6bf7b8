"""What screen and small screen both show of the advice, so that neither contradicts the other."""

from coach.guidance.interface import PHASE_START, RESUMED, SETTING_REASONS
from coach.kiosk.view import DisplayState
from coach.model.events import Direction, Signal
from coach.model.snapshot import NoticeNow, Snapshot
from display.drawing.number_format import speed
from display.texts import OTHER, Texts

SETTING_TIME_S = 20.0
"""How long a new phase asks for its speed, before it says how the phase should feel."""


_SILENT = (Signal.STALE, Signal.LOST)
_OF_NO_SIGNAL = frozenset({"signal_lost", "signal_implausible", "waiting_for_signal"})
"""Notices that a live rate contradicts: a notice holds longer than its cause."""


def notices_now(snapshot: Snapshot) -> tuple[NoticeNow, ...]:
    """Return the notices that are true at this moment, which alone may be shown.

    No notice of a lost strap with a live rate; none of a rate above the ceiling where no rate is seen.
    """
    past = _OF_NO_SIGNAL if snapshot.signal is Signal.LIVE else frozenset()
    if snapshot.bpm is None or snapshot.signal in _SILENT:
        past = past | {"over_ceiling"}
    return tuple(notice for notice in snapshot.notices if notice.code not in past)


def over_ceiling_now(snapshot: Snapshot) -> bool:
    """Return whether a rate above the ceiling is what a display must say now."""
    return snapshot.stage == "running" and any(notice.code == "over_ceiling" for notice in notices_now(snapshot))


def what_to_do(snapshot: Snapshot, texts: Texts) -> tuple[str, str]:
    """Return the order and its speed; the speed is empty where none is known or the person stands already."""
    advice = snapshot.advice
    order = texts.say("instruction.slow_down_now")
    if advice.reason != "over_ceiling":
        return order, ""
    if advice.direction is Direction.NONE:
        return texts.say("over_ceiling.stands"), ""
    if advice.speed_kmh is None:
        return order, ""
    if advice.speed_kmh == 0:
        return order, texts.say("over_ceiling.stand_still")
    return order, texts.say("over_ceiling.to", speed=speed(advice.speed_kmh, texts))


def asks_for_speed(snapshot: Snapshot) -> bool:
    """Return whether the advice names a speed that the person should set."""
    advice = snapshot.advice
    asks = advice.direction in (Direction.FASTER, Direction.SLOWER) or advice.reason in (*SETTING_REASONS, RESUMED)
    return asks and advice.speed_kmh is not None


def direction_now(snapshot: Snapshot) -> Direction:
    """Return the direction shown. A phase's setting is asked for until it is there, or for a while."""
    advice = snapshot.advice
    if advice.reason not in SETTING_REASONS:
        return advice.direction
    there = advice.speed_kmh is not None and snapshot.speed_kmh == advice.speed_kmh
    said_for_s = snapshot.phase_elapsed_s if snapshot.advised_t is None else snapshot.t - snapshot.advised_t
    over = advice.reason == PHASE_START and said_for_s >= SETTING_TIME_S
    return Direction.NONE if there or over else advice.direction


def question_words(view: DisplayState, texts: Texts) -> str:
    """Return the words of the question before the start, with the numbers that those of an unset clock name."""
    return texts.of("question", view.question or OTHER, rest_h=view.rest_h, closed_h=view.closed_h, cap=view.cap)
