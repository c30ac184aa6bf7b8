"""What a service tells systemd of itself: that it is ready, that its loop still turns, that it ends.

The words are those of sd_notify(3), sent as datagrams to `$NOTIFY_SOCKET`. A loop calls `alive` in its own turns, never
from a thread or a timer beside it: a frozen loop then says nothing, and systemd starts the service again (`WatchdogSec`
in `systemd/`). Without systemd nothing is sent. No call waits, raises or touches a disk.
"""

import contextlib
import os
import socket
import time
from collections.abc import Mapping

NO_WATCHDOG_S = 3600.0
_OF_THE_LIMIT = 4
"""A service tells four times within the watchdog's limit, so that one late turn is no fault."""
_KIND = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK


class ServiceNotice:
    """One service's words to whoever started it. Made once, used by the threads whose loops it tells of."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """`environment` names the socket (a path, or an abstract name that begins with @) and the watchdog's limit."""
        name = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name
        self.every_s = self._every_s(environment)
        """How often `alive` has to be called, in seconds."""
        self._alive_at_s = 0.0

    def _every_s(self, environment: Mapping[str, str]) -> float:
        limit_us, whose = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
        mine = whose in ("", str(os.getpid()))
        if not self._address or not mine or not limit_us.isdecimal() or int(limit_us) == 0:
            return NO_WATCHDOG_S
        return int(limit_us) / 1e6 / _OF_THE_LIMIT

    def ready(self, status: str) -> None:
        """Say that the service serves from now on. `status`: one line, which `systemctl status` shows."""
        self._send(f"READY=1\nSTATUS={status}")

    def status(self, status: str) -> None:
        """How it stands now, in one line."""
        self._send(f"STATUS={status}")

    def alive(self) -> None:
        """Say that the loop that calls this turns. Call as often as you like; only what is needed is sent."""
        now_s = time.monotonic()
        if self.every_s != NO_WATCHDOG_S and now_s >= self._alive_at_s:
            # A little early, so that a loop of just this rhythm does not miss every other turn.
            self._alive_at_s = now_s + 0.9 * self.every_s
            self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that the service ends, by its own will or another's."""
        self._send("STOPPING=1")

    def _send(self, words: str) -> None:
        if self._address:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, _KIND) as sender:
                sender.sendto(words.encode(), self._address)
