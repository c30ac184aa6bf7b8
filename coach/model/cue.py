"""A cue: something to be shown and heard at one moment. Its words live in the display's phrase catalogue, not here."""

from enum import StrEnum

from msgspec import Struct

from coach.model.events import Level


class CueName(StrEnum):
    """Every cue that the coach can give; the phrase catalogue has an entry for each, and a test says so.

    The names of phases say what begins, never how hard: only `speed_up` and `faster` urge, and the engine's gate
    guards them. The display gives `machine_silent` by itself, where the coach no longer answers in a session.
    """

    COUNTDOWN = "countdown"
    WARM_UP = "warm_up"
    INTERVAL = "interval"
    RECOVERY = "recovery"
    STEADY = "steady"
    MOTOR = "motor"
    COOL_DOWN = "cool_down"
    WORK = "work"
    REST = "rest"
    HALFWAY = "halfway"
    HALF_MINUTE_LEFT = "half_minute_left"
    SPEED_UP = "speed_up"
    SLOW_DOWN = "slow_down"
    FASTER = "faster"
    HOLD = "hold"
    SLOWER = "slower"
    BY_FEELING = "by_feeling"
    SIGNAL_LOST = "signal_lost"
    SIGNAL_BACK = "signal_back"
    OVER_CEILING = "over_ceiling"
    EASED = "eased"
    ARE_YOU_ALL_RIGHT = "are_you_all_right"
    CALL_FOR_HELP = "call_for_help"
    SAY_EXERTION = "say_exertion"
    PAUSED = "paused"
    RESUMED = "resumed"
    STOPPED = "stopped"
    UNANSWERED = "unanswered"
    DONE = "done"
    SELF_TEST = "self_test"
    THERAPIST_TEXT = "therapist_text"
    MACHINE_SILENT = "machine_silent"


URGING_CUES = frozenset({CueName.SPEED_UP, CueName.FASTER})
"""The cues that ask for more effort."""


class Cue(Struct, frozen=True):
    """A cue that is due at `t`.

    `number`: 3, 2, 1 of a countdown; the number of the interval, or of the one that a recovery follows; else 0.
    `speed_kmh`: the speed to set, where the cue asks for one; `incline_percent`: the incline, where it changes too.
    """

    t: float
    name: CueName
    level: Level = Level.INFORMATION
    number: int = 0
    speed_kmh: float | None = None
    incline_percent: float | None = None
