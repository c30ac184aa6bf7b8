"""`interval-coach setup` and `interval-coach upgrade`: what is done with the machine itself, as root."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from firmware.config.cli_defaults import CONFIG
from firmware.setup.optional_files import ETC, shared_folder
from firmware.system.errors import FirmwareError
from firmware.system.paths import identity_folder, socket_path

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse gives it no public name

_SYSTEMD_RUNS = Path("/run/systemd/system")
_IN_PACKAGE = "/share/interval-coach/systemd/"
_SIGNED_LIST = ("SHA256SUMS", "SHA256SUMS.sig")


class SourceError(FirmwareError, ValueError):
    """What was named is nothing to upgrade to."""


class UnverifiedError(FirmwareError, ValueError):
    """A package whose signature is missing, not valid, or of a key that this machine does not know."""


class NotRootError(FirmwareError, PermissionError):
    """Only root may do this."""


def add_parsers(subparsers: "Subparsers") -> None:
    """Add both to the command line."""
    setup = subparsers.add_parser("setup", help="walk through clinic, machine, language, parts and server, trying each")
    setup.add_argument("--config", type=Path, metavar="FILE", default=CONFIG, help="what is written (%(default)s)")
    setup.set_defaults(run=run_setup)
    upgrade = subparsers.add_parser(
        "upgrade", help="install a version beside this one, try it, and go back by itself if it does not come up"
    )
    upgrade.add_argument("source", type=Path, metavar="SOURCE", help="a checkout, or a built package (.whl)")
    upgrade.add_argument(
        "--unverified",
        action="store_true",
        help="take a package whose signature is missing, not valid or not known here",
    )
    upgrade.set_defaults(run=run_upgrade)


def run_setup(arguments: argparse.Namespace) -> int:
    """Walk through the settings at the terminal. Gives the exit status."""
    from rich.console import Console  # noqa: PLC0415 - only here

    from firmware.setup.probes import RealParts  # noqa: PLC0415 - as above
    from firmware.setup.wizard import Setup, SetupSettings  # noqa: PLC0415 - as above
    from firmware.upgrade import Services, somebody_trains  # noqa: PLC0415 - as above

    if arguments.config == CONFIG:
        _require_root(f"write {CONFIG}", "interval-coach setup")
    installed = arguments.config == CONFIG and _SYSTEMD_RUNS.is_dir()
    settings = SetupSettings(
        file=arguments.config,
        parts=RealParts(identity_folder()),
        services=Services() if installed else None,
        etc=ETC if installed else None,
        trains=lambda: somebody_trains(socket_path()),
    )
    try:
        Setup(settings, Console()).run()
    except EOFError:
        sys.stderr.write("\ninterval-coach: The setup was left before its end; nothing was written.\n")
        return 2
    return 0


def run_upgrade(arguments: argparse.Namespace) -> int:
    """Hand over to the new version's own installer, which knows what it needs. Gives the exit status."""
    source: Path = arguments.source
    if (source / "systemd" / "install.sh").is_file():
        _require_root("install a version", f"interval-coach upgrade {source}")
        return _run([str(source / "systemd" / "install.sh")])
    if source.suffix == ".whl" and source.is_file():
        _require_root("install a version", f"interval-coach upgrade {source}")
        with tempfile.TemporaryDirectory(prefix="interval-coach-") as folder:
            # A copy in a folder that only root can write: what is verified is what is installed.
            package = copy_package(source, Path(folder))
            if not arguments.unverified:
                verify_package(package)
            installer = unpack_installer(package, Path(folder))
            # The new version must not judge itself by its own list of signers.
            return _run([str(installer), "--wheel", str(package), "--unverified"])
    raise SourceError(
        f"«{source}» is neither a checkout of interval-coach nor a built package (.whl). Name one of them."
    )


def copy_package(source: Path, folder: Path) -> Path:
    """Copy a package with its signed list of hashes. Return the copy. Raises SourceError."""
    try:
        for name in _SIGNED_LIST:
            if (source.parent / name).is_file():
                shutil.copyfile(source.parent / name, folder / name)
        return shutil.copyfile(source, folder / source.name)
    except OSError as error:
        raise SourceError(f"{source} cannot be copied ({error}).") from error


def verify_package(package: Path) -> None:
    """Verify a package by the keys that this version and this machine trust. Raises UnverifiedError."""
    verifier = shared_folder() / "verify-release.sh"
    finished = subprocess.run([str(verifier), str(package)], capture_output=True, text=True, check=False)  # noqa: S603 - own script
    if finished.returncode != 0:
        # The copy's folder says nothing to a reader.
        said = finished.stderr.strip().removeprefix("verify-release: ").replace(f"{package.parent}/", "")
        raise UnverifiedError(
            f"{said}\nNothing was changed. If you know where {package.name} comes from, add --unverified."
        )
    sys.stdout.write(finished.stdout)


def unpack_installer(package: Path, folder: Path) -> Path:
    """Unpack a package's installer, with what belongs to it; gives where it is. Raises SourceError."""
    try:
        with zipfile.ZipFile(package) as archive:
            for name in archive.namelist():
                _, inside, rest = name.partition(_IN_PACKAGE)
                if inside and rest and ".." not in Path(rest).parts:
                    place = folder / "systemd" / rest
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes(archive.read(name))
                    place.chmod(0o755 if place.suffix == ".sh" else 0o644)
    except (OSError, zipfile.BadZipFile) as error:
        raise SourceError(f"{package} cannot be read ({error}). Was it copied whole?") from error
    installer = folder / "systemd" / "install.sh"
    if not installer.is_file():
        raise SourceError(f"{package} is no package of interval-coach for a machine: it brings no installer.")
    return installer


def _run(words: list[str]) -> int:
    return subprocess.run(words, check=False).returncode  # noqa: S603 - the installer that root named


def _require_root(what: str, command: str) -> None:
    if os.geteuid() != 0:
        raise NotRootError(f"Only root may {what}. Run: sudo {command}")
