"""Everything a display needs at one moment. A display holds no state of its own: it draws what it is given."""

from typing import Literal

from msgspec import Struct

from coach.model.events import Advice, Level, Limit, Signal
from coach.model.protocol import PhaseKind
from coach.model.summary import Summary

Stage = Literal["questions", "ready", "running", "paused", "ended", "not_today"]
"""`questions` before it, `ready` to start; `not_today`: a readiness answer or the weekly cap closed the session."""

Position = Literal["below", "in", "above", "unknown"]

Trend = Literal["rising", "steady", "falling"]
"""Which way the measured rate moves over the last 20 s."""


class ZoneNow(Struct, frozen=True):
    """The target zone now in bpm, and as a Borg range where the protocol gives one."""

    low_bpm: float | None = None
    high_bpm: float | None = None
    low_borg: int | None = None
    high_borg: int | None = None


class Bout(Struct, frozen=True):
    """Within a phase of short work and rest: which bout, of how many, and the seconds left of this work or rest."""

    working: bool
    number: int
    total: int
    remaining_s: float


class NoticeNow(Struct, frozen=True):
    """A notice that holds now."""

    code: str
    level: Level
    since_s: float


class Prediction(Struct, frozen=True):
    """Where the rate is expected: third-minute mean and interval end in bpm, each with its 80 % interval."""

    third_minute_bpm: float | None
    end_bpm: float
    end_low_bpm: float
    end_high_bpm: float


class Snapshot(Struct, frozen=True, kw_only=True):
    """One moment of a session.

    `phase` is the kind of the phase, or `waiting` before and `ended` after. `bpm` is null unless the source is live
    or weak or implausible (shown, marked); `fraction` is bpm / HRmax. `session_elapsed_s` is training time without
    pauses. `cool_down_offered`: the session was stopped, and start would run a cool-down. `asks_speed_kmh`: whether the
    treadmill shows this speed is asked now: start is yes, up and down are no. `stop_can_be_taken_back`: resume would go
    on where it was. `advised_t`: the session second at which the advice was given.
    """

    t: float
    stage: Stage
    phase: str
    phase_index: int
    interval: int
    intervals: int
    phase_elapsed_s: float
    phase_remaining_s: float
    phase_length_s: int
    session_elapsed_s: float
    bpm: float | None
    fraction: float | None
    zone: ZoneNow
    position: Position
    signal: Signal
    signal_reason: str
    signal_age_s: float | None
    advice: Advice
    limits: tuple[Limit, ...]
    notices: tuple[NoticeNow, ...]
    mode: Literal["heart_rate", "exertion"]
    speed_kmh: float | None
    incline_percent: float | None
    trend: Trend = "steady"
    question: str | None = None
    asks_speed_kmh: float | None = None
    bout: Bout | None = None
    text: dict[str, str] = {}
    prediction: Prediction | None = None
    can_skip_warm_up: bool = False
    cool_down_offered: bool = False
    stop_can_be_taken_back: bool = False
    advised_t: float | None = None
    summary: Summary | None = None


class ProfilePhase(Struct, frozen=True):
    """One block of the session's profile, in seconds of training time; the zone in bpm where it has one."""

    kind: PhaseKind
    interval: int
    start_s: float
    end_s: float
    low_bpm: float | None
    high_bpm: float | None


class Profile(Struct, frozen=True):
    """The whole session along its time axis: phases run and to come, and the rate so far.

    `trace`: (training second, bpm) about every 5 s; bpm is null where the source was not live or weak.
    """

    phases: tuple[ProfilePhase, ...]
    trace: tuple[tuple[float, float | None], ...]
    hr_max_bpm: float | None
    ceiling_bpm: float | None
