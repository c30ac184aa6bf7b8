"""The mark in a folder whose restore is not finished: no service starts on it, lest it undo what came since."""

from pathlib import Path

import msgspec
from msgspec import Struct

from server.clinic_folder.atomic_file import PRIVATE, atomic_write
from server.errors import ServerError

FILE = "restored.json"


class RestoredMark(Struct, frozen=True):
    """When the backup was made and when it was restored.

    `lost_line`: the last line of the access log that is known from the backups' folder, 0 for none.
    """

    made_wall_s: float
    restored_wall_s: float
    lost_line: int = 0


def read_mark(folder: Path) -> RestoredMark | None:
    """Return a folder's mark; None where it has none. Raises ServerError where it cannot be read."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=RestoredMark)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise ServerError(f"{folder / FILE}: cannot be read ({type(error).__name__}). Restore again.") from error


def write_mark(folder: Path, mark: RestoredMark) -> None:
    """Mark a restored folder. Raises OSError."""
    atomic_write(folder / FILE, msgspec.json.encode(mark), PRIVATE)


def require_no_mark(folder: Path) -> None:
    """Raise ServerError for a folder whose restore is not finished."""
    if (folder / FILE).exists():
        raise ServerError(
            f"{folder} was restored from a backup, and what was deleted or revoked since is not yet taken up. "
            "Run 'interval-coach-server migrate' first."
        )
