"""A whole machine in a temporary folder: the real services as processes, and a client that watches and presses."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from coach.kiosk.view import Button, DisplayState, ScreenId
from coach.model.events import AnyEvent
from coach.model.messages import CommandName, SessionCommand
from firmware.commands.remote_diary import RemoteDiary
from firmware.ipc.client import CoachLink, NoCoachError
from firmware.ipc.messages import AnyFromCoach, CueNow, Done, Happened, Press, RequestRefusal, Subscribe, Tell, ViewNow
from firmware.system.supervisor import LEAN

PATIENCE_S = 60.0
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Machine:
    """Use as a context: whatever happens inside, no process and no file is left."""

    def __init__(self, *, speed: float = 1.0, strap: str = "simulated:ordinary,20", protocol: str = "4x4") -> None:
        """Nothing is started before `start`."""
        self.folder = Path(tempfile.mkdtemp(prefix="interval-coach-"))
        self.socket, self.diary = self.folder / "coach.sock", self.folder / "diary.db"
        self.log = self.folder / "services.log"
        self._coach = ["--diary", str(self.diary), "--speed", f"{speed:g}", "--strap", strap, "--protocol", protocol]
        self._coach += ["--plans", str(self.folder / "none")]
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def use_protocol(self, path: Path) -> None:
        """Let the next coach lead this protocol."""
        self._coach[self._coach.index("--protocol") + 1] = str(path)

    def start(
        self,
        name: str,
        arguments: Sequence[str] = (),
        environment: dict[str, str] | None = None,
        before: Sequence[str] = (),
    ) -> int:
        """Start `coach`, `display` or `sync`; gives its process id. `before`: a program that runs it."""
        words = [name, "--socket", str(self.socket), *(self._coach if name == "coach" else ()), *arguments]
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [*before, sys.executable, "-m", "firmware.cli", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**LEAN, **os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), **(environment or {})},
            )
        self._processes[name] = process
        return process.pid

    def pid(self, name: str) -> int:
        """The process id of a service."""
        return self._processes[name].pid

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a service; waits for the end where it kills."""
        process = self._processes[name]
        process.send_signal(number)
        if number is signal.SIGKILL:
            process.wait()

    def wait(self, name: str, timeout_s: float = PATIENCE_S) -> int:
        """Wait for a service's end; gives its status."""
        return self._processes[name].wait(timeout_s)

    def running(self, name: str) -> bool:
        """Whether a service lives."""
        return self._processes[name].poll() is None

    def words(self) -> str:
        """What the services have logged."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def watch(self) -> "Watcher":
        """Connect a client, as soon as the coach answers."""
        until_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                return Watcher(CoachLink(self.socket))
            except NoCoachError:
                if time.monotonic() > until_s or not self.running("coach"):
                    sys.stderr.write(self.words())
                    raise
                time.sleep(0.005)

    def remote_diary(self) -> RemoteDiary:
        """The diary, asked from the coach."""
        return RemoteDiary(self.socket, diary=self.diary)

    def until_kept(self, t: float, timeout_s: float = PATIENCE_S) -> None:
        """Wait until the diary's newest session is on the disk up to its second `t`. Raises TimeoutError.

        What is shown comes before what is kept: a test that kills the coach first waits for the disk.
        """
        diary = self.remote_diary()
        until_s = time.monotonic() + timeout_s
        try:
            while True:
                sessions = diary.sessions()
                kept = diary.session(sessions[0].session_id).messages if sessions else ()
                if kept and max(message.t for message in kept) >= t:
                    return
                if time.monotonic() > until_s:
                    raise TimeoutError(f"After {timeout_s:g} s second {t:g} of the session is not on the disk.")
                time.sleep(0.02)
        finally:
            diary.close()

    def __enter__(self) -> Self:
        """Give the machine."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what runs and take the folder away."""
        for process in self._processes.values():
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGCONT)
                    process.terminate()
        for process in self._processes.values():
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Watcher:
    """A client that keeps what it was told."""

    def __init__(self, link: CoachLink) -> None:
        """Ask for everything."""
        self.link = link
        self.view: DisplayState | None = None
        self.cues: list[tuple[CueNow, float]] = []
        self.events: list[AnyEvent] = []
        self.saved: list[str] = []
        self.answers: list[AnyFromCoach] = []
        link.say(Subscribe(views=True, cues=True, events=True, saving=True))

    def receive(self, timeout_s: float) -> None:
        """Take what comes, for at most so long."""
        for message in self.link.receive(timeout_s):
            match message:
                case ViewNow():
                    self.view = message.view
                    if not self.saved or self.saved[-1] != message.view.saved:
                        self.saved.append(message.view.saved)
                case CueNow():
                    self.cues.append((message, time.monotonic()))
                case Happened():
                    self.events += message.events
                case Done() | RequestRefusal():
                    self.answers.append(message)
                case _:
                    pass

    def until(self, holds: Callable[[DisplayState], bool], timeout_s: float = PATIENCE_S) -> DisplayState:
        """Wait until something is shown. Raises TimeoutError, with what is shown instead."""
        until_s = time.monotonic() + timeout_s
        while self.view is None or not holds(self.view):
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                shown = None if self.view is None else (self.view.face, self.view.saved)
                raise TimeoutError(f"After {timeout_s:g} s the machine still shows {shown}.")
            self.receive(left_s)
        return self.view

    def until_face(self, face: ScreenId, timeout_s: float = PATIENCE_S) -> DisplayState:
        """Wait until a face is shown."""
        return self.until(lambda view: view.face is face, timeout_s)

    def press(self, *buttons: Button) -> None:
        """Press buttons."""
        for button in buttons:
            self.link.say(Press(button=button))

    def command(self, name: CommandName) -> None:
        """Ask as the therapist would."""
        self.link.say(Tell(message=SessionCommand(0.0, name, source="therapist")))

    def begin(self) -> DisplayState:
        """Choose the first participant, wait for the strap, and start. Gives the first view of the session."""
        self.until_face(ScreenId.CHOOSE_PARTICIPANT)
        self.press(Button.START)
        self.until_face(ScreenId.CONFIRM)
        self.press(Button.START)
        if self.until(lambda view: view.face in (ScreenId.MY_TRAINING, ScreenId.READY)).face is ScreenId.MY_TRAINING:
            self.press(Button.START)
        self.until_face(ScreenId.READY)
        self.press(Button.START)
        return self.until_face(ScreenId.SESSION)

    def end(self) -> DisplayState:
        """Stop, refuse the cool-down, Borg and mood. Return the view of the end.

        After a session of a few minutes the machine does not ask how hard it was.
        """
        self.press(Button.STOP)
        self.until(lambda view: view.face is not ScreenId.SESSION)
        self.press(Button.STOP)
        asked = self.until(lambda view: view.face in (ScreenId.EXERTION, ScreenId.MOOD))
        if asked.face is ScreenId.EXERTION:
            self.press(Button.STOP)
            self.until_face(ScreenId.MOOD)
        self.press(Button.STOP)
        return self.until_face(ScreenId.ENDED)

    def close(self) -> None:
        """Leave."""
        self.link.close()

    def __enter__(self) -> Self:
        """Give the watcher."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave."""
        self.close()


def resident_mb(pid: int) -> float:
    """Resident memory of a process, in MB (10^6 bytes), shared pages counted whole."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * PAGE_BYTES / 1e6


def processor_s(pid: int) -> float:
    """Processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S
