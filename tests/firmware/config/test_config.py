"""The machine's settings: every key is documented, a wrong file is refused with its line, the last good one holds."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from firmware.cli import REFUSED, main
from firmware.config import cli_defaults
from firmware.config.loader import KEPT_NAME, InForce, in_force, kept_copy
from firmware.config.schema import (
    Config,
    ConfigError,
    DiaryPart,
    ScreenPart,
    SoundPart,
    StrapPart,
    VoicePart,
    meanings,
    read,
)
from firmware.config.writer import commented, document, format_config, with_values
from firmware.participants import protocol_files

ROOT = Path(__file__).resolve().parents[3]
GOOD = '[sound]\ndevice = "usb"\n'
BAD = '[sound]\ndevice = "usb"\nloudness = 3\n'


@pytest.fixture(autouse=True)
def zone_and_protocols() -> Iterator[None]:
    """A configuration sets these for the whole process."""
    before = {name: os.environ.get(name) for name in ("TZ", protocol_files.FOLDER_VARIABLE)}
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    time.tzset()


def refusal(text: str) -> tuple[int, str]:
    with pytest.raises(ConfigError) as caught:
        read(text, "config.toml")
    assert str(caught.value).startswith("config.toml")
    return caught.value.line, caught.value.reason


def test_a_file_that_says_nothing_is_the_defaults() -> None:
    assert read("", "config.toml") == Config()


def test_every_key_stands_in_the_file_that_is_installed_with_its_meaning_and_default() -> None:
    text = (ROOT / "systemd/config.toml").read_text(encoding="utf-8")
    assert text == commented(), "run: python -m firmware.config.writer toml > systemd/config.toml"
    assert read(text, "config.toml") == Config()
    uncommented = re.sub(r"^#(?=\w+ = )", "", text, flags=re.MULTILINE)
    assert read(uncommented, "config.toml") == Config()
    assert len(re.findall(r"^\w+ = ", uncommented, re.MULTILINE)) == sum(len(keys) for keys in meanings().values())


def test_every_key_is_in_the_document() -> None:
    text = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    assert text == document(), "run: python -m firmware.config.writer markdown > docs/configuration.md"


def test_every_key_has_a_meaning() -> None:
    assert [f"{section}.{key}" for section, keys in meanings().items() for key, text in keys.items() if not text] == []


def test_what_is_shown_reads_back_as_the_same() -> None:
    config = Config(
        sound=SoundPart(device="plughw:CARD=Headphones", volume=0.5),
        voice=VoicePart(packs=("/srv/kari", '/srv/"o"')),
        screen=ScreenPart(turned="left"),
    )
    assert read(format_config(config), "config.toml") == config


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (
            '\n[machine]\nnam = "a"\n',
            3,
            "here; there are clinic, name, language, help_number, timezone",
        ),
        ("[machine]\n[sond]\n", 2, "there is no setting «sond»; there are machine, "),
        ("[sound]\nvolume = 2.0\n", 2, "sound.volume: expected `float` <= 1.0. Loudness"),
        ('[screen]\n\ndriver = "x11"\n', 3, "screen.driver: invalid enum value 'x11'. kms: "),
        ("[diary]\nraw_kept_days = 31\n", 2, "diary.raw_kept_days: expected `int` <= 30"),
        ('[machine]\ntimezone = "Oslo"\n', 2, "machine.timezone: there is no time zone «Oslo»"),
        ('[sound]\ndevice = "hdmii"\n', 2, "sound.device: «hdmii» is no sound device"),
        ("[panel]\nup_pin = 23\n", 2, "panel.up_pin: pin 23 is already used by panel.stop_pin"),
        ('[lamp]\nred_pin = 20\n[sound]\ndevice = "i2s"\n', 2, "pin 20 is already used by the sound card"),
        ('[oled]\ndriver = "sh1106"\n[panel]\nstart_pin = 2\n', 4, "pin 2 is already used by the small screen"),
        ("[panel]\nstart_pin = 17\nstart_pin = 18\n", 3, "not valid TOML"),
        ("[panel\n", 1, "not valid TOML"),
        ("a = " + "[" * 100_000, 0, "brackets within brackets"),
    ],
)
def test_a_wrong_file_is_refused_with_line_and_reason(text: str, line: int, words: str) -> None:
    at, reason = refusal(text)
    assert (at, words in reason) == (line, True), reason


@given(
    st.integers(0, 10_000),
    st.sampled_from(["", "#", "=", "[", '"', "x", "9", "\n", "é", "[[panel]]\n", "true"]),
    st.booleans(),
)
def test_whatever_happens_to_a_file_it_is_read_or_refused_with_its_line(at: int, put: str, over: bool) -> None:  # noqa: FBT001 - drawn
    text = format_config(Config())
    at %= len(text)
    spoilt = text[:at] + put + text[at + (len(put) or 1) * over :]
    faults: list[ConfigError] = []
    try:
        read(spoilt, "config.toml")
    except ConfigError as fault:
        faults.append(fault)
    assert all(0 <= fault.line <= spoilt.count("\n") + 1 and fault.reason for fault in faults)


def test_a_pin_may_be_used_twice_where_one_of_the_two_is_not_there() -> None:
    config = read('[lamp]\ndriver = "none"\n[panel]\nup_pin = 5\n', "config.toml")
    assert config.panel.up_pin == config.lamp.red_pin


def test_a_good_start_keeps_a_copy(tmp_path: Path) -> None:
    file, kept = tmp_path / "config.toml", tmp_path / "state" / KEPT_NAME
    file.write_text(GOOD)
    assert in_force(file, kept).config.sound.device == "usb"
    assert kept.read_text() == GOOD
    assert [path.name for path in kept.parent.iterdir()] == [KEPT_NAME]


def test_the_last_good_file_stays_in_force_and_the_fault_is_told(tmp_path: Path) -> None:
    file, kept = tmp_path / "config.toml", tmp_path / KEPT_NAME
    file.write_text(GOOD)
    good = in_force(file, kept)
    file.write_text(BAD)
    now = in_force(file, kept)
    assert now.config == good.config
    assert now.fault is not None
    assert (now.fault.file, now.fault.line) == (str(file), 3)
    assert "loudness" in now.fault.reason
    assert kept.read_text() == GOOD


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"\xff\xfe")])
def test_the_last_good_file_also_holds_where_there_is_nothing_to_read(tmp_path: Path, spoil: object) -> None:
    file, kept = tmp_path / "config.toml", tmp_path / KEPT_NAME
    file.write_text(GOOD)
    in_force(file, kept)
    spoil(file)  # type: ignore[operator]
    now = in_force(file, kept)
    assert now.config.sound.device == "usb"
    assert now.fault is not None


def test_without_a_good_copy_a_wrong_file_is_refused(tmp_path: Path) -> None:
    file, kept = tmp_path / "config.toml", tmp_path / KEPT_NAME
    file.write_text(BAD)
    with pytest.raises(ConfigError, match=r"config\.toml, line 3: there is no setting «loudness»"):
        in_force(file, kept)
    kept.write_text("[[[")
    with pytest.raises(ConfigError, match=r"config\.toml, line 3: there is no setting «loudness»"):
        in_force(file, kept)


def test_a_copy_that_cannot_be_kept_stops_nobody(tmp_path: Path) -> None:
    file, taken = tmp_path / "config.toml", tmp_path / "taken"
    file.write_text(GOOD)
    taken.write_text("a file where the folder should be")
    assert in_force(file, taken / KEPT_NAME).fault is None


def test_the_copy_lies_in_the_service_s_state_folder() -> None:
    assert (
        kept_copy({"STATE_DIRECTORY": "/var/lib/interval-coach:/other"}) == Path("/var/lib/interval-coach") / KEPT_NAME
    )


def test_a_service_that_may_not_write_there_reads_what_another_has_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).exists() and mode != os.W_OK)
    own = {"XDG_STATE_HOME": str(tmp_path / "own")}
    assert kept_copy(own, tmp_path) == tmp_path / "own/interval-coach" / KEPT_NAME
    (tmp_path / KEPT_NAME).write_text(GOOD)
    assert kept_copy(own, tmp_path) == tmp_path / KEPT_NAME


def test_a_service_does_not_start_with_a_wrong_file_and_no_copy(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(BAD)
    environment = os.environ | {"STATE_DIRECTORY": str(tmp_path / "state")}
    command = [sys.executable, "-m", "firmware.cli", "coach", "--config", str(file)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == REFUSED
    assert f"{file}, line 3: there is no setting «loudness» here; there are device, volume" in done.stderr


def test_what_the_file_says_holds_where_the_command_line_says_nothing(tmp_path: Path) -> None:
    config = Config(diary=DiaryPart(folder="/srv/diary"), screen=ScreenPart(driver="window", full_screen=False))
    file, kept = tmp_path / "config.toml", tmp_path / KEPT_NAME
    file.write_text(format_config(replace(config, sound=SoundPart(device="none"))))
    told = cli_defaults.defaults_of(in_force(file, kept))
    assert (told["diary"], told["screen"], told["no_sound"]) == (Path("/srv/diary/diary.db"), "window", True)


@pytest.mark.parametrize(
    ("strap", "word"),
    [
        (StrapPart(), "bluetooth"),
        (StrapPart(adapter="hci1"), "bluetooth:hci1"),
        (StrapPart(source="simulated", adapter="hci1"), "simulated"),
    ],
)
def test_the_strap_is_the_one_of_the_settings(strap: StrapPart, word: str) -> None:
    assert cli_defaults.defaults_of(InForce(Config(strap=strap), Path("config.toml")))["strap"] == word


def test_without_a_file_nothing_is_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cli_defaults, "CONFIG", tmp_path / "none.toml")
    assert cli_defaults.configured(None) == {}


def test_the_command_checks_and_shows_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.toml"
    file.write_text(GOOD)
    assert main(["config", "check", str(file)]) == 0
    assert "is in order" in capsys.readouterr().out
    assert main(["config", "show", str(file)]) == 0
    assert read(capsys.readouterr().out, "shown").sound.device == "usb"
    file.write_text(BAD)
    assert main(["config", "check", str(file)]) == REFUSED
    assert "line 3" in capsys.readouterr().err


def test_the_clinic_s_protocols_are_looked_for_where_the_file_says() -> None:
    assert protocol_files.clinic_folder({protocol_files.FOLDER_VARIABLE: "/srv/p"}) == Path("/srv/p")
    assert protocol_files.clinic_folder({}) == protocol_files.CLINIC_PROTOCOLS


def test_a_value_is_put_beside_its_comment_and_all_else_is_left() -> None:
    changed = with_values(commented(), {"sound.device": "usb", "machine.name": 'Sal "1"', "oled.address": 0x3D})
    config = read(changed, "config.toml")
    assert (config.sound.device, config.machine.name, config.oled.address) == ("usb", 'Sal "1"', 0x3D)
    assert len(changed.splitlines()) == len(commented().splitlines())
    again = with_values(changed, {"sound.device": "i2s"})
    assert read(again, "config.toml").sound.device == "i2s"


def test_a_value_is_put_into_a_file_that_lacks_its_section() -> None:
    assert read(with_values(GOOD, {"diary.raw_kept_days": 7}), "config.toml").diary.raw_kept_days == 7


def test_a_value_that_cannot_be_is_not_put() -> None:
    with pytest.raises(ConfigError):
        with_values(commented(), {"diary.raw_kept_days": 99})
    with pytest.raises(ConfigError):
        with_values(commented(), {"diary.colour": "red"})
