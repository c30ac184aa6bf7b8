"""A client's end of the coach's local socket, and what can be wrong with it. Small: no event loop is loaded."""

import select
import socket
from pathlib import Path
from typing import Self

import msgspec

from firmware.ipc.messages import FORMAT, AnyFromCoach, AnyToCoach, Hello, Lines, decode_from_coach, encode
from firmware.system.errors import FirmwareError

_READ_BYTES = 64 * 1024


class SocketError(FirmwareError):
    """Root of what can be wrong with the local socket."""


class SocketInUseError(SocketError, FileExistsError):
    """Another coach answers on this socket."""


class NoPlaceError(SocketError, OSError):
    """The socket cannot be made where it should be."""


class NoCoachError(SocketError, ConnectionError):
    """No coach answers, or it has gone away."""


class CoachLink:
    """A client's end of the socket. Blocking, for a client that has nothing else to do; `fileno` is for `select`."""

    def __init__(self, path: Path, timeout_s: float = 2.0) -> None:
        """Connect. Raises NoCoachError."""
        self._path = path
        self._lines = Lines()
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connection.settimeout(timeout_s)
        try:
            self._connection.connect(str(path))
        except OSError as error:
            self._connection.close()
            raise NoCoachError(
                f"No coach answers on {path}. Start one with «interval-coach run», or name its socket with --socket."
            ) from error

    def fileno(self) -> int:
        """For `select`."""
        return self._connection.fileno()

    def say(self, message: AnyToCoach) -> None:
        """Say something to the coach. Raises NoCoachError where it has gone."""
        try:
            self._connection.sendall(encode(message))
        except OSError as error:
            raise self._gone() from error

    def receive(self, timeout_s: float | None = None) -> list[AnyFromCoach]:
        """Wait for what the coach says, at most `timeout_s` (None: for ever); nothing came where the list is empty.

        Raises NoCoachError where the coach has gone, or speaks another version of this language.
        """
        readable, _, _ = select.select([self._connection], [], [], timeout_s)
        if not readable:
            return []
        try:
            content = self._connection.recv(_READ_BYTES)
        except OSError as error:
            raise self._gone() from error
        if not content:
            raise self._gone()
        messages = []
        for line in self._lines.feed(content):
            if line is None:
                continue
            try:
                message = decode_from_coach(line)
            except msgspec.MsgspecError as error:
                raise NoCoachError(
                    f"What answers on {self._path} is no coach of this version ({error}). Update both together."
                ) from error
            if isinstance(message, Hello) and message.format != FORMAT:
                raise NoCoachError(
                    f"The coach on {self._path} speaks version {message.format} and this program version {FORMAT}. "
                    "Update both together, then start them again."
                )
            messages.append(message)
        return messages

    def close(self) -> None:
        """Leave."""
        self._connection.close()

    def __enter__(self) -> Self:
        """Give the link."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave."""
        self.close()

    def _gone(self) -> NoCoachError:
        return NoCoachError(f"The coach on {self._path} has gone away. It is started again with «interval-coach run».")
