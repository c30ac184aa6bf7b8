"""CSV recordings: by the second, or beat by beat, as spreadsheets, watches and phones of many lands write them.

Accepted: quoted headings and cells with commas or line breaks, lines before the heading, `sep=;`, `#` comments, decimal
commas, UTF-8, UTF-16 and Windows-1252, «no value» as NaN or --, times in seconds or milliseconds, of day, or with a
date. What cannot be understood is refused with its line: a cell that is no number, a negative rate, time that runs
backwards by more than a beat, a line cut short.

Columns: `t_s,hr_bpm` and, where there are any, `rr_ms` (several with spaces between), `speed_kmh` and `incline_percent`
of a treadmill; or beats: `t_rx_s,rr_ms` (time of arrival) or `t_cum_s,rr_ms` (time of the beat). A column `speed_mps`
is ignored: it is a bicycle's or a satellite's, and says nothing of a belt.
"""

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from firmware.recordings.beats import Beat, rates_from_beats
from firmware.recordings.errors import RecordingFileError
from firmware.recordings.sample import Remark, Sample, SampleRecording, Skipped, require_rates

LONGEST_S = 24 * 3600.0
LOWEST_BPM, HIGHEST_BPM = 25.0, 250.0
HIGHEST_SENT_BPM = 65535.0
RATES_OUT_OF_ORDER_S, BEATS_OUT_OF_ORDER_S = 0.9, 1.5
"""Published beat-by-beat series have neighbours in the wrong order by up to 0.83 s, and beats dated back from their
arrival by up to 1.24 s; more is a clock that ran backwards.
"""
LOWEST_RR_MS, HIGHEST_RR_MS = 200.0, 2400.0
FASTEST_KMH, STEEPEST_PERCENT = 30.0, 40.0
LINES_BEFORE_HEADING = 20
MILLISECONDS_FROM = 1e11
"""Seconds since 1970 reach this in the year 5138: a larger number counts milliseconds."""
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)
_SPACED_OFFSET = re.compile(r"\s+([+-][0-9]{2}:?[0-9]{2})$", re.ASCII)
_CLOCK = re.compile(
    r"([0-9]{1,3}):([0-5][0-9]):([0-5][0-9](?:\.[0-9]+)?)(?:\s*([ap])\.?m\.?)?", re.ASCII | re.IGNORECASE
)
_RATE_WITH_UNIT = re.compile(r"(.*[0-9])\s*(?:bpm|/min|slag/min)", re.IGNORECASE)
_DATED = ("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S.%f", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p")
_NO_VALUE = frozenset({"nan", "--", "-", "–", "—", "n/a", "na", "null", "none", "#n/a"})
_BEAT_TIMES = ("t_rx_s", "t_cum_s")
_SECONDS = ("t_s", "time_s", "timestamp_s", "elapsed_s", "seconds", "secs", "tid_s", "sekunder")
_MILLISECONDS = ("t_ms", "time_ms", "timestamp_ms", "elapsed_ms", "tid_ms")
_MINUTES = ("minutes", "min", "time_min", "elapsed_min", "minutter", "tid_min")
_TIMES = (*_SECONDS, *_MILLISECONDS, *_MINUTES)
_CLOCKS = (
    *("timestamp", "datetime", "date_time", "time", "tid", "klokkeslett", "zeit"),
    *("startdate", "start_date", "start_time", "phone_timestamp"),
)
_RATES = (
    *(
        "hr_bpm",
        "heart_rate_bpm",
        "heart_rate",
        "heartrate_bpm",
        "heartrate",
        "hr",
        "bpm",
        "hrate",
        "pulse",
        "pulse_bpm",
    ),
    *("puls", "puls_bpm", "puls_slag_min", "hjertefrekvens", "herzfrequenz"),
)
_MEASURED, _UNIT, _RATE_UNITS = "value", "unit", ("count/min", "bpm", "beats/min", "/min")
"""A telephone's export has a row for each measurement of any kind, with its unit in a column."""
WANTED = "The first line must name the columns: t_s,hr_bpm (or t_rx_s,rr_ms or t_cum_s,rr_ms for beats)."


def read_csv(name: str, content: bytes) -> SampleRecording:
    """Read a CSV recording from its bytes. Raises RecordingError where it cannot be used."""
    text, forced = _announced(_text(name, content))
    table = _table(name, text, forced)
    for line, cells in _rows(name, text, table.separator):
        if line > table.line and any(cell.strip() for cell in cells):
            table.take(line, cells)
    return table.finished()


def _text(name: str, content: bytes) -> str:
    """Decode UTF-8 or UTF-16; else Windows-1252, since only further columns may hold letters beyond ASCII."""
    begin = content[:200]
    wide = None
    if begin[:2] in (b"\xff\xfe", b"\xfe\xff"):
        wide = "utf-16"
    elif len(begin) >= 4 and not any(begin[1::2]) and all(begin[0::2]):  # noqa: PLR2004 - two characters
        wide = "utf-16-le"
    elif len(begin) >= 4 and not any(begin[0::2]) and all(begin[1::2]):  # noqa: PLR2004 - as above
        wide = "utf-16-be"
    if wide is not None:
        try:
            return content.decode(wide)
        except UnicodeDecodeError as error:
            raise RecordingFileError(name, 0, f"The file is not text ({error.reason}). {WANTED}") from error
    rubbish = re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]", content)
    if rubbish:
        line = content.count(b"\n", 0, rubbish.start()) + 1
        raise RecordingFileError(
            name, line, "This is not text but binary content. Give a CSV file or a whole FIT file."
        )
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _announced(text: str) -> tuple[str, str | None]:
    """Return the text, its line `sep=;` blanked out, and the separator that such a line announces."""
    first, newline, rest = text.partition("\n")
    told = re.fullmatch(r'"?sep=([;,\t|])"?', first.strip("\ufeff \r"), re.IGNORECASE)
    return (newline + rest, told[1]) if told else (text, None)


def _rows(name: str, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line on which it begins; comments and empty lines are empty records."""
    reader = csv.reader(_without_comments(text), delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise RecordingFileError(
                name, line, f"The line cannot be split into cells ({error}). Mend or remove it."
            ) from error
        yield line, cells


def _without_comments(text: str) -> Iterator[str]:
    quoted = False
    for line in io.StringIO(text, newline=None):
        if not quoted and line.lstrip().startswith("#"):
            yield "\n"
            continue
        quoted ^= line.count('"') % 2 == 1
        yield line


def _table(name: str, text: str, forced: str | None) -> "_Table":
    """Find the heading and the separator. Raises RecordingError where no line names a time and a rate."""
    first: tuple[int, str] | None = None
    for separator in (forced,) if forced else (";", "\t", ","):
        for seen, (line, cells) in enumerate(_heading_rows(name, text, separator)):
            if seen == LINES_BEFORE_HEADING:
                break
            first = first or (line, separator.join(cells).strip()[:60])
            names = [_column(cell) for cell in cells]
            if _time_and_rate(names) is not None:
                return _Table(name, line, names, separator)
    if first is None:
        raise RecordingFileError(name, 0, f"The file is empty. {WANTED}")
    raise RecordingFileError(name, first[0], f"«{first[1]}» names no time and heart rate. {WANTED}")


def _column(heading: str) -> str:
    """Return a heading in the form of our own; of a name with dots (`record.heart_rate[bpm]`) its last part."""
    last = re.sub(r"^(?:[a-z_]+\.)+(?=[a-z])", "", heading.strip().lower())
    return re.sub(r"[^a-z0-9]+", "_", last).strip("_")


def _heading_rows(name: str, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    try:
        yield from (
            (line, cells) for line, cells in _rows(name, text, separator) if any(cell.strip() for cell in cells)
        )
    except RecordingFileError:
        # With another separator, or below the heading, the quotes may be right.
        return


def _time_and_rate(names: list[str]) -> tuple[str, str] | None:
    for times, rates in ((_BEAT_TIMES, ("rr_ms",)), (_TIMES, _RATES), (_CLOCKS, _RATES)):
        time = next((column for column in times if column in names), None)
        rate = next((column for column in rates if column in names), None)
        if time and rate:
            return time, rate
        if time and rates is _RATES and _MEASURED in names and _UNIT in names:
            return time, _MEASURED
    return None


class _Table:
    """A CSV file's rows on their way in."""

    def __init__(self, name: str, line: int, names: list[str], separator: str) -> None:
        self._name = name
        self.line = line
        self.separator = separator
        while names and not names[-1]:
            names = names[:-1]
        self._width = len(names)
        self._at = {column: at for at, column in reversed(list(enumerate(names)))}
        found = _time_and_rate(names)
        assert found is not None  # noqa: S101 - the caller looked
        self._time, self._rate = found
        self._beats = self._time in _BEAT_TIMES
        self._begun_t: float | None = None
        self._last_t = 0.0
        self._begins_s: float | None = None
        self._samples: list[Sample] = []
        self._unrated: list[float] = []
        self._beat_list: list[Beat] = []
        self._remarks: list[Remark] = []
        self._out_of_order: list[int] = []
        self._skipped: Counter[str] = Counter()

    def take(self, line: int, cells: list[str]) -> None:
        """Take one row."""
        self.line = line
        while len(cells) > self._width and not cells[-1].strip():
            cells = cells[:-1]
        if len(cells) < self._width:
            raise self._refusal(
                f"The line is cut short: it has {len(cells)} of {self._width} cells. Mend or remove the line."
            )
        if len(cells) > self._width:
            hint = " Decimal commas need semicolons between cells." if self.separator == "," else ""
            raise self._refusal(f"The line has {len(cells)} cells where the heading names {self._width}.{hint}")
        if self._rate == _MEASURED and self._cell(cells, _UNIT).lower() not in _RATE_UNITS:
            self._skipped["measurements of something else than the heart rate"] += 1
            return
        t = self._time_of(cells)
        if self._begins_s is None and self._cell(cells, "phase"):
            self._begins_s = t
        if self._beats:
            self._take_beat(t, cells)
        else:
            self._take_sample(t, cells)

    def finished(self) -> SampleRecording:
        """Return what came in. Raises RecordingError where that is nothing."""
        if self._out_of_order:
            lines = self._out_of_order
            self._remarks.insert(0, Remark(lines[0], f"Lines slightly out of order, {len(lines)} in all, were sorted."))
        samples = rates_from_beats(self._beat_list) if self._beats else self._samples
        return require_rates(
            SampleRecording(
                name=self._name,
                samples=tuple(sorted(samples, key=lambda sample: sample.t_s)),
                remarks=tuple(self._remarks),
                rates_from="beats" if self._beats else "rates",
                begins_s=0.0 if self._beats else self._begins_s or 0.0,
                unrated_s=() if self._beats else tuple(sorted(self._unrated)),
                skipped=tuple(Skipped(reason, count) for reason, count in self._skipped.items()),
            )
        )

    def _refusal(self, reason: str) -> RecordingFileError:
        return RecordingFileError(self._name, self.line, reason)

    def _cell(self, cells: list[str], column: str) -> str:
        at = self._at.get(column)
        return "" if at is None else cells[at].strip()

    def _value(self, cells: list[str], column: str) -> str:
        """Return a cell, empty where it says that there is no value; such cells are counted."""
        written = self._cell(cells, column)
        if written.lower() in _NO_VALUE:
            self._skipped[f"cells in the column {column} that hold no value (NaN, --)"] += 1
            return ""
        return written

    def _number(self, written: str, column: str) -> float:
        plain = written.replace(",", ".")
        number = float(plain) if _NUMBER.fullmatch(plain) else math.nan
        if not math.isfinite(number):
            raise self._refusal(f"«{written[:40]}» in the column {column} is not a number. Mend or empty the cell.")
        return number

    def _time_of(self, cells: list[str]) -> float:
        written = self._cell(cells, self._time)
        if not written or written.lower() in _NO_VALUE:
            raise self._refusal(f"The line has no time in the column {self._time}. Mend or remove the line.")
        clock = _clock_s(written)
        t = self._number(written, self._time) if clock is None else clock
        if t < 0 and clock is None:
            raise self._refusal(f"The time is negative ({t:g} s). Let the recording begin at 0.")
        if clock is None and (self._time in _MILLISECONDS or t > MILLISECONDS_FROM):
            t /= 1000
        elif clock is None and self._time in _MINUTES:
            t = round(t * 60, 3)
        if self._begun_t is None:
            # A time of day, or seconds since 1970, becomes seconds since the recording's beginning.
            self._begun_t = math.floor(t) if t > LONGEST_S or clock is not None else 0.0
        t -= self._begun_t
        if _CLOCK.fullmatch(written.replace(",", ".")) and t < self._last_t - LONGEST_S / 2:
            # Past midnight.
            self._begun_t -= LONGEST_S
            t += LONGEST_S
        back_s = self._last_t - t
        if back_s > (BEATS_OUT_OF_ORDER_S if self._beats else RATES_OUT_OF_ORDER_S):
            raise self._refusal(
                f"Time runs backwards, from {self._last_t:g} to {t:g} s. Sort the lines by time, or cut the file here."
            )
        if back_s > 0:
            self._out_of_order.append(self.line)
        if t > LONGEST_S:
            raise self._refusal(f"The time {t:g} s is more than a day. Are these seconds, and one session?")
        self._last_t = max(t, self._last_t)
        # The order in which beats came is the order in which the heart beat, whatever the clock says.
        return self._last_t if self._beats else max(t, 0.0)

    def _take_beat(self, t: float, cells: list[str]) -> None:
        written = self._value(cells, "rr_ms")
        if written:
            self._beat_list.append(Beat(t, self._interval(written)))

    def _interval(self, written: str) -> float:
        rr = self._number(written, "rr_ms")
        if rr <= 0:
            raise self._refusal(f"An interval between beats of {rr:g} ms is impossible. Mend or empty the cell.")
        if not LOWEST_RR_MS <= rr <= HIGHEST_RR_MS:
            self._remarks.append(Remark(self.line, f"{rr:g} ms between two beats is no heart's interval."))
        return rr

    def _take_sample(self, t: float, cells: list[str]) -> None:
        written = self._value(cells, self._rate)
        written = _RATE_WITH_UNIT.sub(r"\1", written)
        bpm = self._number(written, self._rate) if written else None
        if bpm is not None and not 0 <= bpm <= HIGHEST_SENT_BPM:
            raise self._refusal(f"A heart rate of {bpm:g} bpm is impossible. Mend or empty the cell.")
        if bpm and not LOWEST_BPM <= bpm <= HIGHEST_BPM:
            self._remarks.append(Remark(self.line, f"{bpm:g} bpm is no heart's rate; it counts as implausible."))
        intervals = tuple(self._interval(one) for one in self._value(cells, "rr_ms").replace("|", " ").split())
        speed = self._within("speed_kmh", cells, 0.0, FASTEST_KMH)
        incline = self._within("incline_percent", cells, -STEEPEST_PERCENT, STEEPEST_PERCENT)
        if bpm is None:
            self._unrated.append(t)
        if bpm is not None or speed is not None:
            self._samples.append(Sample(t, bpm, intervals, speed, incline))

    def _within(self, column: str, cells: list[str], lowest: float, highest: float) -> float | None:
        written = self._value(cells, column)
        if not written:
            return None
        number = self._number(written, column)
        if not lowest <= number <= highest:
            raise self._refusal(f"{column} {number:g} is outside {lowest:g}–{highest:g}. Mend or empty the cell.")
        return number


def _clock_s(written: str) -> float | None:
    """Return a time of day, or a date with one, in seconds; None where it is neither."""
    if ":" not in written:
        return None
    plain = written.replace(",", ".")
    clock = _CLOCK.fullmatch(plain)
    if clock:
        hours = int(clock[1])
        if clock[4]:
            hours = hours % 12 + (12 if clock[4].lower() == "p" else 0)
        return hours * 3600 + int(clock[2]) * 60 + float(clock[3])
    try:
        at = datetime.fromisoformat(_SPACED_OFFSET.sub(r"\1", plain))
    except ValueError:
        at = None
    for form in _DATED if at is None else ():
        try:
            at = datetime.strptime(plain, form)  # noqa: DTZ007 - the zone is set below
            break
        except ValueError:
            continue
    if at is None:
        return None
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
