"""Enrolment, renewal and revocation, over the real HTTPS service and with the machine's own side where it matters."""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from firmware.enrolment.enrol import enrol, renew
from server.clinic_folder.settings import ClinicFolder
from server.errors import SettingsError
from server.identity import certificates, disconnecting, enrol_service
from server.identity.enrol_service import EnrolService, WrongCodes
from server.models import Certificate, EnrolmentCode
from sync.wire.codec import encode, read
from sync.wire.envelope import Unreadable
from sync.wire.messages import Enrolled, EnrolRefused, EnrolRequest, RenewRequest

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def service(lite: ClinicFolder) -> Iterator[EnrolService]:
    """The service on a free port, in threads that share this test's database file."""
    # The folder serves many tests, each with a database of its own; what an earlier one revoked stays listed.
    lite.places.revoked.unlink(missing_ok=True)
    with EnrolService(lite, "127.0.0.1", 0) as one:
        thread = threading.Thread(target=one.serve_forever, args=(0.02,))
        thread.start()
        yield one
        one.shutdown()
        thread.join()


def signing_request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None, name: str = "anybody") -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    request = builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def ask(
    service: EnrolService, path: str, body: bytes, certificate: Path | None = None
) -> tuple[int, Enrolled | EnrolRefused]:
    context = ssl.create_default_context(cafile=str(service.clinic.places.authority))
    if certificate is not None:
        context.load_cert_chain(certificate)
    link = http.client.HTTPSConnection("localhost", service.server_address[1], context=context, timeout=60)
    link.request("POST", path, body)
    answer = link.getresponse()
    content = answer.read()
    link.close()
    for kind in (Enrolled, EnrolRefused):
        found = read(content, kind)
        if not isinstance(found, Unreadable):
            return answer.status, found
    raise AssertionError(content)


def refused(found: tuple[int, Enrolled | EnrolRefused]) -> tuple[int, str]:
    status, answer = found
    assert isinstance(answer, EnrolRefused)
    return status, answer.code


def where(service: EnrolService) -> str:
    return f"localhost:{service.server_address[1]}"


def test_a_machine_enrols_with_its_code_and_gets_the_servers_name_for_it(service: EnrolService, tmp_path: Path) -> None:
    account = enrol(where(service), certificates.new_code(service.clinic, "machine-1"), tmp_path / "identity")
    certificate = x509.load_pem_x509_certificates((tmp_path / "identity/machine.pem").read_bytes())[0]
    assert (account.clinic, account.machine) == ("trondheim", "machine-1")
    assert certificate.subject.rfc4514_string() == "CN=machine-1,O=trondheim"
    assert (certificate.not_valid_after_utc - datetime.now(UTC)).days <= 365
    assert Certificate.objects.get(name="machine-1").serial == f"{certificate.serial_number:x}"


def test_the_database_holds_no_code(service: EnrolService) -> None:
    code = certificates.new_code(service.clinic, "machine-1").replace("-", "")
    [row] = EnrolmentCode.objects.values_list()
    assert not any(str(value) in code for value in row if isinstance(value, str) and value and value != "machine-1")


def test_a_code_answers_the_same_key_again_and_no_other_key(service: EnrolService) -> None:
    code = certificates.new_code(service.clinic, "machine-1")
    body = encode(EnrolRequest(code=code, request_pem=signing_request()))
    assert ask(service, "/enrol", body) == ask(service, "/enrol", body)
    assert Certificate.objects.filter(name="machine-1").count() == 1
    other = encode(EnrolRequest(code=code, request_pem=signing_request()))
    assert refused(ask(service, "/enrol", other)) == (403, "used_code")


def test_an_expired_code_a_replaced_one_and_a_made_up_one_are_refused(service: EnrolService) -> None:
    replaced = certificates.new_code(service.clinic, "machine-1")
    expired = certificates.new_code(service.clinic, "machine-1")
    EnrolmentCode.objects.update(until_wall_s=time.time() - 1)
    request = signing_request()
    codes = [
        refused(ask(service, "/enrol", encode(EnrolRequest(code=one, request_pem=request))))
        for one in (replaced, expired, "made-up")
    ]
    assert codes == [(403, "unknown_code"), (403, "expired_code"), (403, "unknown_code")]


def test_ten_wrong_codes_make_it_wait(service: EnrolService) -> None:
    wrong = encode(EnrolRequest(code="wrong", request_pem=signing_request()))
    answers = [refused(ask(service, "/enrol", wrong)) for _ in range(11)]
    assert (answers[9], answers[10]) == ((403, "unknown_code"), (429, "too_many"))


def test_wrong_codes_are_forgotten_after_a_minute() -> None:
    now = [0.0]
    wrong = WrongCodes(lambda: now[0])
    for _ in range(10):
        wrong.note("a")
    assert (wrong.too_many("a"), wrong.too_many("b")) == (True, False)
    now[0] = 61.0
    assert not wrong.too_many("a")


@pytest.mark.parametrize("body", [b"", b"junk", b"{}", b"\xff" * 100, b"[" * 10_000])
def test_a_body_that_is_no_request_is_refused(service: EnrolService, body: bytes) -> None:
    assert refused(ask(service, "/enrol", body)) == (400, "bad_request")


@pytest.mark.parametrize("request_pem", ["", "junk", "x" * 9000])
def test_a_signing_request_that_is_none_uses_no_code_up(service: EnrolService, request_pem: str) -> None:
    code = certificates.new_code(service.clinic, "machine-1")
    assert refused(ask(service, "/enrol", encode(EnrolRequest(code=code, request_pem=request_pem)))) == (
        403,
        "bad_request",
    )
    assert EnrolmentCode.objects.get().used_wall_s is None


def test_a_key_of_another_kind_is_refused(service: EnrolService) -> None:
    code = certificates.new_code(service.clinic, "machine-1")
    request = signing_request(rsa.generate_private_key(65537, 2048))
    assert refused(ask(service, "/enrol", encode(EnrolRequest(code=code, request_pem=request)))) == (403, "bad_request")


def test_a_machine_renews_with_the_certificate_in_force(service: EnrolService, tmp_path: Path) -> None:
    folder = tmp_path / "identity"
    enrol(where(service), certificates.new_code(service.clinic, "machine-1"), folder)
    before = (folder / "machine.pem").read_bytes()
    renew(folder)
    assert (folder / "machine.pem").read_bytes() != before
    renewed, in_force = Certificate.objects.filter(name="machine-1").order_by("pk")
    assert in_force.revoked_wall_s is None
    assert renewed.revoked_wall_s == pytest.approx(time.time() + certificates.GRACE_S, abs=60)


def test_a_renewed_certificate_ends_after_its_grace_and_serves_until_then(
    service: EnrolService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "identity"
    enrol(where(service), certificates.new_code(service.clinic, "machine-1"), folder)
    body = encode(RenewRequest(request_pem=signing_request()))
    assert ask(service, "/renew", body, folder / "machine.pem")[0] == 200
    # The answer was lost on its way: the machine asks again the day after.
    assert ask(service, "/renew", body, folder / "machine.pem")[0] == 200
    now_s = time.time()
    later_s = now_s + certificates.GRACE_S + 60
    assert not certificates.ended_between(now_s, now_s + 60)
    assert certificates.ended_between(now_s + 60, later_s)
    monkeypatch.setattr("server.identity.certificates.time.time", lambda: later_s)
    assert refused(ask(service, "/renew", body, folder / "machine.pem")) == (403, "revoked")
    certificates.write_broker_lists(service.clinic)
    places = service.clinic.places
    assert len(list(x509.load_pem_x509_crl(places.revoked.read_bytes()))) == 2
    assert "machine-1" not in places.broker_access.read_text()


def test_a_machine_gets_a_few_certificates_a_day_and_no_more(service: EnrolService, tmp_path: Path) -> None:
    folder = tmp_path / "identity"
    enrol(where(service), certificates.new_code(service.clinic, "machine-1"), folder)
    body = encode(RenewRequest(request_pem=signing_request()))
    answers = [ask(service, "/renew", body, folder / "machine.pem") for _ in range(certificates.MOST_RENEWALS + 2)]
    assert [one[0] for one in answers].count(200) == certificates.MOST_RENEWALS - 1
    assert refused(answers[-1]) == (429, "too_many")


def test_a_machine_that_is_enrolled_again_ends_its_earlier_certificates(service: EnrolService, tmp_path: Path) -> None:
    for folder in ("lost", "new"):
        enrol(where(service), certificates.new_code(service.clinic, "machine-1"), tmp_path / folder)
    body = encode(RenewRequest(request_pem=signing_request()))
    assert refused(ask(service, "/renew", body, tmp_path / "lost" / "machine.pem")) == (403, "revoked")
    assert ask(service, "/renew", body, tmp_path / "new" / "machine.pem")[0] == 200
    assert len(list(x509.load_pem_x509_crl(service.clinic.places.revoked.read_bytes()))) == 1


def test_the_broker_reads_its_lists_again_only_where_an_enrolment_changes_them(
    service: EnrolService, lite: ClinicFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Path] = []
    monkeypatch.setattr(certificates, "told_to_reload", lambda file: told.append(file) is None)
    certificates.write_broker_lists(lite)
    assert len(told) == 1
    for name in ("machine-1", "machine-2"):
        enrol(where(service), certificates.new_code(lite, name), tmp_path / name)
    assert len(told) == 1
    enrol(where(service), certificates.new_code(lite, "machine-1"), tmp_path / "another card")
    assert len(told) == 2
    certificates.revoke(lite, "machine-2")
    assert len(told) == 3
    enrol(where(service), certificates.new_code(lite, "machine-2"), tmp_path / "machine-2 again")
    assert len(told) == 4


def test_only_an_enrolment_after_another_ends_the_connection_of_that_name(
    service: EnrolService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a first enrolment the connection that would be ended is the machine's own new one."""
    ended: list[str] = []
    monkeypatch.setattr(disconnecting, "end_connection_later", lambda _clinic, machine: ended.append(machine))
    for folder in ("first", "another card"):
        enrol(where(service), certificates.new_code(service.clinic, "machine-1"), tmp_path / folder)
        enrol(where(service), certificates.new_code(service.clinic, folder.split()[0]), tmp_path / f"{folder} 2")
    assert ended == ["machine-1"]


def test_renewal_without_a_certificate_or_with_a_revoked_one_is_refused(service: EnrolService, tmp_path: Path) -> None:
    folder = tmp_path / "identity"
    body = encode(RenewRequest(request_pem=signing_request()))
    assert refused(ask(service, "/renew", body)) == (403, "bad_request")
    enrol(where(service), certificates.new_code(service.clinic, "machine-1"), folder)
    assert ask(service, "/renew", body, folder / "machine.pem")[0] == 200
    assert certificates.revoke(service.clinic, "machine-1").certificates == 2
    assert refused(ask(service, "/renew", body, folder / "machine.pem")) == (403, "revoked")


def test_a_revoked_machine_stands_on_both_lists_until_it_is_enrolled_again(
    service: EnrolService, tmp_path: Path
) -> None:
    places = service.clinic.places
    enrol(where(service), certificates.new_code(service.clinic, "machine-1"), tmp_path / "first")
    certificates.revoke(service.clinic, "machine-1")
    revoked = x509.load_pem_x509_crl(places.revoked.read_bytes())
    assert len(list(revoked)) == 1
    assert "user machine-1\ntopic deny #\n" in places.broker_access.read_text()
    enrol(where(service), certificates.new_code(service.clinic, "machine-1"), tmp_path / "second")
    assert "machine-1" not in places.broker_access.read_text()
    assert len(list(x509.load_pem_x509_crl(places.revoked.read_bytes()))) == 1


@pytest.mark.parametrize("name", ["collector-1", "bridge-oslo", "server", "Big", "a/b", "+", "#", "", "a" * 33])
def test_no_machine_gets_a_name_that_may_do_more_or_that_is_none(lite: ClinicFolder, name: str) -> None:
    with pytest.raises(SettingsError):
        certificates.new_code(lite, name)


def test_own_certificates_are_renewed_when_a_third_of_their_time_is_left(lite: ClinicFolder) -> None:
    own = certificates.own_names(lite)
    assert certificates.own_certificates(lite, own) == []
    collector = lite.places.certificate("collector-1")
    kept = lite.places.key("collector-1").read_bytes()
    authority = certificates.Authority.read(lite.settings.clinic, lite.places)
    authority.give_own("collector-1", lite.places, 100, datetime.now(UTC))
    before = collector.read_bytes()
    assert certificates.own_certificates(lite, own) == ["collector-1"]
    assert collector.read_bytes() != before
    assert lite.places.key("collector-1").read_bytes() == kept


def test_slow_and_silent_callers_shut_nobody_else_out(service: EnrolService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enrol_service, "PATIENCE_S", 3.0)
    port = service.server_address[1]
    context = ssl.create_default_context(cafile=str(service.clinic.places.authority))
    with contextlib.ExitStack() as stack:
        for number in range(40):
            source = (f"127.0.0.{2 + number % 5}", 0)
            line = socket.create_connection(("127.0.0.1", port), timeout=5, source_address=source)
            stack.enter_context(line)
            if number % 2:
                continue
            with contextlib.suppress(OSError):
                slow = stack.enter_context(context.wrap_socket(line, server_hostname="localhost"))
                slow.sendall(b"GET /authority.pem HTTP/1.1\r\nHost: localhost\r\n")
        began_s = time.monotonic()
        code = certificates.new_code(service.clinic, "machine-1")
        found = ask(service, "/enrol", encode(EnrolRequest(code=code, request_pem=signing_request())))
        assert (found[0], time.monotonic() - began_s < 5) == (200, True)


def test_a_header_line_now_and_then_buys_no_time(service: EnrolService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enrol_service, "PATIENCE_S", 1.0)
    context = ssl.create_default_context(cafile=str(service.clinic.places.authority))
    began_s = time.monotonic()
    with (
        socket.create_connection(("127.0.0.1", service.server_address[1]), timeout=10) as line,
        context.wrap_socket(line, server_hostname="localhost") as slow,
        contextlib.suppress(OSError),
    ):
        slow.sendall(b"GET /authority.pem HTTP/1.1\r\n")
        for number in range(40):
            time.sleep(0.25)
            slow.sendall(b"X-%d: slow\r\n" % number)
    assert time.monotonic() - began_s < 6
