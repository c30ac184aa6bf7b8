"""The command line: every subcommand is found, mistakes get one sentence and status 2, and a start is quick."""

import subprocess
import sys
from pathlib import Path

import pytest

from firmware.command_line import main

NAMES = ("run", "coach", "display", "sync", "demo", "sessions", "replay", "engine", "protocols")


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
        (["--strap", "polar"], "There is no strap «polar» in this version. There are «simulated»"),
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
        ('participant = "p"\nhr_max_bpm = 185\nceiling = 170', "unknown key ceiling"),
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
    code = "import sys; from firmware import command_line, coach_service, sync_service; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in ("pygame", "luma", "PIL", "matplotlib", "rich") if name in loaded] == []


def test_a_demo_that_cannot_write_is_refused_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["demo", "--output", str(tmp_path / "file" / "demo")]) == 2
    assert "Name another with --output" in sentence(capsys)
