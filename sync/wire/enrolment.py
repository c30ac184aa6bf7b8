"""The one-time code of an enrolment: a secret, and by whom alone the machine may let itself be answered.

Base32 in groups of six: version (1 byte), secret (10), the first half of the SHA-256 of the authority's certificate
(16), check (2). Whoever copies it wrongly is told before anything is sent.
"""

import base64
import binascii
import hashlib
import ssl

from msgspec import Struct

from sync.errors import SyncError

VERSION = 1
SECRET_BYTES, AUTHORITY_BYTES, CHECK_BYTES = 10, 16, 2
_BYTES = 1 + SECRET_BYTES + AUTHORITY_BYTES + CHECK_BYTES
_LETTERS = -(-_BYTES * 8 // 5)
_GROUP = 6


class CodeError(SyncError, ValueError):
    """A code that is none."""


class OneTimeCode(Struct, frozen=True):
    """`secret`: random, used once. `authority`: the beginning of the SHA-256 of the authority's certificate."""

    secret: bytes
    authority: bytes

    def __repr__(self) -> str:
        """Never shows the secret, so that no log can."""
        return "OneTimeCode(…)"

    def is_of(self, authority_pem: str) -> bool:
        """Whether this is the certificate of the authority that the code names. Raises CodeError where it is none."""
        return authority_mark(authority_pem) == self.authority


def authority_mark(authority_pem: str) -> bytes:
    """Return the part of a certificate's SHA-256 that stands in a code. Raises CodeError where it is no certificate."""
    try:
        der = ssl.PEM_cert_to_DER_cert(authority_pem)
    except (ValueError, binascii.Error) as error:
        raise CodeError("This is no certificate in PEM form.") from error
    return hashlib.sha256(der).digest()[:AUTHORITY_BYTES]


def write_code(code: OneTimeCode) -> str:
    """Return the code as people copy it."""
    body = bytes((VERSION,)) + code.secret + code.authority
    letters = base64.b32encode(body + _check(body)).decode("ascii").rstrip("=")
    return "-".join(letters[place : place + _GROUP] for place in range(0, len(letters), _GROUP))


def read_code(text: str) -> OneTimeCode:
    """Read a code; case, spaces and hyphens do not matter, nor 0 for O and 1 for I. Raises CodeError."""
    letters = "".join(text.split()).replace("-", "").upper().replace("0", "O").replace("1", "I")
    wrong = CodeError("This is no enrolment code, or a letter of it is wrong. Copy it whole, or ask for a new one.")
    if len(letters) != _LETTERS:
        raise wrong
    try:
        content = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except (binascii.Error, ValueError) as error:
        raise wrong from error
    body, check = content[:-CHECK_BYTES], content[-CHECK_BYTES:]
    code = OneTimeCode(body[1 : 1 + SECRET_BYTES], body[1 + SECRET_BYTES :])
    # The last letter has bits to spare: only the code as it was written counts.
    if check != _check(body) or body[0] != VERSION or write_code(code).replace("-", "") != letters:
        raise wrong
    return code


def _check(body: bytes) -> bytes:
    return hashlib.sha256(b"interval-coach enrolment" + body).digest()[:CHECK_BYTES]
