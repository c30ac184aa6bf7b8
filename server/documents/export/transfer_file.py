"""The file in which a participant's package travels: age v1 under a passphrase, with the sender's signature inside.

The file is what `age -p` writes (age-encryption.org/v1, scrypt); `age -d` opens it. Inside is an uncompressed ZIP:

    package.zip        the package (`server.documents.export.transfer`)
    package.zip.sig    Ed25519 signature of the bytes of package.zip
    sender.pem         the public key that made it

    openssl pkeyutl -verify -pubin -inkey sender.pem -rawin -in package.zip -sigfile package.zip.sig

Files of earlier versions ("ICHP", AES-256-GCM) are still read; they do not prove their sender. People compare a key by
its fingerprint.
"""

import hashlib
import io
import re
import secrets
import zipfile
import zlib
from base64 import b32encode

import pyrage
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from django.conf import settings
from django.utils.translation import gettext as _
from msgspec import Struct

from server.documents.errors import HandoverError

AGE_MARK = b"age-encryption.org/v1\n"
MOST_BYTES = 64 * 1024 * 1024
MOST_CONTENT_BYTES = 512 * 1024 * 1024
TRIES = 5
PACKAGE, SIGNATURE, KEY = "package.zip", "package.zip.sig", "sender.pem"
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that look alike: read aloud and written down."""
GROUPS, GROUP_LETTERS = 5, 5
FINGERPRINT_LETTERS = 20
"""100 bits: a second key with the same fingerprint cannot be found."""

OLD_MAGIC, OLD_VERSION = b"ICHP", 1
_SALT_BYTES, _NONCE_BYTES = 16, 12
_OLD_HEAD_BYTES = len(OLD_MAGIC) + 1 + _SALT_BYTES
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**16, 8, 1
"""Of the earlier format."""

UNREADABLE = (
    zipfile.BadZipFile,
    KeyError,
    UnicodeDecodeError,
    RuntimeError,  # an entry with a password
    NotImplementedError,  # an unknown compression
    zlib.error,
    EOFError,
    OSError,
    ValueError,
)
"""What `zipfile` raises for archives from elsewhere."""


class SignedContent(Struct, frozen=True):
    """A decrypted package. `sender`: fingerprint of the key that signed it; empty in files of earlier versions."""

    content: bytes
    sender: str = ""


def new_passphrase() -> str:
    """Return five groups of five letters and digits: 124 bits, so no guess helps."""
    groups = ("".join(secrets.choice(_LETTERS) for _at in range(GROUP_LETTERS)) for _group in range(GROUPS))
    return "-".join(groups)


def sending_key(clinic_code: str) -> Ed25519PrivateKey:
    """Return the key with which this server signs a clinic's packages: it follows from the server's own secret."""
    kdf = HKDF(hashes.SHA256(), 32, salt=None, info=f"interval-coach handover {clinic_code}".encode())
    return Ed25519PrivateKey.from_private_bytes(kdf.derive(settings.SECRET_KEY.encode()))


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return what two people compare on the telephone: five groups of four letters and digits."""
    digest = hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).digest()
    letters = b32encode(digest).decode().lower()[:FINGERPRINT_LETTERS]
    return "-".join(letters[at : at + 4] for at in range(0, FINGERPRINT_LETTERS, 4))


def own_fingerprint(clinic_code: str) -> str:
    """Return the fingerprint under which other clinics know this one."""
    return fingerprint(sending_key(clinic_code).public_key())


def seal(package: bytes, passphrase: str, key: Ed25519PrivateKey) -> bytes:
    """Sign a package, and encrypt both."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(PACKAGE, package)
        archive.writestr(SIGNATURE, key.sign(package))
        archive.writestr(KEY, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return bytes(pyrage.passphrase.encrypt(made.getvalue(), _typed(passphrase)))


def open_file(content: bytes, passphrase: str) -> SignedContent:
    """Decrypt a file, and check its signature. Raises HandoverError."""
    if len(content) > MOST_BYTES:
        raise HandoverError(_("The file is larger than any real package. Choose the file that the other clinic made."))
    if content.startswith(OLD_MAGIC):
        return SignedContent(_open_old(content, passphrase))
    if not content.startswith(AGE_MARK):
        raise HandoverError(_("This is no handover package. Choose the file that the other clinic made."))
    try:
        opened = _decrypted(content, _typed(passphrase))
    except pyrage.DecryptError as error:
        raise _cannot_be_opened() from error
    try:
        with zipfile.ZipFile(io.BytesIO(opened)) as archive:
            refuse_too_large(archive)
            package, signature, pem = (archive.read(name) for name in (PACKAGE, SIGNATURE, KEY))
        key = load_pem_public_key(pem)
    except UNREADABLE as error:
        raise HandoverError(
            _("The package can be decrypted, but this version cannot read it. Is this server older than theirs?")
        ) from error
    if not isinstance(key, Ed25519PublicKey):
        raise _wrong_signature()
    try:
        key.verify(signature, package)
    except InvalidSignature as error:
        raise _wrong_signature() from error
    return SignedContent(package, fingerprint(key))


def refuse_too_large(archive: zipfile.ZipFile) -> None:
    """Raise HandoverError where an archive unpacks to more than a package can."""
    if sum(one.file_size for one in archive.infolist()) > MOST_CONTENT_BYTES:
        raise HandoverError(_("The package unpacks to more than any real one. Ask the other clinic for a new one."))


def _wrong_signature() -> HandoverError:
    return HandoverError(
        _(
            "The sender's signature does not fit the package. Nothing was changed here. Ask the other "
            "clinic for a new one."
        )
    )


def _cannot_be_opened() -> HandoverError:
    return HandoverError(
        _(
            "The package cannot be opened: the passphrase is another one, or the file was changed on its way. Type "
            "the passphrase again; if it is right, ask the other clinic for a new one. Nothing was changed here."
        )
    )


def _decrypted(content: bytes, passphrase: str) -> bytes:
    """Decrypt. age measures this computer first and refuses what would take long: a busy moment is tried again."""
    tries = 0
    while True:
        tries += 1
        try:
            opened: bytes = pyrage.passphrase.decrypt(content, passphrase)
        except pyrage.DecryptError as error:
            if "work parameter" not in str(error) or tries == TRIES:
                raise
        else:
            return opened


def _typed(passphrase: str) -> str:
    """Return the passphrase as it was made, however it was typed: capitals, spaces and dashes do not matter."""
    letters = _plain(passphrase)
    if len(letters) != GROUPS * GROUP_LETTERS:
        return passphrase
    return "-".join(re.findall(f".{{{GROUP_LETTERS}}}", letters))


def _plain(passphrase: str) -> str:
    return "".join(letter for letter in passphrase.lower() if letter.isalnum())


def _open_old(content: bytes, passphrase: str) -> bytes:
    """Decrypt a file of an earlier version.

    Bytes 0–3 "ICHP", byte 4 the version, bytes 5–20 salt for scrypt (N = 2¹⁶, r = 8, p = 1), bytes 21–32 nonce of
    AES-256-GCM, then the encrypted ZIP with its tag; bytes 0–20 are authenticated with it.
    """
    if len(content) <= _OLD_HEAD_BYTES + _NONCE_BYTES:
        raise HandoverError(_("This is no handover package. Choose the file that the other clinic made."))
    if content[len(OLD_MAGIC)] > OLD_VERSION:
        raise HandoverError(_("The package was made by a newer version. Upgrade this server, and try again."))
    head = content[:_OLD_HEAD_BYTES]
    nonce, sealed = content[_OLD_HEAD_BYTES:][:_NONCE_BYTES], content[_OLD_HEAD_BYTES + _NONCE_BYTES :]
    try:
        return AESGCM(old_key(passphrase, head[-_SALT_BYTES:])).decrypt(nonce, sealed, head)
    except InvalidTag as error:
        raise _cannot_be_opened() from error


def old_key(passphrase: str, salt: bytes) -> bytes:
    """Return the key of a file of an earlier version."""
    return Scrypt(salt=salt, length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P).derive(_plain(passphrase).encode())
