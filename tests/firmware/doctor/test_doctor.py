"""The doctor's checks over recorded machines: a good one, and every fault that each check is there for."""

import io
import itertools
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import jsonschema
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from rich.console import Console

from coach.kiosk.view import Button
from display.sound.music_files import FoundMusic
from display.texts import LANGUAGES, texts_in
from firmware.cli import main
from firmware.doctor import local_context, report
from firmware.doctor.all_checks import CHECKS, CODES, NAMES
from firmware.doctor.check import UNCHECKED, Check, CheckFinding, Outcome, Severity, look_once
from firmware.doctor.checks.strap import TROUBLES
from firmware.doctor.environment import CheckContext, CompletedCommand, ExpectedHardware, StrapReport, fittings_of
from firmware.doctor.runner import findings, look
from firmware.doctor.self_test import SelfTestAnswers, answers_file, keep, read
from firmware.journal.schema import migrate
from firmware.panel.panel_state import BUTTONS, KEYPAD, PanelState
from firmware.system.delivery_status import state_file, write_state
from sync.delivery.machine_identity import ACCOUNT, MACHINE_PEM
from sync.wire.messages import Finding as WireFinding
from tests.support.machine.recorded_machine import (
    DAY_S,
    DEVICES,
    FILES,
    NOW_S,
    machine,
    programs,
    state_of,
    write_account,
)

DOCS = Path(__file__).parents[3] / "docs"
GARBAGE = (b"", b"\x00\xff\xfe garbage \x80", b"-1", b"999999999999999999999", b"no such thing\n" * 50, b"{}", b"[]")
Change = Callable[[Path, CheckContext], CheckContext]


def check(name: str) -> Check:
    return next(one for one in CHECKS if one.name == name)


def codes(place: CheckContext, name: str) -> list[str]:
    return [one.code for one in look_once(check(name), place).findings]


def file(name: str, content: str) -> Change:
    def change(root: Path, place: CheckContext) -> CheckContext:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return place

    return change


def gone(*names: str) -> Change:
    def change(root: Path, place: CheckContext) -> CheckContext:
        for name in names:
            (root / name).unlink()
        return place

    return change


def put_aside(name: str) -> Change:
    def change(_root: Path, place: CheckContext) -> CheckContext:
        path = place.diary.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(9))
        return place

    return change


def told(**changed: object) -> Change:
    return lambda _root, place: replace(place, told=structs.replace(place.told, **changed))


def fitted(**changed: object) -> Change:
    return lambda _root, place: replace(place, fittings=structs.replace(place.fittings, **changed))


def music_of(source: str, found: FoundMusic) -> Change:
    """Settings that want music, and what a look finds."""
    return both(fitted(music=source, music_folder="/srv/music"), world(find_music=lambda _folders, _s: found))


def pipewire(*, runs: bool = False) -> Change:
    names = ["usr/bin/pipewire", "usr/bin/wireplumber", "usr/bin/pw-record"]
    return both(*(file(name, "") for name in (*names, *["run/interval-coach-music/pipewire-0"] * runs)))


READS, LOST = PanelState(reads=True), PanelState(reads=False, why="the header's pins cannot be used")


def told_named_keypad(root: Path, place: CheckContext) -> CheckContext:
    """A keypad whose file is there, and which the coach cannot read."""
    place = file("dev/input/by-id/pad", "")(root, place)
    place = fitted(keypad_device="/dev/input/by-id/pad")(root, place)
    return told(panels={KEYPAD: LOST})(root, place)


def parts(**states: str) -> Change:
    return told(devices=structs.replace(DEVICES, **states))


def program(**answers: CompletedCommand | None) -> Change:
    return lambda _root, place: replace(place, run=programs(**answers))


def world(**changed: object) -> Change:
    return lambda _root, place: replace(place, **changed)  # type: ignore[arg-type] # whatever a case changes


def state(**changed: object) -> Change:
    def change(_root: Path, place: CheckContext) -> CheckContext:
        write_state(state_file(place.socket), state_of(**changed))
        return place

    return change


def certificate(days: float) -> Change:
    def change(_root: Path, place: CheckContext) -> CheckContext:
        write_account(place.identity, NOW_S + days * DAY_S)
        return place

    return change


def answered(**given_answers: bool) -> Change:
    def change(_root: Path, place: CheckContext) -> CheckContext:
        answers_file(place.diary).write_bytes(msgspec.json.encode(SelfTestAnswers(wall_s=NOW_S, **given_answers)))
        return place

    return change


def both(*changes: Change) -> Change:
    def change(root: Path, place: CheckContext) -> CheckContext:
        for one in changes:
            place = one(root, place)
        return place

    return change


def diary(*waiting_days: float, damaged: bool = False) -> Change:
    def change(_root: Path, place: CheckContext) -> CheckContext:
        connection = sqlite3.connect(place.diary, isolation_level=None)
        migrate(connection)
        for number, days in enumerate(waiting_days):
            connection.execute(
                "INSERT INTO session (session_id, head, head_crc, boot_id, monotonic_s, wall_s, synchronised, document,"
                " sha256, revision) VALUES (?, x'00', 0, 'b', 0.0, ?, 1, x'00', 'a', 1)",
                (f"s-{number}", NOW_S - days * DAY_S),
            )
        connection.close()
        if damaged:
            content = bytearray(place.diary.read_bytes())
            content[4096:12288] = b"\x55" * 8192
            place.diary.write_bytes(content)
        return replace(place, told=structs.replace(place.told, coach_runs=False))

    return change


def rfkill_of(adapter: str) -> Change:
    """Block the adapter's own switch, as kernels that name them do."""
    folder = "sys/class/rfkill/rfkill2"
    free = file("sys/class/rfkill/rfkill1/name", "hci0\n" if adapter != "hci0" else "hci7\n")
    return both(
        free,
        file(f"{folder}/type", "bluetooth\n"),
        file(f"{folder}/name", f"{adapter}\n"),
        file(f"{folder}/soft", "1\n"),
        file(f"{folder}/hard", "0\n"),
    )


THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
NO_BITS = both(gone(THROTTLED, "sys/class/hwmon/hwmon1/name"))
CASES: list[tuple[str, str, Change, list[str]]] = [
    ("adapter", "soft-blocked", file("sys/class/rfkill/rfkill1/soft", "1\n"), ["adapter_blocked"]),
    ("adapter", "blocked by a switch", file("sys/class/rfkill/rfkill1/hard", "1\n"), ["adapter_blocked_hard"]),
    ("adapter", "Wi-Fi blocked, not Bluetooth", file("sys/class/rfkill/rfkill0/soft", "1\n"), []),
    (
        "adapter",
        "none",
        lambda root, place: ((root / "sys/class/bluetooth").rename(root / "x"), place)[1],
        ["adapter_missing"],
    ),
    ("adapter", "off", program(busctl=CompletedCommand(0, "b false\n")), ["adapter_off"]),
    ("adapter", "BlueZ does not run", program(busctl=CompletedCommand(1, "Call failed")), ["adapter_off"]),
    ("adapter", "BlueZ says nonsense", program(busctl=CompletedCommand(0, "s 12")), [UNCHECKED]),
    ("adapter", "no busctl", program(busctl=None), []),
    ("adapter", "a simulated strap", both(fitted(bluetooth=False), file("sys/class/rfkill/rfkill1/hard", "1")), []),
    ("adapter", "another one is blocked", both(rfkill_of("hci1"), file("sys/class/bluetooth/hci1/uevent", "")), []),
    ("adapter", "its own switch blocks it", rfkill_of("hci0"), ["adapter_blocked"]),
    ("adapter", "the named one gone", fitted(adapter="hci3"), ["adapter_missing"]),
    ("ant", "heard by it", fitted(ant=True), []),
    ("ant", "none", both(fitted(ant=True), file("sys/bus/usb/devices/1-1.4/idVendor", "1a2c\n")), ["ant_missing"]),
    ("ant", "may not be used", both(fitted(ant=True), world(access=lambda _p, _m: False)), ["ant_forbidden"]),
    ("strap", "battery low", told(strap=StrapReport("HRM", 4.0, 900.0, 12)), ["strap_battery_low"]),
    ("strap", "unheard for weeks", told(strap=StrapReport("HRM", 20 * DAY_S, 30 * DAY_S, 80)), ["strap_unseen"]),
    ("strap", "never heard, just started", told(strap=StrapReport("HRM", None, 60.0, None)), []),
    (
        "strap",
        "reports that only partly fit",
        told(strap=StrapReport("HRM", 1.0, 2.0, 80, (("strap_odd_data", "3 reports; first 00 48 00"),))),
        ["strap_odd_data"],
    ),
    (
        "treadmill",
        "reports that only partly fit",
        told(treadmill=(("treadmill_odd_data", "1"),)),
        ["treadmill_odd_data"],
    ),
    *(
        (
            "strap",
            trouble,
            told(strap=StrapReport("HRM", 1.0, 2.0, 80, ((f"strap_{trouble}", ""),))),
            [f"strap_{trouble}"],
        )
        for trouble in TROUBLES
    ),
    ("treadmill", "several in reach", told(treadmill=(("treadmill_several", "A, B"),)), ["treadmill_several"]),
    ("treadmill", "never reached", told(treadmill=(("treadmill_unreached", ""),)), ["treadmill_unreached"]),
    ("strap", "never heard in weeks", told(strap=StrapReport("HRM", None, 30 * DAY_S, None)), ["strap_unseen"]),
    ("i2c", "no bus", both(gone("dev/i2c-1"), parts(oled="missing")), ["i2c_off"]),
    ("i2c", "does not answer", parts(oled="missing"), ["oled_silent"]),
    ("i2c", "may not be used", both(told(devices=None), world(access=lambda _p, _m: False)), ["i2c_forbidden"]),
    ("i2c", "no small screen here", both(fitted(oled=False), gone("dev/i2c-1"), parts(oled="off")), []),
    ("keypad", "may not be used", world(access=lambda _p, _m: False), ["keypad_forbidden"]),
    ("keypad", "a named one that is not read", told_named_keypad, ["keypad_gone"]),
    ("keypad", "the named one gone", fitted(keypad_device="/dev/input/by-id/pad"), ["keypad_gone"]),
    ("keypad", "the named one there", fitted(keypad_device="/dev/input/event3"), []),
    ("keypad", "switched off", fitted(keypad=False), []),
    ("gpio", "no chip", gone("dev/gpiochip0"), ["gpio_missing"]),
    ("gpio", "may not be used", world(access=lambda _p, _m: False), ["gpio_forbidden"]),
    ("gpio", "no panel that answers", told(panels={}), ["stop_button_unread"]),
    ("gpio", "buttons that are not read", told(panels={BUTTONS: LOST, KEYPAD: LOST}), ["stop_button_unread"]),
    ("gpio", "the same beside a keypad that is", told(panels={BUTTONS: LOST, KEYPAD: READS}), ["buttons_unread"]),
    ("gpio", "buttons that are read", told(panels={BUTTONS: READS}), []),
    ("gpio", "a stuck button", told(stuck=(Button.UP,)), ["button_stuck"]),
    ("gpio", "the stop button stuck", told(stuck=(Button.STOP,)), ["stop_button_stuck"]),
    (
        "sound",
        "no card",
        both(file("proc/asound/cards", "--- no soundcards ---\n"), parts(sound="missing")),
        ["sound_missing"],
    ),
    ("sound", "no ALSA", both(gone("proc/asound/cards"), parts(sound="missing")), ["sound_missing"]),
    ("sound", "the chosen one gone", both(fitted(sound_card="usb"), parts(sound="missing")), ["sound_card_gone"]),
    ("sound", "by its number", both(fitted(sound_card="1"), parts(sound="missing")), ["sound_silent"]),
    ("sound", "will not open", parts(sound="missing"), ["sound_silent"]),
    ("sound", "muted", program(amixer=CompletedCommand(0, "  Mono: Playback 0 [0%] [off]\n")), ["sound_muted"]),
    ("sound", "no such control", program(amixer=CompletedCommand(1, "Unable to find simple control")), []),
    ("sound", "silent on purpose", both(fitted(sound=False), parts(sound="off")), []),
    ("music", "none is wanted", fitted(music="none"), []),
    ("music", "files", music_of("folder", FoundMusic((b"/srv/a.mp3",))), []),
    ("music", "an empty stick", music_of("stick", FoundMusic(missing=("/run/x",))), ["music_not_found"]),
    ("music", "only what cannot be played", music_of("folder", FoundMusic(left_out={".m4a": 9})), ["music_not_found"]),
    ("music", "a closed folder", fitted(music="folder", music_folder="/run/user/1000/music"), ["music_not_found"]),
    ("music", "not looked at by the coach", both(fitted(music_folder="/srv"), world(find_music=None)), []),
    ("music", "a telephone, no PipeWire", fitted(music="bluetooth"), ["music_no_pipewire"]),
    ("music", "a telephone, PipeWire off", both(pipewire(), fitted(music="bluetooth")), ["music_no_pipewire"]),
    ("music", "a telephone", both(pipewire(runs=True), fitted(music="bluetooth")), []),
    (
        "screen",
        "unplugged",
        both(file("sys/class/drm/card1-HDMI-A-1/status", "disconnected\n"), parts(screen="missing")),
        ["screen_unplugged"],
    ),
    ("screen", "dark", parts(screen="missing"), ["screen_dark"]),
    ("screen", "none on purpose", both(fitted(screen=False), parts(screen="off")), []),
    ("guides", "only the lamp", parts(screen="missing", sound="missing", oled="missing"), []),
    (
        "guides",
        "nothing",
        parts(screen="missing", sound="missing", oled="off", lamp="missing"),
        ["nothing_to_train_by"],
    ),
    ("guides", "no lamp", parts(lamp="missing"), ["lamp_dark"]),
    ("guides", "all off on purpose", parts(screen="off", sound="off", oled="off", lamp="off"), []),
    ("guides", "the display away", told(display_away_s=25.0), ["display_away"]),
    ("guides", "the display starting", told(devices=None, display_away_s=3.0), []),
    ("guides", "never a display", told(devices=None, display_away_s=25.0), ["display_away"]),
    ("guides", "a desk without one", both(told(devices=None, display_away_s=25.0), fitted(expects_display=False)), []),
    ("self_test", "not heard", answered(screen=True, lamp=True, voice=False), ["voice_not_heard"]),
    ("self_test", "not seen", answered(screen=False, lamp=False, voice=True), ["screen_not_seen", "lamp_not_seen"]),
    ("self_test", "nothing", answered(screen=False, lamp=False, voice=False), ["nothing_seen_or_heard"]),
    ("self_test", "the only part there is, unseen", answered(screen=False), ["screen_not_seen"]),
    (
        "clock",
        "not set",
        both(world(synchronised=lambda: False), program(timedatectl=CompletedCommand(0, "no\n"))),
        ["clock_unsynchronised"],
    ),
    ("clock", "systemd knows", world(synchronised=lambda: False), []),
    ("clock", "1970", world(wall_s=lambda: 0.0), ["clock_wrong"]),
    ("disk", "full", world(free_bytes=lambda _f: 10 * 2**20), ["disk_full"]),
    ("disk", "filling", world(free_bytes=lambda _f: 300 * 2**20), ["disk_filling"]),
    ("disk", "read-only", file("proc/self/mounts", "/dev/root / ext4 ro,noatime 0 0\n"), ["disk_read_only"]),
    ("disk", "errors", file("sys/fs/ext4/mmcblk0p2/errors_count", "3\n"), ["card_errors"]),
    ("disk", "mounts are garbage", file("proc/self/mounts", "one two\n"), [UNCHECKED]),
    ("journal", "whole", diary(1), []),
    ("journal", "damaged", diary(damaged=True), ["journal_damaged"]),
    ("journal", "waiting", diary(12, 1), ["undelivered_old"]),
    ("journal", "not saving", told(not_saved="io_error"), ["journal_not_saving"]),
    ("power", "undervoltage now", file(THROTTLED, "50005\n"), ["undervoltage_now", "throttled_now"]),
    ("power", "undervoltage earlier", file(THROTTLED, "50000\n"), ["undervoltage_since_start"]),
    ("power", "slowed earlier", file(THROTTLED, "80000\n"), ["throttled_since_start"]),
    ("power", "by the alarm", file("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n"), ["undervoltage_now"]),
    (
        "power",
        "by vcgencmd",
        both(NO_BITS, program(vcgencmd=CompletedCommand(0, "throttled=0x1\n"))),
        ["undervoltage_now"],
    ),
    ("power", "vcgencmd says nonsense", both(NO_BITS, program(vcgencmd=CompletedCommand(0, "what?"))), [UNCHECKED]),
    (
        "power",
        "vcgencmd may not",
        both(NO_BITS, program(vcgencmd=CompletedCommand(255, "VCHI initialization failed"))),
        [],
    ),
    ("temperature", "hot", file("sys/class/thermal/thermal_zone0/temp", "83200\n"), ["too_hot"]),
    ("temperature", "impossible", file("sys/class/thermal/thermal_zone0/temp", "999000\n"), [UNCHECKED]),
    ("network", "none", file("sys/class/net/wlan0/operstate", "down\n"), ["network_away"]),
    (
        "network",
        "weak",
        file("proc/net/wireless", " wlan0: 0000   12.  -82.  -256        0      0      0\n"),
        ["wifi_weak"],
    ),
    (
        "network",
        "weak, but a cable",
        both(
            file("proc/net/wireless", " wlan0: 0000   12.  -82.  -256        0      0      0\n"),
            file("sys/class/net/eth0/operstate", "up\n"),
        ),
        [],
    ),
    ("broker", "unreachable", state(online=False, findings=(WireFinding("no_broker", "refused"),)), ["no_broker"]),
    ("broker", "found by trying", world(reach=lambda _f: "timed out"), ["no_broker"]),
    ("broker", "sync does not run", lambda _r, p: (state_file(p.socket).unlink(), p)[1], ["sync_away"]),
    ("certificate", "soon", certificate(10), ["certificate_soon"]),
    ("certificate", "over", certificate(-1), ["certificate_over"]),
    ("certificate", "over by an unset clock", both(certificate(-1), world(synchronised=lambda: False)), []),
    ("versions", "another display", parts(version="0.0.1"), ["versions_differ"]),
    ("versions", "another language", told(devices=structs.replace(DEVICES, format=99)), ["versions_differ"]),
    ("versions", "a bad protocol", file("etc/interval-coach/protocols/x.toml", "name = 3"), ["protocol_unreadable"]),
    ("config", "refused", told(config_refused="config.toml, line 3: no such key"), ["config_refused"]),
    ("config", "put aside", put_aside("pins/kari.json.damaged-2026-11-30"), ["files_damaged"]),
]


def test_on_a_machine_where_all_is_well_nothing_is_found(tmp_path: Path) -> None:
    looked = look(machine(tmp_path))
    assert [(one.name, one.outcome.findings) for one in looked if one.outcome.findings] == []
    assert [one.name for one in looked if not one.outcome.in_use] == []


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [pytest.param(name, change, expected, id=f"{name}: {what}") for name, what, change, expected in CASES],
)
def test_what_is_wrong_is_found_and_nothing_else(
    tmp_path: Path, name: str, change: Change, expected: list[str]
) -> None:
    place = change(tmp_path / "root", machine(tmp_path))
    assert codes(place, name) == expected


def test_every_code_has_a_case() -> None:
    told_by_sync = {
        "refused_by_broker",
        "broker_not_trusted",
        "identity_twice",
        "identity_unreadable",
        "topic_refused",
        "session_too_large",
        "session_quarantined",
        "session_unpackable",
        "session_gone",
        "message_not_understood",
        "plan_refused",
        "coach_away",
    }
    cases = {code for _, _, _, expected in CASES for code in expected}
    assert set(CODES) - cases == told_by_sync


def test_an_empty_computer_on_a_desk_has_nothing_but_a_clock_to_complain_of(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    bare = CheckContext(root=tmp_path / "root", diary=tmp_path / "d", identity=tmp_path / "i", socket=tmp_path / "s")
    looked = look(replace(bare, synchronised=lambda: True, wall_s=lambda: NOW_S))
    assert findings(looked) == ()


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("content", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_in_any_file_is_a_finding_at_most(tmp_path: Path, name: str, content: bytes) -> None:
    place = machine(tmp_path)
    (tmp_path / "root" / name).write_bytes(content)
    for missing in (None, "screen", "sound", "oled"):
        devices = DEVICES if missing is None else structs.replace(DEVICES, **{missing: "missing"})
        found = findings(look(replace(place, told=structs.replace(place.told, devices=devices))))
        assert {one.code for one in found} <= set(CODES)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_that_is_absent_or_a_folder_or_cannot_be_read_is_a_finding_at_most(tmp_path: Path, name: str) -> None:
    place = machine(tmp_path)
    path = tmp_path / "root" / name
    path.unlink()
    assert {one.code for one in findings(look(place))} <= set(CODES)
    path.mkdir()
    assert {one.code for one in findings(look(place))} <= set(CODES)
    path.rmdir()
    path.symlink_to(path)
    assert {one.code for one in findings(look(place))} <= set(CODES)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(FILES)), content=st.binary(max_size=200), said=st.text(max_size=60))
def test_whatever_files_and_programs_say_no_check_raises(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    place = machine(tmp_path)
    (tmp_path / "root" / name).write_bytes(content)
    answers = {
        program_name: CompletedCommand(0, said) for program_name in ("busctl", "amixer", "timedatectl", "vcgencmd")
    }
    found = findings(look(replace(place, run=programs(**answers))))
    assert {one.code for one in found} <= set(CODES)


@pytest.mark.parametrize(
    "change",
    [
        world(run=lambda _words: (_ for _ in ()).throw(TimeoutError("it did not answer"))),
        world(wall_s=lambda: float("nan")),
        world(free_bytes=lambda _f: (_ for _ in ()).throw(OSError("gone"))),
    ],
)
def test_a_check_that_cannot_look_says_so_and_hurts_no_other(tmp_path: Path, change: Change) -> None:
    place = change(tmp_path, machine(tmp_path))
    found = findings(look(place))
    assert UNCHECKED in {one.code for one in found}
    assert {one.severity for one in found} == {Severity.ATTENTION}


@contextmanager
def as_account(user: int, group: int) -> Iterator[None]:
    """Be another account for a while, without the rights of root."""
    os.setgroups([])
    os.setresgid(group, group, 0)
    os.setresuid(user, user, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)


SYNC, COACH, STRANGER, GROUP = 64_101, 64_102, 64_103, 64_100


@pytest.fixture
def installed() -> Iterator[CheckContext]:
    """A machine with accounts and rights as its installer and its enrolment leave them, and no readable key."""
    if os.geteuid() != 0:
        pytest.skip("only root can be several accounts")
    before = os.getgroups()
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        place = replace(machine(folder), access=os.access, reach=lambda _identity: "refused")
        key = place.identity / MACHINE_PEM
        key.write_text("a key", encoding="ascii")
        for path, mode in ((place.identity, 0o750), (place.identity / ACCOUNT, 0o640), (key, 0o600)):
            path.chmod(mode)
            os.chown(path, SYNC, GROUP)
        yield place
    os.setgroups(before)


def test_the_coach_reads_until_when_the_certificate_is_good_and_not_the_key(installed: CheckContext) -> None:
    with as_account(COACH, GROUP):
        certificate_is, broker_is = (look_once(check(name), installed) for name in ("certificate", "broker"))
        with pytest.raises(PermissionError):
            (installed.identity / MACHINE_PEM).read_bytes()
    assert (certificate_is, broker_is.findings) == (Outcome(facts="2027-06-06"), ())


def test_the_coach_takes_syncs_word_for_a_key_that_does_not_fit(installed: CheckContext) -> None:
    found = (WireFinding("identity_unreadable", "The key or certificate cannot be used."),)
    write_state(state_file(installed.socket), state_of(findings=found))
    with as_account(COACH, GROUP):
        assert codes(installed, "broker") == ["identity_unreadable"]


def test_root_tries_the_broker_with_the_key_and_the_courier_can_too(installed: CheckContext) -> None:
    assert (codes(installed, "broker"), codes(installed, "certificate")) == (["no_broker"], [])
    with as_account(SYNC, GROUP):
        assert (codes(installed, "broker"), codes(installed, "certificate")) == (["no_broker"], [])


def test_somebody_outside_the_group_is_told_to_look_as_root(installed: CheckContext) -> None:
    with as_account(STRANGER, STRANGER):
        (finding,) = look_once(check("certificate"), installed).findings
    assert (finding.code, finding.detail.endswith("by root (use sudo)")) == (UNCHECKED, True)


def test_severe_findings_stand_first() -> None:
    class Two:
        name = "two"
        codes = {"a": Severity.ATTENTION, "b": Severity.STOP}  # noqa: RUF012 - a check of this test alone

        def look(self, _: CheckContext) -> Outcome:
            return Outcome((CheckFinding("a", Severity.ATTENTION), CheckFinding("b", Severity.STOP)))

    looked = look(CheckContext(diary=Path("d"), identity=Path("i"), socket=Path("s")), checks=(Two(),))  # type: ignore[arg-type]
    assert [one.code for one in findings(looked)] == ["b", "a"]


def test_without_programs_only_files_are_read(tmp_path: Path) -> None:
    place = replace(machine(tmp_path), run=None)
    assert findings(look(place)) == ()


def test_the_settings_say_what_is_there_to_be_missed() -> None:
    from firmware.config.schema import Config, OledPart, ScreenPart, SoundPart, StrapPart  # noqa: PLC0415 - only here

    config = Config(
        strap=StrapPart(source="simulated"),
        oled=OledPart(driver="sh1106", i2c_port=3),
        screen=ScreenPart(driver="none"),
        sound=SoundPart(device="plughw:CARD=Headphones"),
    )
    assert fittings_of(config) == ExpectedHardware(
        bluetooth=False,
        screen=False,
        sound=True,
        sound_card="Headphones",
        oled=True,
        i2c_bus=3,
        panel=True,
        keypad=True,
        expects_display=True,
    )


def test_answers_are_kept_and_those_not_given_stay(tmp_path: Path) -> None:
    keep(tmp_path / "diary.db", SelfTestAnswers(wall_s=1.0, screen=True, lamp=False, voice=False))
    keep(tmp_path / "diary.db", SelfTestAnswers(wall_s=2.0, screen=True, voice=True))
    assert read(tmp_path / "diary.db") == SelfTestAnswers(wall_s=2.0, screen=True, lamp=False, voice=True)


# In words


def test_every_code_has_its_words_in_both_languages_and_in_the_documents() -> None:
    doctor, wire = (DOCS / "doctor.md").read_text("utf-8"), (DOCS / "wire.md").read_text("utf-8")
    lacking = [
        (language, group, code)
        for language, group, code in itertools.product(LANGUAGES, ("finding", "advice"), CODES)
        if code not in texts_in(language).group(group)
    ]
    assert lacking == []
    assert [code for code in CODES if f"| `{code}` |" not in doctor] == []
    assert [code for code in CODES if f"`{code}`" not in wire] == []
    assert [name for name in NAMES if f"doctor.{name}" not in texts_in("nb").keys or f"`{name}`" not in doctor] == []


def test_no_code_that_has_words_is_unknown_to_the_doctor() -> None:
    assert set(texts_in("nb").group("advice")) - set(CODES) == {"other", "coach"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_for_people_are_short(language: str) -> None:
    texts = texts_in(language)  # type: ignore[arg-type] # one of those there are
    long = [text for text in texts.group("finding").values() if len(text) > 44]
    long += [text for text in texts.group("advice").values() if len(text) > 64]
    assert long == []


def test_the_json_document_is_the_one_that_its_schema_describes(tmp_path: Path) -> None:
    place = machine(tmp_path, free_bytes=lambda _f: 1)
    made = report.report(look(place), "nb", version="1", coach_runs=True)
    document = json.loads(report.to_json(made))
    schema = json.loads((DOCS / "doctor.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
    disk = next(one for one in document["checks"] if one["name"] == "disk")
    assert (document["well"], document["may_train"], disk["state"]) == (False, True, "attention")
    assert disk["findings"] == [
        {
            "code": "disk_full",
            "severity": "attention",
            "detail": "0 MB of 64 MB",
            "what": "Ingen plass til å lagre",
            "advice": "Si fra til behandleren.",
        }
    ]


def test_the_schema_in_the_documents_is_the_one_that_the_code_makes() -> None:
    assert (DOCS / "doctor.schema.json").read_text("utf-8") == report.schema()


def test_the_table_says_what_and_what_to_do_and_whether_one_may_train(tmp_path: Path) -> None:
    console = Console(width=120, record=True, file=(tmp_path / "out").open("w", encoding="utf-8"))
    place = both(parts(lamp="missing"), program(amixer=CompletedCommand(0, "[off]")))(
        tmp_path / "root", machine(tmp_path)
    )
    report.show(report.report(look(place), "nb", version="1", coach_runs=True), console)
    console.file.close()
    said = console.export_text()
    assert "Lyden er slått av" in said
    assert "Skru opp lyden på høyttaleren." in said
    assert said.rstrip().endswith(texts_in("nb").say("doctor.open"))


# As a command


@pytest.fixture
def at_a_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(local_context, "CONFIG", tmp_path / "none.toml")
    words = ["doctor", "--socket", str(tmp_path / "s"), "--diary", str(tmp_path / "diary.db")]
    return [*words, "--identity", str(tmp_path / "identity")]


def test_the_command_ends_with_0_where_all_is_well_and_1_where_a_person_is_needed(
    at_a_desk: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*at_a_desk, "disk", "--json"]) == 0
    (tmp_path / "diary.db").write_bytes(b"no diary" * 1000)
    assert main([*at_a_desk, "journal", "--json", "--language", "en"]) == 1
    said = capsys.readouterr().out
    assert "The diary is damaged" in said


def test_an_unknown_name_is_not_understood(at_a_desk: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*at_a_desk, "toaster"])
    assert ended.value.code == 2
    assert "toaster" in capsys.readouterr().err


def test_bad_settings_are_told_and_the_rest_is_looked_at(
    at_a_desk: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    (tmp_path / "bad.toml").write_text("[strap]\ncolour = 3\n", encoding="utf-8")
    assert main([*at_a_desk, "config", "disk", "--json", "--settings", str(tmp_path / "bad.toml")]) == 1
    document = json.loads(capsys.readouterr().out)
    assert [one["code"] for check in document["checks"] for one in check["findings"]] == ["config_refused"]
    assert "line 2" in document["checks"][1]["findings"][0]["detail"]


def busctl(**told: dict[str, str]) -> Change:
    """Let BlueZ tell of several adapters, each member by name."""

    def run(words: Sequence[str]) -> CompletedCommand | None:
        said = told.get(words[3].rpartition("/")[2], {}).get(words[-1])
        return CompletedCommand(1, "unknown") if said is None else CompletedCommand(0, said)

    return lambda _root, place: replace(place, run=run)


ON, CENTRAL = "b true\n", 'as 2 "central" "peripheral"\n'
WEBCAM_FIRST = (
    " 1 [Microphone     ]: USB-Audio - Webcam C525\n                      Webcam C525\n"
    " 2 [Device         ]: USB-Audio - USB Audio Device\n                      USB Audio Device\n"
)
TWO_HDMI = (
    " 0 [vc4hdmi0       ]: vc4-hdmi - vc4-hdmi-0\n                      vc4-hdmi-0\n"
    " 1 [vc4hdmi1       ]: vc4-hdmi - vc4-hdmi-1\n                      vc4-hdmi-1\n"
)
ON_THE_SECOND = both(
    file("sys/class/drm/card1-HDMI-A-1/status", "disconnected\n"),
    file("sys/class/drm/card1-HDMI-A-2/status", "connected\n"),
)
SECOND_SCREEN = file("sys/class/drm/card1-HDMI-A-2/status", "connected\n")
WHOLE_KEYBOARD = (
    'N: Name="SEM USB Keyboard"\nH: Handlers=sysrq kbd event5 leds \n'
    "B: KEY=1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe\n\n"
)


@pytest.mark.parametrize(
    ("name", "change", "facts", "passed"),
    [
        pytest.param(
            "sound",
            both(
                fitted(sound_card=None, sound_kind="usb"),
                file("proc/asound/cards", WEBCAM_FIRST),
                file("proc/asound/card1/pcm0c/info", ""),
                file("proc/asound/card2/pcm0p/info", ""),
            ),
            "Device",
            ["Microphone (Webcam C525): it cannot play"],
            id="a webcam's microphone is no loudspeaker",
        ),
        pytest.param(
            "sound",
            both(fitted(sound_card=None, sound_kind="hdmi"), file("proc/asound/cards", TWO_HDMI), ON_THE_SECOND),
            "vc4hdmi1",
            ["vc4hdmi0 (vc4-hdmi-0): the display is on HDMI-A-2"],
            id="sound goes to the port that has the display",
        ),
        pytest.param("screen", ON_THE_SECOND, "HDMI-A-2", [], id="a display on the second port"),
        pytest.param(
            "screen", SECOND_SCREEN, "HDMI-A-1", ["HDMI-A-2: the picture is on HDMI-A-1"], id="two displays"
        ),
        pytest.param(
            "screen",
            both(SECOND_SCREEN, fitted(connector="HDMI-A-2")),
            "HDMI-A-2",
            ["HDMI-A-1: the picture is on HDMI-A-2"],
            id="two displays, the second one chosen",
        ),
        pytest.param(
            "screen",
            fitted(connector="HDMI-A-2"),
            "HDMI-A-1",
            ["HDMI-A-2: screen.connector names it, and no display"],
            id="the chosen connector is empty",
        ),
        pytest.param(
            "i2c", told(devices=structs.replace(DEVICES, oled_at=(0x3D, 0x3C))), "/dev/i2c-1 0x3d",
            ["0x3c: oled.address names it, and nothing answers", "0x3c: 0x3d is used"], id="two small screens",
        ),
        pytest.param(
            "i2c", told(devices=structs.replace(DEVICES, oled_at=(0x3D,))), "/dev/i2c-1 0x3d",
            ["0x3c: oled.address names it"], id="a small screen at the other address",
        ),
        pytest.param(
            "keypad",
            file("proc/bus/input/devices", WHOLE_KEYBOARD),
            "",
            ["SEM USB Keyboard (event5): it has letters as well"],
            id="a keypad that claims letters",
        ),
        pytest.param(
            "ant",
            world(),
            "",
            ["ANT USB-m Stick (1-1.4): straps are heard over Bluetooth"],
            id="an ANT stick where straps are heard over Bluetooth",
        ),
        pytest.param(
            "ant",
            both(
                fitted(ant=True),
                file("sys/bus/usb/devices/1-1.2/idVendor", "0fcf\n"),
                file("sys/bus/usb/devices/1-1.2/idProduct", "1008\n"),
            ),
            "ANT USB-m Stick (1-1.4)",
            ["ANT stick (1-1.2): ANT USB-m Stick (1-1.4) is used"],
            id="two ANT sticks",
        ),
        pytest.param(
            "adapter",
            both(
                file("sys/class/bluetooth/hci1/uevent", ""),
                busctl(hci0={"Powered": "b false\n"}, hci1={"Powered": ON, "Roles": CENTRAL}),
            ),
            "hci1",
            ["hci0: it is switched off"],
            id="the second adapter is switched on",
        ),
        pytest.param(
            "adapter",
            both(
                file("sys/class/bluetooth/hci1/uevent", ""),
                busctl(
                    hci0={"Powered": ON, "Roles": 'as 1 "peripheral"\n'}, hci1={"Powered": ON, "Roles": CENTRAL}
                ),
            ),
            "hci1",
            ["hci0: it cannot connect to a strap"],
            id="an adapter that can only be a peripheral",
        ),
        pytest.param(
            "adapter",
            both(
                file("sys/class/bluetooth/hci1/uevent", ""),
                fitted(adapter="00:1a:7d:da:71:13"),
                busctl(hci0={"Powered": ON}, hci1={"Powered": ON, "Address": 's "00:1A:7D:DA:71:13"\n'}),
            ),
            "hci1",
            ["hci0: hci1 is used"],
            id="an adapter chosen by its address",
        ),
    ],
)  # fmt: skip
def test_every_device_that_is_passed_over_is_named(
    tmp_path: Path, name: str, change: Change, facts: str, passed: list[str]
) -> None:
    outcome = look_once(check(name), change(tmp_path / "root", machine(tmp_path)))
    assert (outcome.findings, outcome.facts) == ((), facts)
    assert len(outcome.passed_over) == len(passed)
    assert all(one.startswith(said) for one, said in zip(outcome.passed_over, passed, strict=True)), outcome.passed_over
    assert outcome.in_use


def test_the_table_names_what_is_not_used(tmp_path: Path) -> None:
    place = file("proc/bus/input/devices", WHOLE_KEYBOARD)(tmp_path / "root", machine(tmp_path))
    told_ = report.report(look(place, ("keypad",)), "nb", version="1", coach_runs=True)
    console = Console(width=200, record=True, file=io.StringIO())
    report.show(told_, console)
    assert "Ikke brukt: SEM USB Keyboard (event5)" in console.export_text()


def test_a_part_whose_service_does_not_answer_is_never_all_right(tmp_path: Path) -> None:
    """The kernel's files say that a screen and a header are there, and nothing of whether they work."""
    place = machine(tmp_path)
    names = ("guides", "screen", "sound", "i2c", "gpio", "keypad")
    alone = replace(place, told=structs.replace(place.told, coach_runs=False, devices=None))
    looked = local_context.without_answer(look(alone, names), alone)
    made = report.report(looked, "nb", version="1", coach_runs=False)
    states = {check.name: check.state for check in made.checks}
    assert set(states.values()) <= {"not_asked", "not_in_use"}
    assert states["gpio"] == "not_asked"
    assert not made.well
    console = Console(width=200, record=True, file=(tmp_path / "out").open("w", encoding="utf-8"))
    report.show(made, console)
    console.file.close()
    said, words = console.export_text(), texts_in("nb")
    assert words.say("doctor.not_asked") in said
    assert all(words.say(f"doctor.{key}") not in said for key in ("well", "open", "all_well"))
    answered = local_context.without_answer(look(place, names), place)
    assert all(one.outcome.asked for one in answered)
