"""What is wrong with a machine's way to the server, and with the machine: noted once, each with when it began."""

from collections.abc import Callable, Mapping
from enum import StrEnum

from sync.wire.messages import Finding


class Trouble(StrEnum):
    """Every finding that this room can make; docs/wire.md says what each means, and a test says that it does."""

    CLOCK_UNSYNCHRONISED = "clock_unsynchronised"
    NO_BROKER = "no_broker"
    REFUSED_BY_BROKER = "refused_by_broker"
    BROKER_NOT_TRUSTED = "broker_not_trusted"
    IDENTITY_TWICE = "identity_twice"
    IDENTITY_UNREADABLE = "identity_unreadable"
    TOPIC_REFUSED = "topic_refused"
    SESSION_TOO_LARGE = "session_too_large"
    SESSION_QUARANTINED = "session_quarantined"
    SESSION_UNPACKABLE = "session_unpackable"
    SESSION_GONE = "session_gone"
    MESSAGE_NOT_UNDERSTOOD = "message_not_understood"
    PLAN_REFUSED = "plan_refused"
    CERTIFICATE_SOON = "certificate_soon"
    COACH_AWAY = "coach_away"


MOST_DETAIL, MOST_FINDINGS = 300, 50


class Findings:
    """The findings of now. `wall_s`: the wall clock, None while it is not to be believed."""

    def __init__(self, wall_s: Callable[[], float | None]) -> None:
        """Nothing is wrong yet."""
        self._wall_s = wall_s
        self._now: dict[tuple[Trouble, str], Finding] = {}
        self._machine: dict[str, Finding] = {}
        self.changes = 0

    def note(self, trouble: Trouble, detail: str = "", about: str = "") -> bool:
        """Something is wrong; `about` tells apart several of the same kind. Gives whether that is new."""
        key, detail = (trouble, about), detail[:MOST_DETAIL]
        known = self._now.get(key)
        if known is not None and known.detail == detail:
            return False
        if known is None and len(self._now) >= MOST_FINDINGS:
            return False
        since = self._wall_s() if known is None else known.since_wall_s
        self._now[key] = Finding(trouble.value, detail, since)
        self.changes += 1
        return known is None

    def clear(self, trouble: Trouble, about: str = "") -> bool:
        """Note that it is right again. Return whether it was wrong."""
        found = self._now.pop((trouble, about), None)
        self.changes += found is not None
        return found is not None

    def of_machine(self, found: Mapping[str, str]) -> None:
        """Take what the machine finds wrong with itself, details by code; what sync finds itself is not said twice."""
        own = {trouble.value for trouble in Trouble}
        told = {code: detail[:MOST_DETAIL] for code, detail in found.items() if code not in own}
        if {code: one.detail for code, one in self._machine.items()} == told:
            return
        since_s = self._wall_s()
        before = self._machine
        self._machine = {
            code: Finding(code, detail, before[code].since_wall_s if code in before else since_s)
            for code, detail in list(told.items())[:MOST_FINDINGS]
        }
        self.changes += 1

    def has(self, trouble: Trouble) -> bool:
        """Whether this is wrong now, about whatever."""
        return any(one is trouble for one, _ in self._now)

    @property
    def now(self) -> tuple[Finding, ...]:
        """All that is wrong, in the order in which it began: with the way to the server first."""
        return (*self._now.values(), *self._machine.values())
