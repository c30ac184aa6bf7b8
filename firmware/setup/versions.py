"""The versions of this software that are installed beside each other, and which of them runs.

Theory of operation. `/opt/interval-coach/versions/NAME` holds one whole installation, and a file `complete` that is
written last. Two links say which is which: `current` is what systemd starts, `steady` the last one found good. They
differ exactly while a version is on trial; the file `starts` then counts how often its coach was started. Each change
is one rename, made durable, so a power cut leaves the old state or the new one. The third start of a version on trial
is the old version's: `systemd/version-guard.sh` sees to that before every start, whatever the new one is like.
"""

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from firmware.system.atomic_file import atomic_write
from firmware.system.errors import FirmwareError
from firmware.system.folder_owner import sync_folder

VERSIONS_FOLDER = Path("/opt/interval-coach")
MOST_STARTS = 2
"""So many starts a version on trial has (faults.md, row 26)."""

KEPT = 2
_VERSIONS, _CURRENT, _STEADY, _STARTS, _COMPLETE = "versions", "current", "steady", "starts", "complete"


class VersionsError(FirmwareError):
    """A version that is not there, or is not wholly there."""


def versions_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """`$INTERVAL_COACH_VERSIONS`, else the usual place."""
    return Path(environment.get("INTERVAL_COACH_VERSIONS") or VERSIONS_FOLDER)


class VersionFolder:
    """The folder of versions. Only one process at a time may change it; root alone may at all."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read before it is asked for, and then each time anew."""
        self.folder = folder

    @property
    def current(self) -> str | None:
        """The name of the version that systemd starts."""
        return self._target(_CURRENT)

    @property
    def steady(self) -> str | None:
        """The name of the last version found good."""
        return self._target(_STEADY)

    @property
    def on_trial(self) -> bool:
        """Whether the current version has yet to be found good."""
        return self.current is not None and self.steady is not None and self.current != self.steady

    @property
    def starts(self) -> int:
        """How often the version on trial was started; 0 where nothing is on trial."""
        if not self.on_trial:
            return 0
        try:
            return int((self.folder / _STARTS).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0

    def path(self, name: str) -> Path:
        """Where a version stands, or would stand."""
        return self.folder / _VERSIONS / name

    def is_complete(self, name: str) -> bool:
        """Whether it was installed to the end: a power cut amid it leaves one that is not."""
        return (self.path(name) / _COMPLETE).is_file()

    def names(self) -> tuple[str, ...]:
        """All that are there, also those that are not complete."""
        folder = self.folder / _VERSIONS
        return tuple(sorted(path.name for path in folder.iterdir())) if folder.is_dir() else ()

    def begin(self, name: str) -> None:
        """Take the first version in use: there is no other to go back to. Raises VersionsError."""
        self._require(name)
        self._link(_STEADY, name)
        self._link(_CURRENT, name)

    def begin_trial(self, name: str) -> None:
        """Let systemd start this version from now on, while the steady one stays. Raises VersionsError."""
        self._require(name)
        if self.steady is None:
            raise VersionsError("There is no version to go back to. Run the installer: sudo make install.")
        self._write_starts(0)
        self._link(_CURRENT, name)

    def confirm(self) -> None:
        """Keep the current version, which is good, and the one before it."""
        current, before = self.current, self.steady
        if current is None:
            raise VersionsError(f"There is no version in {self.folder}. Run the installer: sudo make install.")
        if before is not None and before != current:
            # Told apart from older ones when the oldest have to go.
            os.utime(self.path(before))
        self._link(_STEADY, current)
        (self.folder / _STARTS).unlink(missing_ok=True)
        self.prune()

    def fall_back(self) -> str:
        """Let the steady version run again; gives the name of the one that was given up. Raises VersionsError."""
        given_up, steady = self.current, self.steady
        if steady is None:
            raise VersionsError(f"There is no version to go back to in {self.folder}. Run the installer again.")
        self._link(_CURRENT, steady)
        (self.folder / _STARTS).unlink(missing_ok=True)
        return given_up or ""

    def prune(self) -> None:
        """Remove all but the current version and the one before it, and whatever was never completed."""
        used = {name for name in (self.current, self.steady) if name is not None}
        others = [name for name in self.names() if name not in used and self.is_complete(name)]
        others.sort(key=lambda name: self.path(name).stat().st_mtime, reverse=True)
        keep = used | set(others[: max(0, KEPT - len(used))])
        for name in self.names():
            if name not in keep:
                with contextlib.suppress(FileNotFoundError):
                    (self.path(name) / _COMPLETE).unlink()
                shutil.rmtree(self.path(name), ignore_errors=True)

    def _require(self, name: str) -> None:
        if not self.is_complete(name):
            raise VersionsError(f"Version {name} is not installed whole in {self.folder}. Install it again.")

    def _target(self, link: str) -> str | None:
        try:
            return Path((self.folder / link).readlink()).name
        except OSError:
            return None

    def _link(self, link: str, name: str) -> None:
        making = self.folder / f".{link}.new"
        making.unlink(missing_ok=True)
        making.symlink_to(Path(_VERSIONS) / name)
        making.replace(self.folder / link)
        sync_folder(self.folder)

    def _write_starts(self, starts: int) -> None:
        atomic_write(self.folder / _STARTS, f"{starts}\n".encode(), 0o644)
