"""The coach's local socket: the coach's end, a server that never waits for a client.

Theory of operation. Everything runs on the coach's loop and nothing blocks it: a socket takes what it takes at once,
and the rest stays in the client's own outbox. What is in an outbox depends on what it is worth later: of views only the
newest is kept, a cue is dropped when it is `CUE_IS_OLD_S` old, and answers wait in order. A client that has taken
nothing for `GONE_AFTER_S`, or to whom too much is owed, is let go; when it comes back it is shown the view of that
moment. So a frozen display costs the coach some kilobytes, and no cue its time.
"""

import asyncio
import logging
import os
import socket
import stat
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec

from firmware.ipc.client import NoPlaceError, SocketError, SocketInUseError
from firmware.ipc.client_rights import ClientRights, ServiceRights
from firmware.ipc.messages import (
    AnyFromCoach,
    AnyToCoach,
    CueNow,
    Happened,
    Health,
    Hello,
    Lines,
    RequestRefusal,
    Saving,
    Subscribe,
    ViewNow,
    decode_to_coach,
    encode,
)

_log = logging.getLogger(__name__)

CUE_IS_OLD_S = 2.0
"""A cue that comes later than this tells of a moment that has passed."""

GONE_AFTER_S = 30.0
MOST_OWED_BYTES = 8 * 1024 * 1024
MOST_CLIENTS = 32
KEPT_FOR_SERVICES = 4
"""Places that only display and courier may take, so that they come back however many others there are."""

IDLE_AFTER_S = 300.0
"""A client that wants nothing by itself and has asked nothing for so long gives its place to another."""

LEAST_IDLE_S = 10.0
"""Where all places are taken, a client that has asked nothing for so long makes room."""
_READ_BYTES = 64 * 1024
_KERNEL_BYTES = 128 * 1024


class Client:
    """One client, as the coach sees it."""

    def __init__(self, server: "LocalServer", connection: socket.socket, may: ClientRights) -> None:
        """Take a connection that was just made; `may` says what its account may ask."""
        self._server = server
        self._may = may
        self._connection = connection
        self._lines = Lines()
        self._sending = b""
        self._answers: deque[bytes] = deque()
        self._cues: deque[tuple[float, bytes]] = deque()
        self._view: bytes | None = None
        self._owed_bytes = 0
        self._stuck_since_s: float | None = None
        self._writing = False
        self.wants = Subscribe()
        self._spoke_s = time.monotonic()

    @property
    def is_service(self) -> bool:
        """Whether it has the account of the display or the courier."""
        return bool(self._may.service)

    def idle_s(self, now_s: float) -> float:
        """Return for how long it has asked nothing; 0 for one that wants to be told things."""
        wants = self.wants
        listens = wants.views or wants.cues or wants.events or wants.saving or wants.health
        return 0.0 if listens or self.is_service else now_s - self._spoke_s

    def answer(self, message: AnyFromCoach) -> None:
        """Say something that must come, in order."""
        line = encode(message)
        self._answers.append(line)
        self._owed_bytes += len(line)
        self.send()

    def cue(self, line: bytes, said_s: float) -> None:
        """Say a cue, worthless when it is old."""
        self._cues.append((said_s, line))
        self.send()

    def view(self, line: bytes) -> None:
        """Show the newest view; an older one that has not gone yet is forgotten."""
        self._view = line
        self.send()

    def send(self) -> None:
        """Send what the socket takes now; more when it takes more."""
        while (line := self._sending or self._next()) is not None:
            try:
                sent = self._connection.send(line)
            except BlockingIOError:
                self._sending = line
                self._wait()
                return
            except OSError:
                self._server.let_go(self)
                return
            self._stuck_since_s = None
            self._sending = line[sent:]
        if self._writing:
            self._writing = False
            self._server.loop.remove_writer(self._connection)

    def _next(self) -> bytes | None:
        oldest_s = time.monotonic() - CUE_IS_OLD_S
        while self._cues:
            said_s, line = self._cues.popleft()
            if said_s >= oldest_s:
                return line
        if self._answers:
            line = self._answers.popleft()
            self._owed_bytes -= len(line)
            return line
        line_of_view, self._view = self._view, None
        return line_of_view

    def _wait(self) -> None:
        now_s = time.monotonic()
        if self._stuck_since_s is None:
            self._stuck_since_s = now_s
        while self._cues and now_s - self._cues[0][0] > CUE_IS_OLD_S:
            self._cues.popleft()
        if now_s - self._stuck_since_s > GONE_AFTER_S or self._owed_bytes > MOST_OWED_BYTES:
            _log.warning("A client on the local socket takes nothing more and was let go; it may come back.")
            self._server.let_go(self)
        elif not self._writing:
            self._writing = True
            self._server.loop.add_writer(self._connection, self.send)

    def receive(self) -> None:
        """Take what the client says; a bad line is refused and changes nothing."""
        try:
            content = self._connection.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            content = b""
        if not content:
            self._server.let_go(self)
            return
        self._spoke_s = time.monotonic()
        for line in self._lines.feed(content):
            if line is None:
                self.answer(RequestRefusal("too_long", "The line is too long; a line holds at most 256 KB."))
                continue
            try:
                message = decode_to_coach(line)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                self.answer(RequestRefusal("bad_line", f"The line was not understood and changed nothing: {error}."))
                continue
            if not self._may.allow(message):
                _log.warning("A client asked for «%s», which its account may not ask.", message.__struct_config__.tag)
                self.answer(RequestRefusal("not_allowed", self._may.refusal, message.request))
                continue
            if isinstance(message, Subscribe):
                self.wants = message
            self._server.heard(self, message)

    def close(self) -> None:
        """Let the connection go."""
        self._server.loop.remove_reader(self._connection)
        if self._writing:
            self._server.loop.remove_writer(self._connection)
        self._connection.close()


class LocalServer:
    """The coach's end. `heard` is called on the loop for each message that was understood."""

    def __init__(
        self,
        path: Path,
        hello: Hello,
        heard: Callable[[Client, AnyToCoach], None],
        rights: ServiceRights | None = None,
    ) -> None:
        """Use `open` to listen. `rights`: what each service's account may ask; this system's accounts unless given."""
        self._rights = rights or ServiceRights.of_this_system()
        self._path = path
        self._hello = hello
        self._heard = heard
        self._clients: list[Client] = []
        self._listening: socket.socket | None = None
        self._made: tuple[int, int] | None = None
        self.loop = asyncio.get_running_loop()

    def open(self) -> None:
        """Listen. Raises SocketInUseError where another coach does, NoPlaceError where the socket cannot be made."""
        listening = listen(self._path)
        self._listening = listening
        self._made = _made_at(self._path)
        self.loop.add_reader(listening, self._accept)

    def look_after(self) -> None:
        """Make the socket again where its file has gone, and let idle clients go. Never raises."""
        now_s = time.monotonic()
        for client in tuple(self._clients):
            if client.idle_s(now_s) > IDLE_AFTER_S:
                self.let_go(client)
        if self._listening is None or _made_at(self._path) == self._made:
            return
        before = self._listening
        try:
            self.open()
        except SocketError as error:
            # Said once: what is there now stays until it changes.
            self._made = _made_at(self._path)
            _log.warning("The local socket's file is gone and could not be made again: %s", error)
            return
        self.loop.remove_reader(before)
        before.close()
        _log.warning("The local socket's file was gone and has been made again: %s", self._path)

    def close(self) -> None:
        """Let every client go and take the socket away."""
        for client in tuple(self._clients):
            self.let_go(client)
        if self._listening is not None:
            self.loop.remove_reader(self._listening)
            self._listening.close()
            self._listening = None
            self._path.unlink(missing_ok=True)

    @property
    def watched(self) -> bool:
        """Whether somebody wants to see views."""
        return any(client.wants.views for client in self._clients)

    def cue(self, cue: CueNow) -> None:
        """Say a cue to all who want cues."""
        line = encode(cue)
        for client in tuple(self._clients):
            if client.wants.cues:
                client.cue(line, cue.said_s)

    def view(self, view: ViewNow) -> None:
        """Show a view to all who want views."""
        line = encode(view)
        for client in tuple(self._clients):
            if client.wants.views:
                client.view(line)

    def events(self, happened: Happened) -> None:
        """Tell what happened to all who want it."""
        for client in tuple(self._clients):
            if client.wants.events:
                client.answer(happened)

    def saving(self, saving: Saving) -> None:
        """Tell whether all is saved to all who want it."""
        for client in tuple(self._clients):
            if client.wants.saving:
                client.answer(saving)

    def health(self, health: Health) -> None:
        """Tell how the machine is to all who want it."""
        for client in tuple(self._clients):
            if client.wants.health:
                client.answer(health)

    def heard(self, client: Client, message: AnyToCoach) -> None:
        """Hand on what a client said."""
        self._heard(client, message)

    def let_go(self, client: Client) -> None:
        """End one client's connection."""
        if client in self._clients:
            self._clients.remove(client)
            client.close()

    def _make_room(self, may: ClientRights) -> bool:
        """Let go of the client that has asked nothing for longest; a service takes the place of any other client."""
        now_s = time.monotonic()
        others = [client for client in self._clients if not client.is_service]
        idlest = max(others, key=lambda client: client.idle_s(now_s), default=None)
        if idlest is None or (not may.service and idlest.idle_s(now_s) < LEAST_IDLE_S):
            return False
        self.let_go(idlest)
        return True

    def _accept(self) -> None:
        assert self._listening is not None  # noqa: S101 - the reader is there only while it listens
        try:
            connection, _ = self._listening.accept()
        except OSError:
            return
        connection.setblocking(False)  # noqa: FBT003 - socket's own signature
        may = self._rights.of_client(connection)
        kept = 0 if may.service or not self._rights.by_user else KEPT_FOR_SERVICES
        if len(self._clients) >= MOST_CLIENTS - kept and not self._make_room(may):
            _log.warning("A client of the local socket was sent away: all places are taken.")
            connection.close()
            return
        # What lies in the kernel cannot be taken back when it has become old: keep that little.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
        client = Client(self, connection, may)
        self._clients.append(client)
        self.loop.add_reader(connection, client.receive)
        client.answer(self._hello)


def _made_at(path: Path) -> tuple[int, int] | None:
    """Return which file is at the socket's path; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def listen(path: Path) -> socket.socket:
    """Make the socket, for its owner and group only. Raises SocketInUseError, NoPlaceError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            _remove_left_over(path)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o117)
        try:
            listening.bind(str(path))
        except BaseException:
            listening.close()
            raise
        finally:
            os.umask(mask)
    except SocketError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise NoPlaceError(f"The coach can't listen on {path} ({reason}). Name another with --socket.") from error
    listening.setblocking(False)  # noqa: FBT003 - socket's own signature
    listening.listen()
    return listening


def _remove_left_over(path: Path) -> None:
    """Take a dead coach's socket away; a living one answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
    raise SocketInUseError(
        f"Another coach runs already and listens on {path}. End it first, or name another place with --socket."
    )
