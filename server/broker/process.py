"""Running the clinic's mosquitto, and keeping what its log says about refusals.

mosquitto tells of a refused publish or subscription only at its most talkative; so it is run at that level, and those
of its lines are kept that somebody may have to answer for: refusals, failed connections, errors.
"""

import logging
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO

from server.broker.connection_watch import ConnectionWatch
from server.clinic_folder.name_times import read_name_times, write_name_times
from server.clinic_folder.settings import ClinicFolder
from server.errors import ServerError
from server.json_logging import log_fields
from server.sd_notify import VARIABLE

_log = logging.getLogger(__name__)

CRASHES = frozenset(-one for one in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL))
"""How mosquitto's own faults end it. Any other end is meant, by a person or by the system."""
MOST_CRASHES, WITHIN_S = 5, 60.0
"""After so many in this time, the person who runs it decides."""

_DENIED = re.compile(r"Denied (?P<what>PUBLISH|SUBSCRIBE|UNSUBSCRIBE) from (?P<who>[^ ]+)(?P<rest>.*)")
_SUBSCRIPTION_DENIED = re.compile(r"\t(?P<topic>.+) \(denied\)")
_TOPIC = re.compile(r"'(?P<topic>[^']*)'")
_TLS = re.compile(r"(OpenSSL Error|TLS|SSL|protocol error|not authori[sz]ed|Invalid)", re.IGNORECASE)
_RUNNING = re.compile(r"mosquitto version .* running")
_NOISE = re.compile(r"(Sending|Received) (PUB|PING|SUB|UNSUB|CONN)|^\t|No will message|Will message specified")

DOUBLES_KEPT_S = 7 * 86_400.0


def doubles_file(clinic: ClinicFolder) -> Path:
    """Return the file that names machines whose name two clients use, and when that was last seen."""
    return clinic.places.broker / "doubled.json"


class BrokerProcess:
    """mosquitto as a child process. `seen` is told each kept line, as (kind, who)."""

    def __init__(self, clinic: ClinicFolder, seen: Callable[[str, str], None] = lambda _kind, _who: None) -> None:
        """Nothing runs before `start`."""
        self._clinic = clinic
        self._seen = seen
        self._watch, self._watch_lock = ConnectionWatch(), threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self.last_lines: deque[str] = deque(maxlen=5)
        """The newest lines of its log, whatever they say."""
        self.running = threading.Event()
        """Set once mosquitto says that it runs."""

    def start(self) -> None:
        """Start it. Raises ServerError where there is no mosquitto."""
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        if program is None:
            raise ServerError("mosquitto is not installed. Debian: apt-get install mosquitto")
        places = self._clinic.places
        # Killed outright, this process takes the broker with it, so that the next one finds the port free.
        setpriv = shutil.which("setpriv")
        bound = [setpriv, "--pdeathsig", "TERM"] if setpriv else []
        # -v adds the talkative level to what the file says.
        self._process = subprocess.Popen(  # noqa: S603 - fixed programs with the clinic's own file
            [*bound, program, "-v", "-c", str(places.broker_configuration)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            # mosquitto would speak to systemd for this process.
            env={name: value for name, value in os.environ.items() if name != VARIABLE},
        )
        stream = self._process.stderr
        if stream is not None:
            self._reader = threading.Thread(target=self._read, args=(stream,), name="broker log", daemon=True)
            self._reader.start()

    @property
    def pid(self) -> int | None:
        """Its process id."""
        return self._process.pid if self._process else None

    def wait(self, seconds: float) -> int | None:
        """Wait for its end, so long at most. Gives its exit status, None while it runs."""
        if self._process is None:
            return 0
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def look_for_doubles(self) -> None:
        """Note the machines of whose name a client is connected that never said its state. Call it now and then."""
        with self._watch_lock:
            names = list(self._watch.silent(time.monotonic()))
        for name in names:
            self._note_double(name)

    def _note_double(self, name: str) -> None:
        """Write that two clients use a machine's name, for the collector, which has the database."""
        _log.warning("a client uses a machine's name and is not that machine", extra=log_fields(machine=name))
        file, now_s = doubles_file(self._clinic), time.time()
        try:
            kept = {one: at_s for one, at_s in read_name_times(file).items() if at_s > now_s - DOUBLES_KEPT_S}
            write_name_times(file, {**kept, name: now_s})
        except OSError as error:
            _log.error("that could not be written down", extra=log_fields(why=error.strerror))
        self._seen("doubled", name)

    def stop(self) -> None:
        """End it; it writes its queues to disk first."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            if self.wait(10.0) is None:
                self._process.kill()
                self._process.wait()
        if self._reader is not None:
            self._reader.join(2.0)

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self.last_lines.append(line.strip())
                said = line.rstrip("\n").partition(": ")[2]
                with self._watch_lock:
                    doubled = self._watch.read(said, time.monotonic())
                if doubled is not None:
                    self._note_double(doubled)
                self._sort(said)

    def _sort(self, line: str) -> None:
        if _RUNNING.search(line):
            self.running.set()
        denied = _DENIED.search(line)
        if denied:
            topic = _TOPIC.search(denied["rest"])
            _log.warning(
                "the broker refused",
                extra=log_fields(what=denied["what"], who=denied["who"], topic=topic["topic"] if topic else None),
            )
            self._seen("denied", denied["who"])
        elif _NOISE.search(line):
            return
        elif _TLS.search(line):
            _log.warning("the broker refused a connection", extra=log_fields(why=line[:200]))
            self._seen("connection", "")
        elif "rror" in line:
            _log.error("the broker is in trouble", extra=log_fields(why=line[:200]))
            self._seen("error", "")


def run_broker(
    clinic: ClinicFolder, stopping: threading.Event, ready: Callable[[], None], ending: Callable[[], None]
) -> int:
    """Run mosquitto until told to stop or until it ends; return its exit status, 0 where it was told to.

    mosquitto 2.0.11 can die of SIGHUP while clients connect (eclipse-mosquitto issues 849, 965, 1424). After a crash it
    is started again at once, with what it had on disk; what came after that comes again from those who sent it.
    `ready` is called once it listens for the first time, `ending` before the last one is stopped. Raises ServerError.
    """
    crashes: deque[float] = deque(maxlen=MOST_CRASHES)
    told = False
    while True:
        broker = BrokerProcess(clinic)
        broker.start()
        _log.info("broker started", extra=log_fields(port=clinic.settings.broker_port))
        status: int | None = None
        while status is None and not stopping.is_set():
            if not told and broker.running.is_set():
                told = True
                ready()
            status = broker.wait(0.1 if not told else 0.5)
            broker.look_for_doubles()
        if status:
            _log.error("the broker ended", extra=log_fields(status=status, why=" | ".join(broker.last_lines)[-500:]))
        full = len(crashes) == MOST_CRASHES and time.monotonic() - crashes[0] < WITHIN_S
        if status not in CRASHES or stopping.is_set() or full:
            ending()
            broker.stop()
            return status or 0
        crashes.append(time.monotonic())
