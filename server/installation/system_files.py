"""The files that an installation puts into the system, and where they go."""

import shutil
import sys
from pathlib import Path

from msgspec import Struct

from server.errors import ServerError

ACCOUNT = "interval-coach-server"
FOLDER = Path("/srv/interval-coach")
"""The usual clinic's folder."""

TARGET = "interval-coach-server.target"
TIMERS = ("interval-coach-server-backup.timer", "interval-coach-server-verify.timer")
SERVICES = ("broker", "enrol-service", "collect", "web")
ENVIRONMENT = Path("/etc/interval-coach-server.env")
"""Variables for services and commands, such as DATABASE_URL; it is read where it exists, and never written."""

_SOURCES = Path(__file__).resolve().parent / "system"
_UNITS = Path("/etc/systemd/system")
_COMMAND = Path("/usr/local/bin/interval-coach-server")


class InstallError(ServerError):
    """An installation, upgrade or removal that cannot be done. Its text says what, why, and what to do."""


class SystemPlaces(Struct, frozen=True):
    """Where an installation lies. `root`: the system's root; tests and images name a folder.

    `version`: the virtual environment of one version; `current`: the link beside it that the services follow.
    """

    version: Path = Path(sys.prefix).resolve()
    folder: Path = FOLDER
    root: Path = Path("/")

    @property
    def current(self) -> Path:
        """The link to the version in use."""
        return self.version.parent / "current"

    def inside(self, path: Path) -> Path:
        """Return `path` below the root."""
        return self.root / path.relative_to("/")


def unit_name(service: str) -> str:
    """Return the systemd unit of one of SERVICES."""
    return f"interval-coach-server@{service}.service"


def rendered(places: SystemPlaces) -> dict[Path, tuple[str, int]]:
    """Return text and mode of each file, by its path in the system."""
    files: dict[Path, tuple[str, int]] = {}
    for source in sorted(_SOURCES.iterdir()):
        text = source.read_text(encoding="utf-8")
        text = text.replace("@CURRENT@", str(places.current)).replace("@FOLDER@", str(places.folder))
        if source.suffix == ".sh":
            files[_COMMAND] = (text, 0o755)
        else:
            files[_UNITS / source.name] = (text, 0o644)
    return files


def write_system_files(places: SystemPlaces) -> tuple[Path, ...]:
    """Write each file that differs, and return those. Raises InstallError."""
    written = []
    for path, (text, mode) in rendered(places).items():
        target = places.inside(path)
        try:
            if target.exists() and target.read_text(encoding="utf-8") == text:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            target.chmod(mode)
        except OSError as error:
            raise InstallError(f"{target} cannot be written: {error.strerror}. Run this as root (sudo).") from error
        written.append(path)
    return tuple(written)


def remove_system_files(places: SystemPlaces) -> tuple[Path, ...]:
    """Remove each file that an installation wrote, and return those that were there."""
    removed = []
    for path in rendered(places):
        target = places.inside(path)
        if target.exists():
            target.unlink()
            removed.append(path)
    for service in SERVICES:
        shutil.rmtree(places.inside(_UNITS / f"{unit_name(service)}.d"), ignore_errors=True)
    return tuple(removed)


def link_current(places: SystemPlaces, version: Path) -> None:
    """Let `current` point to a version, in one step: no moment without a version."""
    beside = places.current.with_name(".current.new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(version.name)
    beside.replace(places.current)
