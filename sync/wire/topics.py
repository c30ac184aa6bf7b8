"""Topics of the wire: `ic/1/{clinic}/{machine}/…`, built and read in this one place.

    state  live  session/{session id}  result  taken  from the machine
    receipt  command  plan/{participant}               to the machine

Names hold no wildcard, separator, space or capital letter that a broker, a file name or a person could take for
something else; whatever is not exactly one of these is refused.
"""

import re
from enum import StrEnum

from msgspec import Struct

from sync.errors import TopicError

ROOT = "ic"
VERSION = "1"

ENROLMENT_PORT = 8884
"""Where a machine that has no certificate yet asks for one, unless a clinic says otherwise: it knows no topic."""

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?\Z")
"""A clinic or a machine: what a host name may hold, 1–32 characters."""

PARTICIPANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
"""A participant's pseudonym."""

SESSION_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
"""A UUID in its canonical form."""


class Kind(StrEnum):
    """What a topic carries."""

    STATE = "state"
    LIVE = "live"
    SESSION = "session"
    RESULT = "result"
    TAKEN = "taken"
    RECEIPT = "receipt"
    COMMAND = "command"
    PLAN = "plan"

    @property
    def to_machine(self) -> bool:
        """Whether the server writes it and the machine reads it; else the other way round."""
        return self in (Kind.RECEIPT, Kind.COMMAND, Kind.PLAN)


_LAST = {Kind.SESSION: SESSION_ID, Kind.PLAN: PARTICIPANT}
"""Kinds whose topic ends in a name of its own."""


NUMBERED = (Kind.SESSION, Kind.RESULT, Kind.TAKEN)
"""Kinds whose messages carry a number, so that the server sees which of them did not arrive."""

NUMBER_PROPERTY = "ic-number"
"""MQTT 5 user property of such a message: `{connection}.{number}`, the number from 1 on within the connection."""


class Topic(Struct, frozen=True):
    """One topic. `name`: the session's id for `session`, the participant's pseudonym for `plan`, else empty."""

    clinic: str
    machine: str
    kind: Kind
    name: str = ""

    def __str__(self) -> str:
        """Return the topic as it goes over the wire. Raises TopicError."""
        return build(self)


def build(topic: Topic) -> str:
    """Return the topic as it goes over the wire. Raises TopicError where a name in it is none."""
    require_name(topic.clinic, "clinic")
    require_name(topic.machine, "machine")
    _require_last(topic)
    parts = (ROOT, VERSION, topic.clinic, topic.machine, topic.kind.value)
    return "/".join((*parts, topic.name) if topic.name else parts)


def parse(text: str) -> Topic:
    """Read a topic. Raises TopicError where it is not exactly one of ours."""
    levels = text.split("/")
    if len(levels) not in (5, 6) or levels[:2] != [ROOT, VERSION]:
        raise TopicError(f"«{_quote(text)}» is no topic of this system.")
    clinic, machine, word = levels[2:5]
    try:
        kind = Kind(word)
    except ValueError as error:
        raise TopicError(f"«{_quote(text)}»: there is no «{_quote(word)}» below a machine.") from error
    if len(levels) != (6 if kind in _LAST else 5):
        raise TopicError(f"«{_quote(text)}» is no topic of this system.")
    topic = Topic(require_name(clinic, "clinic"), require_name(machine, "machine"), kind, "/".join(levels[5:]))
    _require_last(topic)
    return topic


def subscription(kind: Kind, clinic: str = "+", machine: str = "+", *, shared: str | None = None) -> str:
    """Return the filter to subscribe with: all clinics or one, all machines or one, shared or alone."""
    for name, what in ((clinic, "clinic"), (machine, "machine")):
        if name != "+":
            require_name(name, what)
    levels = [ROOT, VERSION, clinic, machine, kind.value, *(["+"] if kind in _LAST else [])]
    if shared is not None:
        levels = ["$share", require_name(shared, "shared subscription"), *levels]
    return "/".join(levels)


def require_name(name: str, what: str) -> str:
    """Return the name itself. Raises TopicError where a clinic or a machine cannot be called so."""
    if not NAME.match(name):
        raise TopicError(
            f"«{_quote(name)}» cannot name a {what}: use 1–32 small letters a–z, digits and hyphens, with a letter or "
            "digit at both ends."
        )
    return name


def _require_last(topic: Topic) -> None:
    pattern = _LAST.get(topic.kind)
    if pattern is None and topic.name:
        raise TopicError(f"Nothing comes after «{topic.kind.value}» in a topic, and «{_quote(topic.name)}» does.")
    if pattern is not None and not pattern.match(topic.name):
        what = "a session's id" if topic.kind is Kind.SESSION else "a participant's pseudonym"
        raise TopicError(f"«{_quote(topic.name)}» is not {what}.")


def _quote(text: str) -> str:
    """Return a hostile name as it may stand in a message: short, and nothing in it that a terminal obeys."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:80])
