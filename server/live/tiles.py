"""What a browser is told of a machine: all that its tile shows, whole each time, in one small JSON object.

Times that end in `_s` and stand for an instant are seconds since 1970 by the server's clock; a browser learns the
difference to its own from `sent_s`.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sync.wire.messages import AdviceNow, Foretold, Live


class LiveTile(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The picture of `sync.wire.messages.Live`, without what only programs need."""

    face: str
    participant: str | None = None
    session_id: str | None = None
    saved: str = "no"
    stage: str | None = None
    phase: str | None = None
    interval: int = 0
    intervals: int = 0
    remaining_s: float | None = None
    length_s: int | None = None
    elapsed_s: float | None = None
    rate_bpm: float | None = None
    fraction: float | None = None
    low_bpm: float | None = None
    high_bpm: float | None = None
    position: str | None = None
    signal: str | None = None
    signal_age_s: float | None = None
    mode: str | None = None
    speed_kmh: float | None = None
    incline_percent: float | None = None
    advice: AdviceNow | None = None
    prediction: Foretold | None = None
    limits: tuple[str, ...] = ()
    question: str | None = None


class NoticeTold(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A notice on a tile. `holds`: still; else it `lasted_s`. `by` and `at_s`: who saw it when."""

    code: str
    level: str
    since_s: float
    session_id: str | None = None
    heard_s: float = 0.0
    holds: bool = True
    lasted_s: float | None = None
    to_acknowledge: bool = False
    by: str = ""
    at_s: float | None = None


class CommandTold(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A command and what became of it. `outcome` is empty until the machine has answered."""

    id: str
    name: str
    made_s: float
    by: str = ""
    outcome: str = ""
    code: str = ""
    reason: str = ""


def command_name(action: Mapping[str, Any]) -> str:
    """Return the name of a command for the words of a tile, of its action as it is sent and kept."""
    name = str(action.get("name", ""))
    if name == "adjust":
        return "lower" if action.get("extend_recovery_s") is None else "extend"
    return name


class FindingTold(Struct, frozen=True, omit_defaults=True):
    """Something that the machine reports of itself."""

    code: str
    since_s: float | None = None


class TileTrace(Struct, frozen=True):
    """The rate in whole bpm, a value a second from `start_s`, null where there was none.

    `bands`: from which second which zone.
    """

    start_s: int
    bpm: tuple[int | None, ...]
    bands: tuple[tuple[int, float | None, float | None], ...]


class Tile(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A machine. `heard_s`: when its picture was true; null: never heard. `link_s`: since when it is on- or offline."""

    machine: str
    online: bool = False
    link_s: float | None = None
    heard_s: float | None = None
    nickname: str = ""
    picture: str = ""
    now: LiveTile | None = None
    notices: tuple[NoticeTold, ...] = ()
    commands: tuple[CommandTold, ...] = ()
    findings: tuple[FindingTold, ...] = ()
    waiting: int = 0
    software: str = ""
    used_s: float | None = None
    trace: TileTrace | None = None


class Tiles(Struct, frozen=True, kw_only=True):
    """What the stream carries. `whole`: these are all, and each with its trace. `broker_up`: machines are heard.

    `broker_s`: since when that is so.
    """

    sent_s: float
    broker_up: bool
    broker_s: float
    whole: bool
    tiles: tuple[Tile, ...]


def now_of(live: Live) -> LiveTile:
    """Return what a browser needs of a live message."""
    return LiveTile(
        face=live.face,
        participant=live.participant,
        session_id=live.session_id,
        saved=live.saved,
        stage=live.stage,
        phase=live.phase,
        interval=live.interval,
        intervals=live.intervals,
        remaining_s=live.phase_remaining_s,
        length_s=live.phase_length_s,
        elapsed_s=live.session_elapsed_s,
        rate_bpm=live.rate_bpm,
        fraction=live.fraction,
        low_bpm=live.low_bpm,
        high_bpm=live.high_bpm,
        position=live.position,
        signal=live.signal,
        signal_age_s=live.signal_age_s,
        mode=live.mode,
        speed_kmh=live.speed_kmh,
        incline_percent=live.incline_percent,
        advice=live.advice,
        prediction=live.prediction,
        limits=live.limits,
        question=live.question,
    )
