"""All certificates that the clinic's authority gave, as a file: a restored older backup knows them, and who is revoked.

Without it a machine that was enrolled since the backup could not be revoked, and one that was revoked since could come
back.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from server.clinic_folder.atomic_file import PRIVATE, atomic_write
from server.errors import ServerError

FILE = "certificate-register.json"
_MOST_BYTES = 16 * 1024 * 1024


class RegisteredCertificate(Struct, frozen=True, order=True):
    """A row of the database's table of certificates."""

    serial: str
    name: str
    given_wall_s: float
    until_wall_s: float
    revoked_wall_s: float | None = None


def read_register(file: Path) -> dict[str, RegisteredCertificate]:
    """Return a file's certificates by serial; none where there is no file. Raises ServerError."""
    try:
        with file.open("rb") as opened:
            found = msgspec.json.decode(opened.read(_MOST_BYTES), type=tuple[RegisteredCertificate, ...])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        raise ServerError(f"{file}: is no register of certificates ({type(error).__name__}).") from error
    return {one.serial: one for one in found}


def merge(before: RegisteredCertificate | None, other: RegisteredCertificate) -> RegisteredCertificate:
    """Return both rows of one certificate as one: what one of them says is revoked is revoked, at the earlier time."""
    revoked = [at_s for at_s in (before and before.revoked_wall_s, other.revoked_wall_s) if at_s is not None]
    return msgspec.structs.replace(other, revoked_wall_s=min(revoked, default=None))


def write_certificates(file: Path, certificates: Iterable[RegisteredCertificate]) -> None:
    """Write the register whole, readable by its owner alone. Raises OSError."""
    content = msgspec.json.encode(sorted(certificates, key=lambda one: one.serial))
    atomic_write(file, content, PRIVATE)
