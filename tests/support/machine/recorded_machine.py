"""A machine's files as a Raspberry Pi has them, in a folder of their own, with every place that the doctor reads."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from msgspec import json

from display.sound.music_files import FoundMusic
from firmware.doctor.environment import CheckContext, CompletedCommand, ExpectedHardware, ServiceReports, StrapReport
from firmware.doctor.self_test import SelfTestAnswers, answers_file
from firmware.ipc.messages import Devices
from firmware.system.delivery_status import state_file, write_state
from firmware.system.version import own_version
from sync.delivery.machine_identity import ACCOUNT, MachineIdentity
from sync.wire.messages import Software, State

NOW_S = 1_795_000_000.0
DAY_S = 86_400.0
FREE_BYTES = 8 * 2**30

FILES = {
    "sys/class/rfkill/rfkill0/type": "wlan\n",
    "sys/class/rfkill/rfkill0/soft": "0\n",
    "sys/class/rfkill/rfkill0/hard": "0\n",
    "sys/class/rfkill/rfkill1/type": "bluetooth\n",
    "sys/class/rfkill/rfkill1/soft": "0\n",
    "sys/class/rfkill/rfkill1/hard": "0\n",
    "sys/class/bluetooth/hci0/uevent": "DEVTYPE=host\n",
    "dev/i2c-1": "",
    "dev/gpiochip0": "",
    "dev/input/event3": "",
    "sys/bus/usb/devices/1-1.4/idVendor": "0fcf\n",
    "sys/bus/usb/devices/1-1.4/idProduct": "1009\n",
    "sys/bus/usb/devices/1-1.4/product": "ANT USB-m Stick\n",
    "sys/bus/usb/devices/1-1.4/busnum": "1\n",
    "sys/bus/usb/devices/1-1.4/devnum": "7\n",
    "proc/bus/input/devices": (
        'I: Bus=0003 Vendor=05a4 Product=9840 Version=0110\nN: Name="USB Compliant Keypad"\nU: Uniq=\n'
        "H: Handlers=sysrq kbd leds event3 \nB: PROP=0\nB: EV=120013\n"
        "B: KEY=1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe\n\n"
    ),
    "proc/asound/cards": (
        " 0 [vc4hdmi        ]: vc4-hdmi - vc4-hdmi\n                      vc4-hdmi\n"
        " 1 [Headphones     ]: bcm2835_headpho - bcm2835 Headphones\n                      bcm2835 Headphones\n"
    ),
    "sys/class/drm/card1-HDMI-A-1/status": "connected\n",
    "sys/class/drm/card1-HDMI-A-2/status": "disconnected\n",
    "sys/class/drm/card1-Writeback-1/status": "unknown\n",
    "proc/self/mounts": (
        "/dev/mmcblk0p2 / ext4 rw,noatime 0 0\nproc /proc proc rw,nosuid 0 0\n"
        "/dev/mmcblk0p1 /boot/firmware vfat rw,relatime 0 0\n"
    ),
    "sys/fs/ext4/mmcblk0p2/errors_count": "0\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "0\n",
    "sys/class/hwmon/hwmon1/name": "rpi_volt\n",
    "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "0\n",
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone0/temp": "48312\n",
    "sys/class/net/lo/operstate": "unknown\n",
    "sys/class/net/eth0/operstate": "down\n",
    "sys/class/net/wlan0/operstate": "up\n",
    "proc/net/wireless": (
        "Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE\n"
        " face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22\n"
        " wlan0: 0000   54.  -56.  -256        0      0      0      0      0        0\n"
    ),
}
PROGRAMS = {
    "busctl": CompletedCommand(0, "b true\n"),
    "amixer": CompletedCommand(0, "  Front Left: Playback 255 [100%] [0.00dB] [on]\n"),
    "timedatectl": CompletedCommand(0, "yes\n"),
    "vcgencmd": CompletedCommand(0, "throttled=0x0\n"),
}
DEVICES = Devices(screen="works", sound="works", oled="works", lamp="works", version=own_version())


def programs(**changed: CompletedCommand | None) -> "Recorded":
    """The recorded answers, some of them others."""
    return Recorded({**PROGRAMS, **changed})


class Recorded:
    """Runs no program: says what was recorded for its name."""

    def __init__(self, answers: dict[str, CompletedCommand | None]) -> None:
        """Take the answers by the program's name."""
        self.answers = answers

    def __call__(self, words: Sequence[str]) -> CompletedCommand | None:
        """Say what was recorded; None where it is not installed."""
        return self.answers.get(words[0])


def machine(folder: Path, **changed: object) -> CheckContext:
    """A Pi on which everything is well."""
    root, identity, state = folder / "root", folder / "identity", folder / "state"
    for name, content in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    identity.mkdir(exist_ok=True)
    state.mkdir(exist_ok=True)
    write_account(identity)
    diary, socket = state / "diary.db", state / "coach.sock"
    write_state(state_file(socket), state_of())
    answers_file(diary).write_bytes(json.encode(SelfTestAnswers(wall_s=NOW_S, screen=True, lamp=True, voice=True)))
    fittings = ExpectedHardware(
        bluetooth=True,
        screen=True,
        sound=True,
        sound_card="vc4hdmi",
        oled=True,
        panel=True,
        keypad=True,
        expects_display=True,
        music="folder",
        music_folder="/srv/interval-coach/music",
    )
    told = ServiceReports(devices=DEVICES, strap=StrapReport("HRM 51A70001", 4.0, 900.0, 80), treadmill=())
    place = CheckContext(
        root=root,
        diary=diary,
        identity=identity,
        socket=socket,
        fittings=fittings,
        find_music=lambda _folders, _longest_s: FoundMusic((b"a.mp3",)),
        told=told,
        run=Recorded(dict(PROGRAMS)),
        wall_s=lambda: NOW_S,
        synchronised=lambda: True,
        access=lambda _path, _mode: True,
        free_bytes=lambda _folder: FREE_BYTES,
        protocols=Path("/etc/interval-coach/protocols"),
    )
    return replace(place, **changed)  # type: ignore[arg-type] # whatever a test changes


def state_of(**changed: object) -> State:
    """How sync left it."""
    said: dict[str, object] = {
        "online": True,
        "connection": 1,
        "clinic": "oslo",
        "machine": "m-1",
        "software": Software("1", "3.11", "Linux"),
    }
    return State(**{**said, **changed})  # type: ignore[arg-type] # as above


def write_account(identity: Path, until_s: float = NOW_S + 200 * DAY_S) -> None:
    """Enrol the machine."""
    account = MachineIdentity(
        clinic="oslo",
        machine="m-1",
        broker_host="broker.example",
        broker_port=8883,
        server="server.example:8443",
        certificate_from_wall_s=NOW_S - 100 * DAY_S,
        certificate_until_wall_s=until_s,
    )
    (identity / ACCOUNT).write_bytes(json.encode(account))
