"""What goes into the session engine: observations and commands, each stamped with seconds since the session began.

The JSON form (`{"type":"heart_rate","t":12.0,…}`) is the same on standard input, on the local socket and in the
journal.
"""

from enum import StrEnum
from typing import Literal

from msgspec import Struct


class CommandName(StrEnum):
    """What a person at the machine, or the therapist, may ask of a session."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    SKIP_WARM_UP = "skip_warm_up"
    EXTEND_RECOVERY = "extend_recovery"
    EASE = "ease"
    ADJUST = "adjust"


class Message(Struct, frozen=True, tag_field="type"):
    """`t`: seconds since the session began, never decreasing."""

    t: float


class HeartRate(Message, frozen=True, tag="heart_rate"):
    """One notification from the pulse strap.

    `bpm` as sent (0: the strap has no rate). `rr_ms`: intervals between beats in ms, oldest first. `contact`:
    True/False where the strap reports skin contact, None where it does not.
    """

    bpm: float
    rr_ms: tuple[float, ...] = ()
    contact: bool | None = None


class StrapChosen(Message, frozen=True, tag="strap_chosen"):
    """The participant confirmed which pulse strap is theirs (hazard H4). `key`: its serial, else its address."""

    key: str
    name: str


class SourceLost(Message, frozen=True, tag="source_lost"):
    """The strap is gone for a reason the adapter knows: `disconnected`, `no_adapter`, …."""

    reason: str


class TreadmillSpeed(Message, frozen=True, tag="treadmill"):
    """The belt's speed in km/h and incline in percent.

    `source`: the treadmill's own report, which is judged; one of a treadmill that a person has found right; or what
    the participant says. The last two are believed.
    """

    speed_kmh: float
    incline_percent: float = 0.0
    source: Literal["belt", "trusted_belt", "participant"] = "belt"


class Exertion(Message, frozen=True, tag="exertion"):
    """Perceived exertion, Borg 6–20, said by the participant."""

    borg: int


class Mood(Message, frozen=True, tag="mood"):
    """How the participant feels after the session, 1 (bad) to 5 (good)."""

    mood: int


class Time(Message, frozen=True, tag="time"):
    """Time has passed; nothing else happened."""


class SessionCommand(Message, frozen=True, tag="command"):
    """A command; `source` says who asked (`panel`, `therapist`, …).

    `seconds` goes with `extend_recovery`. `lowered_fraction` goes with `adjust`: how much lower all target zones lie
    than planned, as a fraction of HRmax, 0–0.10; 0 takes it back.
    """

    name: CommandName
    seconds: int | None = None
    source: str = "panel"
    lowered_fraction: float | None = None


class AllRightAnswer(Message, frozen=True, tag="answer"):
    """An answer to "are you all right?": any button means yes.

    `source`: who answers. `therapist`: a member of staff who is with the participant.
    """

    ok: bool = True
    source: str = "panel"


class Readiness(Message, frozen=True, tag="readiness"):
    """Answers to the plan's questions before the start: question key → True where the person said yes."""

    answers: dict[str, bool]


class Restored(Message, frozen=True, tag="restored"):
    """The engine was rebuilt from the journal after a restart; the session waits until the person goes on."""


AnyMessage = (
    HeartRate
    | SourceLost
    | StrapChosen
    | TreadmillSpeed
    | Exertion
    | Mood
    | Time
    | SessionCommand
    | AllRightAnswer
    | Readiness
    | Restored
)
