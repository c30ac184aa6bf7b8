"""A real mosquitto in a temporary folder, with TLS, access by certificate name and persistence; and who talks to it.

Every process that is started here is ended by its own id.
"""

import contextlib
import os
import select
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from sync.delivery.machine_identity import ACCOUNT, AUTHORITY_PEM, MACHINE_PEM, MachineIdentity
from sync.wire.chunks import Chunk, is_part, join, read_part
from sync.wire.codec import encode, read, read_session
from sync.wire.messages import Receipt, SessionDelivery, State
from sync.wire.topics import Kind, Topic, build, parse, subscription

if TYPE_CHECKING:
    import pytest

CLINIC = "oslo"
PATIENCE_S = 60.0
ACL = """\
# The server's own programs.
user collector
topic readwrite ic/1/{clinic}/#

# A machine, by the name in its certificate (%u), below its own topic only.
pattern write ic/1/{clinic}/%u/state
pattern write ic/1/{clinic}/%u/live
pattern write ic/1/{clinic}/%u/session/+
pattern write ic/1/{clinic}/%u/result
pattern write ic/1/{clinic}/%u/taken
pattern read ic/1/{clinic}/%u/state
pattern read ic/1/{clinic}/%u/receipt
pattern read ic/1/{clinic}/%u/command
pattern read ic/1/{clinic}/%u/plan/+
"""
CONFIGURATION = """\
per_listener_settings false
listener {port} {address}
cafile {folder}/authority.pem
certfile {folder}/server.pem
keyfile {folder}/server.key
crlfile {folder}/revoked.pem
tls_version tlsv1.2
require_certificate true
use_identity_as_username true
allow_anonymous false
acl_file {folder}/access.acl
persistence true
persistence_location {folder}/
autosave_interval 1
autosave_on_changes true
log_dest file {folder}/mosquitto.log
log_type all
set_tcp_nodelay true
user root
{more}
"""


def mosquitto() -> str | None:
    """Where the broker's program is, if it is installed."""
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(true: Callable[[], Any], within_s: float = PATIENCE_S, what: str = "") -> None:
    """Wait until something is so; fails where it never is."""
    end_s = time.monotonic() + within_s
    while not true():
        if time.monotonic() > end_s:
            raise AssertionError(f"It did not become so within {within_s:g} s: {what or true}")
        time.sleep(0.02)


def figure(capsys: "pytest.CaptureFixture[str]", told: str) -> None:
    """Print a fault's figure past pytest's capture."""
    with capsys.disabled():
        print(f"\n{told}")


class Authority:
    """A certificate authority made with openssl, for tests."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        """Make its key, its certificate and an empty list of revoked ones."""
        self._folder, self._name = folder, name
        self.pem = folder / f"{name}.pem"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30")
        (folder / "index.txt").touch()
        (folder / "ca.cnf").write_text(
            f"[ca]\ndefault_ca=d\n[d]\ndatabase={folder}/index.txt\ndefault_md=sha256\ndefault_crl_days=30\n"
            f"certificate={self.pem}\nprivate_key={folder}/{name}.key\n"
        )
        self.revoke(None)

    def _openssl(self, *words: str) -> None:
        key, pem = self._folder / f"{self._name}.key", self.pem
        more = ("-keyout", str(key), "-out", str(pem), "-subj", "/CN=Test authority")
        subprocess.run(("openssl", *words, *more), check=True, capture_output=True)

    def certify(self, name: str, *, days: int = 30, hosts: str = "DNS:localhost,IP:127.0.0.1") -> tuple[Path, Path]:
        """A key and a certificate, signed."""
        key, request, pem = (self._folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
        extensions = self._folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={hosts}\n")
        ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        subprocess.run(
            ("openssl", "req", "-new", *ec, "-keyout", key, "-out", request, "-subj", f"/O={CLINIC}/CN={name}"),
            check=True,
            capture_output=True,
        )
        signed_by = ("-CA", self.pem, "-CAkey", self._folder / f"{self._name}.key", "-CAcreateserial")
        subprocess.run(
            (
                "openssl",
                "x509",
                "-req",
                "-in",
                request,
                *signed_by,
                "-days",
                str(days),
                "-extfile",
                extensions,
                "-out",
                pem,
            ),
            check=True,
            capture_output=True,
        )
        return key, pem

    def revoke(self, pem: Path | None) -> None:
        """Revoke a certificate, and write the list anew."""
        configuration = ("-config", self._folder / "ca.cnf")
        if pem is not None:
            subprocess.run(("openssl", "ca", *configuration, "-revoke", pem), check=True, capture_output=True)
        listed = ("-gencrl", "-out", self._folder / "revoked.pem")
        subprocess.run(("openssl", "ca", *configuration, *listed), check=True, capture_output=True)


class Broker:
    """Use as a context; `more` is added to the configuration."""

    def __init__(
        self, *, more: str = "", acl: str = ACL, address: str = "127.0.0.1", within: tuple[str, ...] = ()
    ) -> None:
        """Make folder, certificates and configuration; `start` it. `within`: a program that starts it elsewhere."""
        self.address, self._within = address, within
        program = mosquitto()
        if program is None:
            reason = "mosquitto is not installed: apt install mosquitto"
            if "PYTEST_CURRENT_TEST" in os.environ:
                import pytest  # noqa: PLC0415 - benchmarks run without it

                pytest.skip(reason)
            raise FileNotFoundError(reason)
        self._program = program
        self.folder = Path(tempfile.mkdtemp(prefix="interval-coach-broker-"))
        self.port = free_port()
        self.authority = Authority(self.folder)
        self.authority.certify("server", hosts=f"DNS:localhost,IP:127.0.0.1,IP:{address}")
        self.authority.certify("collector")
        self.configure(more, acl)
        self.process: subprocess.Popen[bytes] | None = None

    def configure(self, more: str = "", acl: str = ACL) -> None:
        """Write the configuration; it holds from the next start."""
        (self.folder / "access.acl").write_text(acl.format(clinic=CLINIC))
        (self.folder / "access.acl").chmod(0o600)
        configuration = CONFIGURATION.format(port=self.port, address=self.address, folder=self.folder, more=more)
        (self.folder / "mosquitto.conf").write_text(configuration)

    def start(self) -> Self:
        """Start it, and wait until it listens."""
        self.process = subprocess.Popen(
            (*self._within, self._program, "-c", self.folder / "mosquitto.conf"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._listens, what="mosquitto listens")
        return self

    def _listens(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"mosquitto ended: {self.log()[-2000:]}")
        with contextlib.suppress(OSError), socket.create_connection((self.address, self.port), timeout=1):
            return True
        return False

    def log(self) -> str:
        """What the broker has logged."""
        with contextlib.suppress(OSError):
            return (self.folder / "mosquitto.log").read_text(errors="replace")
        return ""

    def end(self, number: int = signal.SIGTERM) -> None:
        """End it with a signal, by its own id."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(10)
            self.process = None

    def reload(self) -> None:
        """Let it read its access list again."""
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def identity(self, machine: str, *, port: int | None = None, host: str | None = None, days: int = 30) -> Path:
        """A machine's identity folder, certified."""
        key, pem = self.authority.certify(machine, days=days)
        folder = self.folder / f"identity-{machine}"
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / MACHINE_PEM).write_bytes(key.read_bytes() + pem.read_bytes())
        (folder / AUTHORITY_PEM).write_bytes(self.authority.pem.read_bytes())
        now = time.time()
        account = MachineIdentity(
            clinic=CLINIC,
            machine=machine,
            broker_host=host or self.address,
            broker_port=port or self.port,
            server="127.0.0.1:1",
            certificate_from_wall_s=now,
            certificate_until_wall_s=now + days * 86400,
        )
        (folder / ACCOUNT).write_bytes(msgspec.json.encode(account))
        return folder

    def context(self, name: str) -> ssl.SSLContext:
        """TLS with a certificate that was made before."""
        context = ssl.create_default_context(cafile=self.authority.pem)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context

    def __enter__(self) -> Self:
        """Start it."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """End it and remove the folder."""
        with contextlib.suppress(ProcessLookupError):
            self.end(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


class MiniCollector:
    """The least that gives receipts: MQTT 5, a session that lasts, and an acknowledgement only after it has stored.

    The server's own collector does far more; this one lets the machine's half be tried alone. `stored` is its database.
    """

    def __init__(self, broker: Broker, *, name: str = "collector") -> None:
        """Nothing is connected before `start`."""
        self.stored: dict[tuple[str, int], str] = {}
        self.double: list[tuple[str, int]] = []
        self.states: list[State] = []
        self.others: list[tuple[Topic, bytes]] = []
        self.came: list[float] = []
        self.receipts_on = True
        self.quarantine: set[str] = set()
        self._broker, self._name = broker, name
        self._parts: dict[str, dict[int, Chunk]] = {}
        self.client: Client | None = None

    def start(self) -> Self:
        """Connect and subscribe."""
        client = Client(CallbackAPIVersion.VERSION2, client_id=f"test-{self._name}", protocol=MQTTv5, manual_ack=True)
        client.tls_set_context(self._broker.context(self._name))
        client.on_connect = self._subscribe
        client.on_message = self._heard
        client.reconnect_delay_set(1, 1)
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 3600
        properties.ReceiveMaximum = 400

        def connected() -> bool:
            with contextlib.suppress(OSError):
                host, port = self._broker.address, self._broker.port
                client.connect(host, port, keepalive=10, clean_start=False, properties=properties)
                return True
            return False

        until(connected, what="the broker can be reached")
        client.loop_start()
        self.client = client
        until(client.is_connected, what="the collector is connected")
        return self

    def stop(self) -> None:
        """Leave."""
        if self.client is not None:
            self.client.disconnect()
            self.client.loop_stop()
            self.client = None

    def heard(self, machine: str) -> int:
        """How many of a machine's processes listen by now, or have: each subscribes before it tells its state."""
        return len({state.instance for state in self.states if state.online and state.machine == machine})

    def say(self, topic: Topic, payload: bytes, *, retain: bool = False) -> None:
        """Publish something as the server."""
        assert self.client is not None
        self.client.publish(build(topic), payload, qos=1, retain=retain).wait_for_publish(5)

    def _subscribe(self, client: Client, _data: object, _flags: object, code: ReasonCode, _properties: object) -> None:
        assert not code.is_failure
        kinds = (Kind.SESSION, Kind.STATE, Kind.LIVE, Kind.RESULT, Kind.TAKEN)
        client.subscribe([(subscription(kind, CLINIC), 0 if kind is Kind.LIVE else 1) for kind in kinds])

    def _heard(self, client: Client, _data: object, message: MQTTMessage) -> None:
        topic = parse(message.topic)
        payload = bytes(message.payload)
        if topic.kind is Kind.SESSION:
            self._session(topic, payload)
        elif topic.kind is Kind.STATE:
            state = read(payload, State)
            assert isinstance(state, State)
            self.states.append(state)
        else:
            self.others.append((topic, payload))
        client.ack(message.mid, message.qos)

    def _session(self, topic: Topic, payload: bytes) -> None:
        if is_part(payload):
            part = read_part(payload)
            assert isinstance(part, Chunk)
            parts = self._parts.setdefault(part.whole, {})
            parts[part.number] = part
            if len(parts) < part.parts:
                return
            payload = join(parts.values())
        session = read_session(payload)
        assert isinstance(session, SessionDelivery), session
        assert (session.clinic, session.machine, session.session_id) == (topic.clinic, topic.machine, topic.name)
        key = (session.session_id, session.revision)
        if key in self.stored:
            self.double.append(key)
            assert self.stored[key] == session.sha256
        self.stored[key] = session.sha256
        self.came.append(time.monotonic())
        if self.receipts_on:
            self.receipt(topic, session)

    def receipt(self, topic: Topic, session: SessionDelivery) -> None:
        """Give the receipt."""
        assert self.client is not None
        held = session.session_id in self.quarantine
        receipt = Receipt(
            session_id=session.session_id,
            revision=session.revision,
            sha256=session.sha256,
            status="quarantined" if held else "stored",
            reason="a test" if held else None,
            stored_at_wall_s=time.time(),
        )
        self.client.publish(build(Topic(topic.clinic, topic.machine, Kind.RECEIPT)), encode(receipt), qos=1)

    def __enter__(self) -> Self:
        """Start it."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()


class Proxy:
    """Between a machine and the broker: passes on, stalls (packets vanish, both ends stay open), or refuses."""

    def __init__(self, to_port: int) -> None:
        """Listen on a free port."""
        self._to_port = to_port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self.vanishing = False
        self.refusing = False
        self.delay_s = 0.0
        self.connections = 0
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            readable, _, _ = select.select([self._listening, *self._pairs], [], [], 0.05)
            for one in readable:
                if one is self._listening:
                    self._accept()
                elif one in self._pairs:
                    self._pass_on(one)

    def _accept(self) -> None:
        near, _ = self._listening.accept()
        self.connections += 1
        if self.refusing:
            near.close()
            return
        far = socket.create_connection(("127.0.0.1", self._to_port))
        self._pairs |= {near: far, far: near}

    def _pass_on(self, one: socket.socket) -> None:
        try:
            content = one.recv(65536)
        except OSError:
            content = b""
        if self.vanishing:
            if not content:
                self._part(one)
            return
        if self.delay_s:
            time.sleep(self.delay_s)
        try:
            if not content:
                raise OSError  # noqa: TRY301
            self._pairs[one].sendall(content)
        except OSError:
            self._part(one)

    def _part(self, one: socket.socket) -> None:
        other = self._pairs.pop(one)
        self._pairs.pop(other, None)
        one.close()
        other.close()

    def cut(self) -> None:
        """Cut every connection at once."""
        for one in tuple(self._pairs):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let everything go."""
        self._stop.set()
        self._thread.join(5)
        for one in (*self._pairs, self._listening):
            one.close()

    def __enter__(self) -> Self:
        """Give it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()
