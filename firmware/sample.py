"""One moment of a recording."""

from msgspec import Struct


class Sample(Struct, frozen=True):
    """What was recorded at `t_s`.

    `bpm` None: no heart rate, only a treadmill's setting. `rr_ms`: intervals between the beats that were received since
    the sample before, oldest first. `speed_kmh` and `incline_percent`: a treadmill's, where one was recorded.
    """

    t_s: float
    bpm: float | None
    rr_ms: tuple[float, ...] = ()
    speed_kmh: float | None = None
    incline_percent: float | None = None


class Remark(Struct, frozen=True):
    """Something odd that was nevertheless handed on. `line` is 1-based; 0 where a file has no lines."""

    line: int
    text: str
