"""Recordings of heart rate: CSV by the second, CSV of beats, and FIT. One way in: `read(path)`.

What cannot be understood is refused with file, line and reason, and nothing is guessed: a cell that is no number, a
negative rate, time running backwards by more than a beat, a line cut short. What is understood but no heart's rate
(outside 25–250 bpm) is handed on as it is, with a remark, since to judge a rate is the session engine's work. A
spreadsheet's habits are accepted: byte order mark, CR LF, semicolons, decimal commas, empty cells (no sample), further
columns.

Columns: `t_s,hr_bpm` and, where there are any, `rr_ms` (several with spaces between), `speed_kmh` and `incline_percent`
of a treadmill; or beats: `t_rx_s,rr_ms` (time of arrival) or `t_cum_s,rr_ms` (time of the beat). A column `speed_mps`
is ignored: it is a bicycle's or a satellite's, and says nothing of a belt.
"""

import csv
import math
import re
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from firmware.beats import Beat, rates_from_beats
from firmware.recording_error import RecordingError
from firmware.sample import Remark, Sample
from sync.missing_package import what_to_install

LARGEST_BYTES = 64 * 1024 * 1024
LONGEST_S = 24 * 3600.0
LOWEST_BPM, HIGHEST_BPM = 25.0, 250.0
HIGHEST_SENT_BPM = 65535.0
RATES_OUT_OF_ORDER_S, BEATS_OUT_OF_ORDER_S = 0.9, 1.5
"""Published beat-by-beat series have neighbours in the wrong order by up to 0.83 s, and beats dated back from their
arrival by up to 1.24 s; more is a clock that ran backwards.
"""
LOWEST_RR_MS, HIGHEST_RR_MS = 200.0, 2400.0
FASTEST_KMH, STEEPEST_PERCENT = 30.0, 40.0
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BEAT_TIMES = ("t_rx_s", "t_cum_s")
_WANTED = "The first line must name the columns: t_s,hr_bpm (or t_rx_s,rr_ms or t_cum_s,rr_ms for beats)."


class Recording(Struct, frozen=True, kw_only=True):
    """A recording: its samples in the order of time, what was odd about it, and where its rates come from."""

    name: str
    samples: tuple[Sample, ...]
    remarks: tuple[Remark, ...] = ()
    rates_from: Literal["rates", "beats"] = "rates"
    begins_s: float = 0.0
    """When the session in it began, where the file tells: a diary's export begins with the strap, before the start."""

    @property
    def end_s(self) -> float:
        """The time of the last sample."""
        return self.samples[-1].t_s


def read(path: Path) -> Recording:
    """Read a recording. Raises RecordingError, with file, line and reason, where it cannot be used."""
    content = _content(path)
    if content[8:12] == b".FIT" or path.suffix.lower() == ".fit":
        # Garmin's decoder comes with an extra, and only a FIT file needs it.
        try:
            from firmware.fit_recording import read_fit  # noqa: PLC0415
        except ImportError as error:
            raise RecordingError(path.name, 0, what_to_install(error, otherwise="diary")) from error
        samples, rates_from, begins_s = read_fit(path.name, content)
        return replace(_finished(path.name, list(samples), [], rates_from), begins_s=begins_s)
    return read_csv(path.name, content)


def read_csv(name: str, content: bytes) -> Recording:
    """Read a CSV recording from its bytes. Raises RecordingError where it cannot be used."""
    lines = _text(name, content).splitlines()
    heading = next((number for number, line in enumerate(lines) if line.strip()), None)
    if heading is None:
        raise RecordingError(name, 0, f"The file is empty. {_WANTED}")
    table = _Table(name, lines[heading], heading + 1)
    for number, line in enumerate(lines[heading + 1 :], heading + 2):
        if line.strip():
            table.take(number, line)
    return table.finished()


def _content(path: Path) -> bytes:
    name = path.name
    try:
        if not path.is_file():
            what = "is a folder or a device, not a file" if path.exists() else "does not exist"
            raise RecordingError(str(path), 0, f"The recording {what}. Check the path.")
        if path.stat().st_size > LARGEST_BYTES:
            megabytes = LARGEST_BYTES // 1024**2
            raise RecordingError(name, 0, f"The file is larger than {megabytes} MB, hardly one session. Cut it.")
        return path.read_bytes()
    except OSError as error:
        raise RecordingError(str(path), 0, f"The file cannot be read ({error.strerror}). Check its rights.") from error


def _text(name: str, content: bytes) -> str:
    """Decode UTF-8 or UTF-16 with a mark; else Latin-1, since only further columns may hold letters beyond ASCII."""
    if content[:2] in _UTF_16_MARKS:
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError as error:
            raise RecordingError(name, 0, f"The file is not text ({error.reason}). {_WANTED}") from error
    rubbish = re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]", content)
    if rubbish:
        line = content.count(b"\n", 0, rubbish.start()) + 1
        raise RecordingError(name, line, "This is not text but binary content. Give a CSV file or a whole FIT file.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


class _Table:
    """A CSV file on its way in, line by line."""

    def __init__(self, name: str, header: str, line: int) -> None:
        self._name = name
        self._line = line
        self._separator = next((mark for mark in (";", "\t") if mark in header), ",")
        names = [cell.strip().strip('"').lower() for cell in header.split(self._separator)]
        self._width = len(names)
        self._at = {column: at for at, column in reversed(list(enumerate(names)))}
        beat_time = next((column for column in _BEAT_TIMES if column in self._at), None)
        self._beats = beat_time is not None and "rr_ms" in self._at
        if not self._beats and not {"t_s", "hr_bpm"} <= self._at.keys():
            shown = header.strip()[:60]
            raise RecordingError(name, line, f"«{shown}» names no time and heart rate. {_WANTED}")
        self._time = beat_time if self._beats and beat_time else "t_s"
        self._first_t: float | None = None
        self._last_t = 0.0
        self._begins_s: float | None = None
        self._samples: list[Sample] = []
        self._beat_list: list[Beat] = []
        self._remarks: list[Remark] = []
        self._out_of_order: list[int] = []

    def take(self, number: int, line: str) -> None:
        """Take one line."""
        self._line = number
        try:
            cells = next(csv.reader([line], delimiter=self._separator, strict=True))
        except csv.Error as error:
            raise self._refusal(f"The line cannot be split into cells ({error}). Mend or remove it.") from error
        if len(cells) < self._width:
            raise self._refusal(
                f"The line is cut short: it has {len(cells)} of {self._width} cells. Mend or remove the line."
            )
        if len(cells) > self._width:
            hint = " Decimal commas need semicolons between cells." if self._separator == "," else ""
            raise self._refusal(f"The line has {len(cells)} cells where the first line names {self._width}.{hint}")
        t = self._time_of(cells)
        if self._begins_s is None and self._cell(cells, "phase"):
            self._begins_s = t
        if self._beats:
            self._take_beat(t, cells)
        else:
            self._take_sample(t, cells)

    def finished(self) -> Recording:
        """Return what came in. Raises RecordingError where that is nothing."""
        if self._out_of_order:
            lines = self._out_of_order
            self._remarks.insert(0, Remark(lines[0], f"Lines slightly out of order, {len(lines)} in all, were sorted."))
        if self._beats:
            samples = rates_from_beats(self._beat_list)
            return _finished(self._name, samples, self._remarks, "beats")
        samples = sorted(self._samples, key=lambda sample: sample.t_s)
        return replace(_finished(self._name, samples, self._remarks, "rates"), begins_s=self._begins_s or 0.0)

    def _refusal(self, reason: str) -> RecordingError:
        return RecordingError(self._name, self._line, reason)

    def _cell(self, cells: list[str], column: str) -> str:
        at = self._at.get(column)
        return "" if at is None else cells[at].strip()

    def _number(self, written: str, column: str) -> float:
        plain = written.replace(",", ".") if self._separator != "," else written
        number = float(plain) if _NUMBER.fullmatch(plain) else math.nan
        if not math.isfinite(number):
            raise self._refusal(f"«{written[:40]}» in the column {column} is not a number. Mend or empty the cell.")
        return number

    def _time_of(self, cells: list[str]) -> float:
        written = self._cell(cells, self._time)
        if not written:
            raise self._refusal(f"The line has no time in the column {self._time}. Mend or remove the line.")
        t = self._number(written, self._time)
        if t < 0:
            raise self._refusal(f"The time is negative ({t:g} s). Let the recording begin at 0.")
        if self._first_t is None:
            # Seconds since 1970 become seconds since the recording's beginning.
            self._first_t = math.floor(t) if t > LONGEST_S else 0.0
        t -= self._first_t
        back_s = self._last_t - t
        if back_s > (BEATS_OUT_OF_ORDER_S if self._beats else RATES_OUT_OF_ORDER_S):
            raise self._refusal(
                f"Time runs backwards, from {self._last_t:g} to {t:g} s. Sort the lines by time, or cut the file here."
            )
        if back_s > 0:
            self._out_of_order.append(self._line)
        if t > LONGEST_S:
            raise self._refusal(f"The time {t:g} s is more than a day. Are these seconds, and one session?")
        self._last_t = max(t, self._last_t)
        # The order in which beats came is the order in which the heart beat, whatever the clock says.
        return self._last_t if self._beats else t

    def _take_beat(self, t: float, cells: list[str]) -> None:
        written = self._cell(cells, "rr_ms")
        if written:
            self._beat_list.append(Beat(t, self._interval(written)))

    def _interval(self, written: str) -> float:
        rr = self._number(written, "rr_ms")
        if rr <= 0:
            raise self._refusal(f"An interval between beats of {rr:g} ms is impossible. Mend or empty the cell.")
        if not LOWEST_RR_MS <= rr <= HIGHEST_RR_MS:
            self._remarks.append(Remark(self._line, f"{rr:g} ms between two beats is no heart's interval."))
        return rr

    def _take_sample(self, t: float, cells: list[str]) -> None:
        written = self._cell(cells, "hr_bpm")
        bpm = self._number(written, "hr_bpm") if written else None
        if bpm is not None and not 0 <= bpm <= HIGHEST_SENT_BPM:
            raise self._refusal(f"A heart rate of {bpm:g} bpm is impossible. Mend or empty the cell.")
        if bpm and not LOWEST_BPM <= bpm <= HIGHEST_BPM:
            self._remarks.append(Remark(self._line, f"{bpm:g} bpm is no heart's rate; it counts as implausible."))
        intervals = tuple(self._interval(one) for one in self._cell(cells, "rr_ms").replace("|", " ").split())
        speed = self._within("speed_kmh", cells, 0.0, FASTEST_KMH)
        incline = self._within("incline_percent", cells, -STEEPEST_PERCENT, STEEPEST_PERCENT)
        if bpm is not None or speed is not None:
            self._samples.append(Sample(t, bpm, intervals, speed, incline))

    def _within(self, column: str, cells: list[str], lowest: float, highest: float) -> float | None:
        written = self._cell(cells, column)
        if not written:
            return None
        number = self._number(written, column)
        if not lowest <= number <= highest:
            raise self._refusal(f"{column} {number:g} is outside {lowest:g}–{highest:g}. Mend or empty the cell.")
        return number


def _finished(
    name: str, samples: list[Sample], remarks: list[Remark], rates_from: Literal["rates", "beats"]
) -> Recording:
    if not any(sample.bpm is not None for sample in samples):
        raise RecordingError(name, 0, "The recording holds no heart rate: nothing but empty cells, or a header alone.")
    return Recording(name=name, samples=tuple(samples), remarks=tuple(remarks), rates_from=rates_from)
