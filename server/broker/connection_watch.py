"""Notice in mosquitto's log a second client that uses a machine's certificate, also one that publishes no state.

A machine publishes its state as its first message on each connection. A thief who copied its card may omit it, so
that no `instance` gives them away; then the connection itself does, and the machine's own return to its name. Pure:
lines and times are handed in.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

SILENT_S = 60.0
"""So long a machine may take until its state has come: on a slow line sessions of an older one go first."""

SHORT_VISITS, VISITS_WITHIN_S = 5, 600.0
"""So many short connections that subscribe or publish, and say no state, are no bad line."""

RETURNS, RETURNS_WITHIN_S = 2, 3_600.0
"""So often two addresses may take an open connection from each other; a change of network happens once."""

MOST_NAMES = 10_000

_CONNECTED = re.compile(r"New client connected from (?P<address>\S+):\d+ as (?P<name>\S+) \(")
_TAKEN_OVER = re.compile(r"Client (?P<name>\S+) already connected, closing old connection")
_ENDED = re.compile(r"Client (?P<name>\S+) (?:\[[^\]]*\] )?(?:disconnected|closed its connection|has exceeded timeout)")
_PUBLISHED = re.compile(r"(?:Received|Denied) PUBLISH from (?P<name>\S+) \([^']*'(?P<topic>[^']*)'")
_SUBSCRIBED = re.compile(r"Received SUBSCRIBE from (?P<name>\S+)")
_OWN = ("collector-", "web-", "bridge-")


class _Connection(Struct):
    address: str
    since_s: float
    has_state: bool = False
    has_acted: bool = False
    is_reported: bool = False


class _History(Struct):
    address: str = ""
    addresses: dict[str, float] = {}
    """When each address last had the name."""
    visits: list[float] = []
    returns: list[float] = []


class ConnectionWatch:
    """The machines' connections, as far as the broker's log says."""

    def __init__(self) -> None:
        """Nothing is connected yet."""
        self._open: dict[str, _Connection] = {}
        self._history: dict[str, _History] = {}
        self._taken_over: set[str] = set()

    def read(self, line: str, now_s: float) -> str | None:
        """Read a line of the log. Return the name that two clients use, where this line shows it."""
        if found := _PUBLISHED.search(line):
            self._note_action(found["name"], is_state=found["topic"].endswith(f"/{found['name']}/state"))
        elif found := _SUBSCRIBED.search(line):
            self._note_action(found["name"], is_state=False)
        elif found := _TAKEN_OVER.search(line):
            self._taken_over.add(found["name"])
            return self._end(found["name"], now_s)
        elif found := _CONNECTED.search(line):
            return self._begin(found["name"], found["address"], now_s)
        elif found := _ENDED.search(line):
            return self._end(found["name"], now_s)
        return None

    def silent(self, now_s: float) -> Iterator[str]:
        """Yield, once each, the names whose connection stands for `SILENT_S` and has published no state."""
        for name, one in self._open.items():
            if not (one.has_state or one.is_reported) and now_s - one.since_s >= SILENT_S:
                one.is_reported = True
                yield name

    def _begin(self, name: str, address: str, now_s: float) -> str | None:
        if name.startswith(_OWN):
            return None
        if len(self._history) >= MOST_NAMES:
            self._history.clear()
        past = self._history.setdefault(name, _History())
        was_taken_over = name in self._taken_over
        self._taken_over.discard(name)
        self._open[name] = _Connection(address, now_s)
        was_here = past.addresses.get(address, float("-inf")) > now_s - RETURNS_WITHIN_S
        has_returned = was_taken_over and past.address != address and was_here
        recent = {one: at for one, at in past.addresses.items() if at > now_s - RETURNS_WITHIN_S}
        past.address, past.addresses = address, {**recent, address: now_s}
        if not has_returned:
            return None
        past.returns = [at for at in past.returns if at > now_s - RETURNS_WITHIN_S] + [now_s]
        return name if len(past.returns) >= RETURNS else None

    def _note_action(self, name: str, *, is_state: bool) -> None:
        if (one := self._open.get(name)) is not None:
            one.has_acted = True
            one.has_state = one.has_state or is_state

    def _end(self, name: str, now_s: float) -> str | None:
        one = self._open.pop(name, None)
        if one is None or one.has_state or not one.has_acted:
            return None
        past = self._history.setdefault(name, _History())
        past.visits = [at for at in past.visits if at > now_s - VISITS_WITHIN_S] + [now_s]
        return name if len(past.visits) >= SHORT_VISITS else None
