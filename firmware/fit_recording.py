"""FIT files, by Garmin's own decoder: heart rate by record, and beats (`hrv` messages) where the watch kept them."""

from typing import Any, Literal, cast

from garmin_fit_sdk import Decoder, Profile, Stream

from firmware.beats import Beat, rates_from_beats
from firmware.recording_error import RecordingError
from firmware.sample import Sample

_HEADER_SIZES = (12, 14)
_CRC_SIZE = 2
_ON_A_BELT = ("treadmill",)
LONGEST_S = 24 * 3600


def read_fit(name: str, content: bytes) -> tuple[tuple[Sample, ...], Literal["rates", "beats"], float]:
    """Return samples from the first record on, whether the rates were recorded or come from beats, and the first lap.

    The first lap's beginning is in seconds from the first record. Speed and grade are taken only where the file says
    that it was a treadmill. Raises RecordingError where the file cannot be used.
    """
    _check_whole(name, content)
    gathered = _Gathered()
    # Garmin's decoder wants a bytearray, and hands its own exceptions back instead of raising them.
    messages, errors = Decoder(Stream.from_byte_array(bytearray(content))).read(
        convert_datetimes_to_dates=False, mesg_listener=gathered.take
    )
    if errors:
        raise RecordingError(name, 0, f"The FIT file is damaged ({errors[0]}). Take it from the watch again.")
    sessions = messages.get("session_mesgs", []) + messages.get("sport_mesgs", [])
    belt = any(session.get("sub_sport") in _ON_A_BELT for session in sessions)
    samples = _samples(name, gathered, belt=belt)
    if not any(sample.bpm is not None for sample in samples) and gathered.intervals_ms:
        return tuple(rates_from_beats(_beats(gathered.intervals_ms))), "beats", 0.0
    return samples, "rates", _first_lap_s(cast("list[dict[str, Any]]", messages.get("lap_mesgs", [])), gathered.records)


def _check_whole(name: str, content: bytes) -> None:
    """Tell an empty, a foreign and a truncated file apart, which the decoder does not."""
    if not content:
        raise RecordingError(name, 0, "The file is empty. Take it from the watch again.")
    if len(content) < _HEADER_SIZES[0] or content[0] not in _HEADER_SIZES or content[8:12] != b".FIT":
        raise RecordingError(name, 0, "This is no FIT file, although its name says so. Give a whole FIT or CSV file.")
    expected = content[0] + int.from_bytes(content[4:8], "little") + _CRC_SIZE
    if len(content) < expected:
        raise RecordingError(
            name, 0, f"The FIT file is cut short: {len(content)} of {expected} bytes. Take it from the watch again."
        )


def _first_lap_s(laps: list[dict[str, Any]], records: list[dict[str, Any]]) -> float:
    lap_starts = [lap["start_time"] for lap in laps if isinstance(lap.get("start_time"), int)]
    stamps = [record["timestamp"] for record in records if isinstance(record.get("timestamp"), int)]
    if not (lap_starts and stamps and stamps[0] <= min(lap_starts) <= stamps[-1]):
        return 0.0
    return float(min(lap_starts) - stamps[0])


class _Gathered:
    """What the decoder hands out, in the order of the file: beats belong to the record before them."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.beats_after: dict[int, list[float]] = {}
        self.intervals_ms: list[float] = []

    def take(self, number: int, message: dict[str, Any]) -> None:
        """Take one message."""
        if number == Profile["mesg_num"]["RECORD"]:
            self.records.append(message)
        elif number == Profile["mesg_num"]["HRV"]:
            times = message.get("time")
            for time_s in times if isinstance(times, list) else [times]:
                if time_s:
                    self.beats_after.setdefault(len(self.records) - 1, []).append(float(time_s) * 1000)
                    self.intervals_ms.append(float(time_s) * 1000)


def _samples(name: str, gathered: _Gathered, *, belt: bool) -> tuple[Sample, ...]:
    samples: list[Sample] = []
    first: int | None = None
    for number, record in enumerate(gathered.records):
        stamp = record.get("timestamp")
        if not isinstance(stamp, int):
            continue
        first = stamp if first is None else first
        t = float(stamp - first)
        if t < (samples[-1].t_s if samples else 0):
            raise RecordingError(
                name, 0, f"Time runs backwards at record {number + 1}. Export the activity anew, without edits."
            )
        if t > LONGEST_S:
            raise RecordingError(name, 0, f"Record {number + 1} is over a day after the first. Is this one session?")
        rate = record.get("heart_rate")
        speed = record.get("enhanced_speed", record.get("speed")) if belt else None
        grade = record.get("grade") if belt else None
        if rate is None and speed is None:
            continue
        samples.append(
            Sample(
                t,
                None if rate is None else float(rate),
                tuple(gathered.beats_after.get(number, ())),
                None if speed is None else round(float(speed) * 3.6, 2),
                None if grade is None else float(grade),
            )
        )
    return tuple(samples)


def _beats(intervals_ms: list[float]) -> list[Beat]:
    t = 0.0
    beats = []
    for interval in intervals_ms:
        t += interval / 1000
        beats.append(Beat(t, interval))
    return beats
