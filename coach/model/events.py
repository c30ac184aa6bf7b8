"""What happened in a session, in the past tense and at the time it was due. The journal keeps these for the diary."""

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from coach.model.protocol import PhaseKind


class Signal(StrEnum):
    """The one state of the heart-rate source that every consumer uses (hazard H3)."""

    LIVE = "live"
    WEAK = "weak"
    STALE = "stale"
    LOST = "lost"
    IMPLAUSIBLE = "implausible"


class Level(StrEnum):
    """The three levels of notice (safety.md): never an alarm."""

    INFORMATION = "information"
    ATTENTION = "attention"
    STOP_NOW = "stop_now"


class Direction(StrEnum):
    """Which way an advice points."""

    FASTER = "faster"
    HOLD = "hold"
    SLOWER = "slower"
    NONE = "none"


class Advice(Struct, frozen=True):
    """What the participant is asked to do with the treadmill now, and why.

    `speed_change_kmh` is against the setting now; `speed_kmh` and `incline_percent` are the setting asked for. Null
    where nothing is asked or nothing is known. `reason` is a key of the phrase catalogue (`phase_start`,
    `below_zone`, …).
    """

    direction: Direction = Direction.NONE
    speed_change_kmh: float | None = None
    speed_kmh: float | None = None
    incline_percent: float | None = None
    reason: str = "none"


class Limit(Struct, frozen=True):
    """A limit in force: `ceiling`, `no_faster` or `cool_down_only`, its value if it has one, and all its reasons."""

    name: str
    reasons: tuple[str, ...]
    value_bpm: float | None = None


class HrMaxFinding(Struct, frozen=True):
    """The plan's HRmax is probably wrong: what the evidence says instead, for the therapist to judge.

    `code`: `hr_max_seems_lower` (the zone has been moved down to `suggested_bpm`) or `hr_max_seems_higher` (nothing is
    moved: only a therapist raises a limit). `low_bpm`/`high_bpm`: an 80 % range. `source`: `exertion` (Borg against
    rate) or `rate_seen` (a live rate above the plan's HRmax). `evidence`: (rate in bpm, Borg) pairs.
    """

    code: Literal["hr_max_seems_lower", "hr_max_seems_higher"]
    suggested_bpm: float
    low_bpm: float
    high_bpm: float
    source: Literal["exertion", "rate_seen"]
    evidence: tuple[tuple[float, int], ...] = ()


class Event(Struct, frozen=True, tag_field="type"):
    """`t`: the second at which it was due, since the session began."""

    t: float


class ReadinessAnswered(Event, frozen=True, tag="readiness_answered"):
    """The questions before the start were answered; `yes` holds those that were answered with yes."""

    yes: tuple[str, ...]


class StrapBound(Event, frozen=True, tag="strap_bound"):
    """The participant confirmed this strap: `key` its serial, else its address; `name` as it calls itself (H4)."""

    key: str
    name: str


class SessionStarted(Event, frozen=True, tag="session_started"):
    """The participant pressed start; the warm-up begins."""


class PhaseStarted(Event, frozen=True, tag="phase_started"):
    """A phase began; `index` counts all phases that ran, from 0."""

    index: int
    kind: PhaseKind
    interval: int
    length_s: int


class PhaseEnded(Event, frozen=True, tag="phase_ended"):
    """A phase ended after `elapsed_s` seconds of training time, because of `reason`."""

    index: int
    kind: PhaseKind
    interval: int
    elapsed_s: float
    reason: Literal["done", "skipped", "over_ceiling", "signal_lost", "eased", "stopped"]


class RecoveryExtended(Event, frozen=True, tag="recovery_extended"):
    """The active recovery was made longer."""

    seconds: int


class TargetAdjusted(Event, frozen=True, tag="target_adjusted"):
    """All target zones now lie this fraction of HRmax lower than planned (0: as planned), because `source` asked."""

    lowered_fraction: float
    source: str


class SessionPaused(Event, frozen=True, tag="session_paused"):
    """The clock of the session stands still: `asked`, or `restart` after the machine came back."""

    reason: Literal["asked", "restart"]


class SessionResumed(Event, frozen=True, tag="session_resumed"):
    """The participant went on."""

    paused_s: float


class SignalChanged(Event, frozen=True, tag="signal_changed"):
    """The heart-rate source changed state."""

    signal: Signal
    was: Signal
    reason: str


class AdviceGiven(Event, frozen=True, tag="advice_given"):
    """An advice was shown and spoken."""

    advice: Advice


class LimitsChanged(Event, frozen=True, tag="limits_changed"):
    """The limits in force are now these."""

    limits: tuple[Limit, ...]


class NoticeRaised(Event, frozen=True, tag="notice_raised"):
    """Something that the participant, and perhaps the therapist, should see. Never a rescue alarm.

    `finding`: for the therapist, what a notice about HRmax rests on. `detail`: where a part of the software failed.
    """

    code: str
    level: Level
    to_therapist: bool = False
    finding: HrMaxFinding | None = None
    detail: str = ""


class NoticeCleared(Event, frozen=True, tag="notice_cleared"):
    """The notice no longer holds."""

    code: str


class QuestionAsked(Event, frozen=True, tag="question_asked"):
    """«Are you all right?», because of `reason` (`phase_end`, `long_work`, `odd_fall`)."""

    reason: str


class QuestionAnswered(Event, frozen=True, tag="question_answered"):
    """An answer came after `after_s` seconds.

    `by`: the participant, the treadmill's belt that was set to another speed, or a therapist who is there.
    """

    ok: bool
    after_s: float
    by: Literal["participant", "treadmill", "therapist"] = "participant"


SPEED_DOUBTED = "speed_doubted"
"""Code of the notice that the treadmill's own speed is not believed: from there on its speed is not known."""


class TreadmillChanged(Event, frozen=True, tag="treadmill_changed"):
    """The treadmill's setting is now this."""

    speed_kmh: float
    incline_percent: float


class ExertionReported(Event, frozen=True, tag="exertion_reported"):
    """Perceived exertion for an interval (0: for the session)."""

    borg: int
    interval: int


class MoodReported(Event, frozen=True, tag="mood_reported"):
    """The mood after the session, 1–5."""

    mood: int


class Predicted(Event, frozen=True, tag="predicted"):
    """Where guidance expects the rate, from now on: third-minute mean and interval end in bpm, with an 80 % interval.

    All null: nothing is foretold any more. The engine does not make these; whoever keeps its journal notes now and then
    what the snapshot foretold, so that it can be judged afterwards.
    """

    third_minute_bpm: float | None = None
    end_bpm: float | None = None
    end_low_bpm: float | None = None
    end_high_bpm: float | None = None


class SessionEnded(Event, frozen=True, tag="session_ended"):
    """The session is over. `completed`: all work (intervals, where it has any) ran its whole length.

    `no_answer`: it ran out while nobody answered the call.
    """

    reason: Literal["done", "stopped", "pause_limit", "no_answer"]
    completed: bool


AnyEvent = (
    ReadinessAnswered
    | StrapBound
    | SessionStarted
    | PhaseStarted
    | PhaseEnded
    | RecoveryExtended
    | TargetAdjusted
    | SessionPaused
    | SessionResumed
    | SignalChanged
    | AdviceGiven
    | LimitsChanged
    | NoticeRaised
    | NoticeCleared
    | QuestionAsked
    | QuestionAnswered
    | TreadmillChanged
    | ExertionReported
    | MoodReported
    | Predicted
    | SessionEnded
)
