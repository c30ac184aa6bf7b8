"""Who this machine is to the server: names, address, key and certificate, in one folder; the key is its owner's alone.

account.json     clinic, machine, where the broker and the enrolment are, until when the certificate is good; the one
                 file that the machine's other services may read too
machine.pem      the private key and the certificate, one file so that both change in one rename
authority.pem    the only authority that is trusted
"""

import ssl
from pathlib import Path

import msgspec
from msgspec import Struct

from sync.errors import SyncError
from sync.wire.topics import require_name

ACCOUNT, MACHINE_PEM, AUTHORITY_PEM = "account.json", "machine.pem", "authority.pem"


class MachineIdentityError(SyncError, ValueError):
    """An identity that is not there, or that cannot be used."""


class MachineIdentity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The machine at its server. `server` is where it enrolled, `host:port`."""

    clinic: str
    machine: str
    broker_host: str
    broker_port: int
    server: str
    certificate_from_wall_s: float
    certificate_until_wall_s: float

    def renew_from_wall_s(self) -> float:
        """From when on the certificate is renewed: when a third of its time is left."""
        return self.certificate_until_wall_s - (self.certificate_until_wall_s - self.certificate_from_wall_s) / 3


class _Closing(ssl.SSLSocket):
    """Closes itself where the handshake fails, since paho-mqtt forgets it then."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the base class's signature
        try:
            super().do_handshake(block)
        except OSError as error:
            if not isinstance(error, ssl.SSLWantReadError | ssl.SSLWantWriteError):
                self.close()
            raise


def read_account(folder: Path) -> MachineIdentity:
    """Return the account in a folder. Raises AccountError."""
    try:
        account = msgspec.json.decode((folder / ACCOUNT).read_bytes(), type=MachineIdentity)
        require_name(account.clinic, "clinic")
        require_name(account.machine, "machine")
    except OSError as error:
        raise MachineIdentityError(
            f"This machine has no identity in {folder} ({error.strerror}). Enrol it with "
            "«interval-coach enrol --server HOST»."
        ) from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise MachineIdentityError(f"{folder / ACCOUNT} cannot be used: {error}. Enrol the machine again.") from error
    return account


def tls_context(folder: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer, with this machine's certificate, trusting the clinic's authority alone. Raises AccountError."""
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=folder / AUTHORITY_PEM)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.sslsocket_class = _Closing
        context.load_cert_chain(folder / MACHINE_PEM)
    except (OSError, ssl.SSLError) as error:
        raise MachineIdentityError(
            f"The key or certificate in {folder} cannot be used ({error}). Enrol the machine again."
        ) from error
    return context
