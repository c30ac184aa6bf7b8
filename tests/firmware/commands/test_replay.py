import argparse
import json
from pathlib import Path

import pytest

from firmware.commands.replay import add_parser


def replay(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["replay", *arguments])
    code: int = args.run(args)
    return code


@pytest.fixture
def recording(tmp_path: Path) -> str:
    """A made 4×4: 166 bpm from the second minute of each interval on, 120 between, with one impossible rate."""
    lines = ["t_s,hr_bpm"]
    for t in range(2600):
        into = (t - 600) % 420
        working = t >= 600 and into < 240
        level = min(166.0, 120 + into) if working else max(120.0, 166 - (into - 240)) if t >= 600 else 110.0
        lines.append(f"{t},{level + t % 2:g}")
    lines[4] = "3,300"
    path = tmp_path / "made.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def test_the_json_has_the_promised_keys_and_numbers(recording: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(recording, "--protocol", "4x4", "--hr-max", "185", "--json") == 0
    printed = capsys.readouterr()
    summary = json.loads(printed.out)
    assert {"protocol", "completed", "time_in_zone_s", "intervals", "signal"} <= summary.keys()
    assert (summary["protocol"], summary["completed"], len(summary["intervals"])) == ("4x4", True, 4)
    assert {
        "index",
        "start_s",
        "end_s",
        "third_minute_bpm",
        "third_minute_fraction",
        "time_to_zone_s",
        "time_in_zone_s",
        "above_zone_s",
        "peak_bpm",
        "recovery_fall_60s_bpm",
    } <= summary["intervals"][0].keys()
    assert {"live_s", "weak_s", "stale_s", "lost_s", "implausible_s"} == summary["signal"].keys()
    first = summary["intervals"][0]
    assert (first["start_s"], first["end_s"], first["third_minute_bpm"]) == (600.0, 840.0, 166.5)
    assert "made.csv, line 5: 300 bpm is no heart's rate" in printed.err


def test_a_recordings_intervals_are_counted_though_its_rate_once_leapt_down(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A doubt that would hold back a person's next interval holds back nothing in a file (cases 25)."""
    lines = ["t_s,hr_bpm"]
    for t in range(2600):
        into = (t - 600) % 420
        working = t >= 600 and into < 240
        level = 124.0 + min(41.0, into / 4) if working else 149.0 if t < 600 else max(124.0, 165 - (into - 240) / 2)
        lines.append(f"{t},{level + t % 2:g}")
    path = tmp_path / "leaps.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert replay(str(path), "--protocol", "4x4", "--hr-max", "185", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["signal"]["implausible_s"] > 0
    assert (summary["completed"], summary["completed_intervals"]) == (True, 4)
    assert all(one["time_in_zone_s"] > 100 for one in summary["intervals"])


def test_a_reader_gets_a_table(recording: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(recording, "--hr-max", "185") == 0
    printed = capsys.readouterr().out
    assert "4x4: completed" in printed
    assert "166 (90%)" in printed


def test_the_warm_up_takes_the_length_asked_for_and_may_be_left_out(
    recording: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay(recording, "--hr-max", "185", "--warm-up", "300", "--from", "300", "--json") == 0
    assert json.loads(capsys.readouterr().out)["intervals"][0]["third_minute_bpm"] == 166.5
    assert replay(recording, "--hr-max", "185", "--warm-up", "0", "--from", "600", "--json") == 0
    assert json.loads(capsys.readouterr().out)["intervals"][0]["start_s"] == 0.0


def test_a_paced_replay_gives_the_same_summary(recording: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(recording, "--hr-max", "185", "--json") == 0
    fast = capsys.readouterr().out
    assert replay(recording, "--hr-max", "185", "--json", "--speed", "100000") == 0
    assert capsys.readouterr().out == fast


def test_a_picture_of_the_session_is_drawn(recording: str, tmp_path: Path) -> None:
    picture = tmp_path / "session.png"
    assert replay(recording, "--hr-max", "185", "--png", str(picture)) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "about"),
    [
        (("--hr-max", "20"), "--hr-max is 20"),
        (("--hr-max", "nan"), "--hr-max is nan"),
        (("--hr-max", "185", "--warm-up", "-5"), "--warm-up is -5"),
        (("--hr-max", "185", "--warm-up", "1.5"), "--warm-up is 1.5"),
        (("--hr-max", "185", "--from", "-1"), "--from is -1"),
        (("--hr-max", "185", "--from", "9999"), "before 9999 s"),
        (("--hr-max", "185", "--speed", "0"), "--speed is 0"),
        (("--hr-max", "185", "--protocol", "9x9"), "9x9"),
        (("--hr-max", "185", "--png", "/nowhere/a.png"), "/nowhere/a.png"),
        (("--hr-max", "185", "--png", "a.doc"), "must end in .png"),
    ],
)
def test_a_wrong_wish_gives_a_sentence_and_code_2(
    recording: str, arguments: tuple[str, ...], about: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay(recording, *arguments) == 2
    printed = capsys.readouterr()
    assert about in printed.err
    assert printed.out == ""


def test_a_broken_recording_gives_file_line_and_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "broken.csv"
    path.write_text("t_s,hr_bpm\n0,80\n1,-3\n", encoding="utf-8")
    assert replay(str(path), "--hr-max", "185") == 2
    assert "broken.csv, line 3: A heart rate of -3 bpm is impossible" in capsys.readouterr().err


def test_a_diarys_export_is_replayed_from_where_its_session_began(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "exported.csv"
    rows = [f"{t},{80 if t < 50 else 100 + t % 7},{'' if t < 50 else 'warm_up'}" for t in range(400)]
    path.write_text("\n".join(["t_s,hr_bpm,phase", *rows]) + "\n", encoding="utf-8")
    seen = {}
    for words in ((), ("--from", "0"), ("--from", "60")):
        assert replay(str(path), "--hr-max", "185", "--json", *words) == 0
        told = capsys.readouterr()
        seen[words] = (json.loads(told.out)["duration_s"], "begun at 50 s, where its session began" in told.err)
    assert seen == {(): (349.0, True), ("--from", "0"): (399.0, False), ("--from", "60"): (339.0, False)}


def test_a_picture_that_cannot_be_written_leaves_the_older_one(recording: str, tmp_path: Path) -> None:
    folder = tmp_path / "taken.png"
    folder.mkdir()
    assert replay(recording, "--hr-max", "185", "--png", str(folder)) == 2
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".png"] == ["taken.png"]
