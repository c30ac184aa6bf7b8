"""FIT files: heart rate by record, and beats (`hrv` messages) where the watch kept them.

Garmin's own decoder reads them. It knows no compressed timestamps; what it cannot read though the checksum is right is
read by fitdecode. A file may hold several activities one behind the other; each part has its own header and checksum.
"""

import io
from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

import fitdecode
from garmin_fit_sdk import Decoder, Profile, Stream
from msgspec import Struct

from firmware.recordings.beats import Beat, rates_from_beats
from firmware.recordings.errors import RecordingFileError
from firmware.recordings.sample import Remark, Sample, SampleRecording, Skipped

_HEADER_SIZES = (12, 14)
_CRC_SIZE = 2
_ON_A_BELT = ("treadmill",)
LONGEST_S = 24 * 3600
BACKWARDS_SORTED_S = 60
"""Watches write a record a second late, or a lap's record behind the next one; more is another fault."""
_MOST_OVER_A_DAY_FRACTION = 0.1
"""A recording of a little more than a day is read up to there; a file with more behind it is not one session."""
CLOCK_SET_S = 7 * 24 * 3600
"""Nobody trains for a week: a longer step is a clock that was set while the activity ran."""
UNSET_STAMP = 0x10000000
"""A smaller time stamp counts from power-on, not from 1989 (FIT SDK): the clock was not set yet."""
_HEART_RATE_FIELD = 3
_NEVER_WRITTEN = b"\xff\xff\xff\xff"
"""The data's size in a header that a program writes at the end of an activity, or never."""
_NO_RATE = 255
"""The invalid value of a byte (FIT SDK), which Garmin's decoder does not take out of an app's own field."""

_UNREADABLE = (fitdecode.FitError, AssertionError, ValueError, KeyError, IndexError, TypeError, OverflowError)

Message = tuple[int, dict[str, Any]]


def read_fit(name: str, content: bytes) -> SampleRecording:
    """Return the recording from the first record on. Raises RecordingError where the file cannot be used.

    Speed and grade are taken only where the file says that it was a treadmill.
    """
    remarks: list[Remark] = []
    skipped: Counter[str] = Counter()
    activity = _Activity(name, remarks, skipped)
    for part in _parts(name, content, remarks):
        activity.take(_messages(name, part))
    return activity.finished()


def _parts(name: str, content: bytes, remarks: list[Remark]) -> Iterator[bytes]:
    """Split chained files, each with a right checksum. Raises RecordingError with the true cause."""
    if not content:
        raise RecordingFileError(name, 0, "The file is empty. Take it from the watch again.")
    at = 0
    while at < len(content):
        part = content[at:]
        if len(part) < _HEADER_SIZES[0] or part[0] not in _HEADER_SIZES or part[8:12] != b".FIT":
            if at == 0:
                raise RecordingFileError(
                    name, 0, "This is no FIT file, although its name says so. Give a whole FIT or CSV file."
                )
            remarks.append(Remark(0, f"{len(part)} bytes behind the activity are not FIT and were left out."))
            return
        data_end = part[0] + int.from_bytes(part[4:8], "little")
        if data_end == part[0] or part[4:8] == _NEVER_WRITTEN:
            raise RecordingFileError(
                name, 0, "This FIT file was begun and never finished: its header does not say how much data follows."
            )
        if len(part) < data_end:
            if at:
                remarks.append(Remark(0, "A further activity in the file is cut short and was left out."))
                return
            expected = data_end + _CRC_SIZE
            raise RecordingFileError(
                name, 0, f"The FIT file is cut short: {len(part)} of {expected} bytes. Take it from the watch again."
            )
        data, crc = part[:data_end], part[data_end : data_end + _CRC_SIZE]
        right = fitdecode.utils.compute_crc(data).to_bytes(_CRC_SIZE, "little")
        if crc != right and len(part) == data_end + _CRC_SIZE and (whole := _whole_messages(part, data_end)):
            # The header counts a checksum that was never written: messages go on where it should be.
            size = (len(whole) - part[0]).to_bytes(4, "little")
            data, crc = whole[:4] + size + whole[8:], b""
            right = fitdecode.utils.compute_crc(data).to_bytes(_CRC_SIZE, "little")
        if len(crc) < _CRC_SIZE:
            remarks.append(Remark(0, "The checksum at the end is missing; all data before it is there and was read."))
        elif crc != right:
            raise RecordingFileError(
                name,
                0,
                "The FIT file is damaged: it does not fit its checksum, so bytes changed or its end was never written. "
                "Take it from the watch again.",
            )
        yield data + right
        at += data_end + _CRC_SIZE


def _whole_messages(part: bytes, data_end: int) -> bytes:
    """Return a part up to its last whole message, where a message crosses `data_end`; else nothing."""
    sizes: dict[int, int] = {}
    at = before = part[0]
    try:
        while at < data_end:
            before, head = at, part[at]
            if head & 0x80:
                at += 1 + sizes[head >> 5 & 3]
            elif head & 0x40:
                own = part[at + 6 : at + 6 + 3 * part[at + 5]]
                at += 6 + len(own)
                size = sum(own[1::3])
                if head & 0x20:
                    apps = part[at + 1 : at + 1 + 3 * part[at]]
                    at += 1 + len(apps)
                    size += sum(apps[1::3])
                sizes[head & 15] = size
            else:
                at += 1 + sizes[head & 15]
    except (IndexError, KeyError):
        return b""
    if at == data_end:
        return b""
    return part if at == len(part) else part[:before]


def _messages(name: str, part: bytes) -> list[Message]:
    """Decode one part, its messages in the order of the file."""
    messages: list[Message] = []
    # Garmin's decoder wants a bytearray, and hands its own exceptions back instead of raising them.
    _, errors = Decoder(Stream.from_byte_array(bytearray(part))).read(
        convert_datetimes_to_dates=False, mesg_listener=lambda number, message: messages.append((number, message))
    )
    if not errors:
        return messages
    try:
        with fitdecode.FitReader(
            io.BytesIO(part), check_crc=fitdecode.CrcCheck.DISABLED, error_handling=fitdecode.ErrorHandling.IGNORE
        ) as frames:
            return [
                (frame.global_mesg_num, _plain(frame))
                for frame in frames
                if isinstance(frame, fitdecode.FitDataMessage)
            ]
    except _UNREADABLE as error:
        raise RecordingFileError(
            name, 0, f"The FIT file's content breaks the format ({error}). It was not used."
        ) from error


def _plain(frame: Any) -> dict[str, Any]:  # noqa: ANN401 - fitdecode has no types
    """Return a message of fitdecode in the form of Garmin's decoder: own fields by name, stamps as numbers."""
    plain: dict[str, Any] = {}
    for field in frame.fields:
        dates = field.name.endswith("timestamp") or field.name == "start_time"
        value = field.raw_value if dates else field.value
        if value is None or (field.field_type == "devfield" and field.name in plain):
            continue
        if field.field_type == "devfield":
            if field.field.native_field_num == _HEART_RATE_FIELD and frame.name == "record":
                plain.setdefault("heart_rate", value)
        else:
            plain[field.name] = list(value) if isinstance(value, tuple) else value
    return plain


class _Record(Struct):
    """A `record` message with the beats that follow it."""

    stamp: int
    fields: dict[str, Any]
    beats_ms: list[float]


class _Activity:
    """What the decoder hands out, part by part."""

    def __init__(self, name: str, remarks: list[Remark], skipped: Counter[str]) -> None:
        self._name = name
        self._remarks = remarks
        self._skipped = skipped
        self._records: list[_Record] = []
        self._intervals_ms: list[float] = []
        self._lap_starts: list[int] = []
        self._sessions: list[dict[str, Any]] = []
        self._timer: list[tuple[int, bool]] = []
        self._rate_key: int | None = None

    def take(self, messages: list[Message]) -> None:
        """Take one part's messages."""
        number = Profile["mesg_num"]
        mine: list[_Record] = []
        for kind, fields in messages:
            if kind == number["RECORD"]:
                stamp = fields.get("timestamp")
                if isinstance(stamp, int):
                    mine.append(_Record(stamp, fields, []))
                else:
                    self._skipped["records without a time"] += 1
            elif kind == number["HRV"]:
                times = fields.get("time")
                beats = [float(t) * 1000 for t in (times if isinstance(times, list) else [times]) if t]
                self._intervals_ms += beats
                if mine:
                    mine[-1].beats_ms += beats
            elif kind == number["LAP"] and isinstance(fields.get("start_time"), int):
                self._lap_starts.append(fields["start_time"])
            elif kind in (number["SESSION"], number["SPORT"]):
                self._sessions.append(fields)
            elif (
                kind == number["EVENT"] and fields.get("event") == "timer" and isinstance(fields.get("timestamp"), int)
            ):
                self._timer.append((fields["timestamp"], fields.get("event_type") == "start"))
            elif (
                kind == number["FIELD_DESCRIPTION"]
                and fields.get("native_field_num") == _HEART_RATE_FIELD
                and fields.get("native_mesg_num") in ("record", number["RECORD"])
            ):
                self._rate_key = fields.get("key")
        if self._records and mine:
            after_s = mine[0].stamp - self._records[-1].stamp
            if not 0 <= after_s <= LONGEST_S:
                self._skipped["records of a further activity, not after the first on its day"] += len(mine)
                return
        self._records += mine

    def finished(self) -> SampleRecording:
        """Return the recording. Raises RecordingError where its time cannot be understood."""
        times = self._times()
        belts = self._belts()
        samples: list[Sample] = []
        unrated: list[float] = []
        for t, record in zip(times, self._records, strict=True):
            if t > LONGEST_S:
                self._skipped["records over a day after the first"] += 1
                continue
            rate = self._rate(record.fields)
            belt = any(start <= record.stamp <= end for start, end in belts)
            speed = record.fields.get("enhanced_speed", record.fields.get("speed")) if belt else None
            grade = record.fields.get("grade") if belt else None
            if rate is None:
                unrated.append(t)
            if rate is None and speed is None:
                continue
            samples.append(
                Sample(
                    t,
                    rate,
                    tuple(record.beats_ms),
                    None if speed is None else round(float(speed) * 3.6, 2),
                    None if grade is None else float(grade),
                )
            )
        samples.sort(key=lambda sample: sample.t_s)
        beats = not any(sample.bpm is not None for sample in samples) and bool(self._intervals_ms)
        self._note_pauses()
        return SampleRecording(
            name=self._name,
            samples=tuple(rates_from_beats(_beats(self._intervals_ms))) if beats else tuple(samples),
            remarks=tuple(self._remarks),
            rates_from="beats" if beats else "rates",
            begins_s=0.0 if beats else self._first_lap_s(),
            unrated_s=() if beats else tuple(sorted(unrated)),
            skipped=tuple(Skipped(reason, count) for reason, count in self._skipped.items()),
        )

    def _rate(self, fields: dict[str, Any]) -> float | None:
        rate = fields.get("heart_rate")
        if rate is None and self._rate_key is not None:
            # A watch's app writes the strap's rate as a field of its own that stands for FIT's.
            rate = cast("dict[int, Any]", fields.get("developer_fields", {})).get(self._rate_key)
            rate = None if rate == _NO_RATE else rate
        return float(rate) if isinstance(rate, int | float) else None

    def _times(self) -> list[float]:
        """Return each record's seconds since the first one; a clock that was set meanwhile moves nothing."""
        times: list[float] = []
        offset = before = 0
        late = 0
        for number, record in enumerate(self._records, 1):
            stamp = record.stamp
            if not times:
                offset, before = -stamp, stamp
            step = stamp - before
            if abs(step) > CLOCK_SET_S or (before < UNSET_STAMP <= stamp):
                self._remarks.append(
                    Remark(0, f"The watch's clock was set at record {number}; the time was counted on from there.")
                )
                offset -= step - 1
            elif step < -BACKWARDS_SORTED_S:
                raise RecordingFileError(
                    self._name,
                    0,
                    f"Time runs backwards at record {number}, by {-step} s. Export the activity anew, without edits.",
                )
            elif step < 0:
                late += 1
            t = float(stamp + offset)
            over = len(self._records) - number + 1
            if t > LONGEST_S and over > _MOST_OVER_A_DAY_FRACTION * len(self._records):
                raise RecordingFileError(
                    self._name, 0, f"Record {number} is over a day after the first. Is this one session?"
                )
            before = stamp
            times.append(max(t, 0.0))
        if late:
            self._remarks.append(Remark(0, f"{late} records were a moment out of order and were sorted by their time."))
        return times

    def _belts(self) -> list[tuple[int, int]]:
        """When the activity was on a treadmill: the whole, or its own stretch of a multi-sport file."""
        first, last = (self._records[0].stamp, self._records[-1].stamp) if self._records else (0, 0)
        belts: list[tuple[int, int]] = []
        for session in self._sessions:
            if session.get("sub_sport") not in _ON_A_BELT:
                continue
            start, length = session.get("start_time"), session.get("total_elapsed_time")
            if isinstance(start, int) and isinstance(length, int | float):
                belts.append((start, int(start + length)))
            else:
                belts.append((min(first, last), max(first, last)))
        return belts

    def _first_lap_s(self) -> float:
        if not (self._lap_starts and self._records):
            return 0.0
        first, last, lap = self._records[0].stamp, self._records[-1].stamp, min(self._lap_starts)
        return float(lap - first) if first <= lap <= last else 0.0

    def _note_pauses(self) -> None:
        """Remark on the stretches in which the watch itself stood still."""
        pauses = [
            after - before
            for (before, was_running), (after, runs) in zip(self._timer, self._timer[1:], strict=False)
            if not was_running and runs and 0 < after - before <= LONGEST_S
        ]
        if pauses:
            self._remarks.append(Remark(0, f"The watch was paused {len(pauses)} times, {sum(pauses)} s in all."))


def _beats(intervals_ms: list[float]) -> list[Beat]:
    t = 0.0
    beats = []
    for interval in intervals_ms:
        t += interval / 1000
        beats.append(Beat(t, interval))
    return beats
