"""A Raspberry Pi 3B as qemu has it, with the product's own SD card (docs/raspberry-emulation.md)."""

import shlex
import time
from collections.abc import Callable

from coach.kiosk.view import DisplayState
from firmware.ipc.messages import Subscribe, ViewNow, decode_from_coach, encode
from tests.support.machine.virtual_machine import Guest

LOOK_EVERY_S = 5.0
COACH_SOCKET = "/run/interval-coach/coach.sock"
ASKING = (
    "import socket, sys; line = socket.socket(socket.AF_UNIX); line.settimeout(60); line.connect(sys.argv[1]);"
    " line.sendall(sys.argv[2].encode()); lines = line.makefile('rb');"
    " print(next(one for one in lines if b'\"view\"' in one[:40]).decode())"
)


class Pi(Guest):
    """The emulated Pi. Its second serial line is the test's hand; the first is Bluetooth's, as on a Pi."""

    DISK = "machine.img"

    def _command(self, *, resets: bool) -> list[str]:
        control = f"socket,id=control,path={self.folder / 'control'},server=on,wait=off,logfile={self.console}"
        kernel = "console=ttyS1,115200 loglevel=5 root=/dev/mmcblk0p2 rootwait panic=10 systemd.show_status=false"
        return [
            *("qemu-system-aarch64", "-M", "raspi3b", "-accel", "tcg,thread=multi,tb-size=512"),
            *("-kernel", str(self._image / "vmlinuz"), "-initrd", str(self._image / "initrd")),
            *("-dtb", str(self._image / "pi.dtb")),
            *("-drive", f"file={self.disk},format=raw,if=sd,cache=writeback"),
            *("-serial", "null", "-chardev", control, "-serial", "chardev:control"),
            *("-display", "none", "-device", "usb-kbd", "-qmp", f"unix:{self.folder / 'qmp'},server=on,wait=off"),
            # qemu's watchdog resets the machine as soon as the kernel arms it: the Pi's own stays untested.
            *("-append", f"{kernel} systemd.getty_auto=no modprobe.blacklist=bcm2835_wdt"),
            *("-action", f"reboot={'reset' if resets else 'shutdown'}"),
        ]

    def press(self, key: str) -> None:
        """Press a key of the USB keypad, by qemu's name for it."""
        self.qmp("send-key", keys=[{"type": "qcode", "data": key}], **{"hold-time": 300})

    def view(self) -> DisplayState:
        """Return what the coach inside shows now."""
        words = ("python3", "-c", ASKING, COACH_SOCKET, encode(Subscribe(views=True)).decode())
        told = decode_from_coach(self.ask(shlex.join(words)).encode())
        assert isinstance(told, ViewNow)
        return told.view

    def until_shown(self, holds: Callable[[DisplayState], bool], what: str, timeout_s: float = 60.0) -> DisplayState:
        """Wait until something is shown; `timeout_s` is a processor's, as everywhere here."""
        seen: list[DisplayState] = []

        def shown() -> bool:
            # Asking starts a Python inside, which takes the services' time.
            time.sleep(LOOK_EVERY_S)
            seen[:] = [self.view()]
            return holds(seen[0])

        self.wait_for(shown, what, timeout_s)
        return seen[0]
