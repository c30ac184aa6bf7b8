"""A clinic's own certificate authority: who may connect, for at most a year, until revoked. EC P-256 throughout.

The authority signs names that it chooses itself; whatever a signing request says, only its public key is taken.
"""

import hashlib
import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from server.clinic_folder.atomic_file import PRIVATE, atomic_write, private_folder
from server.clinic_folder.settings import Places
from server.errors import IdentityError, SettingsError

AUTHORITY_YEARS = 20
LONGEST_DAYS = 366
CLOCK_SLACK = timedelta(minutes=5)
"""Certificates begin so much earlier, for a machine whose clock is a little behind."""

MOST_REQUEST_BYTES = 8 * 1024


class IssuedCertificate(Struct, frozen=True):
    """A certificate just made."""

    name: str
    serial: str
    given_wall_s: float
    until_wall_s: float
    pem: str


class Authority:
    """The clinic's authority, with its key at hand."""

    def __init__(self, clinic: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        """Sign for `clinic` with this key."""
        self._clinic = clinic
        self._certificate = certificate
        self._key = key

    @property
    def pem(self) -> str:
        """The authority's certificate."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    @classmethod
    def make(cls, clinic: str, places: Places, now: datetime) -> "Authority":
        """Make the authority and its files; where they are already, read them and change nothing."""
        if places.authority.exists() or places.authority_key.exists():
            return cls.read(clinic, places)
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(f"interval-coach authority {clinic}", clinic)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCK_SLACK)
            .not_valid_after(now + timedelta(days=366 * AUTHORITY_YEARS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        private_folder(places.authority.parent)
        atomic_write(places.authority_key, _private_pem(key), PRIVATE)
        atomic_write(places.authority, certificate.public_bytes(serialization.Encoding.PEM))
        return cls(clinic, certificate, key)

    @classmethod
    def read(cls, clinic: str, places: Places) -> "Authority":
        """Read the authority's files. Raises SettingsError."""
        try:
            certificate = x509.load_pem_x509_certificate(places.authority.read_bytes())
            key = serialization.load_pem_private_key(places.authority_key.read_bytes(), password=None)
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise SettingsError(
                f"{places.authority.parent}: the authority cannot be read ({type(error).__name__}). Restore it from a "
                "backup: without it no machine can be enrolled, and a new one would mean to enrol every machine anew."
            ) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise SettingsError(f"{places.authority.parent}: key and certificate do not belong together.")
        return cls(clinic, certificate, key)

    def give(self, name: str, request_pem: str, days: int, now: datetime) -> IssuedCertificate:
        """Return a client's certificate for a signing request. Raises IdentityError for a request that is not ours."""
        return self._sign(name, public_key_of(request_pem), days, now, hosts=())

    def give_own(
        self, name: str, places: Places, days: int, now: datetime, hosts: Iterable[str] = ()
    ) -> IssuedCertificate:
        """Key and certificate of the server itself, a collector or a bridge, written to the clinic's folder.

        A key that is there is kept. With `hosts` it is a server's certificate for these names and addresses.
        """
        key = _own_key(places.key(name))
        given = self._sign(name, key.public_key(), days, now, tuple(hosts))
        atomic_write(places.certificate(name), given.pem.encode())
        return given

    def give_for_moment(self, name: str, now: datetime) -> tuple[bytes, bytes]:
        """Return certificate and private key in PEM, by which the server connects as `name` to end its connection.

        It is written down nowhere, and no renewal takes it (`server.identity.certificates.renew` asks the database).
        """
        key = ec.generate_private_key(ec.SECP256R1())
        return self._sign(name, key.public_key(), 1, now, hosts=()).pem.encode(), _private_pem(key)

    def issued(self, path: Path) -> IssuedCertificate | None:
        """Return what a certificate's file says, if this authority gave it; else None."""
        try:
            found = x509.load_pem_x509_certificate(path.read_bytes())
            found.verify_directly_issued_by(self._certificate)
            name = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        except (OSError, ValueError, TypeError, IndexError, InvalidSignature):
            return None
        begins_s, ends_s = found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp()
        return IssuedCertificate(str(name), f"{found.serial_number:x}", begins_s, ends_s, path.read_text("ascii"))

    def listed_as_revoked(self, path: Path) -> dict[str, float]:
        """Return the serials of an earlier list of ours with their times; empty where there is none of ours."""
        try:
            found = x509.load_pem_x509_crl(path.read_bytes())
            ours = found.is_signature_valid(self._certificate.public_key())  # type: ignore[arg-type] # EC, as we make it
        except (OSError, ValueError, TypeError):
            return {}
        return {f"{one.serial_number:x}": one.revocation_date_utc.timestamp() for one in found} if ours else {}

    def revoked_list(self, serials: Iterable[tuple[str, float]], now: datetime) -> bytes:
        """Return the list of revoked certificates, (serial, when), in PEM.

        It does not run out before the authority does: an old list that made the broker refuse everyone would be the
        worse fault, and the broker reads the list from this machine's own disk.
        """
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificate.subject)
            .last_update(now - CLOCK_SLACK)
            .next_update(self._certificate.not_valid_after_utc)
            .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        )
        for serial, when_s in serials:
            revoked = (
                x509.RevokedCertificateBuilder()
                .serial_number(int(serial, 16))
                .revocation_date(datetime.fromtimestamp(when_s, UTC))
                .build()
            )
            builder = builder.add_revoked_certificate(revoked)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _sign(
        self, name: str, public_key: ec.EllipticCurvePublicKey, days: int, now: datetime, hosts: tuple[str, ...]
    ) -> IssuedCertificate:
        serial = x509.random_serial_number()
        until = min(now + timedelta(days=min(days, LONGEST_DAYS)), self._certificate.not_valid_after_utc)
        purposes = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if hosts else [])]
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name, self._clinic))
            .issuer_name(self._certificate.subject)
            .public_key(public_key)
            .serial_number(serial)
            .not_valid_before(now - CLOCK_SLACK)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(_issuer_key(self._key.public_key()), critical=False)
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([_host(one) for one in hosts]), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        return IssuedCertificate(name, f"{serial:x}", now.timestamp(), until.timestamp(), pem)


def public_key_of(request_pem: str) -> ec.EllipticCurvePublicKey:
    """Return the public key of a signing request whose sender has its private key. Raises IdentityError."""
    if len(request_pem) > MOST_REQUEST_BYTES:
        raise IdentityError("bad_request", "The signing request is too long.")
    try:
        request = x509.load_pem_x509_csr(request_pem.encode("ascii"))
        signed = request.is_signature_valid
        key = request.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature) as error:
        raise IdentityError("bad_request", "This is no signing request (PKCS #10 in PEM).") from error
    if not signed:
        raise IdentityError("bad_request", "The signing request is not signed by its own key.")
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise IdentityError("bad_request", "The key must be an elliptic-curve key on P-256.")
    return key


def key_mark(request_pem: str) -> str:
    """SHA-256 of a request's public key: the same key, the same mark. Raises IdentityError."""
    key = public_key_of(request_pem)
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def until_wall_s(certificate: Path) -> float | None:
    """When a certificate ends, in seconds since 1970; None where there is none that can be read."""
    try:
        return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc.timestamp()
    except (OSError, ValueError):
        return None


def names_hosts(certificate: Path, hosts: Iterable[str]) -> bool:
    """Whether a certificate is good for all of these names and addresses."""
    try:
        read = x509.load_pem_x509_certificate(certificate.read_bytes())
        names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    return all(_host(one) in names for one in hosts)


def _own_key(path: Path) -> ec.EllipticCurvePrivateKey:
    if not path.exists():
        private_folder(path.parent)
        atomic_write(path, _private_pem(ec.generate_private_key(ec.SECP256R1())), PRIVATE)
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SettingsError(f"{path}: this is no elliptic-curve key.")
    return key


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _name(common: str, organisation: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _issuer_key(key: ec.EllipticCurvePublicKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
