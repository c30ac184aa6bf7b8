# ruff: noqa: PLC0415 - models can be imported only once a clinic's folder is known
"""The pages over a region's database of a million sessions, each figure beside its target.

A PostgreSQL of its own is filled with 200 clinics' sessions (`benchmarks.region_at_hand`) and removed afterwards.
Pages are asked for through Django's whole stack, with a therapist's and a coordinator's log-in.

    python benchmarks/bench_web_region.py [--quick] [--sessions N] [--clinics N] [--runs N]
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from http import HTTPStatus
from pathlib import Path
from statistics import median
from typing import Any

# A benchmark is run by its file.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.clinic_at_hand import Postgres, make
from benchmarks.figures import Figures
from server.clinic import DATABASE_VARIABLE, PLAIN_VARIABLE, Clinic, read_clinic
from server.database import prepare

MONTHS = 26


def main() -> int:
    """Fill, measure, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="50,000 sessions in place of 1,000,000")
    parser.add_argument("--sessions", type=int, default=None)
    parser.add_argument("--clinics", type=int, default=200)
    parser.add_argument("--runs", type=int, default=11, help="how often each page is asked for; the median is told")
    asked = parser.parse_args()
    sessions = asked.sessions or (50_000 if asked.quick else 1_000_000)
    figures = Figures("web_region")
    with tempfile.TemporaryDirectory(prefix="interval-coach-region-") as name:
        folder = Path(name)
        postgres = Postgres(folder / "postgres")
        postgres.start()
        try:
            database = postgres.database("region")
            os.environ[DATABASE_VARIABLE] = database
            os.environ[PLAIN_VARIABLE] = "1"
            make(folder / "clinic", "--all-clinics", clinic="region", database=database)
            _measure(read_clinic(folder / "clinic"), sessions, asked.clinics, asked.runs, figures)
        finally:
            postgres.stop()
    if not asked.quick and not asked.sessions:
        figures.keep()
    return 0


def _measure(folder: Clinic, sessions: int, clinics: int, runs: int, figures: Figures) -> None:
    prepare(folder)
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext, setup_test_environment

    from benchmarks.region_at_hand import fill
    from server.clinics.models import Clinic as ClinicRow
    from server.clinics.roles import Role
    from server.diary.models import DiaryEntry
    from server.people.models import Participant
    from server.web.building import build_catalogues

    build_catalogues()
    call_command("collectstatic", interactive=False, verbosity=0)
    setup_test_environment(debug=False)
    begun_s = time.monotonic()
    this_month = date.today().replace(day=1)  # noqa: DTZ011 - made-up sessions up to the computer's own day
    filled = fill(clinics, sessions, MONTHS, this_month - timedelta(days=1))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        size = int(cursor.fetchone()[0])
    print(
        f"{filled.sessions:,} sessions of {filled.participants:,} participants at {filled.clinics} clinics, "
        f"{filled.with_samples:,} with samples; {size / 1e9:.2f} GB, made in {time.monotonic() - begun_s:.0f} s; "
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    place = DiaryEntry.objects.filter(stored__payload__isnull=False).select_related("clinic")[0].clinic
    therapist = _logged_in("therapist", Role.THERAPIST, clinic=place)
    coordinator = _logged_in("coordinator", Role.COORDINATOR)
    stranger = _logged_in("stranger", Role.THERAPIST, clinic=ClinicRow.objects.exclude(pk=place.pk)[0])
    chance = random.Random(1)
    people = list(Participant.objects.filter(clinic=place).values_list("pseudonym", flat=True))
    whole = DiaryEntry.objects.filter(clinic=place, stored__payload__isnull=False)
    recorded = list(whole.values_list("session_id", flat=True))

    def get(browser: Client, address: str) -> int:
        answer = browser.get(address, HTTP_HOST="localhost")
        assert answer.status_code == HTTPStatus.OK, (address, answer.status_code)
        return len(answer.content)

    def timed_ms(what: Callable[[], object], times: int = runs) -> tuple[float, float]:
        took = []
        for _ in range(times):
            begun_s = time.perf_counter()
            what()
            took.append((time.perf_counter() - begun_s) * 1000)
        return median(took), max(took)

    def tell(what: str, most_ms: float, ask: Callable[[], object], times: int = runs) -> None:
        ask()
        middle, worst = timed_ms(ask, times)
        figures.tell(what, middle, "ms", most_ms, f"slowest of {times}: {worst:.0f} ms")

    first_ms, _ = timed_ms(lambda: get(coordinator, "/network/"), 1)
    print(f"the first look at the region after all of it has come: {first_ms:.0f} ms")
    tell("region aggregates, all clinics, 36 months", 1000, lambda: get(coordinator, "/network/"))
    quarter = f"{(this_month - timedelta(days=92)).year}-Q{((this_month - timedelta(days=92)).month - 1) // 3 + 1}"
    tell("region aggregates, a quarter", 1000, lambda: get(coordinator, f"/network/?period={quarter}"))

    def changed() -> None:
        some = list(DiaryEntry.objects.filter(clinic__in=chance.sample(range(1, clinics), 20)).values_list("pk")[:200])
        DiaryEntry.objects.filter(pk__in=[pk for (pk,) in some]).update(borg=15)
        get(coordinator, "/network/")

    tell("region aggregates, just after 200 entries have changed", 1000, changed, 5)
    tell("protocols of a quarter, all clinics", 1000, lambda: get(coordinator, f"/network/kinds/?period={quarter}"), 5)
    tell("one clinic against its region", 1000, lambda: get(coordinator, f"/network/clinics/{place.code}/"))

    def session_with_trace() -> None:
        address = f"/c/{place.code}/diary/session/{chance.choice(recorded)}/"
        get(therapist, address)
        get(therapist, f"{address}trace.json")

    tell("session page and its trace, together", 200, session_with_trace)

    def course() -> None:
        get(therapist, f"/c/{place.code}/participants/{chance.choice(people)}/course/")

    tell("course page", 200, course)
    with CaptureQueriesContext(connection) as asked:
        course()
    figures.tell("course page, statements", len(asked), "", 10)
    listing = f"/c/{place.code}/participants/"
    tell(f"participant list, {len(people)} participants", 100, lambda: get(therapist, listing))
    tell("participant list, a search", 100, lambda: get(therapist, f"{listing}?q=person+1{chance.randrange(9)}"))

    foreign = [f"/c/{place.code}/diary/session/{one}/" for one in recorded[:20]]
    foreign += [f"/c/{place.code}/participants/{one}/course/" for one in people[:20]]
    foreign += [f"/network/clinics/{place.code}/", "/network/", "/network/kinds/", "/network/figures.csv"]
    read = sum(stranger.get(one, HTTP_HOST="localhost").status_code != HTTPStatus.NOT_FOUND for one in foreign)
    figures.tell("another clinic's therapist, pages that were read", read, "", 0, f"of {len(foreign)}")


def _logged_in(name: str, role: str, clinic: Any = None) -> Any:  # noqa: ANN401 - models and client, imported later
    """A browser in which an account of this role has given both factors."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.test import Client

    from server.clinics.models import Account, Membership
    from server.web.gate import STRONG, begin

    account = Account(username=name)
    account.set_unusable_password()
    account.save()
    Membership.objects.create(account=account, role=role, clinic=clinic)
    session = SessionStore()
    session[SESSION_KEY] = str(account.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = account.get_session_auth_hash()
    session[STRONG] = True
    begin(session)
    session.save()
    browser = Client()
    browser.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return browser


if __name__ == "__main__":
    sys.exit(main())
