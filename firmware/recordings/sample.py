"""Recordings in memory: samples in the order of time, what was odd about them, and what was left out."""

from typing import Literal

from msgspec import Struct

from firmware.recordings.errors import RecordingFileError


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


class Skipped(Struct, frozen=True):
    """Rows or points that could not be used: why, and how many."""

    reason: str
    count: int


class SampleRecording(Struct, frozen=True, kw_only=True):
    """A recording: its samples in the order of time, what was odd about it, and where its rates come from."""

    name: str
    samples: tuple[Sample, ...]
    remarks: tuple[Remark, ...] = ()
    rates_from: Literal["rates", "beats"] = "rates"
    begins_s: float = 0.0
    """When the session in it began, where the file says so: a diary's export begins with the strap, before the start.
    """
    unrated_s: tuple[float, ...] = ()
    """Moments that were recorded without a heart rate: the recorder ran, and the strap was silent."""
    skipped: tuple[Skipped, ...] = ()

    @property
    def end_s(self) -> float:
        """The time of the last sample."""
        return self.samples[-1].t_s


def require_rates(recording: SampleRecording) -> SampleRecording:
    """Return the recording unchanged. Raises RecordingError where it holds no heart rate."""
    if not any(sample.bpm is not None for sample in recording.samples):
        noted = [f"{one.count} × {one.reason} left out." for one in recording.skipped]
        noted += [one.text for one in recording.remarks]
        raise RecordingFileError(
            recording.name,
            0,
            "The recording holds no heart rate: nothing but empty cells, or a header alone."
            + "".join(f" {one}" for one in noted),
        )
    return recording
