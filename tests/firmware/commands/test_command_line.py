"""The command line: every subcommand is found, mistakes get one sentence and status 2, and a start is quick."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from firmware import cli
from firmware.cli import main
from firmware.journal.file import JournalLock

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("run", "coach", "display", "sync", "demo", "participants", "sessions", "replay", "engine", "protocols")


def sentence(capsys: pytest.CaptureFixture[str]) -> str:
    """What was said on standard error: one line, and no traceback."""
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert said.startswith("interval-coach: ")
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize("name", NAMES)
def test_every_subcommand_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"interval-coach {name}" in capsys.readouterr().out


def test_help_names_every_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    assert [name for name in NAMES if name not in told] == []


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.strip()


def test_a_picture_without_a_coach_is_refused_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["display", "--socket", str(tmp_path / "s"), "--png", str(tmp_path / "a.png")]) == 2
    assert "No coach answers" in sentence(capsys)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--strap", "polar"], "There is no strap «polar» in this version. There are «bluetooth[:ADAPTER]»"),
        (["--strap", "simulated:tired,1"], "«tired» is no kind of simulated participant"),
        (["--strap", "simulated:ordinary,x"], "The seed «x» is no whole number"),
        (["--strap", "recording:"], "--strap recording needs a file"),
        (["--strap", "recording:/nowhere.csv"], "/nowhere.csv"),
        (["--hr-max", "300"], "it must lie in 80–240 bpm"),
        (["--hr-max", "-1"], "it must lie in 80–240 bpm"),
        (["--age", "7"], "--age is 7; it must lie in 16–90"),
        (["--age", "40", "--protocol", "5x5"], "no such protocol; known are"),
        (["--plan", "/nowhere.toml"], "/nowhere.toml: the plan cannot be read"),
        (["--speed", "0"], "--speed is 0"),
        (["--strap", "bluetooth:wlan0"], "«wlan0» is no Bluetooth adapter"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--socket", str(tmp_path / "s"), "--diary", str(tmp_path / "d"), "--plans", str(tmp_path)]
    assert main(["coach", *places, *arguments]) == 2
    assert said in sentence(capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("participant = ", "Invalid value"),
        ('participant = "p"\nhr_max_bpm = 185\nceiling = 170', "unknown field `ceiling`. Known are"),
        ('participant = "p"\nhr_max_bpm = "high"', "hr_max_bpm"),
        ('participant = "p"', "has no HRmax"),
        ('participant = ""\nhr_max_bpm = 185', "participant is empty"),
    ],
)
def test_a_wrong_plan_is_refused_with_file_and_reason(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(text, encoding="utf-8")
    assert main(["coach", "--plan", str(plan), "--plans", str(tmp_path / "none"), "--socket", str(tmp_path / "s")]) == 2
    told = sentence(capsys)
    assert str(plan) in told
    assert said in told


def test_protocols_are_listed_with_their_lengths(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["protocols", "list"]) == 0
    told = capsys.readouterr().out
    assert "4x4" in told
    assert "40 min" in told


def test_a_wrong_protocol_is_refused_with_file_line_and_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.toml"
    path.write_text('name = "own"\nlength = 3\n', encoding="utf-8")
    assert main(["protocols", "check", str(path)]) == 2
    assert f"{path}" in sentence(capsys)


def test_help_and_the_coach_load_none_of_the_screens_packages() -> None:
    code = "import sys, firmware.cli; from firmware.services import coach_service, sync_service; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in ("pygame", "luma", "PIL", "matplotlib", "rich") if name in loaded] == []


def test_a_demo_that_cannot_write_is_refused_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["demo", "--output", str(tmp_path / "file" / "demo")]) == 2
    assert "Name another with --output" in sentence(capsys)


def test_a_demo_where_another_one_runs_is_refused_and_touches_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "screens").mkdir()
    picture = tmp_path / "screens" / "01-ready.png"
    picture.write_bytes(b"of the other one")
    lock = JournalLock(tmp_path / "diary.db")
    assert main(["demo", "--output", str(tmp_path)]) == 2
    lock.release()
    assert "another demo is running there" in sentence(capsys)
    assert picture.read_bytes() == b"of the other one"


def test_a_protocol_is_checked_wherever_it_is_and_whatever_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "protocol-of-ours"
    path.write_bytes(b"\xef\xbb\xbf" + (ROOT / "coach/protocols/4x4.toml").read_bytes())
    assert main(["protocols", "check", str(path)]) == 0
    assert capsys.readouterr().out == f"{path} is in order: 4x4, 9 phases, 4 intervals, 40 min 0 s\n"


def test_what_is_no_file_is_no_protocol(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "fifo.toml")
    (tmp_path / "large.toml").write_bytes(bytes(300_000))
    told = {}
    for name in (".", "fifo.toml", "large.toml", "missing.toml"):
        path = tmp_path / name
        assert main(["protocols", "check", str(path)]) == 2
        told[name] = sentence(capsys).removeprefix(f"interval-coach: {path}: ").strip()
    assert told == {
        ".": "is a folder or a device, not a file",
        "fifo.toml": "is a folder or a device, not a file",
        "large.toml": "is larger than 256 kB, which no protocol is",
        "missing.toml": "cannot be read: No such file or directory",
    }


@pytest.mark.parametrize(("package", "extra"), [("matplotlib", "diary"), ("pygame", "desk"), ("bleak", "device")])
def test_a_missing_package_is_named_with_the_extra_that_brings_it(
    package: str, extra: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load_without(_: object) -> int:
        raise ModuleNotFoundError(f"No module named {package!r}", name=f"{package}.part")

    monkeypatch.setattr(cli, "_list_protocols", load_without)
    assert main(["protocols", "list"]) == 2
    assert f"«{package}»" in (told := sentence(capsys))
    assert "Install it with: pip install " in told
    assert f"[{extra}]'" in told


def test_ctrl_c_while_the_command_loads_ends_it_in_silence() -> None:
    code = """
import os, signal, sys
class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == "firmware.cli":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupted())
from firmware.entry_point import main
main()
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "", "")


def test_a_refusal_that_cannot_be_written_is_still_a_refusal() -> None:
    command = [sys.executable, "-m", "firmware.cli", "protocols", "check", "/nowhere.toml"]
    with Path("/dev/full").open("wb") as full:
        assert subprocess.run(command, stderr=full, check=False).returncode == 2


def test_the_filter_without_a_standard_input_ends_at_once() -> None:
    command = f"exec {sys.executable} -m firmware.cli engine --stdio <&-"
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
