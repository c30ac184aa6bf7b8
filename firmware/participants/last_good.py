"""Last good copies of files that people write: a clinic's plans and protocols.

Such a file is never renamed. Where it became empty, NUL-filled, no text, or was cut off, its last good copy is used; a
file that a person has edited wrongly is refused as before.
"""

import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from firmware.system.atomic_file import atomic_write

_log = logging.getLogger(__name__)

Content = TypeVar("Content")
FOLDER = "last-good"


def last_good_folder(kind: str, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the folder of the copies; None on a desk, where no service keeps them."""
    state = environment.get("STATE_DIRECTORY")
    return Path(state.split(":")[0]) / FOLDER / kind if state else None


def read_or_last_good(
    path: Path, read: Callable[[Path], Content], refusal: type[Exception], folder: Path | None
) -> Content:
    """Read a file, or its last good copy where it was damaged. Raises `refusal` as `read` does."""
    try:
        content = read(path)
    except refusal as fault:
        kept = None if folder is None else folder / path.name
        if kept is None or not _is_damaged(path, kept):
            raise
        try:
            content = read(kept)
        except refusal:
            raise fault from None
        _log.error("%s The last good copy is used instead. Put the file back.", fault)
        return content
    if folder is not None:
        with suppress(OSError):
            written, kept = path.read_bytes(), folder / path.name
            if not kept.is_file() or kept.read_bytes() != written:
                atomic_write(kept, written)
    return content


def _is_damaged(path: Path, kept: Path) -> bool:
    """Return whether no person would have written what the file holds now."""
    try:
        now, before = path.read_bytes(), kept.read_bytes()
        now.decode("utf-8-sig")
    except UnicodeDecodeError:
        return True
    except OSError:
        return False
    return not now.strip() or b"\x00" in now or before.startswith(now)
