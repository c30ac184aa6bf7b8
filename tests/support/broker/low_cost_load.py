"""The machines' side of the delivery benchmark, in a process of its own; tells in lines of JSON how it goes.

python -m tests.support.broker.low_cost_load drain FOLDER MACHINES SESSIONS
python -m tests.support.broker.low_cost_load live FOLDER MACHINES SECONDS
"""

import asyncio
import ssl
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from server.clinic_folder.settings import ClinicFolder, read_clinic
from server.identity.certificate_authority import Authority
from sync.wire.codec import encode, read
from sync.wire.envelope import Unreadable
from sync.wire.messages import Clocks, Live, Receipt
from tests.support.broker.delivery_factory import sealed, session_id
from tests.support.broker.low_cost_machines import LightMachine

WINDOW = 2
"""Sessions on their way from one machine at a time."""
AGAIN_S = 30.0
CONNECT_AT_ONCE = 40


def contexts(clinic: ClinicFolder, names: list[str]) -> dict[str, ssl.SSLContext]:
    """TLS for each machine: certificates of their own; the key is one, since making keys is not what is measured."""
    authority = Authority.read(clinic.settings.clinic, clinic.places)
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    request_pem = request.public_bytes(serialization.Encoding.PEM).decode()
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "one.pem"
        for name in names:
            file.write_text(key_pem + authority.give(name, request_pem, 30, datetime.now(UTC)).pem)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(clinic.places.authority)
            context.load_cert_chain(file)
            made[name] = context
    return made


def tell(**what: float | str) -> None:
    """One line for whoever started this."""
    sys.stdout.write(msgspec.json.encode(what).decode() + "\n")
    sys.stdout.flush()


class Draining:
    """A machine with a backlog: a few on their way, the next when a receipt comes, again where none does."""

    def __init__(self, clinic: str, name: str, numbers: range) -> None:
        """All of `numbers` wait."""
        self.clinic = clinic
        self.name = name
        self.left = list(reversed(numbers))
        self.sent_s: dict[str, tuple[float, int]] = {}
        self.again = 0
        self.done = asyncio.Event()
        self.machine = LightMachine(name, heard=self.heard)

    def heard(self, _topic: str, payload: bytes) -> None:
        """Take a receipt, and send the next."""
        receipt = read(payload, Receipt)
        if not isinstance(receipt, Unreadable) and receipt.status == "stored":
            self.sent_s.pop(receipt.session_id, None)
        self.send()

    def send(self) -> None:
        """Fill the window."""
        while self.left and len(self.sent_s) < WINDOW:
            self.publish(self.left.pop())
        if not self.left and not self.sent_s:
            self.done.set()

    def publish(self, number: int) -> None:
        """Publish one session."""
        identity = session_id(number)
        self.sent_s[identity] = (time.monotonic(), number)
        payload = sealed(number, clinic=self.clinic, machine=self.name)
        self.machine.publish(f"ic/1/{self.clinic}/{self.name}/session/{identity}", payload)

    def send_again(self) -> None:
        """Send what has no receipt for long."""
        for sent_s, number in list(self.sent_s.values()):
            if time.monotonic() - sent_s > AGAIN_S:
                self.again += 1
                self.publish(number)


async def connected(
    clinic: ClinicFolder, machines: list[LightMachine], tls: dict[str, ssl.SSLContext], last: str | None
) -> None:
    """All of them, some at a time."""
    places = asyncio.Semaphore(CONNECT_AT_ONCE)

    async def one(machine: LightMachine) -> None:
        below = f"ic/1/{clinic.settings.clinic}/{machine.name}/{last}" if last else None
        async with places:
            await machine.connect(clinic.settings.broker_port, tls[machine.name], subscribe=below)

    await asyncio.gather(*(one(machine) for machine in machines))


async def drain(clinic: ClinicFolder, machines: int, sessions: int) -> None:
    """Drain a backlog."""
    names = [f"machine-{number}" for number in range(machines)]
    tls = contexts(clinic, names)
    each = sessions // machines
    all_of_them = [
        Draining(clinic.settings.clinic, name, range(number * each, (number + 1) * each))
        for number, name in enumerate(names)
    ]
    await connected(clinic, [one.machine for one in all_of_them], tls, "receipt")
    for number in range(8):
        sealed(number)
    tell(connected=machines)
    began_s = time.monotonic()
    for one in all_of_them:
        one.send()
        await asyncio.sleep(0)

    async def again() -> None:
        while True:
            await asyncio.sleep(AGAIN_S / 4)
            for one in all_of_them:
                one.send_again()

    resending = asyncio.create_task(again())
    await asyncio.gather(*(one.done.wait() for one in all_of_them))
    seconds = time.monotonic() - began_s
    resending.cancel()
    tell(seconds=seconds, sessions=each * machines, again=sum(one.again for one in all_of_them))


async def live(clinic: ClinicFolder, machines: int, seconds: int) -> None:
    """A picture a second from each, spread over the second as machines are that know nothing of each other."""
    names = [f"machine-{number}" for number in range(machines)]
    tls = contexts(clinic, names)
    all_of_them = [LightMachine(name) for name in names]
    await connected(clinic, all_of_them, tls, None)
    tell(connected=machines)
    began_s = time.monotonic()
    sent = 0
    for tick in range(seconds * machines):
        due_s = began_s + tick / machines
        if (wait_s := due_s - time.monotonic()) > 0.001:
            await asyncio.sleep(wait_s)
        machine = all_of_them[tick % machines]
        machine.publish(f"ic/1/{clinic.settings.clinic}/{machine.name}/live", picture(tick // machines), qos=0)
        sent += 1
    await asyncio.sleep(1.0)
    tell(sent=sent, seconds=time.monotonic() - began_s)


def picture(number: int) -> bytes:
    """A snapshot as it goes over the wire in an interval."""
    return encode(
        Live(
            number=number,
            connection=1,
            at=Clocks("0b1c", time.monotonic(), time.time(), synchronised=True),
            age_s=0.05,
            face="training",
            participant="p1",
            session_id="01a201a2-20b4-7dc4-b145-77fdcea40af6",
            t=912.0,
            stage="running",
            phase="interval",
            interval=2,
            intervals=4,
            phase_remaining_s=88.0,
            phase_length_s=240,
            session_elapsed_s=912.0,
            rate_bpm=158.0,
            fraction=0.87,
            low_bpm=157.0,
            high_bpm=176.0,
            position="in",
            mode="heart_rate",
            speed_kmh=6.4,
            incline_percent=5.0,
        )
    )


def main() -> None:
    """Do what is asked."""
    kind, folder, machines, amount = sys.argv[1:5]
    clinic = read_clinic(Path(folder))
    act = drain if kind == "drain" else live
    asyncio.run(act(clinic, int(machines), int(amount)))


if __name__ == "__main__":
    main()
