"""Reads the configuration file, and keeps the last good one in force when it has become wrong (faults.md, row 24).

Each start with a good file keeps a copy of it beside the diary. A start with a wrong one, or with none where one was
named, goes on with that copy and says so: in the log, and on the screen with file, line and reason. Without a copy
nothing is started.

A file that lost settings which the copy has is wrong too, though TOML finds nothing in it: emptied, or cut off where a
power cut left it. A person who means it writes a section's heading (`[machine]`), or changes any other line.
"""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from coach.model.toml_lines import TomlFault, parse_toml
from firmware.config.schema import Config, ConfigError, read
from firmware.system.atomic_file import atomic_write
from firmware.system.folder_owner import read_plain
from firmware.system.paths import NAME

LARGEST_BYTES = 256 * 1024
KEPT_NAME = "config.last-good.toml"


class InForce(Struct, frozen=True):
    """The settings that hold now. `fault`: what is wrong with `path`, where an older copy of it holds instead."""

    config: Config
    path: Path
    fault: ConfigError | None = None


def kept_copy(environment: Mapping[str, str] = os.environ, service: Path = Path("/var/lib") / NAME) -> Path:
    """Where the last good file is kept: in the service's own state folder, else in the user's.

    Display and sync may not write beside the diary: they read there what the coach has kept.
    """
    if given := environment.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0]) / KEPT_NAME
    if os.access(service, os.W_OK) or os.access(service / KEPT_NAME, os.R_OK):
        return service / KEPT_NAME
    state = environment.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / NAME / KEPT_NAME


def lost_by_service(kept: Path, service: Path = Path("/var/lib") / NAME) -> bool:
    """Return whether the machine's own settings are known from an earlier start, so that a missing file is a lost one.

    On a desk, where no service keeps a copy, a missing file means all defaults.
    """
    return kept.parent == service and kept.is_file()


def read_config(path: Path) -> Config:
    """Return the configuration in a file. Raises ConfigError with file, line and reason."""
    return read(_text(path), str(path))


def in_force(path: Path, kept: Path, *, keep: bool = True) -> InForce:
    """Return the settings of a file, or of the last good one. Raises ConfigError where there is neither.

    `keep`: whether to keep a copy of a good file, as a service that starts with it does.
    """
    try:
        text = _text(path)
        config = read(text, str(path))
        _refuse_lost_settings(path, text, kept)
    except ConfigError as fault:
        try:
            return InForce(read_config(kept), path, fault)
        except ConfigError:
            # The copy is not the file that a person wrote: what is wrong there helps nobody.
            raise fault from None
    if keep:
        _keep(text, kept)
    return InForce(config, path)


def check_config(path: Path, kept: Path) -> str:
    """Check a file and return what a start with it would do. Raises ConfigError with file, line and reason."""
    text = _text(path)
    read(text, str(path))
    _refuse_lost_settings(path, text, kept)
    if parse_toml(text):
        return f"{path} is in order."
    if _can_be_read(kept):
        return f"{path} sets nothing, as the last good settings do: all defaults hold."
    return (
        f"{path} sets nothing: it is empty, or holds comments alone. All defaults hold, unless this machine has run "
        "with settings before: then the file counts as emptied and the last good settings hold. "
        f"{kept} has none that can be read here; on an installed machine, check with sudo."
    )


def _can_be_read(kept: Path) -> bool:
    try:
        return kept.is_file() and os.access(kept, os.R_OK)
    except OSError:
        return False


def _refuse_lost_settings(path: Path, text: str, kept: Path) -> None:
    """Raise ConfigError where the file is the last good one with all or its last settings gone."""
    try:
        before = _text(kept)
        lost = parse_toml(before) != (now := parse_toml(text))
    except (ConfigError, TomlFault):
        return
    if not lost:
        return
    if not now:
        raise ConfigError(
            str(path),
            0,
            "says nothing any more: it is empty, or holds comments alone, though it had settings. "
            f"The last good settings ({kept}) hold instead. Put the file back; "
            "to mean all defaults, write the line [machine]",
        )
    if before.startswith(text.rstrip("\r\n")) and len(text) < len(before):
        line = text.count("\n") + 1
        raise ConfigError(
            str(path),
            line,
            "ends here, and the last good file goes on with more settings: it was cut off. "
            f"The last good settings ({kept}) hold instead. Put the file back; to mean it, change any line",
        )


def _keep(text: str, kept: Path) -> None:
    """Put the copy in its place in one step. Where this service may not write, another one keeps it."""
    wanted = text.encode()
    with contextlib.suppress(OSError):
        if kept.is_file() and read_plain(kept) == wanted:
            return
        atomic_write(kept, wanted, 0o644)


def _text(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise ConfigError(str(path), 0, "is a folder or a device, not a file")
        if path.is_file() and path.stat().st_size > LARGEST_BYTES:
            raise ConfigError(str(path), 0, f"is larger than {LARGEST_BYTES // 1024} kB, which no settings are")
        # With or without the mark that some editors put before UTF-8.
        return read_plain(path).decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(str(path), 0, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(str(path), line, "not a text file (UTF-8); is it another kind of file?") from error
