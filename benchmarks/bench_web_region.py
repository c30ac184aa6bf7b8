# ruff: noqa: PLC0415 - models can be imported only once a clinic's folder is known
"""The pages over a region's database of a million sessions, each figure beside its target.

A PostgreSQL of its own is filled with 200 clinics' sessions (`tests.support.clinic.local_region`), and removed
afterwards. Pages are asked for through Django's whole stack, with a therapist's and a coordinator's log-in.

    python -m benchmarks.bench_web_region [--quick] [--sessions N] [--clinics N] [--runs N]
"""

import argparse
import logging
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

from server.clinic_folder.database import prepare
from server.clinic_folder.settings import DATABASE_VARIABLE, PLAIN_VARIABLE, ClinicFolder, read_clinic
from tests.support.clinic.local_clinic import Postgres, make
from tests.support.clinic.signed_in import session_of
from tests.support.figures import Figures

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


class Asking:
    """Pages asked for through Django's whole stack, and how long each took."""

    def __init__(self, figures: Figures, runs: int) -> None:
        """Begin. `runs`: how often each page is asked for."""
        self.figures = figures
        self.runs = runs

    def get(self, browser: Any, address: str) -> None:  # noqa: ANN401 - Django's client, imported later
        """Ask for a page that must be there."""
        answer = browser.get(address, HTTP_HOST="localhost")
        assert answer.status_code == HTTPStatus.OK, (address, answer.status_code)

    def once_ms(self, what: Callable[[], object]) -> float:
        """How long it takes."""
        begun_s = time.perf_counter()
        what()
        return (time.perf_counter() - begun_s) * 1000

    def tell(self, what: str, most_ms: float, ask: Callable[[], object], times: int | None = None) -> None:
        """Print the median of some times, after one that does not count."""
        ask()
        took = [self.once_ms(ask) for _ in range(times or self.runs)]
        self.figures.tell(what, median(took), "ms", most_ms, f"slowest of {len(took)}: {max(took):.0f} ms")


def _measure(folder: ClinicFolder, sessions: int, clinics: int, runs: int, figures: Figures) -> None:
    prepare(folder)
    from django.core.management import call_command
    from django.db import connection
    from django.test.utils import setup_test_environment

    from server.diary.models import DiaryEntry
    from server.web.asset_build import build_catalogues
    from tests.support.clinic.local_region import fill

    logging.getLogger("django.request").setLevel(logging.ERROR)
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
    asking = Asking(figures, runs)
    _sums(asking, place, this_month)
    _pages(asking, place)


def _sums(asking: Asking, place: Any, this_month: date) -> None:  # noqa: ANN401 - a model, imported later
    """Ask for the coordinator's pages."""
    from server.accounts.models import Clinic as ClinicRow
    from server.accounts.roles import Role
    from server.diary.models import DiaryEntry

    coordinator = _logged_in("coordinator", Role.COORDINATOR)
    first_ms = asking.once_ms(lambda: asking.get(coordinator, "/network/"))
    print(f"the first look at the region after all of it has come: {first_ms:.0f} ms")
    asking.tell("region aggregates, all clinics, 36 months", 1000, lambda: asking.get(coordinator, "/network/"))
    before = this_month - timedelta(days=92)
    quarter = f"{before.year}-Q{(before.month - 1) // 3 + 1}"
    asking.tell("region aggregates, a quarter", 1000, lambda: asking.get(coordinator, f"/network/?period={quarter}"))
    chance = random.Random(1)
    clinics = list(ClinicRow.objects.values_list("pk", flat=True))

    def changed() -> None:
        some = DiaryEntry.objects.filter(clinic__in=chance.sample(clinics, min(20, len(clinics))))
        DiaryEntry.objects.filter(pk__in=list(some.values_list("pk", flat=True)[:200])).update(borg=15)
        asking.get(coordinator, "/network/")

    asking.tell("region aggregates, just after 200 entries have changed", 1000, changed, 5)
    kinds = f"/network/kinds/?period={quarter}"
    asking.tell("protocols of a quarter, all clinics", 1000, lambda: asking.get(coordinator, kinds), 5)
    one = f"/network/clinics/{place.code}/"
    asking.tell("one clinic against its region", 1000, lambda: asking.get(coordinator, one))


def _pages(asking: Asking, place: Any) -> None:  # noqa: ANN401 - a model, imported later
    """Ask for the therapist's pages, and for another clinic's at the same addresses."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from server.accounts.models import Clinic as ClinicRow
    from server.accounts.roles import Role
    from server.diary.models import DiaryEntry
    from server.people.models import Participant

    therapist = _logged_in("therapist", Role.THERAPIST, clinic=place)
    stranger = _logged_in("stranger", Role.THERAPIST, clinic=ClinicRow.objects.exclude(pk=place.pk)[0])
    chance = random.Random(2)
    people = list(Participant.objects.filter(clinic=place).values_list("pseudonym", flat=True))
    whole = DiaryEntry.objects.filter(clinic=place, stored__payload__isnull=False)
    recorded = list(whole.values_list("session_id", flat=True))

    def session_with_trace() -> None:
        address = f"/c/{place.code}/diary/session/{chance.choice(recorded)}/"
        asking.get(therapist, address)
        asking.get(therapist, f"{address}trace.json")

    def course() -> None:
        asking.get(therapist, f"/c/{place.code}/participants/{chance.choice(people)}/course/")

    asking.tell("session page and its trace, together", 200, session_with_trace)
    asking.tell("course page", 200, course)
    with CaptureQueriesContext(connection) as asked:
        course()
    queries = sum(one["sql"] not in ("BEGIN", "COMMIT") for one in asked.captured_queries)
    asking.figures.tell("course page, queries", queries, "", 10)
    listing = f"/c/{place.code}/participants/"
    asking.tell(f"participant list, {len(people)} participants", 100, lambda: asking.get(therapist, listing))
    search = f"{listing}?q=person+1"
    asking.tell("participant list, a search", 100, lambda: asking.get(therapist, f"{search}{chance.randrange(9)}"))

    foreign = [f"/c/{place.code}/diary/session/{one}/" for one in recorded[:20]]
    foreign += [f"/c/{place.code}/participants/{one}/course/" for one in people[:20]]
    foreign += [f"/network/clinics/{place.code}/", "/network/", "/network/kinds/", "/network/figures.csv"]
    read = sum(stranger.get(one, HTTP_HOST="localhost").status_code != HTTPStatus.NOT_FOUND for one in foreign)
    asking.figures.tell("another clinic's therapist, pages that were read", read, "", 0, f"of {len(foreign)}")


def _logged_in(name: str, role: str, clinic: Any = None) -> Any:  # noqa: ANN401 - models and client, imported later
    """Return a browser in which an account of this role has given both factors."""
    from django.conf import settings
    from django.test import Client

    browser = Client()
    browser.cookies[settings.SESSION_COOKIE_NAME] = session_of(name, role, clinic)
    return browser


if __name__ == "__main__":
    sys.exit(main())
