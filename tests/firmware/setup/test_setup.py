"""`interval-coach setup`: a person answers, parts answer or do not, and a file is written whole or not at all."""

import asyncio
import errno
import io
import re
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest
from rich.console import Console

from display.sound.music_files import FoundMusic
from firmware.config.loader import read_config
from firmware.config.schema import Config, MusicPart, StrapPart
from firmware.config.writer import commented
from firmware.setup.optional_files import OPTIONAL_FILES, follow_settings
from firmware.setup.probes import FoundCard, FoundKeyboard, FoundStrap, ProbeError, RealParts
from firmware.setup.reasons import explain
from firmware.setup.texts import catalogue, setup_texts
from firmware.setup.wizard import Setup, SetupError, SetupSettings
from sync.delivery.machine_identity import MachineIdentity
from tests.support.bluez.fake_bluez import FakeBlueZ, treadmill
from tests.support.bluez.fake_bluez import strap as peripheral
from tests.support.bluez.private_bus import HAS_DAEMON, private_bus

ROOT = Path(__file__).parents[3]
ACCOUNT = MachineIdentity(
    clinic="trondheim",
    machine="machine-1",
    broker_host="coach.example.no",
    broker_port=8883,
    server="coach.example.no:8884",
    certificate_from_wall_s=0.0,
    certificate_until_wall_s=1.0,
)


class _Bench:
    """Parts on a bench: two straps, an HDMI and a USB card, a small screen at 0x3D, a server."""

    def __init__(
        self, *, silent: tuple[str, ...] = (), enrolled: bool = False, plain: bool = True, ant: bool = False
    ) -> None:
        self._silent, self._plain, self._ant = silent, plain, ant
        self._account = ACCOUNT if enrolled else None
        self.did: list[str] = []

    def _do(self, what: str) -> None:
        self.did.append(what)
        if what.split(maxsplit=1)[0] in self._silent:
            raise ProbeError("no answer")

    def straps(self, seconds: float) -> tuple[FoundStrap, ...]:
        self._do(f"straps {seconds:g}")
        return (FoundStrap("Polar H10 A1B2C3", -48), FoundStrap("HRM-Dual:123", -80))

    def adapters(self) -> tuple[str, ...]:
        return ("hci0",) if self._plain else ("hci0", "hci1")

    def ant_sticks(self) -> tuple[str, ...]:
        return ("ANTUSB-m (1-1.4)",) if self._ant else ()

    def keyboards(self) -> tuple[FoundKeyboard, ...]:
        return () if self._plain else (FoundKeyboard("SEM USB Keyboard", certain=False),)

    def cards(self) -> tuple[FoundCard, ...]:
        return (FoundCard("vc4hdmi0", "hdmi"), FoundCard("Device", "usb"))

    def speak(self, device: str, language: Literal["nb", "en"], connector: str = "") -> None:
        self._do(f"speak {device} {language} {connector}".rstrip())

    def music(self, folder: str) -> FoundMusic:
        self.did.append(f"music {folder}")
        return FoundMusic(() if "music" in self._silent else (b"/srv/a.mp3", b"/srv/b.ogg"), {".m4p": 3})

    def oled_addresses(self, port: int) -> tuple[int, ...]:
        self._do(f"oled_addresses {port}")
        return (0x3D,) if self._plain else (0x3C, 0x3D)

    def draw(self, chip: Literal["ssd1306", "sh1106"], port: int, address: int) -> None:
        self._do(f"draw {chip} {port} {address:#x}")

    def screens(self) -> tuple[str, ...]:
        return ("HDMI-A-1",) if self._plain else ("HDMI-A-1", "HDMI-A-2")

    def reach(self, host: str, port: int) -> None:
        self._do(f"reach {host} {port}")

    def account(self) -> MachineIdentity | None:
        return self._account

    def enrol(self, server: str, code: str) -> MachineIdentity:
        self._do(f"enrol {server} {code}")
        return ACCOUNT


class _Services:
    """Services that note what they were told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def stop(self) -> None:
        self.told.append("stop")

    def start(self) -> None:
        self.told.append("start")


class _Person:
    """Answers in order; beyond them, Enter."""

    def __init__(self, answers: Sequence[tuple[str, str]]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, prompt: str) -> str:
        self.asked.append(prompt)
        if self._answers and re.search(self._answers[0][0], prompt):
            return self._answers.pop(0)[1]
        return ""

    @property
    def unasked(self) -> list[str]:
        return [question for question, _ in self._answers]


def walk(
    file: Path,
    answers: Sequence[tuple[str, str]],
    bench: _Bench,
    services: _Services | None = None,
    etc: Path | None = None,
) -> tuple[bool, str]:
    """One walk; gives whether something was written, and what was said."""
    said = io.StringIO()
    person = _Person(answers)
    settings = SetupSettings(file=file, parts=bench, services=services, etc=etc)
    written = Setup(settings, Console(file=said, width=120), person).run()
    assert person.unasked == []
    return written, said.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(commented(), encoding="utf-8")
    return path


def test_a_whole_machine_is_set_up_each_part_tried_and_the_file_written(file: Path) -> None:
    bench, services = _Bench(), _Services()
    answers = [
        ("language", "en"),
        ("Name of the clinic", "St. Olav"),
        ("Name or place", "Room 3"),
        ("Where does sound go", "usb"),
        ("Which chip", "sh1106"),
        ("lamp wired", "n"),
        ("Name of the server", "coach.example.no"),
        ("One-time code", "abcd-efgh"),
    ]
    written, said = walk(file, answers, bench, services)
    assert written
    config = read_config(file)
    assert (config.machine.language, config.machine.clinic, config.machine.name) == ("en", "St. Olav", "Room 3")
    assert (config.sound.device, config.oled.driver, config.oled.address) == ("usb", "sh1106", 0x3D)
    assert (config.lamp.driver, config.server.host) == ("none", "coach.example.no")
    assert bench.did == [
        "straps 10",
        "speak usb en",
        "oled_addresses 1",
        "draw sh1106 1 0x3d",
        "reach coach.example.no 8884",
        "enrol coach.example.no:8884 abcd-efgh",
    ]
    assert services.told == ["stop", "start"]
    assert "This machine is enrolled as machine-1 of trondheim." in said
    # Comments and every other key stay as they were.
    assert file.read_text(encoding="utf-8").count("#") > 50


def test_of_several_devices_of_a_kind_the_person_chooses_one(file: Path) -> None:
    bench = _Bench(plain=False)
    answers = [
        ("language", "en"),
        ("Which one", "hci1"),
        ("Which one is to be used", "hdmi-a-2"),
        ("Which chip", "ssd1306"),
        ("Which address", "0x3d"),
    ]
    written, said = walk(file, answers, bench)
    assert written
    config = read_config(file)
    assert (config.strap.adapter, config.screen.connector, config.oled.address) == ("hci1", "HDMI-A-2", 0x3D)
    assert "speak hdmi en HDMI-A-2" in bench.did
    assert "draw ssd1306 1 0x3d" in bench.did
    assert "SEM USB Keyboard may be a numeric keypad" in said


def test_the_coach_may_use_the_stick_while_the_settings_do_and_no_longer(file: Path, tmp_path: Path) -> None:
    place = tmp_path / OPTIONAL_FILES[0].place
    walk(file, [("Bruke pulsbelter over ANT", "j")], _Bench(ant=True), etc=tmp_path)
    assert place.read_text(encoding="utf-8") == (ROOT / "systemd/optional/ant.conf").read_text(encoding="utf-8")
    walk(file, [], _Bench(ant=True), etc=tmp_path)
    assert place.is_file(), "nothing was changed, and the drop-in stays"
    walk(file, [("Bruke pulsbelter over ANT", "n")], _Bench(ant=True), etc=tmp_path)
    assert not place.parent.exists()


def test_the_installer_follows_the_settings_and_leaves_other_drop_ins_alone(file: Path, tmp_path: Path) -> None:
    def follow() -> str:
        words = [sys.executable, "-m", "firmware.setup.optional_files", str(file), str(tmp_path)]
        return subprocess.run(words, check=True, capture_output=True, text=True, cwd=ROOT).stdout.strip()

    place = tmp_path / OPTIONAL_FILES[0].place
    assert follow() == ""
    file.write_text('[strap]\nsource = "ant"\n', encoding="utf-8")
    assert (follow(), follow()) == (f"wrote {place}", "")
    (other := place.with_name("own.conf")).write_text("[Service]\n", encoding="utf-8")
    file.write_text("[strap]\nsource = 7\n", encoding="utf-8")
    assert follow() == "", "settings that cannot be read change nothing"
    file.write_text("", encoding="utf-8")
    assert follow() == f"removed {place}"
    assert (place.exists(), other.exists()) == (False, True)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_takes_the_units_with_the_drop_in(tmp_path: Path) -> None:
    unit = tmp_path / "interval-coach-coach.service"
    text = (ROOT / "systemd/units/interval-coach-coach.service").read_text(encoding="utf-8")
    unit.write_text(re.sub(r"^(Exec\w+)=.*$", r"\1=/bin/true", text, flags=re.MULTILINE), encoding="utf-8")
    follow_settings(Config(strap=StrapPart(source="ant")), tmp_path)
    (tmp_path / "interval-coach-coach.service.d").mkdir()
    shutil.move(tmp_path / OPTIONAL_FILES[0].place, tmp_path / "interval-coach-coach.service.d" / "ant.conf")
    words = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)]
    said = subprocess.run(words, check=False, capture_output=True, text=True).stderr
    assert [line for line in said.splitlines() if "ant.conf" in line] == []


def test_each_optional_file_is_there_while_the_settings_ask_for_it(tmp_path: Path) -> None:
    """A rule for a stick, a service for a telephone; gone again with the setting, and folders of the system stay."""
    (tmp_path / "udev/rules.d").mkdir(parents=True)
    follow_settings(Config(music=MusicPart(source="stick")), tmp_path)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["61-interval-coach-music.rules"]
    follow_settings(Config(music=MusicPart(source="bluetooth")), tmp_path)
    written = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert {"interval-coach-music.service", "music.conf", "50-interval-coach.lua"} <= written
    assert "61-interval-coach-music.rules" not in written
    follow_settings(Config(), tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert (tmp_path / "udev/rules.d").is_dir()


def test_all_that_the_settings_may_write_the_uninstaller_takes_away() -> None:
    text = (ROOT / "systemd/install.sh").read_text(encoding="utf-8")
    braces = text[text.index("uninstall_all()") :]
    names = [Path(one.place).name.replace("interval-coach", "$name") for one in OPTIONAL_FILES]
    assert [name for name in names if name not in braces and not name.startswith("50-")] == []
    assert '"/50-$name."{conf,lua}' in braces


def test_music_is_asked_for_and_its_folder_looked_into(file: Path) -> None:
    bench = _Bench()
    _, said = walk(file, [("Hvor kommer musikken fra", "folder"), ("Hvor høyt", "0,3")], bench)
    assert read_config(file).music == MusicPart(source="folder", volume=0.3)
    assert "music /srv/interval-coach/music" in bench.did
    assert "Fant 2 musikkfiler." in said
    assert "3 filer kan ikke spilles (.m4p)" in said
    assert "TONO" in said


def test_a_folder_without_music_is_told(file: Path) -> None:
    _, said = walk(file, [("Hvor kommer musikken fra", "folder")], _Bench(silent=("music",)))
    assert "Fant ingen musikk der." in said


def test_an_ant_stick_that_is_there_is_offered(file: Path) -> None:
    written, _ = walk(file, [("Bruke pulsbelter over ANT", "j")], _Bench(ant=True))
    assert written
    assert read_config(file).strap.source == "ant"


def test_enter_all_the_way_changes_nothing_and_writes_nothing(file: Path) -> None:
    before = file.read_bytes()
    written, said = walk(file, [], _Bench())
    assert (written, file.read_bytes()) == (False, before)
    assert "Ingenting er endret." in said


def test_without_a_file_one_is_laid_out(tmp_path: Path) -> None:
    file = tmp_path / "etc" / "config.toml"
    assert walk(file, [], _Bench())[0]
    assert file.read_text(encoding="utf-8") == commented()


def test_no_at_the_end_writes_nothing_and_starts_the_services_again(file: Path) -> None:
    before, services = file.read_bytes(), _Services()
    written, said = walk(file, [("Klinikkens navn", "Røros"), ("Skrive dette", "n")], _Bench(), services)
    assert (written, file.read_bytes(), services.told) == (False, before, ["stop", "start"])
    assert "Ingenting er skrevet." in said


def test_parts_that_do_not_answer_are_told_of_and_stop_nobody(file: Path) -> None:
    silent = _Bench(silent=("straps", "speak", "oled_addresses", "draw", "reach"))
    answers = [("Klinikkens navn", "Røros"), ("Hvilken brikke", "ssd1306"), ("Serverens navn", "coach.example.no")]
    written, said = walk(file, answers, silent)
    assert written
    assert said.count("no answer") == len(silent.did)
    config = read_config(file)
    assert (config.machine.clinic, config.oled.driver, config.server.host) == ("Røros", "ssd1306", "coach.example.no")


def test_an_answer_that_the_settings_refuse_is_asked_for_again(file: Path) -> None:
    answers = [
        ("Tidssone", "Europe/Atlantis"),
        ("Tidssone", "Europe/Berlin"),
        ("Hvor skal lyden", "a b"),
        ("Hvor skal", "none"),
    ]
    written, said = walk(file, answers, _Bench())
    assert written
    assert "Europe/Atlantis" in said
    assert (read_config(file).machine.timezone, read_config(file).sound.device) == ("Europe/Berlin", "none")


def test_a_machine_that_is_enrolled_is_not_enrolled_again_by_enter(file: Path) -> None:
    bench = _Bench(enrolled=True)
    walk(file, [("Serverens navn", "coach.example.no")], bench)
    assert [what for what in bench.did if what.startswith("enrol")] == []


def test_nobody_is_disturbed_while_training(file: Path) -> None:
    services = _Services()
    settings = SetupSettings(file=file, parts=_Bench(), services=services, trains=lambda: True)
    with pytest.raises(SetupError, match="Noen trener"):
        Setup(settings, Console(file=io.StringIO()), _Person([])).run()
    assert services.told == []


def test_services_start_again_when_the_person_leaves_in_the_middle(file: Path) -> None:
    services = _Services()

    def leave(prompt: str) -> str:
        if "Hvor skal lyden" in prompt:
            raise EOFError
        return ""

    settings = SetupSettings(file=file, parts=_Bench(), services=services)
    with pytest.raises(EOFError):
        Setup(settings, Console(file=io.StringIO()), leave).run()
    assert services.told == ["stop", "start"]


def test_both_languages_have_every_sentence_with_the_same_places_to_fill() -> None:
    words = catalogue()
    assert list(words["nb"]) == list(words["en"])
    for key, sentence in words["nb"].items():
        assert sorted(re.findall(r"{\w+}", sentence)) == sorted(re.findall(r"{\w+}", words["en"][key])), key


def test_the_kernels_lists_of_cards_and_screens_are_read(tmp_path: Path) -> None:
    (tmp_path / "proc/asound").mkdir(parents=True)
    (tmp_path / "proc/asound/cards").write_text(
        " 0 [vc4hdmi0       ]: vc4-hdmi - vc4-hdmi-0\n                      vc4-hdmi-0\n"
        " 1 [Device         ]: USB-Audio - USB Audio Device\n",
        encoding="utf-8",
    )
    for name, status in (("card1-HDMI-A-1", "connected"), ("card1-HDMI-A-2", "disconnected")):
        (tmp_path / "sys/class/drm" / name).mkdir(parents=True)
        (tmp_path / "sys/class/drm" / name / "status").write_text(f"{status}\n", encoding="utf-8")
    parts = RealParts(tmp_path / "identity", tmp_path)
    assert parts.cards() == (FoundCard("vc4hdmi0", "hdmi"), FoundCard("Device", "usb"))
    assert (parts.screens(), parts.oled_addresses(1), parts.account()) == (("HDMI-A-1",), (), None)


def test_a_sound_device_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(ProbeError):
        RealParts(tmp_path).speak("plughw:CARD=no-such-card", "nb")


@pytest.mark.skipif(not HAS_DAEMON, reason="dbus-daemon is not installed: run scripts/set-up.sh")
def test_straps_are_found_by_bluez_the_nearest_first_also_where_bluetooth_was_off(tmp_path: Path) -> None:
    far, near = peripheral(rssi=-80), peripheral("TICKR 3C4D", "C0:00:00:00:00:02", rssi=-50)

    async def main() -> tuple[FoundStrap, ...]:
        async with FakeBlueZ(far, near, treadmill(), powered=False):
            return await asyncio.to_thread(RealParts(tmp_path).straps, 2.0)

    with private_bus():
        found = asyncio.run(main())
    assert found == (FoundStrap("TICKR 3C4D", -50), FoundStrap("Polar H10 8F3A2B1C", -80))


@pytest.mark.skipif(not HAS_DAEMON, reason="dbus-daemon is not installed: run scripts/set-up.sh")
def test_without_a_bluetoothd_setup_is_told_so(tmp_path: Path) -> None:
    with private_bus(), pytest.raises(ProbeError):
        RealParts(tmp_path).straps(0.1)


@pytest.mark.parametrize("language", ["nb", "en"])
def test_why_a_part_did_not_answer_is_told_in_the_chosen_language(language: Literal["nb", "en"]) -> None:
    say = setup_texts(language)
    for cause, key in (
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "why_missing"),
        (PermissionError(errno.EACCES, "Permission denied"), "why_forbidden"),
        (OSError(errno.EREMOTEIO, "Remote I/O error"), "why_silent"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "why_refused"),
        (socket.gaierror(-2, "Name or service not known"), "why_unknown_name"),
        (ssl.SSLCertVerificationError("certificate verify failed"), "why_certificate"),
        (TimeoutError(), "why_silent"),
    ):
        error = ProbeError(str(cause))
        error.__cause__ = cause
        assert explain(error, say) == say(key)
    assert explain(ProbeError("the wheel is square"), say) == "the wheel is square"
