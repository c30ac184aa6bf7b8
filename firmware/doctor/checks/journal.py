"""The training diary: whole, able to save, and delivered."""

import sqlite3
from contextlib import closing
from typing import ClassVar

from msgspec import Struct

from firmware.doctor.check import CheckFinding, Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext, is_there
from firmware.journal import queries as store
from sync.delivery.machine_identity import ACCOUNT

_DAY_S = 86_400.0


class DiaryHealth(Struct, frozen=True):
    """What SQLite says of the file, and what waits for its receipt. `oldest_wall_s`: when the oldest began."""

    problem: str | None
    undelivered: int
    oldest_wall_s: float | None


def diary_health(connection: sqlite3.Connection) -> DiaryHealth:
    """Look through the whole file, and at what waits. Raises sqlite3.Error."""
    (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    waiting, oldest_wall_s = store.undelivered_since(connection)
    return DiaryHealth(None if said == "ok" else str(said), waiting, oldest_wall_s)


class JournalCheck:
    """Asked of the one connection that the coach has; read without writing where no coach runs."""

    name: str = "journal"
    codes: ClassVar[Codes] = {
        "journal_damaged": Severity.STOP,
        "journal_not_saving": Severity.ATTENTION,
        "undelivered_old": Severity.ATTENTION,
    }

    def look(self, place: CheckContext) -> Outcome:
        """Find nothing wrong where no diary is there yet: the first session makes it."""
        findings: list[CheckFinding] = []
        if place.told.not_saved is not None:
            findings.append(make_finding(self, "journal_not_saving", place.told.not_saved))
        findings += [make_finding(self, code, detail) for code, detail in place.told.codes if code in self.codes]
        health = self._health(place)
        if health is None:
            return Outcome(tuple(findings))
        if health.problem is not None:
            findings.append(make_finding(self, "journal_damaged", health.problem))
        if health.undelivered and health.oldest_wall_s is not None and is_there(place.identity / ACCOUNT):
            days = (place.wall_s() - health.oldest_wall_s) / _DAY_S
            if place.synchronised() and days > place.limits.undelivered_days:
                findings.append(make_finding(self, "undelivered_old", f"{health.undelivered} waiting, {days:.0f} days"))
        return Outcome(tuple(findings), f"{health.undelivered} waiting")

    def _health(self, place: CheckContext) -> DiaryHealth | None:
        """None where nobody can say now."""
        if place.ask_diary is not None:
            answer = place.ask_diary(diary_health)
            assert isinstance(answer, DiaryHealth)  # noqa: S101 - it is the answer to that question
            return answer
        if place.told.coach_runs or place.run is None or not is_there(place.diary):
            return None
        try:
            with closing(sqlite3.connect(f"{place.diary.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                return diary_health(connection)
        except sqlite3.DatabaseError as error:
            if "locked" in str(error) or "unable to open" in str(error):
                raise
            return DiaryHealth(str(error), 0, None)
