"""Files that are whole or not there, and keys that only their owner can read."""

import os
import secrets
from pathlib import Path

PRIVATE, PUBLIC = 0o600, 0o644


def atomic_write(path: Path, content: bytes, mode: int = PUBLIC) -> None:
    """Write a file so that a reader, or a power cut, meets the old one or the new one and nothing between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_once(path: Path, content: bytes, mode: int = PUBLIC) -> bool:
    """Write a file unless there is one. Return whether it was written.

    Of two processes that write it at once, the first one's file stays whole.
    """
    if path.exists():
        return False
    new = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    atomic_write(new, content, mode)
    try:
        os.link(new, path)
    except FileExistsError:
        return False
    finally:
        new.unlink()
    return True


def private_folder(path: Path) -> None:
    """Make a folder that only its owner enters."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
