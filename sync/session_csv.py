"""A session as CSV: one row a second, readable again as a recording, `t_s,hr_bpm` first. Columns: docs/diary.md."""

import csv
import io

from sync.session_track import Second, Track, seconds_of

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
    writer.writerows(_row(second) for second in seconds_of(track))
    return text.getvalue().encode()


def _row(second: Second) -> tuple[str, ...]:
    phase = second.phase
    return (
        str(second.t_s),
        _number(second.hr_bpm),
        second.signal.value,
        "" if phase is None else phase.kind.value,
        "" if phase is None or phase.interval == 0 else str(phase.interval),
        _number(None if phase is None else phase.low_bpm),
        _number(None if phase is None else phase.high_bpm),
        _number(second.speed_kmh),
        _number(second.incline_percent),
        second.advice.value,
        "1" if second.paused else "0",
    )


def _number(value: float | None) -> str:
    """Write a number without a needless fraction, with at most two decimals."""
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")
