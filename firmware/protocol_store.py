"""Where protocols come from: those built in, a clinic's own folder, or a file named outright."""

from importlib.resources import files
from pathlib import Path

from coach.errors import ProtocolFileError
from coach.protocol import Protocol
from coach.protocol_file import read

CLINIC_PROTOCOLS = Path("/etc/interval-coach/protocols")


def builtin_names() -> list[str]:
    """Names of the protocols that come with the package."""
    return sorted(entry.name.removesuffix(".toml") for entry in files("coach").joinpath("protocols").iterdir())


def load(name: str, clinic: Path = CLINIC_PROTOCOLS) -> Protocol:
    """The protocol with this name (the clinic's folder goes first), or in the file that a `/` or `.toml` names.

    Raises `ProtocolFileError` where there is none or it is wrong.
    """
    if "/" in name or name.endswith(".toml"):
        return _read(Path(name))
    own = clinic / f"{name}.toml"
    if own.is_file():
        return _read(own)
    if name not in builtin_names():
        known = ", ".join(builtin_names())
        raise ProtocolFileError(name, 0, f"no such protocol; known are {known}, or give the path of a .toml file")
    entry = files("coach").joinpath("protocols", f"{name}.toml")
    return read(entry.read_text(encoding="utf-8"), f"{name}.toml")


def _read(path: Path) -> Protocol:
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ProtocolFileError(str(path), 0, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ProtocolFileError(str(path), line, "not a text file (UTF-8); is it another kind of file?") from error
    except ValueError as error:
        raise ProtocolFileError(repr(str(path)), 0, f"no file can have this name: {error}") from error
    return read(text, str(path))
