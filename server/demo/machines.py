"""The machines of the demo's room: enrolled as any other, a picture a second from each, an answer to each command.

    python -m server.demo.machines FOLDER COUNT PSEUDONYM,PSEUDONYM,… [REFUSED]

This program holds the connections. The people on the treadmills, and the session engine that leads each of them, are
`firmware.demo.room`, which is started as a program of its own and talks over pipes, a line for each message.
"""

import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from server.broker.mqtt_client import BrokerLink, LinkSettings, Received, tls_context
from server.clinic_folder.atomic_file import PRIVATE, atomic_write, private_folder
from server.clinic_folder.database import prepare
from server.clinic_folder.settings import ClinicFolder, read_clinic
from server.demo.running import PEOPLE_FILE
from server.json_logging import log_to
from sync.errors import TopicError
from sync.wire.codec import encode, read
from sync.wire.envelope import Unreadable
from sync.wire.messages import Clocks, EnrolRequest, Live, Software, State
from sync.wire.topics import Kind, Topic, build, parse, subscription

REFUSED_AT = 4
"""The place of the participant whose plan the last machine refuses."""
CONNECTED_WITHIN_S = 60.0
END_WITHIN_S = 5.0


class RoomPipeLine(Struct, frozen=True):
    """A line of the pipe, as `firmware.demo.room` has it; `open` says that all machines stand."""

    machine: str
    kind: str
    payload: str = ""
    name: str = ""


class DemoMachine:
    """One machine's connection. `asked`: takes what the server sends, for the room."""

    def __init__(self, clinic: ClinicFolder, name: str, asked: queue.SimpleQueue[RoomPipeLine]) -> None:
        """Enrol, with a code that is used once; `link.start` connects."""
        self.name = name
        self._code = clinic.settings.clinic
        self._asked = asked
        self._connection = 0
        self.up = threading.Event()
        certificate, key = _enrolled(clinic, name)
        self.link = BrokerLink(
            LinkSettings(
                host=clinic.settings.broker_host,
                port=clinic.settings.broker_port,
                name=name,
                tls=tls_context(str(clinic.places.authority), str(certificate), str(key)),
                subscriptions=tuple((subscription(kind, self._code, name), 1) for kind in (Kind.COMMAND, Kind.PLAN)),
                receive_maximum=20,
                session_expiry_s=60,
            ),
            received=self._take,
            changed=self._connected,
        )

    def publish(self, kind: Kind, payload: bytes) -> None:
        """Send what the room says."""
        if kind is Kind.LIVE:
            live = read(payload, Live)
            if isinstance(live, Unreadable):
                return
            # A picture of an earlier connection than the state's is taken for one that was overtaken.
            payload = encode(msgspec.structs.replace(live, connection=self._connection))
        self.link.publish(self._topic(kind), payload)

    def end(self) -> None:
        """Say goodbye."""
        self._tell_state(online=False)
        self.link.stop(2.0)

    def _topic(self, kind: Kind) -> str:
        return build(Topic(self._code, self.name, kind))

    def _connected(self, up: bool) -> None:  # noqa: FBT001 - as BrokerLink tells it
        if not up:
            self.up.clear()
            return
        # At every connection: a broker that was started again may have lost what it kept.
        self._connection = max(self._connection + 1, int(time.time()))
        self._tell_state(online=True)
        self.up.set()

    def _tell_state(self, *, online: bool) -> None:
        state = State(
            online=online,
            connection=self._connection,
            clinic=self._code,
            machine=self.name,
            software=Software("0.1.0", "3.11", "Debian 12"),
            at=Clocks("demo", time.monotonic(), time.time(), synchronised=True),
            instance=self.name,
        )
        self.link.publish_retained(self._topic(Kind.STATE), encode(state))

    def _take(self, message: Received) -> None:
        topic = _topic_of(message.topic)
        kind = {Kind.COMMAND: "command", Kind.PLAN: "plan"}.get(topic.kind) if topic is not None else None
        if topic is not None and kind is not None:
            text = message.payload.decode(errors="replace")
            self._asked.put(RoomPipeLine(self.name, kind, text, topic.name))
        self.link.acknowledge(message)


class DemoRoom:
    """The program with the people and the engines, and the threads that carry lines to and from it."""

    def __init__(self, words: list[str]) -> None:
        """Start it."""
        self.asked: queue.SimpleQueue[RoomPipeLine] = queue.SimpleQueue()
        self.said: queue.SimpleQueue[RoomPipeLine | None] = queue.SimpleQueue()
        self._process = subprocess.Popen(  # noqa: S603 - the project's own program
            [sys.executable, "-m", "firmware.demo.room", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for work, pipe in ((self._write, self._process.stdin), (self._read, self._process.stdout)):
            threading.Thread(target=work, args=(pipe,), daemon=True).start()

    def end(self) -> None:
        """Close the pipe, and wait for the program."""
        self._process.terminate()
        try:
            self._process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _write(self, pipe: IO[bytes]) -> None:
        try:
            while True:
                pipe.write(msgspec.json.encode(self.asked.get()) + b"\n")
                pipe.flush()
        except (BrokenPipeError, ValueError):
            return

    def _read(self, pipe: IO[bytes]) -> None:
        for line in pipe:
            self.said.put(msgspec.json.decode(line, type=RoomPipeLine))
        self.said.put(None)


def _topic_of(text: str) -> Topic | None:
    try:
        return parse(text)
    except TopicError:
        return None


def _enrolled(clinic: ClinicFolder, name: str) -> tuple[Path, Path]:
    """Return the files of a machine's certificate and key: an earlier program's, else given for a one-time code."""
    from server.identity import certificates  # noqa: PLC0415 - models exist only after prepare()

    folder = clinic.places.folder / "demo-machines"
    files = folder / f"{name}.pem", folder / f"{name}.key"
    if all(file.exists() for file in files):
        return files
    private_folder(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    pem = request.public_bytes(serialization.Encoding.PEM).decode()
    given = certificates.enrol(clinic, EnrolRequest(code=certificates.new_code(clinic, name), request_pem=pem))
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    atomic_write(files[1], plain, PRIVATE)
    atomic_write(files[0], given.certificate_pem.encode())
    return files


def main() -> int:
    """Run until told to end. Return 1 where the room's program ended before."""
    clinic = read_clinic(Path(sys.argv[1]))
    prepare(clinic)
    log_to()
    count, people = int(sys.argv[2]), sys.argv[3].split(",")
    refused = sys.argv[4] if len(sys.argv) > REFUSED_AT else ""
    room = DemoRoom([str(clinic.places.folder / PEOPLE_FILE), clinic.settings.clinic, str(count), refused, *people])
    stopping = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        stopping.set()
        room.said.put(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    machines = {name: DemoMachine(clinic, name, room.asked) for name in (f"molle-{one + 1}" for one in range(count))}
    for one in machines.values():
        one.link.start()
    for one in machines.values():
        one.up.wait(CONNECTED_WITHIN_S)
    while (line := room.said.get()) is not None:
        if line.kind == "open":
            # The demo waits for this line.
            sys.stdout.write("room open\n")
            sys.stdout.flush()
        else:
            machines[line.machine].publish(Kind(line.kind), line.payload.encode())
    for one in machines.values():
        one.end()
    room.end()
    return 0 if stopping.is_set() else 1


if __name__ == "__main__":
    sys.exit(main())
