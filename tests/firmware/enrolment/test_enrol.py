"""A machine's identity, with the clinic's real enrolment service and a real authority."""

import http.server
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from firmware.cli import main
from firmware.enrolment import enrol as enrolment
from firmware.enrolment.enrol import NEXT_KEY, EnrolError, enrol, renew
from firmware.enrolment.renewal import Renewal
from firmware.system.kept_file import COPIES
from server.clinic_folder.settings import ClinicFolder
from sync.delivery.fault_registry import Trouble
from sync.delivery.machine_identity import (
    ACCOUNT,
    AUTHORITY_PEM,
    MACHINE_PEM,
    MachineIdentity,
    read_account,
    tls_context,
)
from sync.wire.enrolment import CodeError, OneTimeCode, read_code, write_code
from tests.support.broker.broker import Authority
from tests.support.broker.courier_machine import clocks
from tests.support.clinic.local_clinic import code_for, enrolling, environment, make

pytestmark = pytest.mark.timeout(90)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClinicFolder]:
    """A clinic whose enrolment service answers."""
    made = make(tmp_path_factory.mktemp("enrol") / "clinic")
    with enrolling(made):
        yield made


def server(clinic: ClinicFolder) -> str:
    return f"localhost:{clinic.settings.enrolment_port}"


def public_key(folder: Path) -> str:
    words = ("openssl", "x509", "-in", folder / MACHINE_PEM, "-noout", "-pubkey")
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def certificate_says(folder: Path, what: str) -> str:
    words = ("openssl", "x509", "-in", folder / MACHINE_PEM, "-noout", what)
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


# The code


def test_a_code_is_read_back_whatever_case_and_spaces_it_is_copied_with() -> None:
    code = OneTimeCode(bytes(range(10)), bytes(range(16)))
    text = write_code(code)
    assert [read_code(one) for one in (text, text.lower(), f" {text.replace('-', ' ')}\n")] == [code] * 3


def test_every_single_mistyped_letter_is_found_before_anything_is_sent() -> None:
    text = write_code(OneTimeCode(bytes(range(10)), bytes(range(16))))
    missed = 0
    for place, letter in enumerate(text):
        for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567":
            if letter not in ("-", other):
                try:
                    read_code(text[:place] + other + text[place + 1 :])
                    missed += 1
                except CodeError:
                    pass
    assert missed == 0


def test_a_code_never_shows_itself_in_a_log() -> None:
    assert repr(OneTimeCode(b"secret-bytes", bytes(16))) == "OneTimeCode(…)"


# Enrolling


def test_one_command_makes_a_key_that_only_its_owner_may_read_and_an_account_that_the_doctor_may(
    clinic: ClinicFolder, tmp_path: Path
) -> None:
    code, folder = code_for(clinic, "pi-1"), tmp_path / "identity"
    run = subprocess.run(
        [sys.executable, "-m", "firmware.cli", "enrol", "--server", server(clinic), "--identity", folder],
        input=code + "\n",
        capture_output=True,
        text=True,
        env=environment(),
        check=True,
    )
    assert "pi-1" in run.stdout
    assert code not in run.stdout + run.stderr
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        ACCOUNT: 0o640,
        MACHINE_PEM: 0o600,
        AUTHORITY_PEM: 0o600,
        COPIES: 0o700,
    }
    assert stat.S_IMODE((folder / COPIES / MACHINE_PEM).stat().st_mode) == 0o600
    assert (read_account(folder).machine, read_account(folder).clinic) == ("pi-1", clinic.settings.clinic)
    assert "CN = pi-1" in certificate_says(folder, "-subject").replace("CN=", "CN = ")
    tls_context(folder)


def test_a_power_cut_after_the_servers_answer_costs_nothing_and_a_stranger_with_the_code_gets_none(
    clinic: ClinicFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, folder = code_for(clinic, "pi-2"), tmp_path / "identity"
    with monkeypatch.context() as cut:

        def power_cut(*_: object) -> MachineIdentity:
            raise KeyboardInterrupt

        cut.setattr(enrolment, "_keep", power_cut)
        with pytest.raises(KeyboardInterrupt):
            enrol(server(clinic), code, folder)
    assert [path.name for path in folder.iterdir()] == [NEXT_KEY]
    assert enrol(server(clinic), code, folder).machine == "pi-2"
    with pytest.raises(EnrolError, match="used"):
        enrol(server(clinic), code, tmp_path / "stranger")


def test_a_wrong_code_is_refused_with_the_reason(clinic: ClinicFolder, tmp_path: Path) -> None:
    real = read_code(code_for(clinic, "pi-3"))
    with pytest.raises(EnrolError, match="gave no certificate"):
        enrol(server(clinic), write_code(OneTimeCode(bytes(10), real.authority)), tmp_path / "identity")


@pytest.mark.parametrize("where", ["", ":8884", "host:", "host:x", "host:99999"])
def test_a_server_that_is_none_is_refused_in_a_sentence(where: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["enrol", "--server", where, "--identity", "/nonexistent"]) == 2
    assert "is no server" in capsys.readouterr().err


class _Middle(http.server.BaseHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012 - one list for all requests is meant
    authority = b""

    def do_GET(self) -> None:
        self.asked.append(f"GET {self.path}")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.authority)

    def do_POST(self) -> None:
        self.asked.append(f"POST {self.path}")
        self.send_response(500)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing."""


@contextmanager
def _man_in_the_middle(folder: Path, authority: bytes) -> Iterator[int]:
    """Somebody who answers in the server's place, with a certificate of his own for its name."""
    folder.mkdir()
    his = Authority(folder)
    key, pem = his.certify("server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    _Middle.asked, _Middle.authority = [], authority or his.pem.read_bytes()
    listening = http.server.HTTPServer(("127.0.0.1", 0), _Middle)
    listening.socket = context.wrap_socket(listening.socket, server_side=True)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    try:
        yield listening.server_port
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


def test_a_man_in_the_middle_with_his_own_authority_is_never_told_the_code(
    clinic: ClinicFolder, tmp_path: Path
) -> None:
    code = code_for(clinic, "pi-4")
    with _man_in_the_middle(tmp_path / "his", b"") as port, pytest.raises(EnrolError, match="not the server"):
        enrol(f"localhost:{port}", code, tmp_path / "identity")
    assert _Middle.asked == ["GET /authority.pem"]


def test_a_man_in_the_middle_who_hands_on_the_real_authority_is_never_told_the_code(
    clinic: ClinicFolder, tmp_path: Path
) -> None:
    code, real = code_for(clinic, "pi-5"), clinic.places.authority.read_bytes()
    with _man_in_the_middle(tmp_path / "his", real) as port, pytest.raises(EnrolError, match="does not hold"):
        enrol(f"localhost:{port}", code, tmp_path / "identity")
    assert _Middle.asked == ["GET /authority.pem"]


# Renewing


def test_a_certificate_is_renewed_with_a_new_key_by_the_one_in_force(clinic: ClinicFolder, tmp_path: Path) -> None:
    enrol(server(clinic), code_for(clinic, "pi-6"), tmp_path)
    before = public_key(tmp_path)
    assert renew(tmp_path).machine == "pi-6"
    assert public_key(tmp_path) != before


class _User:
    """Whoever uses the certificate."""

    def __init__(self, account: MachineIdentity) -> None:
        self.account = account
        self.told: list[str] = []

    def renewed(self) -> None:
        self.told.append("renewed")

    def note(self, trouble: Trouble, detail: str = "", about: str = "") -> None:
        self.told.append(f"{trouble.value}{about}: {detail}")

    def clear(self, trouble: Trouble, about: str = "") -> None:
        self.told.append(f"not {trouble.value}{about}")


def _look_until_told(renewal: Renewal, user: _User) -> None:
    end_s = time.monotonic() + 30
    while not user.told and time.monotonic() < end_s:
        renewal.look(clocks())
        time.sleep(0.02)


def _aged(folder: Path) -> MachineIdentity:
    """The account of a certificate of which two thirds of the time have passed."""
    now_s = time.time()
    old = msgspec.structs.replace(
        read_account(folder), certificate_from_wall_s=now_s - 70, certificate_until_wall_s=now_s + 30
    )
    (folder / ACCOUNT).write_bytes(msgspec.json.encode(old))
    return old


def test_it_renews_by_itself_when_a_third_of_the_time_is_left(clinic: ClinicFolder, tmp_path: Path) -> None:
    enrol(server(clinic), code_for(clinic, "pi-7"), tmp_path)
    before = public_key(tmp_path)
    user = _User(_aged(tmp_path))
    _look_until_told(Renewal(tmp_path, user), user)
    assert user.told == ["not certificate_soon", "renewed"]
    assert public_key(tmp_path) != before
    assert read_account(tmp_path).certificate_until_wall_s > time.time() + 86_400


def test_a_renewal_that_fails_keeps_what_works_and_says_so(clinic: ClinicFolder, tmp_path: Path) -> None:
    enrol(server(clinic), code_for(clinic, "pi-8"), tmp_path)
    account = msgspec.structs.replace(_aged(tmp_path), server="localhost:1")
    (tmp_path / ACCOUNT).write_bytes(msgspec.json.encode(account))
    user, before = _User(account), (tmp_path / MACHINE_PEM).read_bytes()
    _look_until_told(Renewal(tmp_path, user), user)
    assert user.told[0].startswith("certificate_soon: The server at localhost:1 cannot be reached")
    assert (tmp_path / MACHINE_PEM).read_bytes() == before


def test_nothing_is_renewed_before_its_time_or_by_a_clock_that_was_never_set(tmp_path: Path) -> None:
    now_s = time.time()
    account = MachineIdentity(
        clinic="oslo",
        machine="pi-1",
        broker_host="h",
        broker_port=1,
        server="h",
        certificate_from_wall_s=now_s,
        certificate_until_wall_s=now_s + 90,
    )
    renewal = Renewal(tmp_path, _User(account), command=("/nonexistent",))
    renewal.look(clocks())
    late = msgspec.structs.replace(account, certificate_until_wall_s=now_s - 1)
    Renewal(tmp_path, _User(late), command=("/nonexistent",)).look(clocks(synchronised=False))
