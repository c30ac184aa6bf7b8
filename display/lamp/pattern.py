"""The lamp beside the treadmill: colour and rhythm for someone who looks at no screen. Pure: a view in, a light out.

Colour and rhythm say the same, so that a person who does not tell red from green reads the lamp too (hazard H8): calm
and steady is right; a slow breath asks for a little more, a livelier one for a little less; a double wink looks for the
strap. Nothing is faster than 3 Hz.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from coach.kiosk.view import DisplayState, ScreenId, TriedPart
from coach.model.events import Level, Signal
from coach.model.snapshot import Snapshot
from display.drawing.advice_words import notices_now

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255 each."""

BLUE: Colour = (30, 100, 255)
GREEN: Colour = (0, 200, 110)
AMBER: Colour = (255, 140, 0)
WHITE: Colour = (255, 240, 220)
DARK: Colour = (0, 0, 0)


class LampPattern(StrEnum):
    """How the light moves."""

    OFF = "off"
    STEADY = "steady"
    SLOW_PULSE = "slow_pulse"
    PULSE = "pulse"
    FAST_PULSE = "fast_pulse"
    DOUBLE_WINK = "double_wink"


PULSES_HZ = {LampPattern.SLOW_PULSE: 0.25, LampPattern.PULSE: 0.8, LampPattern.FAST_PULSE: 2.0}
WINK_S, WINK_EVERY_S = 0.35, 2.4
"""Two winks of `WINK_S` each, then dark until the next pair."""

_DIMMEST = 0.15


@dataclass(frozen=True)
class LampState:
    """What the lamp shows: a colour and how it moves."""

    colour: Colour
    pattern: LampPattern


IDLE = LampState(DARK, LampPattern.OFF)
BELOW = LampState(BLUE, LampPattern.SLOW_PULSE)
IN_ZONE = LampState(GREEN, LampPattern.STEADY)
ABOVE = LampState(AMBER, LampPattern.PULSE)
STRAP_LOST = LampState(WHITE, LampPattern.DOUBLE_WINK)
STOP_NOW = LampState(AMBER, LampPattern.FAST_PULSE)
ASKS = LampState(WHITE, LampPattern.PULSE)
WAITS = LampState(WHITE, LampPattern.SLOW_PULSE)
FINISHED = LampState(GREEN, LampPattern.SLOW_PULSE)


TRIED_COLOURS, TRIED_EACH_S = (BLUE, GREEN, AMBER, WHITE), 1.5
"""The self-test goes through every colour that the lamp has for training."""


def lamp(view: DisplayState, t: float = 0.0) -> LampState:
    """Choose the light for what the machine shows now, at second `t` of any clock: the self-test changes with it."""
    match view.face:
        case ScreenId.SESSION:
            return IDLE if view.snapshot is None else _session(view.snapshot)
        case ScreenId.STRAP:
            return STRAP_LOST
        case (
            ScreenId.CONFIRM
            | ScreenId.PIN
            | ScreenId.GUEST_AGE
            | ScreenId.QUESTIONS
            | ScreenId.CHOOSE_STRAP
            | ScreenId.EXERTION
            | ScreenId.MOOD
            | ScreenId.GO_ON
        ):
            return ASKS
        case ScreenId.READY | ScreenId.MY_TRAINING:
            return WAITS
        case ScreenId.ENDED:
            return FINISHED
        case ScreenId.SELF_TEST_FAILED:
            # In a session without a coach the person walks on: the light stays calm.
            return WAITS if view.findings == ("coach_silent",) else STOP_NOW
        case ScreenId.SELF_TEST:
            if view.tried is not TriedPart.LAMP:
                return WAITS
            return LampState(TRIED_COLOURS[int(t / TRIED_EACH_S) % len(TRIED_COLOURS)], LampPattern.STEADY)
        case ScreenId.CHOOSE_PARTICIPANT | ScreenId.NOT_TODAY | ScreenId.MACHINE:
            return IDLE
        case _ as unknown:
            assert_never(unknown)


def brightness_at(state: LampState, t: float) -> float:
    """Brightness from 0 to 1 at second `t`; the same for every lamp that is asked at the same second."""
    match state.pattern:
        case LampPattern.OFF:
            return 0.0
        case LampPattern.STEADY:
            return 1.0
        case LampPattern.DOUBLE_WINK:
            within_s = t % WINK_EVERY_S
            return _wave(within_s / WINK_S) if within_s < 2 * WINK_S else 0.0
        case LampPattern.SLOW_PULSE | LampPattern.PULSE | LampPattern.FAST_PULSE:
            return _DIMMEST + (1 - _DIMMEST) * _wave(t * PULSES_HZ[state.pattern])
        case _ as unknown:
            assert_never(unknown)


def _session(now: Snapshot) -> LampState:
    if now.stage == "ended":
        return FINISHED
    if now.question is not None or any(notice.level is Level.STOP_NOW for notice in now.notices):
        return ASKS if now.question is not None else STOP_NOW
    if any(notice.code == "over_ceiling" for notice in notices_now(now)):
        return STOP_NOW
    if now.stage == "paused":
        return WAITS
    if now.mode == "exertion":
        return WAITS
    if now.signal in (Signal.LOST, Signal.STALE):
        return STRAP_LOST
    match now.position:
        case "below":
            return BELOW
        case "in":
            return IN_ZONE
        case "above":
            return ABOVE
        case "unknown":
            return WAITS
        case _ as unknown:
            assert_never(unknown)


def _wave(turns: float) -> float:
    """Rise from 0 to 1 and fall back once a turn, smoothly."""
    return 0.5 - 0.5 * math.cos(2 * math.pi * turns)
