"""Real parts for tests and benchmarks of delivery: clinics, mosquitto, PostgreSQL, collectors, plain machines.

Each runs on a free port below a temporary folder, and is ended by its own process id.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Any, Self, TypeVar

import psycopg
import pytest
from msgspec import Struct
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from server.broker.mqtt_client import tls_context
from server.clinic_folder.settings import ClinicFolder, read_clinic
from server.identity.certificate_authority import Authority
from sync.delivery.mqtt import IN_FLIGHT
from sync.wire.codec import read
from sync.wire.envelope import Unreadable
from sync.wire.messages import Receipt, WordReceipt

ROOT = Path(__file__).resolve().parents[3]
CLINIC = "trondheim"
Found = TypeVar("Found")


def free_port() -> int:
    """A port that nobody listens on now, below those that callers get: it stays free during a restart."""
    chance = SystemRandom()
    while True:
        port = chance.randrange(15_000, 32_000)
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port


def until(what: Callable[[], Found], within_s: float = 60.0, every_s: float = 0.02) -> Found:
    """Wait until this is true and give it. Fails where it does not become true."""
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        found = what()
        if found:
            return found
        time.sleep(every_s)
    raise AssertionError(f"not within {within_s:g} s")


def environment(database: str | None = None) -> dict[str, str]:
    """What the project's programs are started with."""
    kept = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "INTERVAL_COACH_SERVER")}
    # Whoever writes where coverage or Django's settings are is not asked.
    kept.pop("DJANGO_SETTINGS_MODULE", None)
    return {**kept, "PYTHONPATH": str(ROOT), **({"DATABASE_URL": database} if database else {})}


def command(*words: str, database: str | None = None, check: bool = True) -> str:
    """Run `interval-coach-server`. Gives what it said."""
    run = subprocess.run(
        [sys.executable, "-m", "server", *words],
        env=environment(database),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if check:
        assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


def make(folder: Path, *more: str, clinic: str = CLINIC, database: str | None = None) -> ClinicFolder:
    """Make a clinic's folder with ports of its own."""
    ports = ("--port", str(free_port()), "--enrolment-port", str(free_port()), "--metrics-port", str(free_port()))
    command("init", str(folder), "--clinic", clinic, "--host", "localhost", *ports, *more, database=database)
    return read_clinic(folder)


class Child:
    """A process that is ended by its id, and whose log is kept."""

    def __init__(self, words: Sequence[str], log: Path, env: dict[str, str] | None = None) -> None:
        """Start it."""
        self.log = log
        with log.open("ab") as file:
            self.process = subprocess.Popen(words, stdout=file, stderr=file, env=env, cwd=ROOT)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.stop()

    @property
    def said(self) -> str:
        """Its log."""
        return self.log.read_text(errors="replace")

    @property
    def resident_bytes(self) -> int:
        """What it holds in memory now."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def kill(self) -> None:
        """Kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM, and SIGKILL where that does not help."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode


def mosquitto(clinic: ClinicFolder, log: Path | None = None) -> Child:
    """The clinic's broker, run by the project's own command, answering."""
    child = Child(
        [sys.executable, "-m", "server", "broker", "--dir", str(clinic.places.folder)],
        log or clinic.places.folder / "broker.log",
        environment(),
    )
    until(lambda: listens(clinic.settings.broker_port) or child.process.poll() is not None)
    assert child.process.poll() is None, child.said
    return child


def kill_broker(clinic: ClinicFolder) -> None:
    """Send mosquitto itself a kill -9: what it had not written to disk is gone. Whoever ran it ends too."""
    pid = int(clinic.places.broker_pid.read_text())
    os.kill(pid, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{pid}").exists())


def plain_mosquitto(configuration: str, folder: Path, port: int) -> Child:
    """A broker with a configuration of the test's own."""
    file = folder / "mosquitto.conf"
    file.write_text(configuration)
    child = Child([program("mosquitto"), "-c", str(file)], folder / "mosquitto.log")
    until(lambda: listens(port))
    return child


def collector(clinic: ClinicFolder, *more: str, name: str = "collector-1", database: str | None = None) -> Child:
    """A collector, run by the project's own command, connected."""
    log = clinic.places.folder / f"{name}.log"
    before = log.read_text().count("connected with the broker") if log.exists() else 0
    child = Child(
        [sys.executable, "-m", "server", "collect", "--dir", str(clinic.places.folder), "--as", name, *more],
        log,
        environment(database),
    )
    until(lambda: child.said.count('"connected with the broker"') > before or child.process.poll() is not None)
    assert child.process.poll() is None, child.said
    return child


def enrolling(clinic: ClinicFolder, *, database: str | None = None) -> Child:
    """The enrolment service, listening."""
    child = Child(
        [sys.executable, "-m", "server", "enrol-service", "--dir", str(clinic.places.folder)],
        clinic.places.folder / "enrolment.log",
        environment(database),
    )
    until(lambda: listens(clinic.settings.enrolment_port))
    return child


def code_for(clinic: ClinicFolder, machine: str, database: str | None = None) -> str:
    """A one-time code."""
    said = command("enroll", machine, "--dir", str(clinic.places.folder), database=database)
    return said.splitlines()[1].strip()


def listens(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as one:
        one.settimeout(0.2)
        return one.connect_ex(("127.0.0.1", port)) == 0


def program(name: str) -> str:
    """Where a program is, installed with apt where it is missing and that is possible; else the test is skipped."""
    where = os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin"
    found = shutil.which(name, path=where)
    if found is None:
        install(name)
        found = shutil.which(name, path=where)
    if found is None:
        pytest.skip(f"{name} is not installed, and cannot be installed here")
    return found


def install(package: str) -> None:
    """Install a Debian package, where this account may."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", package]):
        with contextlib.suppress(subprocess.CalledProcessError, subprocess.TimeoutExpired):
            subprocess.run(["apt-get", *words], check=True, capture_output=True, timeout=300, env=env)


class Files(Struct, frozen=True):
    """A machine's certificate and key, and the authority that it trusts."""

    authority: Path
    certificate: Path
    key: Path

    @property
    def tls(self) -> ssl.SSLContext:
        """TLS with them."""
        return tls_context(str(self.authority), str(self.certificate), str(self.key))


def files_of(clinic: ClinicFolder, name: str, *, trusting: ClinicFolder | None = None) -> Files:
    """A certificate straight from the clinic's authority, unknown to its database."""
    Authority.read(clinic.settings.clinic, clinic.places).give_own(name, clinic.places, 30, datetime.now(UTC))
    return Files((trusting or clinic).places.authority, clinic.places.certificate(name), clinic.places.key(name))


class Machine:
    """A plain machine: publishes what it is told to, and keeps each receipt."""

    def __init__(
        self,
        clinic: ClinicFolder,
        name: str,
        files: Files | None = None,
        *,
        port: int | None = None,
        patience_s: float = 10.0,
    ) -> None:
        """Connected when this returns. Raises OSError where the broker lets nobody in within `patience_s`."""
        self.clinic = clinic
        self.name = name
        self.receipts: dict[tuple[str, int], Receipt] = {}
        self.words: set[str] = set()
        """SHA-256 of the results and plan receipts that the server acknowledged."""
        self.refusals: list[str] = []
        self.published: dict[int, str] = {}
        self._there = threading.Event()
        self.client = Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=True
        )
        self.client.reconnect_delay_set(1, 2)
        self.client.tls_set_context((files or files_of(clinic, name)).tls)
        self.client.max_inflight_messages_set(100)
        self.client.on_connect = self._on_connect
        self.client.on_message = self._on_message
        self.client.on_publish = self._on_publish
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3600
        self.client.connect(
            "localhost", port or clinic.settings.broker_port, 60, clean_start=False, properties=properties
        )
        self.client.loop_start()
        if not self._there.wait(patience_s):
            self.client.loop_stop()
            raise ConnectionRefusedError("the broker let nobody in")

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave."""
        self.client.disconnect()
        self.client.loop_stop()

    def topic(self, last: str, machine: str | None = None) -> str:
        """A topic below this machine, or below another."""
        return f"ic/1/{self.clinic.settings.clinic}/{machine or self.name}/{last}"

    def publish(self, topic: str, payload: bytes, qos: int = 1) -> int:
        """Publish; gives the message's number."""
        return self.client.publish(topic, payload, qos).mid

    def deliver(
        self,
        sessions: dict[tuple[str, int], bytes],
        within_s: float,
        *,
        window: int = IN_FLIGHT,
        again_s: float = 3.0,
    ) -> None:
        """As a machine must (docs/wire.md): few at a time, and again until a receipt comes. Fails after `within_s`."""
        end_s = time.monotonic() + within_s
        sent_s: dict[tuple[str, int], float] = {}
        waiting = dict(sessions)
        while waiting:
            assert time.monotonic() < end_s, f"{len(waiting)} of {len(sessions)} have no receipt"
            for key in [key for key in waiting if key in self.receipts]:
                del waiting[key]
                sent_s.pop(key, None)
            now_s = time.monotonic()
            due = [key for key in list(waiting)[:window] if now_s - sent_s.get(key, -1e9) > again_s]
            if self.client.is_connected():
                for key in due:
                    self.publish(self.topic(f"session/{key[0]}"), waiting[key])
                    sent_s[key] = now_s
            time.sleep(0.01)

    def _on_connect(
        self, client: Client, _userdata: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if not reason.is_failure:
            client.subscribe(self.topic("receipt"), 1)
        self._there.set()

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        receipt = read(bytes(message.payload), Receipt)
        if not isinstance(receipt, Unreadable):
            self.receipts[receipt.session_id, receipt.revision] = receipt
        elif not isinstance(words := read(bytes(message.payload), WordReceipt), Unreadable):
            self.words.update(words.words)

    def _on_publish(
        self, _client: Client, _userdata: object, number: int, reason: ReasonCode, _properties: object
    ) -> None:
        self.published[number] = str(reason)
        if reason.is_failure:
            self.refusals.append(str(reason))


class Postgres:
    """A PostgreSQL server of its own, as an account that is not root."""

    def __init__(self, folder: Path) -> None:
        """Make its folder; `start` starts it."""
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not found:
            install("postgresql")
            found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not found:
            pytest.skip("PostgreSQL is not installed")
        self._bin = found[-1].parent
        self._child: subprocess.Popen[bytes] | None = None
        self.folder = folder
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(folder, account.pw_uid, account.pw_gid)
            # The account must be able to reach its folder, and no more.
            for parent in folder.parents:
                if parent.stat().st_uid == 0 and parent != Path("/"):
                    parent.chmod(parent.stat().st_mode | 0o011)
        self._run("initdb", "-D", str(folder / "cluster"), "-A", "trust", "-U", "ic", "--no-sync")

    def start(self, *, wait: bool = True) -> None:
        """Start it."""
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -k {self.folder} -c max_connections=50"
        log = str(self.folder / "log")
        self._run(
            "pg_ctl", "-D", str(self.folder / "cluster"), "-l", log, "-o", options, "-w" if wait else "-W", "start"
        )

    def stop(self, mode: str = "immediate") -> None:
        """Stop it at once, as a crash would, unless told otherwise."""
        self._run("pg_ctl", "-D", str(self.folder / "cluster"), "-m", mode, "-w", "stop", check=False)

    def start_as_child(self) -> None:
        """Start it as a child of this process, which can then be killed, and wait until it answers.

        Again where the last one's backends linger, or where it gave itself up while it recovered.
        """
        program = [str(self._bin / "postgres"), "-D", str(self.folder / "cluster"), "-k", str(self.folder)]
        settings = ["-c", "listen_addresses=127.0.0.1", "-c", f"port={self.port}", "-c", "max_connections=50"]
        # What a killed process wrote the kernel has; only a power cut needs fsync, which takes many seconds here.
        settings += ["-c", "fsync=off"]
        with (self.folder / "log").open("ab") as log:
            words = [*_as_postgres(), *program, *settings]

            def started() -> bool:
                if self._child is None or self._child.poll() is not None:
                    self._child = subprocess.Popen(words, stdout=log, stderr=log, cwd="/")
                with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.address("postgres")):
                    return True
                return False

            until(started, 60, every_s=0.1)

    def kill(self) -> None:
        """Kill -9 the postmaster that `start_as_child` started."""
        assert self._child is not None
        self._child.kill()
        self._child.wait()

    def kill_backend(self, name: str) -> bool:
        """Kill -9 a backend of a database, a busy one first: PostgreSQL ends all others, and recovers. False: none."""
        statement = "SELECT pid FROM pg_stat_activity WHERE datname = %s ORDER BY state = 'idle' LIMIT 1"
        try:
            with psycopg.connect(self.address("postgres")) as connection:
                found = connection.execute(statement, (name,)).fetchone()
        except psycopg.OperationalError:
            return False
        if found is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(found[0]), signal.SIGKILL)
        return found is not None

    def database(self, name: str, template: str = "template1") -> str:
        """The address of a new database: empty, or a copy of `template`, which nobody may be connected with now."""
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        return self.address(name)

    def address(self, name: str) -> str:
        """The address of a database."""
        return f"postgresql://ic@127.0.0.1:{self.port}/{name}"

    def _run(self, name: str, *words: str, check: bool = True) -> None:
        whole = [*_as_postgres(), str(self._bin / name), *words]
        subprocess.run(whole, check=check, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300, cwd="/")


def _as_postgres() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]


def sql(clinic: ClinicFolder, statement: str, database: str | None = None) -> list[tuple[Any, ...]]:
    """Rows of the server's database, read beside it."""
    if database:
        with psycopg.connect(database) as connection:
            return list(connection.execute(statement.encode()).fetchall())
    file = clinic.places.folder / "diary.sqlite3"
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=20)) as lite:
        return list(lite.execute(statement))


def stored(clinic: ClinicFolder, database: str | None = None) -> int:
    """How many session rows there are."""
    return int(sql(clinic, "SELECT count(*) FROM server_session", database)[0][0])


@contextlib.contextmanager
def running(*parts: Child | Machine) -> Iterator[None]:
    """These until the block ends."""
    with contextlib.ExitStack() as stack:
        for one in parts:
            stack.enter_context(one)
        yield
