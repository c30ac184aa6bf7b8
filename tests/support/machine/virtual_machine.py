"""The virtual machine from outside: boots it, does things inside, looks at its display, and cuts its power.

One qemu process on which nothing but its own sockets depends; it is ended by its own process id. In software emulation
everything is some twelve times as slow as on a processor: time-outs are generous, and tests ask for order and state.
"""

import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from firmware.ipc.client import CoachLink
from tests.support.machine.machine import Watcher

INSIDE: Final = Path(__file__).resolve().parents[3] / "tests/vm/inside"
SLOWNESS: Final = 15.0
"""How much slower than a processor the machine may be."""

BOOT_S: Final = 600.0
PROBE_S: Final = 10.0
LOOK_EVERY_S: Final = 0.2
TCG: Final = ("-accel", "tcg,thread=multi,tb-size=1024", "-cpu", "max")
KVM: Final = ("-accel", "kvm", "-cpu", "host")


class Done(NamedTuple):
    """How a command inside ended, and what it printed. `status` −1: its time was over."""

    status: int
    output: str


class GuestError(RuntimeError):
    """The machine did not do what a test needs of it."""


def acceleration(image: Path) -> tuple[str, ...]:
    """KVM where a guest really runs with it, else emulation: a /dev/kvm that opens may still hang every guest."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return TCG
    with tempfile.TemporaryDirectory() as folder:
        serial = Path(folder) / "serial"
        process = subprocess.Popen(
            [
                *("qemu-system-x86_64", *KVM, "-m", "512", "-display", "none", "-nic", "none", "-no-reboot"),
                *("-kernel", str(image / "vmlinuz"), "-append", "console=ttyS0", "-serial", f"file:{serial}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until_s = time.monotonic() + PROBE_S
            while time.monotonic() < until_s and process.poll() is None:
                if serial.exists() and b"Linux version" in serial.read_bytes():
                    return KVM
                time.sleep(LOOK_EVERY_S)
        finally:
            process.kill()
            process.wait()
    return TCG


class Guest:
    """One machine with its disk. A context: whatever happens inside, no process and no file is left."""

    DISK = "machine.ext4"

    def __init__(self, image: Path, accelerated: tuple[str, ...] = TCG) -> None:
        """Copy the disk; nothing is booted before `boot`."""
        self.folder = Path(tempfile.mkdtemp(prefix="interval-coach-vm-", dir="/var/tmp"))
        self.console = self.folder / "console"
        self._image, self._accelerated = image, accelerated
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._qmp: socket.socket | None = None
        self._kept = {"control": b"", "qmp": b""}
        self._number = 0
        self.booted_s = 0.0
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(image / self.DISK), str(self.disk)], check=True)

    @property
    def disk(self) -> Path:
        """The disk's file."""
        return self.folder / "disk"

    def boot(self, *, resets: bool = False) -> None:
        """Switch on, and wait until commands are taken. `resets`: a reset boots anew instead of ending the machine."""
        began_s = time.monotonic()
        for name in ("control", "coach", "qmp"):
            (self.folder / name).unlink(missing_ok=True)
        with (self.folder / "qemu").open("wb") as said:
            self._process = subprocess.Popen(
                self._command(resets=resets), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
            )
        self._qmp = self._connect("qmp")
        self._kept["qmp"] = b""
        self._line("qmp", BOOT_S)
        self.qmp("qmp_capabilities")
        self._control = self._connect("control")
        self._kept["control"] = b""
        self.wait_until_answers()
        self.booted_s = time.monotonic() - began_s

    def _command(self, *, resets: bool) -> list[str]:
        """Return what qemu is started with."""
        ports = [
            word
            for name in ("control", "coach")
            for word in (
                *("-chardev", f"socket,id={name},path={self.folder / name},server=on,wait=off"),
                *("-device", f"virtserialport,chardev={name},name={name}"),
            )
        ]
        display = ("-vga", "none", "-device", "virtio-gpu-pci", "-device", "virtio-keyboard-pci", "-display", "none")
        return [
            *("nice", "qemu-system-x86_64", *self._accelerated, "-smp", "2", "-m", "2048", "-nic", "none"),
            *("-kernel", str(self._image / "vmlinuz"), "-initrd", str(self._image / "initrd")),
            *("-append", "root=/dev/vda rw console=ttyS0 panic=0 systemd.show_status=false"),
            *("-drive", f"file={self.disk},format=raw,if=virtio,cache=writeback"),
            *("-virtfs", f"local,path={INSIDE},mount_tag=inside,security_model=none,readonly=on"),
            *display,
            *("-device", "virtio-serial", *ports),
            *("-device", "i6300esb", "-action", "watchdog=reset"),
            *("-action", f"reboot={'reset' if resets else 'shutdown'}"),
            *("-serial", f"file:{self.console}", "-qmp", f"unix:{self.folder / 'qmp'},server=on,wait=off"),
        ]

    def wait_until_answers(self, timeout_s: float = BOOT_S) -> None:
        """Wait until a command inside is done."""
        until_s = time.monotonic() + timeout_s
        while time.monotonic() < until_s:
            with contextlib.suppress(TimeoutError):
                self.run("true", 5.0, answers_within_s=5.0)
                return
        raise GuestError(f"the machine does not answer; its console ends with\n{self.words()}")

    def run(self, shell: str, timeout_s: float = 60.0, *, answers_within_s: float | None = None) -> Done:
        """Do something inside, as root. `timeout_s`: of a processor; the machine is given `SLOWNESS` times that.

        Raises TimeoutError where no answer comes.
        """
        assert self._control is not None
        self._number += 1
        patience_s = timeout_s * SLOWNESS
        request = {"id": self._number, "shell": shell, "timeout_s": patience_s}
        self._control.sendall(json.dumps(request).encode() + b"\n")
        until_s = time.monotonic() + (patience_s + 30.0 if answers_within_s is None else answers_within_s)
        while (left_s := until_s - time.monotonic()) > 0:
            line = self._line("control", left_s)
            # On a serial line the kernel may speak too, and what is asked comes back as an echo until it is open.
            answer = json.loads(line) if line.startswith(b"{") else {}
            if answer.get("id") == self._number and "status" in answer:
                return Done(answer["status"], answer["output"])
        raise TimeoutError(f"no answer to «{shell}»")

    def start(self, shell: str) -> None:
        """Do something inside that answers nothing, as what stops the system."""
        assert self._control is not None
        self._control.sendall(json.dumps({"id": 0, "shell": shell, "timeout_s": 60.0}).encode() + b"\n")

    def ask(self, shell: str, timeout_s: float = 60.0) -> str:
        """As `run`, for what must succeed. Gives what was printed, without blanks at either end."""
        done = self.run(shell, timeout_s)
        if done.status != 0:
            raise GuestError(f"«{shell}» ended with {done.status}:\n{done.output}")
        return done.output.strip()

    def bytes_of(self, path: str) -> bytes:
        """A file inside."""
        return base64.b64decode(self.ask(f"base64 -w0 {path}"))

    def until(self, shell: str, timeout_s: float = 60.0) -> str:
        """Wait until a command inside succeeds; gives what it printed. Raises TimeoutError."""
        until_s = time.monotonic() + timeout_s * SLOWNESS
        while True:
            done = self.run(shell)
            if done.status == 0:
                return done.output.strip()
            if time.monotonic() > until_s:
                raise TimeoutError(f"«{shell}» did not come true: {done.output}")
            time.sleep(LOOK_EVERY_S)

    def watch(self) -> Watcher:
        """A client of the coach inside, as `tests.support.machine.machine` has one."""
        return Watcher(CoachLink(self.coach_socket()))

    def coach_socket(self) -> Path:
        """Where the coach inside is met, once whoever met it before has been let go: it serves one at a time."""
        self.until("[ ! -e /run/coach-joined ]")
        return self.folder / "coach"

    def qmp(self, command: str, **arguments: Any) -> Any:  # noqa: ANN401 - whatever the command answers
        """Say something to qemu itself."""
        assert self._qmp is not None
        self._qmp.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            answer = json.loads(self._line("qmp", 60.0))
            if "error" in answer:
                raise GuestError(f"{command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    def screendump(self, to: Path) -> None:
        """Save what the display shows, as a PNG."""
        self.qmp("screendump", filename=str(to), format="png")

    def cut_power(self) -> None:
        """Switch off without a word: what the machine had not handed to the disk is gone."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        self._process = None
        for one in (self._control, self._qmp):
            if one is not None:
                one.close()
        self._control = self._qmp = None

    def words(self, lines: int = 30) -> str:
        """The end of the console, and what qemu said."""
        said = []
        for file in (self.console, self.folder / "qemu"):
            if file.exists():
                said += file.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
        return "\n".join(said)

    def wait_for(self, holds: Callable[[], bool], what: str, timeout_s: float) -> float:
        """Wait, `SLOWNESS` times `timeout_s` at most; gives the seconds that it took. Raises TimeoutError."""
        began_s = time.monotonic()
        while not holds():
            if time.monotonic() - began_s > timeout_s * SLOWNESS:
                raise TimeoutError(f"{what} did not come true")
            time.sleep(LOOK_EVERY_S)
        return time.monotonic() - began_s

    def _connect(self, name: str) -> socket.socket:
        until_s = time.monotonic() + 60.0
        while True:
            one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                one.connect(str(self.folder / name))
            except OSError as error:
                one.close()
                if time.monotonic() > until_s or (self._process is not None and self._process.poll() is not None):
                    raise GuestError(f"qemu does not run:\n{self.words()}") from error
                time.sleep(LOOK_EVERY_S)
            else:
                return one

    def _line(self, name: str, timeout_s: float) -> bytes:
        """The next line from a socket. Raises TimeoutError, GuestError where qemu has gone."""
        one = self._control if name == "control" else self._qmp
        assert one is not None
        until_s = time.monotonic() + timeout_s
        while b"\n" not in self._kept[name]:
            one.settimeout(max(0.01, until_s - time.monotonic()))
            content = one.recv(65536)
            if not content:
                raise GuestError(f"the machine is off; its console ended with\n{self.words()}")
            self._kept[name] += content
        line, _, self._kept[name] = self._kept[name].partition(b"\n")
        return line

    def __enter__(self) -> Self:
        """Give the machine."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it, and take its files away."""
        self.cut_power()
        shutil.rmtree(self.folder, ignore_errors=True)
