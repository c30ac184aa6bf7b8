"""Small files that are kept twice, so that one that a power cut or a failing card damaged is rescued from its copy.

The copy is in the folder `.copies` at the file's own place. A damaged file is renamed (`put_aside`) and stays for a
person to look at; a copy is replaced only by content that was checked. The doctor reports what was put aside.
"""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from firmware.system.atomic_file import atomic_write, put_aside, remove_file
from firmware.system.folder_owner import as_owner_of

_log = logging.getLogger(__name__)

COPIES = ".copies"
ASIDE = ".damaged-"


def copy_of(path: Path) -> Path:
    """Return where the copy of a file is."""
    return path.parent / COPIES / path.name


def keep_file(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file and its copy, each whole or not at all. Raises OSError."""
    atomic_write(path, content, mode)
    atomic_write(copy_of(path), content, mode)


def forget_file(path: Path) -> None:
    """Remove a file with its copy and what was put aside of it. Raises OSError."""
    # The file goes last: a power cut before that has removed nothing that counts.
    remove_file(copy_of(path))
    with as_owner_of(path.parent):
        for aside in asides_of(path):
            aside.unlink(missing_ok=True)
    remove_file(path)


def asides_of(path: Path) -> tuple[Path, ...]:
    """Return what was put aside of a file."""
    return tuple(sorted(path.parent.glob(f"{path.name}{ASIDE}*")))


def lost_files(folder: Path, ending: str = ".json") -> tuple[Path, ...]:
    """Return the files of which only something damaged is left, each by its own name; none of them exists."""
    names = {aside.name.split(ASIDE)[0] for aside in folder.glob(f"*{ending}{ASIDE}*")}
    return tuple(folder / name for name in sorted(names) if not (folder / name).exists())


def rescue_folder(folder: Path, check: Callable[[Path], object], refusals: tuple[type[Exception], ...]) -> None:
    """Rescue each JSON file of a folder, whose copies may outlive it."""
    names = {path.name for place in (folder, folder / COPIES) for path in place.glob("*.json")}
    for name in sorted(names):
        rescue_file(folder / name, check, refusals)


def rescue_file(path: Path, check: Callable[[Path], object], refusals: tuple[type[Exception], ...]) -> None:
    """Put a file that `check` refuses aside, and put its copy in its place; keep a copy of a good one.

    `check` reads the file at a path and raises one of `refusals` where it is damaged. A file that cannot be read now,
    or a folder that cannot be written, stays as it is.
    """
    try:
        with as_owner_of(path.parent):
            _rescue(path, check, refusals)
    except OSError as error:
        _log.warning("%s cannot be looked at now: %s", path, error)


def _rescue(path: Path, check: Callable[[Path], object], refusals: tuple[type[Exception], ...]) -> None:
    fault = _fault_of(path, check, refusals)
    copy = copy_of(path)
    if fault is None:
        with suppress(OSError):
            content = path.read_bytes()
            if not copy.is_file() or copy.read_bytes() != content:
                atomic_write(copy, content, path.stat().st_mode & 0o777)
        return
    rescued = copy.exists() and _fault_of(copy, check, refusals) is None
    aside = put_aside(path) if os.path.lexists(path) else None
    kept = "" if aside is None else f" It is now {aside.name}."
    if not rescued:
        _log.error("%s is damaged, and nothing of it could be rescued: %s.%s", path, fault, kept)
        return
    atomic_write(path, copy.read_bytes(), copy.stat().st_mode & 0o777)
    _log.error("%s was damaged and was restored from its copy: %s.%s", path, fault, kept)


def _fault_of(path: Path, check: Callable[[Path], object], refusals: tuple[type[Exception], ...]) -> str | None:
    """Return what is wrong with a file's content, None for nothing. Raises OSError where it cannot be read now."""
    if path.exists() and not path.is_file():
        return "it is not a plain file"
    try:
        check(path)
    except FileNotFoundError as error:
        return str(error)
    except refusals as error:
        return str(error).rstrip(".")
    return None
