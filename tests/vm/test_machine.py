"""The services under the real systemd, with pins, small screen and sound card of a virtual machine."""

import base64
import json

import msgspec
import pytest
from PIL import Image

from coach.kiosk.view import Button, ScreenId
from tests.support.machine.virtual_machine import Guest

COACH = "interval-coach-coach.service"
SERVICES = (COACH, "interval-coach-display.service", "interval-coach-sync.service")
HEADER = "/sys/devices/platform/gpio-sim.0"
PINS = {"start": 17, "up": 27, "down": 22, "stop": 23}
WRITTEN = "/sys/kernel/debug/recording_i2c/written"
PYTHON = "/opt/interval-coach/current/bin/python"
DRAWN = (
    "import base64, sys, msgspec; from coach.kiosk.view import View; from display.oled.renderer import picture;"
    " view = msgspec.json.decode(sys.stdin.buffer.read(), type=View);"
    ' print(base64.b64encode(picture(view).convert("1").tobytes()).decode())'
)


def shown(guest: Guest, unit: str, *names: str) -> dict[str, str]:
    """Properties of a unit."""
    said = guest.ask(f"systemctl show {unit} -p {','.join(names)}")
    return dict(line.partition("=")[::2] for line in said.splitlines())


@pytest.fixture(autouse=True)
def all_run(guest: Guest) -> None:
    """Every test finds the machine as the one before it should have left it: all services active."""
    for unit in SERVICES:
        guest.until(f"systemctl is-active {unit}")


def test_the_services_are_active_each_said_that_it_was_ready_and_none_was_started_twice(guest: Guest) -> None:
    now = {
        unit: shown(guest, unit, "Type", "ActiveState", "SubState", "NRestarts", "WatchdogUSec") for unit in SERVICES
    }
    assert now == {
        unit: {
            "Type": "notify",
            "ActiveState": "active",
            "SubState": "running",
            "NRestarts": "0",
            "WatchdogUSec": watchdog,
        }
        for unit, watchdog in zip(SERVICES, ("6s", "30s", "1min"), strict=True)
    }


def test_the_diary_s_folder_and_the_socket_s_stand_before_the_coach_starts(guest: Guest) -> None:
    def at(unit: str, name: str) -> int:
        return int(shown(guest, unit, name)[name])

    folders = at("systemd-tmpfiles-setup.service", "ExecMainExitTimestampMonotonic")
    starts = {unit: at(unit, "ExecMainStartTimestampMonotonic") for unit in SERVICES}
    assert all(folders < start for start in starts.values())
    assert at(COACH, "ActiveEnterTimestampMonotonic") > starts[COACH]


def test_a_press_on_the_header_is_a_press(guest: Guest) -> None:
    with guest.watch() as watcher:
        watcher.until_face(ScreenId.CHOOSE_PARTICIPANT, 900)
        before = watcher.view
        press(guest, "start")
        watcher.until(lambda view: view.face is not ScreenId.CHOOSE_PARTICIPANT, 900)
        assert before is not None
        watcher.press(Button.STOP)
        watcher.until_face(ScreenId.CHOOSE_PARTICIPANT, 900)


def press(guest: Guest, button: str) -> None:
    """Join a button's pin to ground, and let go."""
    pull = f"$(ls -d {HEADER}/gpiochip*/sim_gpio{PINS[button]} | head -n 1)/pull"
    guest.ask(f"echo pull-down >{pull}; sleep 1; echo pull-up >{pull}")


def test_what_the_small_screen_is_told_is_the_picture_that_was_drawn(guest: Guest) -> None:
    with guest.watch() as watcher:
        view = watcher.until_face(ScreenId.CHOOSE_PARTICIPANT, 300)
    # Drawn inside: the computer around it may have other fonts.
    guest.ask(f"cat >/run/view.json <<'END'\n{msgspec.json.encode(view).decode()}\nEND")
    expected = base64.b64decode(guest.ask(f"{PYTHON} -c '{DRAWN}' </run/view.json").split()[-1])

    def equal() -> bool:
        return frame(guest.bytes_of(WRITTEN)).tobytes() == expected

    took_s = guest.wait_for(equal, "the picture on the small screen", 10)
    print(f"\nthe small screen: the drawn picture, byte for byte, {took_s:.1f} s after it was asked for")  # noqa: T201 - a figure


def frame(written: bytes) -> Image.Image:
    """The last whole frame that an SSD1306 was sent: 8 pages of 128 columns, the lowest bit on top."""
    content = bytearray()
    frames: list[bytes] = []
    at = 0
    while at < len(written):
        length = int.from_bytes(written[at : at + 2], "little")
        message, at = written[at + 2 : at + 2 + length], at + 2 + length
        if message[:1] == b"\x40":
            content += message[1:]
        elif content:
            content.clear()
        if len(content) == 1024:
            frames.append(bytes(content))
            content.clear()
    shown_now = Image.new("1", (128, 64))
    if frames:
        for index, byte in enumerate(frames[-1]):
            for bit in range(8):
                shown_now.putpixel((index % 128, index // 128 * 8 + bit), 255 if byte >> bit & 1 else 0)
    return shown_now


def test_a_frozen_coach_is_started_again_by_systemd(guest: Guest) -> None:
    """Faults, row 6: within 15 s of the freeze on a processor; here the emulation's slowness comes on top."""
    before = shown(guest, COACH, "MainPID", "NRestarts")
    began = guest.ask(f"kill -STOP {before['MainPID']}; cut -d ' ' -f 1 /proc/uptime")
    guest.until(f'[ "$(systemctl show -P MainPID {COACH})" -ne {before["MainPID"]} ] && systemctl is-active {COACH}')
    after = shown(guest, COACH, "NRestarts", "ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic")
    assert int(after["NRestarts"]) == int(before["NRestarts"]) + 1
    started_s = int(after["ExecMainStartTimestampMonotonic"]) / 1e6 - float(began)
    ready_s = int(after["ActiveEnterTimestampMonotonic"]) / 1e6 - float(began)
    print(f"\nfrozen → started again {started_s:.1f} s, ready {ready_s:.1f} s (on a processor: ready ≤ 15 s)")  # noqa: T201 - a figure
    assert "watchdog" in guest.ask(f"journalctl -u {COACH} --no-pager | tail -n 40").lower()


def test_the_coach_can_open_no_network_socket_and_see_no_other_disk_place(guest: Guest) -> None:
    """In the coach's own sandbox, as its own account."""
    tried = """
import json, socket
told = {}
for name, family in (("inet", socket.AF_INET), ("inet6", socket.AF_INET6), ("bluetooth", 31), ("unix", socket.AF_UNIX)):
    try:
        socket.socket(family, socket.SOCK_STREAM, 3 if family == 31 else 0).close()
        told[name] = "open"
    except OSError as error:
        told[name] = error.errno
for path in ("/etc/x", "/opt/x", "/usr/x", "/var/lib/interval-coach/x"):
    try:
        open(path, "w").close()
        told[path] = "written"
    except OSError as error:
        told[path] = error.errno
print(json.dumps(told))
"""
    guest.ask(f"cat >/run/tried.py <<'END'\n{tried}\nEND\nchmod 644 /run/tried.py")
    properties = guest.ask(
        f"grep -hE '^(User|Group|Supplementary|Private|IPAddress|Restrict|Device|Memory|System|NoNew|Capab|Ambient|Lock"
        f"|Protect|Keyring|Remove|ReadWrite|UMask)' $(systemctl show -P FragmentPath {COACH})"
    ).splitlines()
    words = " ".join(f"-p '{one}'" for one in properties)
    told = json.loads(guest.ask(f"systemd-run --quiet --wait --pipe {words} /usr/bin/python3 /run/tried.py", 120))
    refused = 97
    assert {name: told[name] for name in ("inet", "inet6", "bluetooth", "unix")} == {
        "inet": refused,
        "inet6": refused,
        "bluetooth": refused,
        "unix": "open",
    }
    assert told["/var/lib/interval-coach/x"] == "written"
    assert all(told[path] != "written" for path in ("/etc/x", "/opt/x", "/usr/x"))
    guest.ask("rm /var/lib/interval-coach/x")
