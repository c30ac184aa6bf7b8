"""The machine's own key and certificate: made once with a one-time code, renewed before they end.

The key is made here by `openssl`, in the identity's folder, and never leaves it. Nothing secret stands on a command
line or in a log. The contract with the server is docs/wire.md «Enrolment».

    python -m firmware.enrolment.enrol FOLDER    renews, for the sync service, which keeps this out of its own memory
"""

import http.client
import os
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec

from firmware.system.atomic_file import atomic_write
from firmware.system.errors import FirmwareError
from firmware.system.folder_owner import as_owner_of, open_regular
from firmware.system.kept_file import copy_of, keep_file, rescue_file
from sync.delivery.machine_identity import (
    ACCOUNT,
    AUTHORITY_PEM,
    MACHINE_PEM,
    MachineIdentity,
    MachineIdentityError,
    read_account,
    tls_context,
)
from sync.errors import TopicError
from sync.wire.codec import encode, read
from sync.wire.enrolment import CodeError, OneTimeCode, read_code
from sync.wire.envelope import Unreadable
from sync.wire.messages import Enrolled, EnrolRefused, EnrolRequest, RenewRequest
from sync.wire.topics import ENROLMENT_PORT, require_name

ANSWER_WITHIN_S = 20.0
MOST_ANSWER_BYTES = 64 * 1024
NEXT_KEY = "next-key.pem"
_OK = 200
_MOST_KEY_BYTES = 16 * 1024
_FOR_THE_GROUP = 0o640
"""Nothing secret stands in the account, and the doctor, in the coach without a network, tells until when it is good."""


class EnrolError(FirmwareError):
    """The machine got no certificate; the text says why and what to do."""


def enrol(server: str, code_text: str, folder: Path) -> MachineIdentity:
    """Make a key, have it certified with a one-time code, and keep both. Raises EnrolError."""
    host, port = address_of(server)
    try:
        code = read_code(code_text)
    except CodeError as error:
        raise EnrolError(str(error)) from error
    authority = _authority(host, port, code)
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cadata=authority)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A person enrols as root; the courier, whose folder it is, reads and renews.
    with _owner_rights(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key, request = _key_and_request(folder)
        answer = _post(host, port, context, "/enrol", encode(EnrolRequest(code=code_text, request_pem=request)))
        if not _is_of(code, answer.authority_pem):
            raise EnrolError("The server answered with another authority than the code names. Tell the clinic.")
        return _keep(folder, key, answer, f"{host}:{port}")


def renew(folder: Path) -> MachineIdentity:
    """Make a new key, have it certified over TLS with the certificate in force, and change to it. Raises EnrolError."""
    with _owner_rights(folder):
        try:
            account = read_account(folder)
            context = tls_context(folder)
        except MachineIdentityError as error:
            raise EnrolError(str(error)) from error
        host, port = address_of(account.server)
        key, request = _key_and_request(folder)
        answer = _post(host, port, context, "/renew", encode(RenewRequest(request_pem=request)))
        if (answer.clinic, answer.machine) != (account.clinic, account.machine):
            raise EnrolError("The server answered with another machine's name; the certificate in force is kept.")
        return _keep(folder, key, answer, account.server)


@contextmanager
def _owner_rights(folder: Path) -> Iterator[None]:
    """Work with the rights of the identity's owner. Raises EnrolError where its files cannot be used."""
    try:
        with as_owner_of(folder):
            yield
    except OSError as error:
        if isinstance(error, FirmwareError):
            raise EnrolError(str(error)) from error
        raise EnrolError(f"The identity's folder {folder} cannot be used: {error}.") from error


def address_of(server: str) -> tuple[str, int]:
    """Host and port. Raises EnrolError."""
    name, separator, port = server.rpartition(":")
    if not separator or server.endswith("]"):
        name, port = server, str(ENROLMENT_PORT)
    if not name or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise EnrolError(
            f"«{server}» is no server. Give its name, and its port where it is not {ENROLMENT_PORT}: HOST:PORT."
        )
    return name.strip("[]"), int(port)


def _authority(host: str, port: int, code: OneTimeCode) -> str:
    """Return the authority's certificate, which proves itself by the hash in the code.

    Nobody is trusted yet, so this one request does not verify the server, sends nothing, and believes nothing but what
    the code confirms. Everything after it is verified against this authority alone.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    status, content = _ask(host, port, context, "GET", "/authority.pem")
    if status != _OK:
        raise EnrolError(f"What answers at {host}:{port} is no enrolment server (status {status}). Check --server.")
    authority = content.decode("ascii", "replace")
    if not _is_of(code, authority):
        raise EnrolError(
            f"What answers at {host}:{port} is not the server that this code is from. Check --server and the code; "
            "where both are right, somebody else answers in its place: tell the clinic."
        )
    return authority


def _is_of(code: OneTimeCode, authority: str) -> bool:
    try:
        return code.is_of(authority)
    except CodeError:
        return False


def _key_and_request(folder: Path) -> tuple[bytes, str]:
    """Return a new key (EC P-256), and a signing request for it; the server puts in the names.

    The key is on the disk before it is asked for, so that a power cut after the server's answer costs nothing: the same
    code with the same key is answered again.
    """
    key = folder / NEXT_KEY
    try:
        content = _read_regular(key)
    except FileNotFoundError:
        made = _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        content = made.encode("ascii")
        atomic_write(key, content)
    return content, _openssl("req", "-new", "-subj", "/CN=interval-coach", "-key", str(key))


def _openssl(*words: str, given: str | None = None) -> str:
    """Run openssl and return what it writes; files that it makes are its owner's alone."""
    mask = os.umask(0o077)
    try:
        run = subprocess.run(  # noqa: S603 - fixed words and own paths
            ("openssl", *words),  # noqa: S607 - found on the path, as on every Debian
            input=given,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
            user=os.geteuid(),
            group=os.getegid(),
        )
    except FileNotFoundError as error:
        raise EnrolError("The program openssl is missing. Install it: apt install openssl.") from error
    except subprocess.CalledProcessError as error:
        raise EnrolError(f"openssl could not do its part: {error.stderr.strip()[:300]}.") from error
    except subprocess.SubprocessError as error:
        raise EnrolError(f"openssl could not do its part: {error}.") from error
    finally:
        os.umask(mask)
    return run.stdout


def _post(host: str, port: int, context: ssl.SSLContext, path: str, body: bytes) -> Enrolled:
    status, content = _ask(host, port, context, "POST", path, body)
    if status == _OK:
        answer = read(content, Enrolled)
        if isinstance(answer, Unreadable):
            raise EnrolError(f"The server's answer was not understood: {answer.reason} Update this machine.")
        return answer
    refused = read(content, EnrolRefused)
    reason = refused.reason if isinstance(refused, EnrolRefused) else f"status {status}"
    raise EnrolError(f"The server gave no certificate: {reason}")


def _ask(
    host: str, port: int, context: ssl.SSLContext, method: str, path: str, body: bytes | None = None
) -> tuple[int, bytes]:
    connection = http.client.HTTPSConnection(host, port, timeout=ANSWER_WITHIN_S, context=context)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        response = connection.getresponse()
        return response.status, response.read(MOST_ANSWER_BYTES)
    except ssl.SSLCertVerificationError as error:
        raise EnrolError(
            f"The certificate of {host}:{port} does not hold ({error.verify_message}). Is this machine's clock right, "
            "and is this the name that the server's certificate has?"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise EnrolError(
            f"The server at {host}:{port} cannot be reached ({error}). Check the network and --server."
        ) from error
    finally:
        connection.close()


def _keep(folder: Path, key: bytes, answer: Enrolled, server: str) -> MachineIdentity:
    """Write all of it, the account last, each file whole or not at all."""
    try:
        require_name(answer.clinic, "clinic")
        require_name(answer.machine, "machine")
    except TopicError as error:
        raise EnrolError(f"The server's answer cannot be used: {error}") from error
    bundle = key.rstrip() + b"\n" + answer.certificate_pem.encode("ascii")
    begins_s, ends_s = _validity(answer.certificate_pem)
    account = MachineIdentity(
        clinic=answer.clinic,
        machine=answer.machine,
        broker_host=answer.broker_host,
        broker_port=answer.broker_port,
        server=server,
        certificate_from_wall_s=begins_s,
        certificate_until_wall_s=ends_s,
    )
    _check(folder, bundle, answer.authority_pem)
    keep_file(folder / AUTHORITY_PEM, answer.authority_pem.encode("ascii"))
    keep_file(folder / MACHINE_PEM, bundle)
    keep_file(folder / ACCOUNT, msgspec.json.format(msgspec.json.encode(account), indent=2) + b"\n", _FOR_THE_GROUP)
    (folder / NEXT_KEY).unlink(missing_ok=True)
    return account


def rescue_identity(folder: Path) -> None:
    """Restore what the card damaged of an identity from its copies, and put the damaged files aside."""
    if not folder.is_dir():
        return
    checks: tuple[tuple[str, Callable[[Path], object]], ...] = (
        (ACCOUNT, lambda path: read_account(path.parent)),
        (AUTHORITY_PEM, lambda path: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)),
        (MACHINE_PEM, lambda path: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(path)),
    )
    for name, check in checks:
        if (folder / name).exists() or copy_of(folder / name).exists():
            # ssl.SSLError is an OSError, which stands for a file that cannot be read now.
            rescue_file(folder / name, partial(_check_content, check), (MachineIdentityError,))


def _check_content(check: Callable[[Path], object], path: Path) -> None:
    """Check one file of an identity. Raises MachineIdentityError where its content is damaged; OSError."""
    path.read_bytes()
    try:
        check(path)
    except (ssl.SSLError, ValueError) as error:
        raise MachineIdentityError(str(error)) from error


def _check(folder: Path, bundle: bytes, authority: str) -> None:
    """Try key and certificate together before they take the place of what works."""
    with tempfile.TemporaryDirectory(prefix=".enrol-", dir=folder) as trying:
        atomic_write(Path(trying) / MACHINE_PEM, bundle)
        atomic_write(Path(trying) / AUTHORITY_PEM, authority.encode("ascii"))
        try:
            tls_context(Path(trying))
        except MachineIdentityError as error:
            raise EnrolError("The certificate that the server gave does not fit this machine's key.") from error


def _validity(certificate_pem: str) -> tuple[float, float]:
    """From when until when a certificate is good, in seconds since 1970."""
    shown = _openssl("x509", "-noout", "-startdate", "-enddate", given=certificate_pem)
    try:
        begins, ends = (line.partition("=")[2] for line in shown.strip().splitlines())
        return float(ssl.cert_time_to_seconds(begins)), float(ssl.cert_time_to_seconds(ends))
    except ValueError as error:
        raise EnrolError("The certificate that the server gave cannot be read.") from error


def _read_regular(path: Path) -> bytes:
    with os.fdopen(open_regular(path), "rb") as file:
        return file.read(_MOST_KEY_BYTES)


def is_due(account: MachineIdentity, now_wall_s: float) -> bool:
    """Whether the certificate should be renewed now."""
    return now_wall_s >= account.renew_from_wall_s()


def main(folder: Path) -> int:
    """Renew where it is due. Gives the exit status."""
    try:
        if is_due(read_account(folder), time.time()):
            renew(folder)
    except (EnrolError, MachineIdentityError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
