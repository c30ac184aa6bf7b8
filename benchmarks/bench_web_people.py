# ruff: noqa: PLC0415 - models can be imported only once a clinic's folder is known
"""The list of participants: how long the server takes to answer a search, with 5,000 in the clinic, on PostgreSQL.

    python -m benchmarks.bench_web_people [--participants 5000]

A second clinic lies beside. Each participant has a plan, a course and 24 sessions. Timed is the whole request, from the
address to the last byte, through every middleware; the database is a real one on this computer. What the processor
itself worked is told beside it: on a computer with much else to do the clock says more than the server does.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from tests.support.clinic.local_clinic import Postgres, make
from tests.support.clinic.signed_in import session_of
from tests.support.figures import Figures, share

if TYPE_CHECKING:
    from server.models import Session

SEARCHES = ("", "a", "kar", "nordmann", "7 hansen", "onsdag", "p-4", "zzzz")
ROUNDS = 25
TARGET_MS = 100.0
SESSIONS = 24
FIRST = ("Kari", "Ola", "Anne", "Per", "Ingrid", "Jonas", "Siri", "Håkon", "Åse", "Even")
LAST = ("Nordmann", "Hansen", "Johansen", "Olsen", "Larsen", "Ødegård", "Berg", "Haugen", "Solberg", "Dahl")


def main() -> None:
    """Measure."""
    with empty_server(__doc__) as participants:
        _measure(participants)


@contextmanager
def empty_server(document: str | None) -> Iterator[int]:
    """Read the command line and prepare a clinic on a PostgreSQL of its own. Yield how many participants to fill in."""
    parser = argparse.ArgumentParser(description=document.splitlines()[0] if document else None)
    parser.add_argument("--participants", type=int, default=5000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = Postgres(folder / "postgres")
        server.start()
        try:
            clinic = make(folder / "clinic")
            os.environ["DATABASE_URL"] = server.database("people")
            from server.clinic_folder.database import prepare

            prepare(clinic)
            from django.core.management import call_command

            call_command("migrate", verbosity=0)
            call_command("collectstatic", interactive=False, verbosity=0)
            yield asked.participants
        finally:
            server.stop()


def _measure(participants: int) -> None:
    from django.db import connection

    fill("trondheim", participants, 0)
    fill("bergen", participants // 5, 1)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    began_s = time.process_time()
    times = _times()
    worked_ms = (time.process_time() - began_s) * 1000 / (ROUNDS * len(SEARCHES))
    connection.close()
    figures = Figures("web_people")
    note = f"{participants} participants, {participants * 6 // 5 * SESSIONS} sessions; {len(SEARCHES)} searches"
    for search, ms in times.items():
        print(f"    «{search}»: median {statistics.median(ms):.0f} ms, slowest {max(ms):.0f} ms")
    every = [one for ms in times.values() for one in ms]
    figures.tell("participant list search, server time, median", statistics.median(every), "ms", TARGET_MS)
    figures.tell("participant list search, processor time of the server", worked_ms, "ms", TARGET_MS)
    figures.tell("participant list search, server time, p99", share(every, 0.99), "ms", TARGET_MS, note)
    figures.keep()


def fill(code: str, participants: int, number: int) -> None:
    """Fill a clinic with its people, their plans, courses and sessions."""
    from server.accounts.models import Clinic
    from server.diary.models import DiaryEntry
    from server.models import Session
    from server.people.models import Course, Participant, PlanVersion

    clinic = Clinic.objects.create(code=code, name=code.capitalize())
    people = Participant.objects.bulk_create(
        Participant(
            clinic=clinic,
            pseudonym=f"p-{at:05}",
            name=f"{FIRST[at % 10]} {LAST[at // 10 % 10]} {at // 100}",
            nickname=f"Rev {at}",
            birth_year=1960 + at % 40,
            group=("Mandag", "Onsdag", "")[at % 3],
        )
        for at in range(participants)
    )
    PlanVersion.objects.bulk_create(
        PlanVersion(participant=one, version=version, hr_max_bpm=180.0, weekly_cap=3)
        for one in people
        for version in (1, 2)
    )
    today = date.today()  # noqa: DTZ011 - the day here is near enough
    Course.objects.bulk_create(Course(participant=one, begins_on=today - timedelta(days=40)) for one in people)
    for first in range(0, participants, 500):
        some = people[first : first + 500]
        stored = Session.objects.bulk_create(
            _session(code, one.pseudonym, (number * 1_000_000 + first + at) * SESSIONS + turn, turn)
            for at, one in enumerate(some)
            for turn in range(SESSIONS)
        )
        owners = (one for one in some for _turn in range(SESSIONS))
        DiaryEntry.objects.bulk_create(
            DiaryEntry(
                session_id=row.session_id,
                stored=row,
                clinic=clinic,
                participant=owner,
                pseudonym=owner.pseudonym,
                machine=row.machine,
                begun_at=datetime.fromtimestamp(row.begun_wall_s, UTC),
                begun_on=datetime.fromtimestamp(row.begun_wall_s, UTC).date(),
                clock_trusted=True,
                protocol="4x4",
                completed=True,
                end_reason="done",
                training_s=2580.0,
                planned_intervals=4,
                completed_intervals=4,
                zone_s=800.0,
                above_95_s=0.0,
                load=120.0,
                hr_max_bpm=180.0,
                live_fraction=1.0,
            )
            for row, owner in zip(stored, owners, strict=True)
        )


def _session(clinic: str, pseudonym: str, number: int, turn: int) -> "Session":
    from server.models import Session

    return Session(
        session_id=UUID(int=(4 << 76) | (8 << 60) | number),
        revision=1,
        sha256=f"{number:064x}",
        clinic=clinic,
        machine=f"molle-{number % 12}",
        participant=pseudonym,
        protocol="4x4",
        begun_wall_s=time.time() - (turn + 1) * 1.7 * 86_400,
        clock_trusted=True,
        completed=True,
        summary={"notices": ["signal_lost"], "filling": "x" * 1500},
        format=1,
        read_through=True,
        stored_wall_s=time.time(),
    )


def _times() -> dict[str, list[float]]:
    """Each search's times in ms, as a therapist who is logged in."""
    from django.conf import settings
    from django.test import Client

    from server.accounts.models import Clinic
    from server.accounts.roles import Role

    key = session_of("kari", Role.THERAPIST, Clinic.objects.get(code="trondheim"))
    browser = Client(HTTP_HOST="localhost")
    browser.cookies[settings.SESSION_COOKIE_NAME] = key
    browser.get("/c/trondheim/participants/", secure=True)
    times: dict[str, list[float]] = {search: [] for search in SEARCHES}
    for turn in range(ROUNDS):
        for search, ms in times.items():
            page = 1 + turn % 5
            began = time.perf_counter()
            told = {"q": search, "part": "rows", "page": str(page)}
            answer = browser.post("/c/trondheim/participants/", told, secure=True)
            ms.append((time.perf_counter() - began) * 1000)
            if answer.status_code != 200:
                raise RuntimeError(f"the list answered {answer.status_code}")
    return times


if __name__ == "__main__":
    main()
