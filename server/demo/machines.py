"""The machines of the demo's room: enrolled as any other, a picture a second from each, an answer to each command.

    python -m server.demo.machines FOLDER COUNT PSEUDONYM,PSEUDONYM,…

No engine runs here (`server.demo.story`): twelve of them would be heavy work for a computer that shows a web page.
"""

import queue
import signal
import sys
import threading
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from server.broker.mqtt_client import BrokerLink, LinkSettings, Received, tls_context
from server.clinic_folder.atomic_file import PRIVATE, atomic_write, private_folder
from server.clinic_folder.database import prepare
from server.clinic_folder.settings import ClinicFolder, read_clinic
from server.demo.story import SESSION_S, StoryMachine, room_of
from server.json_logging import log_to
from sync.errors import TopicError
from sync.wire.codec import encode, read
from sync.wire.envelope import Unreadable
from sync.wire.messages import Clocks, Command, EnrolRequest, PlanOnWire, PlanTaken
from sync.wire.topics import Kind, Topic, build, parse, subscription

EARLIER_S = 300
"""So much of its past each machine tells at first, so that the room's traces begin full."""
REFUSED_AT = 4
"""The place of the participant whose plan the last machine refuses."""
CONNECTED_WITHIN_S = 60.0
STANDS_S = 25.0
"""How long somebody who has finished stands at the machine before the next one begins."""


class DemoMachine:
    """One machine: its connection, and the story that it tells."""

    def __init__(self, clinic: ClinicFolder, story: StoryMachine, people: list[str]) -> None:
        """Enrolled, with a code that is used once; `start` connects."""
        self.story = story
        self._code = clinic.settings.clinic
        self._people = people
        self._asked: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._taken: queue.SimpleQueue[PlanTaken] = queue.SimpleQueue()
        self._ended_s: float | None = None
        self._refused = ""
        self.up = threading.Event()
        name = story.name
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

    def _topic(self, kind: Kind) -> str:
        return build(Topic(self._code, self.story.name, kind))

    def _connected(self, up: bool) -> None:  # noqa: FBT001 - as BrokerLink tells it
        if up:
            self.up.set()
        else:
            self.up.clear()

    def _take(self, message: Received) -> None:
        topic = _topic_of(message.topic)
        command = read(message.payload, Command) if topic is not None and topic.kind is Kind.COMMAND else None
        if isinstance(command, Command):
            self._asked.put(command)
        if topic is not None and topic.kind is Kind.PLAN:
            self._take_plan(topic.name, message.payload)
        self.link.acknowledge(message)

    def _take_plan(self, participant: str, payload: bytes) -> None:
        """It trains nobody, and says as a real one that it has the plan."""
        plan = read(payload, PlanOnWire) if payload else None
        if isinstance(plan, Unreadable):
            return
        at = Clocks("demo", time.monotonic(), time.time(), synchronised=True)
        if plan is None:
            self._taken.put(PlanTaken(participant=participant, version=0, outcome="withdrawn", at=at))
        elif participant == self._refused:
            told = "protocol: not known on this machine"
            self._taken.put(
                PlanTaken(participant=participant, version=plan.version, outcome="refused", at=at, reason=told)
            )
        else:
            self._taken.put(PlanTaken(participant=participant, version=plan.version, outcome="taken", at=at))

    def refuse(self, participant: str) -> None:
        """Refuse the plan of this participant, as a machine whose protocols are older would."""
        self._refused = participant

    def begin(self) -> None:
        """Say that it is there, and tell the last minutes."""
        self.link.publish_retained(self._topic(Kind.STATE), encode(self.story.state()))
        for picture in self.story.earlier(EARLIER_S):
            self.link.publish(self._topic(Kind.LIVE), encode(picture))

    def second(self) -> None:
        """Answer what was asked, and tell how it is now."""
        while not self._asked.empty():
            self.link.publish(self._topic(Kind.RESULT), encode(self.story.asked(self._asked.get())))
        while not self._taken.empty():
            self.link.publish(self._topic(Kind.TAKEN), encode(self._taken.get()))
        self._go_on()
        self.link.publish(self._topic(Kind.LIVE), encode(self.story.next_picture()))

    def _go_on(self) -> None:
        """Whoever has finished makes room for the next one."""
        person = self.story.person
        if person.t is not None and person.t >= SESSION_S:
            person.t, person.face = None, "exertion"
        if person.face not in ("exertion", "ended"):
            self._ended_s = None
            return
        now_s = time.monotonic()
        self._ended_s = self._ended_s or now_s
        if now_s - self._ended_s > STANDS_S:
            after = (self._people.index(person.participant) + len(self._people) // 2) if person.participant else 0
            self.story.next_person(self._people[after % len(self._people)])

    def end(self) -> None:
        """Say goodbye."""
        self.link.publish_retained(self._topic(Kind.STATE), encode(self.story.state(online=False)))
        self.link.stop(2.0)


def _topic_of(text: str) -> Topic | None:
    try:
        return parse(text)
    except TopicError:
        return None


def _enrolled(clinic: ClinicFolder, name: str) -> tuple[Path, Path]:
    """Certificate and key of a machine, given for a one-time code."""
    from server.identity import certificates  # noqa: PLC0415 - models exist only after prepare()

    folder = clinic.places.folder / "demo-machines"
    private_folder(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    pem = request.public_bytes(serialization.Encoding.PEM).decode()
    given = certificates.enrol(clinic, EnrolRequest(code=certificates.new_code(clinic, name), request_pem=pem))
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files = folder / f"{name}.pem", folder / f"{name}.key"
    atomic_write(files[0], given.certificate_pem.encode())
    atomic_write(files[1], plain, PRIVATE)
    return files


def main() -> int:
    """Run until told to end."""
    clinic = read_clinic(Path(sys.argv[1]))
    prepare(clinic)
    log_to()
    people = sys.argv[3].split(",")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    refused = sys.argv[4] if len(sys.argv) > REFUSED_AT else ""
    machines = [DemoMachine(clinic, one, people) for one in room_of(clinic.settings.clinic, int(sys.argv[2]), people)]
    machines[-1].refuse(refused)
    for one in machines:
        one.link.start()
    for one in machines:
        one.up.wait(CONNECTED_WITHIN_S)
        one.begin()
    # For whoever started this.
    sys.stdout.write("room open\n")
    sys.stdout.flush()
    due_s = time.monotonic()
    while not stopping.is_set():
        for one in machines:
            # Spread over the second, as real ones are.
            due_s = max(due_s + 1 / len(machines), time.monotonic() - 1)
            stopping.wait(max(0.0, due_s - time.monotonic()))
            one.second()
    for one in machines:
        one.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
