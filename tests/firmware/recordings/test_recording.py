import gzip
import itertools
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fitdecode.utils import compute_crc
from garmin_fit_sdk import Encoder, Profile
from hypothesis import given
from hypothesis import strategies as st

from firmware.recordings.beats import Beat, rates_from_beats
from firmware.recordings.errors import RecordingFileError
from firmware.recordings.fit import read_fit
from firmware.recordings.reader import LARGEST_BYTES, SampleRecording, read, read_csv
from firmware.recordings.sample import Remark, Sample, Skipped


def samples(text: str) -> tuple[Sample, ...]:
    return read_csv("a.csv", text.encode()).samples


def refusal(text: str | bytes) -> tuple[int, str]:
    with pytest.raises(RecordingFileError) as caught:
        read_csv("a.csv", text if isinstance(text, bytes) else text.encode())
    assert str(caught.value).startswith("a.csv")
    return caught.value.line, caught.value.reason


def test_a_plain_recording_is_read_and_further_columns_are_passed_over() -> None:
    assert samples("t_s,hr_bpm,power_w\n0.0,81,102\n1.5,82.5,85\n") == (Sample(0.0, 81.0), Sample(1.5, 82.5))


def test_an_empty_cell_is_no_sample() -> None:
    assert samples("t_s,hr_bpm\n0,81\n1,\n2,83\n") == (Sample(0.0, 81.0), Sample(2.0, 83.0))


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbft_s,hr_bpm\r\n0.5,81\r\n\r\n1.5,82\r\n",
        b"t_s;hr_bpm\r\n0,5;81\r\n1,5;82,0\r\n",
        b"\n T_S\tHR_BPM \n0.5\t81\n1.5\t82",
        b'"t_s","hr_bpm"\n"0.5","81"\n"1.5","82"\n',
        "hr_bpm;t_s;økt\n81;0,5;å\n82;1,5;\n".encode("latin-1"),
        "t_s,hr_bpm\n0.5,81\n1.5,82\n".encode("utf-16"),
    ],
)
def test_a_spreadsheets_habits_are_accepted(content: bytes) -> None:
    assert read_csv("a.csv", content).samples == (Sample(0.5, 81.0), Sample(1.5, 82.0))


@pytest.mark.parametrize(
    "content",
    [
        b't_s,hr_bpm,"note, free"\n0.5,81,x\n1.5,82,"y, z"\n',
        b't_s,hr_bpm,"a; b"\n0.5,81,x\n1.5,82,y\n',
        b't_s,hr_bpm,note\n0.5,81,"two\nlines, and ""quotes"""\n1.5,82,\n',
        b"sep=;\r\nt_s;hr_bpm\r\n0,5;81\r\n1,5;82\r\n",
        b'"sep=,"\nt_s,hr_bpm\n"0,5",81\n"1,5","82,0"\n',
        b"# made by an app, 1;0\nt_s,hr_bpm\n# a comment\n0.5,81\n1.5,82\n",
        b"Name,Sport,Date\nA,RUNNING,2026-01-05\nt_s,hr_bpm,\n0.5,81,\n1.5,82,\n",
        "t_s;hr_bpm;økt\n0,5;81;Ås – blå\n1,5;82;…\n".encode("cp1252"),
        "t_s,hr_bpm\n0.5,81\n1.5,82\n".encode("utf-16-le"),
        "t_s,hr_bpm\n0.5,81\n1.5,82\n".encode("utf-16-be"),
        b"t_ms,hr_bpm\n500,81\n1500,82\n",
        b"time,HR (bpm)\n12:03:05.5,81\n12:03:06.5,82\n",
        b"time;heart rate\n23:59:59,5;81\n00:00:00,5;82\n",
        b"timestamp,hr\n2026-01-05T12:00:00.500Z,81\n2026-01-05T12:00:01.500Z,82\n",
        b"timestamp,hr\n05.01.2026 12:00:00.5,81\n05.01.2026 12:00:01.5,82\n",
        b"timestamp,hr\n1700000000500,81\n1700000001500,82\n",
        b"Time,Heart Rate\n11:59:59.5 AM,81\n12:00:00.5 PM,82 bpm\n",
        b"Time,Heart Rate\n11:59:59.5 p.m.,81\n12:00:00.5 a.m.,82\n",
        b"record.timestamp[s],record.heart_rate[bpm],record.speed[m/s]\n1075636800.5,81,1.6\n1075636801.5,82,1.6\n",
        (
            b"com.samsung.health.heart_rate,6210,3\ncount,com.samsung.health.heart_rate.start_time,"
            b"com.samsung.health.heart_rate.heart_rate\n"
            b"1,2026-01-05 12:00:00.500,81.0\n1,2026-01-05 12:00:01.500,82.0\n"
        ),
        (
            b"Phone timestamp;sensor timestamp [ns];HR [bpm];HRV [ms]\n2026-01-05T12:00:00.500;599616000000000000;81;\n"
            b"2026-01-05T12:00:01.500;599616001000000000;82;\n"
        ),
        b"Zeit;Herzfrequenz\n00:00:00,5;81\n00:00:01,5;82\n",
    ],
)
def test_what_the_worlds_exporters_write_is_read(content: bytes) -> None:
    assert read_csv("a.csv", content).samples == (Sample(0.5, 81.0), Sample(1.5, 82.0))


def test_cells_that_say_there_is_no_value_are_counted() -> None:
    recording = read_csv("a.csv", b"t_s,hr_bpm\n0,81\n1,NaN\n2,--\n3,82\n")
    assert [sample.t_s for sample in recording.samples] == [0.0, 3.0]
    assert recording.unrated_s == (1.0, 2.0)
    assert recording.skipped == (Skipped("cells in the column hr_bpm that hold no value (NaN, --)", 2),)


TCX = """<?xml version="1.0"?>
<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2"><Activities>
<Activity Sport="Running"><Id>2026-01-05T12:00:00Z</Id><Lap StartTime="2026-01-05T12:00:01Z"><Track>
<Trackpoint><Time>2026-01-05T12:00:00.000Z</Time><HeartRateBpm><Value>81</Value></HeartRateBpm></Trackpoint>
<Trackpoint><Time>2026-01-05T12:00:02+00:00</Time><HeartRateBpm><Value>83</Value></HeartRateBpm></Trackpoint>
<Trackpoint><Time>2026-01-05T13:00:01+01:00</Time><HeartRateBpm><Value>82</Value></HeartRateBpm></Trackpoint>
<Trackpoint><Time>2026-01-05T12:00:03Z</Time></Trackpoint>
<Trackpoint><HeartRateBpm><Value>99</Value></HeartRateBpm></Trackpoint>
<Trackpoint><Time>2026-01-09T12:00:03Z</Time><HeartRateBpm><Value>99</Value></HeartRateBpm></Trackpoint>
</Track></Lap></Activity></Activities></TrainingCenterDatabase>"""
GPX = """<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1" xmlns:x="http://www.example.org/TrackPointExtension"><trk>
<trkseg><trkpt lat="1" lon="2"><time>2026-01-05T12:00:00Z</time><extensions><x:TrackPointExtension><x:hr>81</x:hr>
</x:TrackPointExtension></extensions></trkpt><trkpt lat="1" lon="2"><time>2026-01-05T12:00:01Z</time><extensions>
<heartrate>82</heartrate></extensions></trkpt></trkseg></trk></gpx>"""


def test_a_tcx_file_is_read_by_its_times_and_what_cannot_be_used_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.tcx"
    path.write_text("\n  " + TCX, encoding="utf-8")
    recording = read(path)
    assert recording.samples == (Sample(0.0, 81.0), Sample(1.0, 82.0), Sample(2.0, 83.0))
    assert (recording.begins_s, recording.unrated_s) == (1.0, (3.0,))
    assert recording.skipped == (
        Skipped("points without a time that can be read", 1),
        Skipped("points over a day from the first", 1),
    )


def test_a_gpx_file_gives_its_rates_whoever_extended_it_also_packed(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.gpx", tmp_path / "a.gpx.gz"
    plain.write_text(GPX, encoding="utf-8")
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read(plain).samples == read(packed).samples == (Sample(0.0, 81.0), Sample(1.0, 82.0))


@pytest.mark.parametrize("name", ["a.csv.gz", "a.fit.gz", "a.tcx.gz"])
def test_packed_recordings_are_read_as_plain_ones_and_a_cut_one_says_so(tmp_path: Path, name: str) -> None:
    plain = {"a.csv.gz": b"t_s,hr_bpm\n0,81\n", "a.tcx.gz": TCX.encode()}.get(name) or fit_file(
        tmp_path, [81]
    ).read_bytes()
    path = tmp_path / name
    path.write_bytes(gzip.compress(plain))
    assert read(path).samples[0].bpm == 81.0
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(RecordingFileError, match=r"\.gz file is cut short"):
        read(path)


@pytest.mark.parametrize(
    ("content", "about"),
    [
        (TCX[:500].encode(), r"line \d: The XML breaks off"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "entities"),
        (b"<html><body>log in</body></html>", "no heart rate"),
    ],
)
def test_xml_that_cannot_be_used_is_refused_with_its_cause(tmp_path: Path, content: bytes, about: str) -> None:
    path = tmp_path / "a.tcx"
    path.write_bytes(content)
    with pytest.raises(RecordingFileError, match=about):
        read(path)


def test_beats_and_a_treadmill_beside_the_rate_are_kept() -> None:
    text = "t_s,hr_bpm,rr_ms,speed_kmh,incline_percent,speed_mps\n0,120,500 498,5.5,5,9.9\n1,,,6.0,5,\n"
    assert samples(text) == (Sample(0.0, 120.0, (500.0, 498.0), 5.5, 5.0), Sample(1.0, None, (), 6.0, 5.0))


def test_seconds_since_1970_become_seconds_since_the_beginning() -> None:
    assert [sample.t_s for sample in samples("t_s,hr_bpm\n1700000000,90\n1700000001,91\n")] == [0.0, 1.0]


def test_a_rate_that_no_heart_has_is_handed_on_with_a_remark() -> None:
    recording = read_csv("a.csv", b"t_s,hr_bpm\n0,300\n1,0\n2,120\n")
    assert [sample.bpm for sample in recording.samples] == [300.0, 0.0, 120.0]
    assert recording.remarks == (Remark(2, "300 bpm is no heart's rate; it counts as implausible."),)


def test_neighbouring_beats_in_the_wrong_order_are_sorted_with_a_remark() -> None:
    recording = read_csv("a.csv", b"t_s,hr_bpm\n1.1,90\n0.6,91\n2,92\n")
    assert [sample.t_s for sample in recording.samples] == [0.6, 1.1, 2.0]
    assert recording.remarks == (Remark(3, "Lines slightly out of order, 1 in all, were sorted."),)


@pytest.mark.parametrize(
    ("text", "line", "about"),
    [
        ("", 0, "empty"),
        ("\n \n", 0, "empty"),
        ("t_s,hr_bpm\n", 0, "no heart rate"),
        ("t_s,hr_bpm\n0,\n1,\n", 0, "no heart rate"),
        ("time,weight\n0,81\n", 1, "names no time and heart rate"),
        ("0,81\n1,82\n", 1, "names no time and heart rate"),
        ("t_s,hr_bpm\n0,81\n1", 3, "cut short"),
        ("t_s,hr_bpm\n0,81,5\n", 2, "3 cells"),
        ("t_s,hr_bpm\n0,nan\n", 0, "hold no value (NaN, --)"),
        ("time,hr\n12:03,81\n", 2, "«12:03»"),
        ("t_s,hr_bpm\n0,inf\n", 2, "«inf»"),
        ("t_s,hr_bpm\n0,1e999\n", 2, "not a number"),
        ("t_s,hr_bpm\n0,1_0\n", 2, "not a number"),
        ("t_s,hr_bpm\nzero,81\n", 2, "«zero»"),
        ("t_s,hr_bpm\n,81\n", 2, "no time"),
        ("t_s,hr_bpm\n-1,81\n", 2, "negative"),
        ("t_s,hr_bpm\n0,-81\n", 2, "-81 bpm is impossible"),
        ("t_s,hr_bpm\n0,70000\n", 2, "70000 bpm is impossible"),
        ("t_s,hr_bpm\n0,81\n5,82\n4,83\n", 4, "runs backwards, from 5 to 4 s"),
        ("t_s,hr_bpm\n0,81\n90000,82\n", 3, "more than a day"),
        ('t_s,hr_bpm\n0,"81\n', 2, "cannot be split"),
        ("t_s,hr_bpm,rr_ms\n0,81,0\n", 2, "0 ms is impossible"),
        ("t_s,hr_bpm,speed_kmh\n0,81,99\n", 2, "speed_kmh 99"),
        ("t_rx_s,rr_ms\n0,600\n9,-5\n", 3, "-5 ms is impossible"),
        ("t_rx_s,rr_ms\n9,600\n0,600\n", 3, "runs backwards"),
        ("t_cum_s,rr_ms\n", 0, "no heart rate"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_line_and_reason(text: str, line: int, about: str) -> None:
    at, reason = refusal(text)
    assert at == line
    assert about in reason


def test_binary_rubbish_is_called_that() -> None:
    assert refusal(b"t_s,hr_bpm\n0,81\n\x00\x01\x02") == (
        3,
        "This is not text but binary content. Give a CSV file or a whole FIT file.",
    )
    assert "not text" in refusal(b"\xff\xfe\x00\xd8\x00")[1]


@given(st.binary(max_size=300))
def test_any_bytes_give_a_recording_or_a_clear_refusal(content: bytes) -> None:
    try:
        recording = read_csv("a.csv", content)
    except RecordingFileError as error:
        assert error.reason.endswith((".", "?", ")"))  # noqa: PT017 - either outcome is right
    else:
        assert recording.samples


@given(st.lists(st.lists(st.text(alphabet="0123456789.,;- \tnae+", max_size=8), max_size=4), max_size=12))
def test_any_cells_below_a_right_header_give_a_recording_or_a_clear_refusal(rows: list[list[str]]) -> None:
    text = "t_s,hr_bpm\n" + "\n".join(",".join(row) for row in rows)
    try:
        recording = read_csv("a.csv", text.encode())
    except RecordingFileError as error:
        assert 0 <= error.line <= text.count("\n") + 1  # noqa: PT017 - either outcome is right
    else:
        times = [sample.t_s for sample in recording.samples]
        assert times == sorted(times)
        assert all(sample.bpm is None or sample.bpm >= 0 for sample in recording.samples)


@given(
    st.lists(st.tuples(st.floats(0, 30), st.integers(0, 250)), min_size=1, max_size=50),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_was_written_is_what_is_read(rows: list[tuple[float, int]], separator: str, newline: str) -> None:
    times = list(itertools.accumulate(step for step, _ in rows))
    lines = [separator.join(("t_s", "hr_bpm"))]
    for t, (_, bpm) in zip(times, rows, strict=True):
        cell = f"{t:.3f}" if separator == "," else f"{t:.3f}".replace(".", ",")
        lines.append(f"{cell}{separator}{bpm}")
    read_back = read_csv("a.csv", newline.join(lines).encode()).samples
    assert read_back == tuple(Sample(float(f"{t:.3f}"), float(bpm)) for t, (_, bpm) in zip(times, rows, strict=True))


def test_beats_become_a_rate_for_each_second_and_silence_where_there_are_none() -> None:
    beats = [Beat(t / 2, 500.0) for t in range(1, 41)] + [Beat(30 + t / 2, 500.0) for t in range(1, 21)]
    rates = rates_from_beats(beats)
    assert {sample.bpm for sample in rates} == {120.0}
    assert sorted({int(sample.t_s) for sample in rates}) == [*range(1, 23), *range(31, 41)]
    assert sum(len(sample.rr_ms) for sample in rates) == 60


def test_a_missed_and_an_extra_beat_do_not_move_the_rate() -> None:
    intervals = [500.0] * 20 + [1000.0] + [500.0] * 20 + [250.0, 250.0] + [500.0] * 20
    times = itertools.accumulate(rr / 1000 for rr in intervals)
    rates = rates_from_beats([Beat(t, rr) for t, rr in zip(times, intervals, strict=True)])
    assert {sample.bpm for sample in rates} == {120.0}


def fit_file(
    folder: Path,
    rates: list[int | None],
    *,
    belt: bool = False,
    beats: bool = False,
    times_s: tuple[int, ...] | None = None,
) -> Path:
    """Write a FIT file as a watch does, one record a second from a fixed time unless `times_s` says otherwise."""
    encoder = Encoder()
    begun = int((datetime(2026, 1, 5, 12, tzinfo=UTC) - datetime(1989, 12, 31, tzinfo=UTC)).total_seconds())
    number = Profile["mesg_num"]
    encoder.on_mesg(number["FILE_ID"], {"type": "activity", "manufacturer": "development", "time_created": begun})
    for at, rate in zip(times_s or range(len(rates)), rates, strict=True):
        record: dict[str, int | float] = {"timestamp": begun + at}
        if rate is not None:
            record["heart_rate"] = rate
        if belt:
            record |= {"enhanced_speed": 2.0, "grade": 5.0}
        encoder.on_mesg(number["RECORD"], record)
        if beats:
            encoder.on_mesg(number["HRV"], {"time": [0.5, 0.5]})
    if belt:
        encoder.on_mesg(number["SESSION"], {"timestamp": begun, "sport": "running", "sub_sport": "treadmill"})
    path = folder / "a.fit"
    path.write_bytes(encoder.close())
    return path


def test_a_fit_file_gives_its_rates(tmp_path: Path) -> None:
    assert read(fit_file(tmp_path, [100, None, 102])).samples == (Sample(0.0, 100.0), Sample(2.0, 102.0))


def test_a_fit_file_from_a_treadmill_gives_speed_and_incline_and_beats(tmp_path: Path) -> None:
    first = read(fit_file(tmp_path, [100, 101], belt=True, beats=True)).samples[0]
    assert first == Sample(0.0, 100.0, (500.0, 500.0), 7.2, 5.0)


def test_a_fit_file_with_beats_alone_gives_rates_from_them(tmp_path: Path) -> None:
    recording = read(fit_file(tmp_path, [None] * 10, beats=True))
    assert (recording.rates_from, {sample.bpm for sample in recording.samples}) == ("beats", {120.0})


def test_a_fit_file_cut_anywhere_or_damaged_is_refused(tmp_path: Path) -> None:
    path = fit_file(tmp_path, [100 + at for at in range(20)])
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        if length >= len(whole) - 2:
            # All data is there, and only the checksum is not: some watches never write it.
            assert [sample.bpm for sample in read(path).samples] == [100.0 + at for at in range(20)]
            continue
        with pytest.raises(RecordingFileError, match=r"empty|cut short|no FIT file|never finished"):
            read(path)
    for at in range(20, len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x5A]) + whole[at + 1 :])
        with pytest.raises(RecordingFileError):
            read(path)


@pytest.mark.parametrize(
    ("times_s", "about"), [((0, 500, 400), "backwards at record 3, by 100 s"), ((0, 90_000), "over a day")]
)
def test_a_fit_file_whose_time_is_wrong_is_refused(tmp_path: Path, times_s: tuple[int, ...], about: str) -> None:
    with pytest.raises(RecordingFileError, match=about):
        read(fit_file(tmp_path, [100] * len(times_s), times_s=times_s))


def test_a_record_a_second_late_is_sorted_with_a_remark(tmp_path: Path) -> None:
    recording = read(fit_file(tmp_path, [100, 101, 102, 103], times_s=(0, 2, 1, 3)))
    assert [(sample.t_s, sample.bpm) for sample in recording.samples] == [(0, 100), (1, 102), (2, 101), (3, 103)]
    assert recording.remarks == (Remark(0, "1 records were a moment out of order and were sorted by their time."),)


def test_a_clock_that_was_set_late_moves_nothing(tmp_path: Path) -> None:
    recording = read(fit_file(tmp_path, [100, 101, 102, 103], times_s=(0, 1, 400 * 86_400, 400 * 86_400 + 1)))
    assert [sample.t_s for sample in recording.samples] == [0.0, 1.0, 2.0, 3.0]
    assert "clock was set at record 3" in recording.remarks[0].text


def test_activities_one_behind_the_other_are_read_and_another_days_is_counted(tmp_path: Path) -> None:
    first = fit_file(tmp_path, [100, 101]).read_bytes()
    later = fit_file(tmp_path, [None, 111, 112], times_s=(9, 10, 11)).read_bytes()
    other_day = fit_file(tmp_path, [120] * 5, times_s=tuple(range(200_000, 200_005))).read_bytes()
    path = tmp_path / "chained.fit"
    path.write_bytes(first + later + other_day)
    recording = read(path)
    assert [(sample.t_s, sample.bpm) for sample in recording.samples] == [(0, 100), (1, 101), (10, 111), (11, 112)]
    assert recording.skipped == (Skipped("records of a further activity, not after the first on its day", 5),)


def test_a_recording_of_hardly_more_than_a_day_is_read_up_to_there(tmp_path: Path) -> None:
    times_s = (*range(0, 86_401, 3_600), 86_402)
    recording = read(fit_file(tmp_path, [100] * len(times_s), times_s=times_s))
    assert recording.end_s == 86_400.0
    assert recording.skipped == (Skipped("records over a day after the first", 1),)


def test_what_stands_behind_the_activity_is_left_out_with_a_remark(tmp_path: Path) -> None:
    path = fit_file(tmp_path, [100, 101])
    path.write_bytes(path.read_bytes() + bytes(512))
    assert read(path).remarks == (Remark(0, "512 bytes behind the activity are not FIT and were left out."),)


def fit_by_hand(body: bytes, *, length: int | None = None) -> bytes:
    """Return a FIT file around messages that were put together byte by byte."""
    head = bytes([14, 0x10]) + (2000).to_bytes(2, "little") + (length or len(body)).to_bytes(4, "little") + b".FIT"
    whole = head + bytes(2) + body
    return whole + compute_crc(whole).to_bytes(2, "little")


def test_compressed_timestamps_are_read(tmp_path: Path) -> None:
    begun = 1_000_000_000
    file_id = bytes([0x40, 0, 0, 0, 0, 1, 0, 1, 0, 0x00, 4])
    stamped = bytes([0x41, 0, 0, 20, 0, 2, 253, 4, 0x86, 3, 1, 0x02, 1]) + begun.to_bytes(4, "little") + bytes([100])
    rate_alone = bytes([0x42, 0, 0, 20, 0, 1, 3, 1, 0x02])
    # The header's five low bits are those of the time stamp: 40 records pass the place where they start from 0 again.
    rest = b"".join(bytes([0x80 | 2 << 5 | (begun + at) & 0x1F, 100 + at]) for at in range(1, 40))
    path = tmp_path / "compressed.fit"
    path.write_bytes(fit_by_hand(file_id + stamped + rate_alone + rest))
    assert [(sample.t_s, sample.bpm) for sample in read(path).samples] == [(at, 100.0 + at) for at in range(40)]


@given(st.binary(min_size=1, max_size=200))
def test_any_messages_with_a_right_checksum_give_a_recording_or_a_clear_refusal(body: bytes) -> None:
    try:
        recording = read_fit("a.fit", fit_by_hand(body))
    except RecordingFileError as error:
        assert error.reason.endswith(".")  # noqa: PT017 - either outcome is right
    else:
        assert all(sample.t_s >= 0 for sample in recording.samples)


def test_a_checksum_that_was_counted_and_never_written_costs_nothing(tmp_path: Path) -> None:
    """dtcooper/python-fitparse, nick.fit: messages go on where the header has the checksum, cut off or not."""
    path = fit_file(tmp_path, [100, 101, 102])
    whole = path.read_bytes()
    data = whole[:-2]
    size = len(data) - data[0] - 2
    path.write_bytes(data[:4] + size.to_bytes(4, "little") + data[8:])
    recording = read(path)
    assert [sample.bpm for sample in recording.samples] == [100.0, 101.0, 102.0]
    assert "checksum at the end is missing" in recording.remarks[0].text
    cut = data[:-3]
    path.write_bytes(cut[:4] + (len(cut) - cut[0] - 2).to_bytes(4, "little") + cut[8:])
    assert [sample.bpm for sample in read(path).samples] == [100.0, 101.0]
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(RecordingFileError, match="does not fit its checksum"):
        read(path)


@pytest.mark.parametrize("size", [bytes(4), b"\xff\xff\xff\xff"], ids=["nought", "never written"])
def test_a_file_that_was_never_finished_is_the_cause_that_is_given(tmp_path: Path, size: bytes) -> None:
    """polyvertex/fitdecode 21: an activity that is still under way."""
    path = fit_file(tmp_path, [100])
    path.write_bytes(path.read_bytes()[:4] + size + path.read_bytes()[8:])
    with pytest.raises(RecordingFileError, match="never finished"):
        read(path)


RATE_RECORD = bytes([0x41, 0, 0, 20, 0, 2, 253, 4, 0x86, 3, 1, 0x02])
WORLD_FIT = {
    "drkostas/hevy2garmin 244: a text that is no UTF-8": bytes([0x40, 0, 0, 0, 0, 2, 0, 1, 0, 8, 4, 7, 0, 4])
    + b"F\x9fx\0"
    + RATE_RECORD,
    "polyvertex/fitdecode 13: one byte for a field of four": bytes([0x40, 0, 0, 0, 0, 1, 0, 1, 0, 0, 4])
    + bytes([0x42, 0, 0, 21, 0, 2, 253, 4, 0x86, 3, 1, 0x86, 2])
    + (1_000_000_000).to_bytes(4, "little")
    + b"\0"
    + RATE_RECORD,
    "polyvertex/fitdecode 13: and for the rate": bytes([0x40, 0, 0, 0, 0, 1, 0, 1, 0, 0, 4])
    + RATE_RECORD[:-1]
    + b"\x86",
}


@pytest.mark.parametrize("source", WORLD_FIT)
def test_what_other_fields_break_costs_no_rate(tmp_path: Path, source: str) -> None:
    records = b"".join(bytes([1]) + (1_000_000_000 + at).to_bytes(4, "little") + bytes([100 + at]) for at in range(20))
    path = tmp_path / "a.fit"
    path.write_bytes(fit_by_hand(WORLD_FIT[source] + records))
    assert [(sample.t_s, sample.bpm) for sample in read(path).samples] == [(at, 100.0 + at) for at in range(20)]


WORLD_CSV = {
    "GoldenCheetah 1061: minutes, and a column Hrate": (
        "Minutes, Torq (N-m),Km/h,Watts,Km,Cadence,Hrate,ID,Altitude (m)\n0,0,8,0,0,0,81,0,9\n0.025,0,8,0,0,0,82,0,9\n"
    ),
    "markwk/qs_ledger 7: a telephone's rows of any kind": (
        "sourceName,device,type,unit,creationDate,startDate,endDate,value\n"
        '"a Watch","<<x>, name:W>","HeartRate","count/min",2019-07-29 15:28:40 -0800,2019-07-29 15:26:47 -0800,,81\n'
        '"a Watch","<<x>, name:W>","StepCount","count",2019-07-29 15:28:40 -0800,2019-07-29 15:26:48 -0800,,900\n'
        '"a Watch","<<x>, name:W>","HeartRate","count/min",2019-07-29 15:28:40 -0800,2019-07-29 15:26:48.5 -0800,,82\n'
    ),
    "GoldenCheetah 2602: lines that end in CR alone": "t_s,hr_bpm\r0,81\r1.5,82\r",
    "a Norwegian spreadsheet": "Tid (s);Puls (slag/min)\n0;81\n1,5;82\n",
}


@pytest.mark.parametrize("source", WORLD_CSV)
def test_other_programs_columns_are_known(source: str) -> None:
    recording = read_csv("a.csv", WORLD_CSV[source].encode())
    assert [(sample.t_s, sample.bpm) for sample in recording.samples] == [(0.0, 81.0), (1.5, 82.0)]
    passed_over = [one.count for one in recording.skipped]
    assert passed_over == ([1] if "any kind" in source else [])


def test_an_apps_own_field_that_stands_for_the_heart_rate_is_read(tmp_path: Path) -> None:
    begun, number = 1_000_000_000, Profile["mesg_num"]
    about = {"developer_data_index": 0, "application_id": [1] * 16}
    field = {
        "developer_data_index": 0,
        "field_definition_number": 0,
        "fit_base_type_id": 0x02,
        "field_name": "Heart Rate",
        "units": "bpm",
        "native_mesg_num": "record",
        "native_field_num": 3,
    }
    encoder = Encoder({0: {"developer_data_id_mesg": about, "field_description_mesg": field}})
    encoder.on_mesg(number["FILE_ID"], {"type": "activity", "manufacturer": "development", "time_created": begun})
    encoder.on_mesg(number["DEVELOPER_DATA_ID"], about)
    encoder.on_mesg(number["FIELD_DESCRIPTION"], field)
    for at in range(3):
        encoder.on_mesg(number["RECORD"], {"timestamp": begun + at, "developer_fields": {0: 100 + at}})
    path = tmp_path / "app.fit"
    path.write_bytes(encoder.close())
    assert [sample.bpm for sample in read(path).samples] == [100.0, 101.0, 102.0]


def test_a_fit_file_without_heart_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingFileError, match="no heart rate"):
        read(fit_file(tmp_path, [None, None]))


def test_a_fit_file_by_another_name_is_known_by_its_content(tmp_path: Path) -> None:
    other = fit_file(tmp_path, [100]).rename(tmp_path / "a.csv")
    assert read(other) == SampleRecording(name="a.csv", samples=(Sample(0.0, 100.0),))


def test_what_is_no_file_or_far_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingFileError, match="does not exist"):
        read(tmp_path / "nowhere.csv")
    with pytest.raises(RecordingFileError, match="folder"):
        read(tmp_path)
    huge = tmp_path / "huge.csv"
    with huge.open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    with pytest.raises(RecordingFileError, match="larger than 64 MB"):
        read(huge)
