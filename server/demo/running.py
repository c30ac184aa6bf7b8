"""`interval-coach-server demo`: a clinic with twelve machines, thirty people and eight weeks behind it, to look at.

Everything is real but the people: broker with TLS, collector, enrolment, database and pages are started as a clinic
starts them, each as a process of its own, and all are ended by their own process ids when the demo ends. The clinic
lies in a folder of its own and is made anew each time; its one account can log in without a one-time code, on this
computer alone (`demo` in clinic.toml).
"""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

from msgspec import Struct

from server.clinic_creation import make_clinic
from server.clinic_folder.settings import (
    DATABASE_VARIABLE,
    FOLDER_VARIABLE,
    PLAIN_VARIABLE,
    ClinicFolder,
    ClinicSettings,
    read_clinic,
)
from server.errors import ServerError

CODE, NAME = "demo", "Demoklinikken"
TIME_ZONE = "Europe/Oslo"
"""Of the clinics, whatever the zone of this computer."""
BESIDE = (("levanger", "Levanger", 6), ("roros", "Røros", 3))
"""Clinics of the same region, for the sums that are compared: one of them too small to be shown."""
PEOPLE, MACHINES = 30, 12
LOOKS_EVERY_S = 1.0
"""So often the demo looks whether its parts still run."""
PAST_HOLDS_S = 3_600.0
"""A past that was made earlier than this is made again: its people would not have trained lately."""
HERE = "127.0.0.1"
PEOPLE_FILE = "people.json"
"""What `firmware.demo.clinic_history` writes of its people; `firmware.demo.room` reads it too."""
USUAL_PORT = 8480
LATEST_S = 900.0
"""A step that takes longer than this will not end; a slow computer takes its time."""
END_WITHIN_S = 10.0
KEPT_OUT = (DATABASE_VARIABLE, FOLDER_VARIABLE, PLAIN_VARIABLE, "DJANGO_SETTINGS_MODULE")
"""Where these are set, they name a clinic that people use: the demo must not touch it."""


class ServerDemoSettings(Struct, frozen=True, kw_only=True):
    """Where, and what for.

    `stay`: until Ctrl-C; else it ends once the pages have answered. `past`: a folder with the past that `make_past`
    made beforehand.
    """

    folder: Path
    port: int | None = None
    stay: bool = True
    people: int = PEOPLE
    machines: int = MACHINES
    past: Path | None = None


class Running(Struct, frozen=True):
    """A demo that stands: where to open it, and what to log in with."""

    address: str
    user: str
    password: str
    participants: int
    sessions: int
    clinic: ClinicFolder
    parts: "DemoParts"


class _Interrupted(BaseException):
    """SIGTERM or Ctrl-C."""


def run(settings: ServerDemoSettings, say: Callable[[str], None]) -> int:
    """Make the clinic, say where it is, and stay until told to end. Gives the exit status. Raises ServerError."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _Interrupted

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        if not settings.stay:
            say("There is no terminal here, so the demo ends once its pages answer; --stay keeps it open.")
        with standing(settings, say) as demo:
            say("")
            say(f"The demo clinic is open: {demo.participants} participants, {demo.sessions} sessions, "
                f"{settings.machines} machines in the room.")  # fmt: skip
            say(f"  Open      {demo.address}")
            say(f"  Log in    {demo.user}")
            say(f"  Password  {demo.password}")
            say("The people are made up, and this login exists here alone. Everything lies in "
                f"{demo.clinic.places.folder}.")  # fmt: skip
            if not settings.stay:
                say("The pages answer, so the demo ends here; --stay keeps it open.")
                return 0
            say("Ctrl-C ends it.")
            while True:
                time.sleep(LOOKS_EVERY_S)
                for said in demo.parts.start_again():
                    say(said)
    except _Interrupted:
        say("\nEnded.")
        return 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def standing(settings: ServerDemoSettings, say: Callable[[str], None]) -> Iterator[Running]:
    """Run a filled clinic with everything, until the block ends. Raises ServerError."""
    folder = settings.folder.resolve()
    _make_room(folder)
    for name in KEPT_OUT:
        os.environ.pop(name, None)
    parts = DemoParts(folder)
    try:
        say("A clinic is being made: simulated people train for eight weeks …")
        past, making = taken_past(settings, parts)
        port = settings.port or _port(USUAL_PORT)
        clinic = _make(folder, port)
        own = [sys.executable, "-m", "server"]
        for name in ("broker", "collect"):
            parts.start(name, [*own, name, "--dir", str(folder)])
        if making is not None:
            parts.done("past", making)
        say("Their sessions go into the clinic's diary …")
        from server.demo.filling import fill  # noqa: PLC0415 - models exist only after the clinic was made

        filled = fill(past, [(CODE, NAME), *((code, name) for code, name, _ in BESIDE)])
        shutil.copy(past / PEOPLE_FILE, folder / PEOPLE_FILE)
        shutil.rmtree(past, ignore_errors=True)
        say("Machines and pages are starting …")
        parts.start("web", [*own, "web", "--dir", str(folder), "--plain-here", "--port", str(port)])
        training = ",".join(filled.training[: 2 * settings.machines])
        parts.start("machines", [sys.executable, "-m", "server.demo.machines", str(folder), str(settings.machines),
                                 training, filled.refused])  # fmt: skip
        parts.until(lambda: _answers(port), "the pages")
        parts.until(lambda: "room open" in parts.said("machines"), "the machines")
        yield Running(
            address=f"http://{HERE}:{port}/",
            user=filled.user,
            password=filled.password,
            participants=filled.participants,
            sessions=filled.sessions,
            clinic=clinic,
            parts=parts,
        )
    finally:
        parts.end()


def make_past(settings: ServerDemoSettings, past: Path) -> int:
    """Make the past alone, into this folder, for a demo that is opened later. Return the exit status."""
    shutil.rmtree(past, ignore_errors=True)
    return subprocess.run(_making(settings, past), check=False).returncode  # noqa: S603 - the project's own program


def taken_past(settings: ServerDemoSettings, parts: "DemoParts") -> tuple[Path, subprocess.Popen[bytes] | None]:
    """Return the folder of the past, and the program that makes it where it is not made yet."""
    made = settings.past
    if made is not None and (made / PEOPLE_FILE).exists():
        if time.time() - (made / PEOPLE_FILE).stat().st_mtime < PAST_HOLDS_S:
            return made, None
        shutil.rmtree(made)
    past = settings.folder.resolve() / "past"
    return past, parts.start("past", _making(settings, past))


def _making(settings: ServerDemoSettings, past: Path) -> list[str]:
    clinics = [one for code, _name, people in ((CODE, NAME, settings.people + 1), *BESIDE)
               for one in ("--clinic", f"{code}:{people}")]  # fmt: skip
    return [sys.executable, "-m", "firmware.demo.clinic_history", str(past), *clinics,
            "--machines", str(settings.machines), "--time-zone", TIME_ZONE]  # fmt: skip


def _make_room(folder: Path) -> None:
    """Make an empty folder; what is removed is an earlier demo's alone. Raises ServerError."""
    if folder.exists() and any(folder.iterdir()):
        if (folder / "demo.running").exists() and _alive(folder / "demo.running"):
            raise ServerError(f"{folder}: another demo is running there. Let it end, or name another with --dir.")
        try:
            earlier = (folder / "clinic.toml").exists() and read_clinic(folder).settings.demo
        except ServerError:
            earlier = False
        if not earlier and not (folder / "demo.running").exists():
            raise ServerError(f"{folder} is not empty, and not an earlier demo's. Name another folder with --dir.")
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "demo.running").write_text(f"{os.getpid()}\n")


def _alive(file: Path) -> bool:
    try:
        os.kill(int(file.read_text()), 0)
    except (ValueError, OSError):
        return False
    return True


def _make(folder: Path, port: int) -> ClinicFolder:
    return make_clinic(
        folder,
        ClinicSettings(
            clinic=CODE,
            host="localhost",
            listen_address=HERE,
            broker_port=_port(),
            enrolment_port=_port(),
            metrics_port=0,
            web_port=port,
            web_address=HERE,
            idle_minutes=240,
            demo=True,
        ),
        webs=1,
    )


class DemoParts:
    """The processes of a demo, each with its log, ended by their own ids."""

    def __init__(self, folder: Path) -> None:
        """Start nothing yet. `folder`: of the logs."""
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._words: dict[str, Sequence[str]] = {}

    def start(self, name: str, words: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start one, in a session of its own, so that Ctrl-C reaches the demo, which ends its parts in order."""
        environment = {key: value for key, value in os.environ.items() if key not in KEPT_OUT}
        self._words[name] = words
        setpriv = shutil.which("setpriv")
        # Killed outright, the demo takes its parts with it.
        bound = [setpriv, "--pdeathsig", "TERM"] if setpriv else []
        with self._log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(  # noqa: S603 - the project's own programs in the demo's own folder
                [*bound, *words], env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        return self._running[name]

    def done(self, name: str, process: subprocess.Popen[bytes]) -> None:
        """Wait for one that ends by itself. Raises ServerError where it failed."""
        try:
            status = process.wait(LATEST_S)
        except subprocess.TimeoutExpired:
            status = -1
        if status != 0:
            raise ServerError(f"The demo could not be made: {name} ended with {status}; see {self._log(name)}.")
        del self._running[name]

    def until(self, what: Callable[[], bool], name: str) -> None:
        """Wait for something that the parts do. Raises ServerError where one of them ends meanwhile."""
        end_s = time.monotonic() + LATEST_S
        while not what():
            gone = next((one for one, process in self._running.items() if process.poll() is not None), None)
            if gone is not None or time.monotonic() > end_s:
                raise ServerError(f"The demo could not be opened: {name} did not come. See {self._log(gone or 'web')}.")
            time.sleep(0.1)

    def start_again(self) -> list[str]:
        """Start what has ended again. Return a sentence for each, with how it ended."""
        gone = {name: process.returncode for name, process in self._running.items() if process.poll() is not None}
        for name in gone:
            self.start(name, self._words[name])
        return [
            f"The demo's {name} ended ({_how(code)}) and was started again; see {self._log(name)}."
            for name, code in gone.items()
        ]

    def said(self, name: str) -> str:
        """Return what one has said so far."""
        return self._log(name).read_text(encoding="utf-8", errors="replace")

    def end(self) -> None:
        """End all, what talks to the broker before the broker; no second Ctrl-C disturbs it."""
        before = [(one, signal.signal(one, signal.SIG_IGN)) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
        try:
            broker = self._running.pop("broker", None)
            _end(list(self._running.values()))
            _end([] if broker is None else [broker])
            (self._folder / "demo.running").unlink(missing_ok=True)
        finally:
            for number, handler in before:
                signal.signal(number, handler)

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"


def _how(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"status {code}"


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
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


def _port(wanted: int = 0) -> int:
    """Return the port that is wanted where it is free, else any that is."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((HERE, wanted))
        except OSError:
            return _port()
        return int(one.getsockname()[1])


def _answers(port: int) -> bool:
    asking = http.client.HTTPConnection(HERE, port, timeout=10)
    try:
        asking.request("GET", "/log-in/")
        return asking.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asking.close()
