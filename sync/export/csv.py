"""A session as CSV: one row a second, readable again as a recording, `t_s,hr_bpm` first. Columns: docs/diary.md."""

import csv
import io
from collections.abc import Iterator

from sync.export.timeline import TimelineSecond, Track, seconds_of

COLUMNS = (
    "t_s",
    "hr_bpm",
    "signal",
    "phase",
    "interval",
    "zone_low_bpm",
    "zone_high_bpm",
    "speed_kmh",
    "incline_percent",
    "advice",
    "paused",
)


def csv_of(track: Track) -> bytes:
    """Write a session as UTF-8 CSV with a line of column names; an empty field is a value that was not known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_written(value) for value in row] for row in values_of(track))
    return text.getvalue().encode()


def values_of(track: Track) -> Iterator[tuple[float | str | None, ...]]:
    """Yield the values of each second, in the order of COLUMNS; None where a value was not known."""
    return (_row(second) for second in seconds_of(track))


def _row(second: TimelineSecond) -> tuple[float | str | None, ...]:
    phase = second.phase
    return (
        second.t_s,
        second.hr_bpm,
        second.signal.value,
        None if phase is None else phase.kind.value,
        None if phase is None or phase.interval == 0 else phase.interval,
        None if phase is None else phase.low_bpm,
        None if phase is None else phase.high_bpm,
        second.speed_kmh,
        second.incline_percent,
        second.advice.value,
        int(second.paused),
    )


def _written(value: float | str | None) -> str:
    """Write a number without a needless fraction, with at most two decimals; an unknown value is an empty field."""
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return "" if value is None else str(value)
