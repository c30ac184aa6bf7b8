"""Where protocols come from: those built in, a clinic's own folder, or a file named outright."""

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from coach.errors import ProtocolFileError
from coach.model.protocol import Protocol
from coach.model.protocol_file import read
from firmware.participants.last_good import last_good_folder, read_or_last_good
from firmware.system.folder_owner import read_plain

CLINIC_PROTOCOLS = Path("/etc/interval-coach/protocols")
FOLDER_VARIABLE = "INTERVAL_COACH_PROTOCOLS"
LARGEST_BYTES = 256 * 1024


def clinic_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the clinic's protocols: `$INTERVAL_COACH_PROTOCOLS`, which settings name, or the usual."""
    return Path(environment.get(FOLDER_VARIABLE) or CLINIC_PROTOCOLS)


def builtin_names() -> list[str]:
    """Names of the protocols that come with the package."""
    return sorted(entry.name.removesuffix(".toml") for entry in files("coach").joinpath("protocols").iterdir())


def load(name: str, clinic: Path | None = None) -> Protocol:
    """Return the protocol with this name (the clinic's folder goes first), or in the file that a `/` or `.toml` names.

    Raises `ProtocolFileError` where there is none or it is wrong.
    """
    if "/" in name or name.endswith(".toml"):
        return read_file(Path(name))
    own = (clinic_folder() if clinic is None else clinic) / f"{name}.toml"
    if own.is_file():
        return read_or_last_good(own, read_file, ProtocolFileError, last_good_folder("protocols"))
    if name not in builtin_names():
        known = ", ".join(builtin_names())
        raise ProtocolFileError(name, 0, f"no such protocol; known are {known}, or give the path of a .toml file")
    entry = files("coach").joinpath("protocols", f"{name}.toml")
    return read(entry.read_text(encoding="utf-8"), f"{name}.toml")


def read_file(path: Path) -> Protocol:
    """Return the protocol in a file. Raises `ProtocolFileError` with file, line and reason."""
    try:
        unfit = _unfit(path)
        if unfit is not None:
            raise unfit
        # With or without the mark that some editors put before UTF-8.
        text = read_plain(path).decode("utf-8-sig")
    except ProtocolFileError:
        raise
    except OSError as error:
        raise ProtocolFileError(str(path), 0, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ProtocolFileError(str(path), line, "not a text file (UTF-8); is it another kind of file?") from error
    except ValueError as error:
        raise ProtocolFileError(repr(str(path)), 0, f"no file can have this name: {error}") from error
    return read(text, str(path))


def _unfit(path: Path) -> ProtocolFileError | None:
    if path.exists() and not path.is_file():
        return ProtocolFileError(str(path), 0, "is a folder or a device, not a file")
    if path.is_file() and path.stat().st_size > LARGEST_BYTES:
        return ProtocolFileError(str(path), 0, f"is larger than {LARGEST_BYTES // 1024} kB, which no protocol is")
    return None
