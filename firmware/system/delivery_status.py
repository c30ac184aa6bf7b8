"""How this machine stands with its server, in a small file beside the coach's socket, and in words for people."""

import contextlib
import logging
from pathlib import Path

from firmware.system.errors import FirmwareError
from firmware.system.folder_owner import read_plain
from sync.wire.codec import encode, read
from sync.wire.envelope import Unreadable
from sync.wire.messages import State

_log = logging.getLogger(__name__)

STATE_FILE = "sync-state.json"


class NoStateError(FirmwareError, FileNotFoundError):
    """Sync does not run here, or this machine is not enrolled."""


def state_file(socket: Path) -> Path:
    """Where it is left."""
    return socket.with_name(STATE_FILE)


def write_state(path: Path, state: State) -> None:
    """Leave how it stands; a full disk is no reason to stop."""
    making = path.with_name(path.name + ".new")
    try:
        making.write_bytes(encode(state))
        making.replace(path)
    except OSError as error:
        _log.warning("How it stands with the server could not be written to %s: %s", path, error)


def forget_state(path: Path) -> None:
    """Nobody tells how it stands any more: what was left must not pass for how it is now."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def read_state(path: Path) -> State:
    """How it stands. Raises NoStateError."""
    try:
        state = read(read_plain(path), State)
    except OSError as error:
        raise NoStateError(
            f"There is no {path}: sync does not run, or this machine is not enrolled with a server "
            "(interval-coach enrol --server HOST)."
        ) from error
    if isinstance(state, Unreadable):
        raise NoStateError(f"{path} is from another version of this program: {state.reason}")
    return state


def state_in_words(path: Path) -> str:
    """How it stands, one sentence to a line. Raises NoStateError."""
    state = read_state(path)
    link = "is connected with its server" if state.online else "is not connected with its server"
    lines = [f"{state.machine} of {state.clinic} {link}."]
    if state.waiting:
        lines.append(f"{state.waiting} finished sessions on their way have no receipt yet; they are safe in the diary.")
    lines += [f"{finding.code}: {finding.detail}".rstrip(": ") for finding in state.findings]
    return "\n".join(lines)
