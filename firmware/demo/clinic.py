"""A clinic of the demo's own, on this computer: made, opened, and the demo's machine enrolled, beside the session.

The server is another program, so it is started as one (`interval-coach-server …`, found beside this program); nothing
of it is imported here. Steps follow each other while the session runs: `look_after` takes the next one when the last
is done, and never waits. Everything that was started is ended by its own process id.

The one-time code goes from one child's output into another's input: it stands in no process list and in no log.
"""

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import msgspec
from msgspec import Struct

from sync.missing_package import install_command

CLINIC, MACHINE = "demo", "demo-machine"
HERE = "127.0.0.1"
STEP_WITHIN_S = 60.0
END_WITHIN_S = 5.0
ASK_WITHIN_S = 30.0
_SERVER_PACKAGES = ("cryptography", "django")
"""Packages that come with the server alone: where they are, the rest of it is."""

_NOT_OF_THE_DEMO = ("DATABASE_URL", "INTERVAL_COACH_SERVER", "DJANGO_SETTINGS_MODULE")
"""Where these are set, they name a clinic that people use: the demo must not touch it."""


class Stage(StrEnum):
    """How far the clinic has come."""

    AWAY = "away"
    MAKING = "making"
    OPENING = "opening"
    ENROLLING = "enrolling"
    READY = "ready"


SAID = {
    Stage.AWAY: "",
    Stage.MAKING: "A clinic's server is being made …",
    Stage.OPENING: "The clinic's broker and collector are starting …",
    Stage.ENROLLING: "This machine is enrolling with a one-time code …",
    Stage.READY: "The clinic's server is ready, and this machine is enrolled.",
}


class StoredByServer(Struct, frozen=True):
    """What the server says of a session: a line of `interval-coach-server sessions --json`."""

    session_id: str
    revision: int
    stored_wall_s: float
    sha256: str


class DemoClinic:
    """One clinic in one folder, kept from demo to demo. `trouble`: why there is none, in a sentence."""

    def __init__(self, folder: Path, identity: Path, log: Path) -> None:
        """Nothing is started before `start`. `identity`: where the machine's key and certificate go."""
        self._folder, self._identity, self._log = folder.resolve(), identity, log
        self._services: dict[str, subprocess.Popen[str]] = {}
        self._step: subprocess.Popen[str] | None = None
        self._step_began_s = 0.0
        self._enrolment_port = 0
        self.stage = Stage.AWAY
        self.trouble = ""

    @property
    def said(self) -> str:
        """How it stands, in a line."""
        return self.trouble or SAID[self.stage]

    @property
    def made(self) -> bool:
        """Whether there is a clinic in the folder."""
        return (self._folder / "clinic.toml").exists()

    def start(self) -> None:
        """Begin to make it, or say in `trouble` why that cannot be."""
        self.trouble = _missing()
        if self.trouble:
            return
        try:
            self._log.write_bytes(b"")
            self._enrolment_port, broker_port = _free_port(), _free_port()
            if self.made and not self._use_ports(broker_port):
                return
        except OSError as error:
            self._fail(f"the demo's clinic could not be made ({error.strerror or error})")
            return
        words = ["init", str(self._folder), "--clinic", CLINIC, "--host", "localhost", "--listen", HERE]
        words += ["--port", str(broker_port), "--enrolment-port", str(self._enrolment_port), "--metrics-port", "0"]
        self._take(Stage.MAKING, _server(*words))

    def look_after(self) -> None:
        """Take the next step where the last one is done."""
        if self.trouble or self.stage is Stage.AWAY:
            return
        for name, process in self._services.items():
            if process.poll() is not None:
                self._fail(f"its {name} ended (status {process.returncode}); see {self._log}")
                return
        if self._step is None:
            return
        if time.monotonic() - self._step_began_s > STEP_WITHIN_S:
            self._fail(f"it was not ready within {STEP_WITHIN_S:g} s; see {self._log}")
            return
        status = self._step.poll()
        if status is None or (self.stage is Stage.OPENING and not _answers(self._enrolment_port)):
            return
        said, _ = self._step.communicate()
        self._step = None
        if status != 0:
            self._fail(self._last_words())
        else:
            self._go_on(said)

    def _go_on(self, said: str) -> None:
        """Take the step after the one that was done; `said` is what that one printed."""
        match self.stage:
            case Stage.MAKING:
                self._serve("broker", "broker")
                self._serve("collector", "collect")
                self._serve("enrolment", "enrol-service")
                self._take(Stage.OPENING, _server("enroll", MACHINE, "--dir", str(self._folder)))
            case Stage.OPENING:
                code = next((line.strip() for line in said.splitlines() if re.fullmatch(r" +[A-Z2-7-]+", line)), "")
                words = ["enrol", "--server", f"localhost:{self._enrolment_port}", "--identity", str(self._identity)]
                self._take(Stage.ENROLLING, [sys.executable, "-m", "firmware.cli", *words], given=code)
            case Stage.ENROLLING:
                self.stage = Stage.READY
                # Nobody else is to be let in.
                _end([self._services.pop("enrolment")])
            case _:
                pass

    def stored(self, session_id: str) -> StoredByServer | None:
        """Return what the server has of a session, its highest revision; None where it has nothing, or cannot say."""
        words = _server("sessions", "--session", session_id, "--json", "--dir", str(self._folder))
        try:
            run = subprocess.run(  # noqa: S603 - the project's own program with the demo's own folder
                words, env=_environment(), capture_output=True, text=True, timeout=ASK_WITHIN_S, check=True
            )
            rows = [msgspec.json.decode(line, type=StoredByServer) for line in run.stdout.splitlines()]
        except (OSError, subprocess.SubprocessError, msgspec.MsgspecError):
            return None
        return max(rows, key=lambda row: row.revision, default=None)

    def end(self) -> None:
        """End all that runs: first what talks to the broker, then the broker, which puts its queues on the disk."""
        step = [] if self._step is None else [self._step]
        self._step = None
        services, self._services = self._services, {}
        broker = services.pop("broker", None)
        _end([*step, *services.values()])
        _end([] if broker is None else [broker])

    # Inside

    def _use_ports(self, broker_port: int) -> bool:
        """Let a clinic that an earlier demo made listen where there is room now. Gives whether it is such a one."""
        settings = self._folder / "clinic.toml"
        text = settings.read_text(encoding="utf-8")
        try:
            kept = tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            kept = {}
        if (kept.get("clinic"), kept.get("listen_address")) != (CLINIC, HERE):
            self._fail(f"{self._folder} is not the demo's. Name another folder with --output")
            return False
        for name, port in (("broker_port", broker_port), ("enrolment_port", self._enrolment_port)):
            text = re.sub(rf"(?m)^{name} = \d+$", f"{name} = {port}", text)
        making = settings.with_name("clinic.toml.new")
        making.touch(mode=0o600)
        making.write_text(text, encoding="utf-8")
        making.replace(settings)
        return True

    def _take(self, stage: Stage, words: Sequence[str], given: str = "") -> None:
        self.stage = stage
        self._step_began_s = time.monotonic()
        with self._log.open("ab") as log:
            try:
                self._step = _child(words, subprocess.PIPE, log.fileno())
            except OSError as error:
                self._fail(f"{words[0]} could not be started ({error.strerror})")
                return
        if self._step.stdin is not None:
            with contextlib.suppress(BrokenPipeError), self._step.stdin as put:
                put.write(f"{given}\n")
            self._step.stdin = None

    def _serve(self, name: str, command: str) -> None:
        with self._log.open("ab") as log:
            words = _server(command, "--dir", str(self._folder))
            self._services[name] = _child(words, subprocess.DEVNULL, log.fileno())

    def _fail(self, why: str) -> None:
        self.trouble = f"There is no clinic's server: {why}. The session stays in the diary."
        self.end()

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1].rstrip(".") if lines else f"see {self._log}"


def _missing() -> str:
    """Return what is not installed, in a sentence; empty where all is there."""
    stays = "so the session stays in the diary and is delivered to nobody."
    beside = Path(sys.executable).with_name("interval-coach-server")
    if not beside.exists() or any(importlib.util.find_spec(name) is None for name in _SERVER_PACKAGES):
        return f"The clinic's server is not installed ({install_command('server')}), {stays}"
    if shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin") is None:
        return f"The broker is not installed (apt-get install mosquitto), {stays}"
    return ""


def _server(*words: str) -> list[str]:
    return [str(Path(sys.executable).with_name("interval-coach-server")), *words]


def _child(words: Sequence[str], pipe: int, errors: int) -> subprocess.Popen[str]:
    """Start a program that ends with this one, even where this one is killed outright."""
    setpriv = shutil.which("setpriv")
    bound = [setpriv, "--pdeathsig", "TERM"] if setpriv else []
    # In a session of its own, so that Ctrl-C reaches the demo, which ends its children in order.
    return subprocess.Popen(  # noqa: S603 - the project's own programs with the demo's own folders
        [*bound, *words],
        env=_environment(),
        stdin=pipe,
        stdout=pipe,
        stderr=errors,
        text=True,
        start_new_session=True,
    )


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _NOT_OF_THE_DEMO}


def _end(processes: Sequence[subprocess.Popen[str]]) -> None:
    """Tell them to end, and wait; what does not end is ended."""
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    until_s = time.monotonic() + END_WITHIN_S
    for process in processes:
        try:
            process.wait(max(0.0, until_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind((HERE, 0))
        return int(one.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(0.1)
        return one.connect_ex((HERE, port)) == 0
