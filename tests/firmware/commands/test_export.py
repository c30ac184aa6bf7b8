"""What leaves the diary: FIT, CSV and JSON say what the session says, and are read back by others' readers."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import fitdecode
import msgspec
import pytest
from garmin_fit_sdk import Decoder, Stream
from msgspec.structs import replace

from coach.model.events import PhaseEnded, PhaseStarted, Signal
from coach.model.messages import HeartRate
from coach.model.protocol import PhaseKind
from firmware.commands.export_csv import export_csv
from firmware.commands.export_fit import export_fit
from firmware.commands.export_json import export_json
from firmware.journal.record import SessionRecord
from firmware.journal.timeline import track_of
from firmware.recordings.reader import read
from firmware.system.timestamps import Timestamp
from sync.export.csv import COLUMNS
from sync.export.fit import EARLIEST, INTENSITIES
from sync.export.timeline import PhaseSpan, Span, seconds_of, spans_with
from tests.support.machine.session_factory import BEGUN, events, record, summary

START = datetime.fromtimestamp(BEGUN.wall_s, tz=UTC)
WHOLE = record()
SECONDS = list(seconds_of(track_of(WHOLE)))
FIT = export_fit(WHOLE)


Messages = dict[str, list[dict[str, Any]]]
Decode = Callable[[bytes], Messages]


@cache
def by_garmin(fit: bytes) -> Messages:
    messages, errors = Decoder(Stream.from_byte_array(bytearray(fit))).read()
    assert errors == []
    return messages


@cache
def by_fitdecode(fit: bytes) -> Messages:
    messages: Messages = {}
    with fitdecode.FitReader(io.BytesIO(fit), check_crc=fitdecode.CrcCheck.RAISE) as reader:
        for frame in reader:
            if frame.frame_type == fitdecode.FIT_FRAME_DATA:
                fields = {field.name: field.value for field in frame.fields if field.value is not None}
                messages.setdefault(f"{frame.name}_mesgs", []).append(fields)
    return messages


READERS = pytest.mark.parametrize("decode", [by_garmin, by_fitdecode])


def test_a_fit_file_is_whole() -> None:
    assert Decoder(Stream.from_byte_array(bytearray(FIT))).check_integrity()


@READERS
def test_a_fit_record_stands_for_each_second(decode: Decode) -> None:
    records = decode(FIT)["record_mesgs"]
    seen = [(r["timestamp"], r.get("heart_rate"), r["grade"], round(r["enhanced_speed"] * 3.6, 1)) for r in records]
    expected = [
        (
            START + timedelta(seconds=second.t_s),
            None if second.hr_bpm is None else round(second.hr_bpm),
            second.incline_percent,
            second.speed_kmh,
        )
        for second in SECONDS
    ]
    assert seen == expected


@READERS
def test_a_fit_lap_stands_for_each_phase(decode: Decode) -> None:
    laps = decode(FIT)["lap_mesgs"]
    ended = [event for event in events() if isinstance(event, PhaseEnded)]
    started = [event for event in events() if isinstance(event, PhaseStarted)]
    seen = [(lap["intensity"], lap["start_time"], lap["timestamp"], lap["total_timer_time"]) for lap in laps]
    assert seen == [
        (INTENSITIES[end.kind], START + timedelta(seconds=start.t), START + timedelta(seconds=end.t), end.elapsed_s)
        for start, end in zip(started, ended, strict=True)
    ]


@READERS
def test_a_fit_session_sums_up_without_the_pause(decode: Decode) -> None:
    (session,) = decode(FIT)["session_mesgs"]
    names = ("sport", "sub_sport", "start_time", "total_elapsed_time", "total_timer_time", "num_laps", "max_heart_rate")
    rates = [second.hr_bpm for second in SECONDS if second.hr_bpm is not None]
    expected = ["running", "treadmill", START, 2460.0, 2400.0, 9, round(max(rates))]
    assert [session[name] for name in names] == expected


@READERS
def test_a_fit_file_says_what_it_is_and_when_it_was_made(decode: Decode) -> None:
    messages = decode(FIT)
    (file_id,), (device,), (activity,) = (messages[f"{n}_mesgs"] for n in ("file_id", "device_info", "activity"))
    assert (file_id["type"], file_id["time_created"], file_id["manufacturer"]) == ("activity", START, "development")
    assert (device["device_index"], device["timestamp"]) == ("creator", START)
    assert (activity["num_sessions"], activity["total_timer_time"]) == (1, 2400.0)


@READERS
def test_the_fit_timer_stops_for_the_pause_and_at_the_end(decode: Decode) -> None:
    timer = [(event["event_type"], event["timestamp"] - START) for event in decode(FIT)["event_mesgs"]]
    expected = [("start", 0), ("stop_all", 900), ("start", 960), ("stop_all", 2460)]
    assert timer == [(name, timedelta(seconds=t)) for name, t in expected]


@READERS
def test_every_beat_is_in_the_fit_file(decode: Decode) -> None:
    beats = [round(beat * 1000) for message in decode(FIT)["hrv_mesgs"] for beat in _listed(message["time"])]
    sent = [round(rr) for m in WHOLE.messages if isinstance(m, HeartRate) for rr in m.rr_ms]
    assert beats == sent


def _listed(value: float | list[float | None] | tuple[float | None, ...]) -> list[float]:
    return [beat for beat in (value if isinstance(value, list | tuple) else [value]) if beat is not None]


def test_both_readers_find_the_same_messages() -> None:
    garmin, other = by_garmin(FIT), by_fitdecode(FIT)
    assert {name: len(found) for name, found in garmin.items()} == {name: len(found) for name, found in other.items()}


def test_a_clock_that_was_never_set_gives_a_fit_file_that_can_be_read() -> None:
    unset = replace(WHOLE, begun=Timestamp("boot", 1.0, 12.0, synchronised=False))
    assert by_garmin(export_fit(unset))["file_id_mesgs"][0]["time_created"] == EARLIEST


def test_a_rate_that_fit_cannot_hold_is_left_out() -> None:
    wild = replace(WHOLE, messages=(HeartRate(5.0, 300.0),))
    assert all("heart_rate" not in second for second in by_garmin(export_fit(wild))["record_mesgs"])


@pytest.mark.parametrize("export", [export_fit, export_csv, export_json])
def test_a_session_that_has_hardly_begun_can_be_exported(export: Callable[[SessionRecord], bytes]) -> None:
    begun = replace(WHOLE, revision=0, summary=None, messages=(), events=(), stamps=())
    assert len(export(begun)) > 0


def test_csv_has_a_row_for_each_second_with_the_columns_in_order() -> None:
    rows = list(csv.reader(io.StringIO(export_csv(WHOLE).decode())))
    assert (rows[0], len(rows) - 1, COLUMNS[:2]) == (list(COLUMNS), 2461, ("t_s", "hr_bpm"))
    assert rows[1 + 700] == ["700", "159", "live", "interval", "1", "158", "175", "6.4", "5", "none", "0"]
    assert rows[1 + 930][8:] == ["5", "hold", "1"]


def test_csv_is_empty_where_there_was_no_rate() -> None:
    rows = list(csv.DictReader(io.StringIO(export_csv(WHOLE).decode())))
    assert {row["hr_bpm"] for row in rows[1502:1540]} == {""}


def test_csv_and_fit_are_read_again_as_recordings_of_the_same_rates(tmp_path: Path) -> None:
    for name, content in (("a.csv", export_csv(WHOLE)), ("a.fit", FIT)):
        (tmp_path / name).write_bytes(content)
    expected = [(float(s.t_s), s.hr_bpm) for s in SECONDS if s.hr_bpm is not None]
    for name in ("a.csv", "a.fit"):
        samples = read(tmp_path / name).samples
        assert [(s.t_s, s.bpm) for s in samples if s.bpm is not None] == expected


def test_json_holds_everything() -> None:
    assert msgspec.json.decode(export_json(WHOLE), type=SessionRecord) == WHOLE


def test_phases_stand_where_they_ran_with_the_participants_zone() -> None:
    phases = track_of(WHOLE).phases
    assert phases[1] == PhaseSpan(PhaseKind.INTERVAL, 1, 600.0, 840.0, 158.0, 175.0)
    assert (phases[2].start_s, phases[2].end_s) == (840.0, 1080.0)


def test_silence_and_pauses_have_their_spans() -> None:
    track = track_of(WHOLE)
    assert spans_with(track, (Signal.STALE, Signal.LOST)) == (Span(1505.0, 1520.0), Span(1520.0, 1540.0))
    assert track.pauses == (Span(900.0, 960.0),)


def test_an_unfinished_session_ends_where_its_records_end() -> None:
    cut = replace(WHOLE, summary=None, messages=WHOLE.messages[:701], events=tuple(e for e in events() if e.t <= 700))
    track = track_of(cut)
    assert (track.length_s, track.phases[-1].end_s) == (700.0, 700.0)
    assert summary().planned_intervals == 4
