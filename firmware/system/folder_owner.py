"""Work in a folder with its owner's rights, so that root never follows a name that a service has planted.

A service owns its folder and may put a link, a fifo or a folder under any name in it. Root that opens such a name opens
what the service chose. With the owner's rights the kernel refuses whatever the owner could not have changed without
root, under every name, also those that SQLite and openssl make by themselves.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from firmware.system.errors import FirmwareError

_ROOT = 0
_MOST_LINKS = 40
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


class PlantedNameError(FirmwareError, PermissionError):
    """A name in another account's folder that is not what it should be; root does not open it."""


class FolderOwner(Struct, frozen=True):
    """The account and group that own a folder."""

    user: int
    group: int


@contextmanager
def as_owner_of(folder: Path) -> Iterator[None]:
    """Run a block with the rights of a folder's owner, where this process is root's and the folder is not.

    A folder that does not exist yet counts as its nearest parent's. The rights change for all threads of the process.
    Raises PlantedNameError where the way to the folder goes through a link that root did not make.
    """
    owner = owner_of_folder(folder) if os.geteuid() == _ROOT else None
    if owner is None or owner.user == _ROOT:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(owner.group)
    os.seteuid(owner.user)
    try:
        yield
    finally:
        os.seteuid(_ROOT)
        os.setegid(group)
        os.setgroups(groups)


def owner_of_folder(folder: Path) -> FolderOwner:
    """Return whose rights suffice in a folder: its owner's, or those of the last parent that is not root's.

    Raises PlantedNameError.
    """
    waiting = list(reversed((Path.cwd() / folder).parts[1:]))
    place, owner, links = Path("/"), FolderOwner(_ROOT, _ROOT), 0
    while waiting:
        name = waiting.pop()
        if name == "..":
            place = place.parent
            continue
        try:
            found = (place / name).lstat()
        except FileNotFoundError:
            break
        if stat.S_ISLNK(found.st_mode):
            links += 1
            if found.st_uid != _ROOT or owner.user != _ROOT or links > _MOST_LINKS:
                raise PlantedNameError(
                    f"{place / name} is a link that root did not make, so root does not follow it. "
                    "Name the folder itself, or remove the link."
                )
            target = (place / name).readlink()
            if target.is_absolute():
                place = Path("/")
            waiting.extend(reversed([part for part in target.parts if part != "/"]))
            continue
        place /= name
        if found.st_uid != _ROOT:
            owner = FolderOwner(found.st_uid, found.st_gid)
    return owner


def create_file(path: Path, mode: int) -> int:
    """Return a descriptor of a new file in the place of whatever bears its name. Raises OSError."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, _NEW_FILE, mode)
    os.fchmod(descriptor, mode)
    return descriptor


def open_regular(path: Path) -> int:
    """Return a descriptor for reading a plain file: no link, fifo, folder or device. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise PlantedNameError(f"{path} is not a plain file. Look at what it is, and move it away.")
    return descriptor


def read_plain(path: Path) -> bytes:
    """Return a plain file's content, read with the rights of its folder's owner.

    A fifo would let root wait for ever, and a link would hand root's files to the reader of the answer. Raises OSError.
    """
    with as_owner_of(path.parent):
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "it is not a plain file", str(path))
            return file.read()


def require_plain(*paths: Path) -> None:
    """Raise PlantedNameError where one of these is there and is no plain file: opening a fifo would wait for ever."""
    for path in paths:
        if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
            raise PlantedNameError(f"{path} is not a plain file. Look at what it is, and move it away.")


def sync_folder(folder: Path) -> None:
    """Make a folder's names outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
