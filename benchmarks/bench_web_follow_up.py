# ruff: noqa: PLC0415 - models can be imported only once a clinic's folder is known
"""The follow-up list: how long the page takes with 5,000 participants in the clinic, on PostgreSQL.

    python -m benchmarks.bench_web_follow_up [--participants 5000]

The people, plans, courses and sessions are those of `benchmarks.bench_web_people`; a third of them have something to
follow up. All are looked at first, as the collector does after midnight, and how long that takes is printed. Then the
whole request is timed, from the address to the last byte, through every middleware.
"""

import statistics
import time
from datetime import timedelta

from benchmarks.bench_web_people import empty_server, fill
from tests.support.clinic.signed_in import session_of
from tests.support.figures import Figures, share

VIEWS = ("", "?show=mine", "?show=later", "?group=Mandag", "?show=all&page=40")
ROUNDS = 25
TARGET_MS = 200.0


def main() -> None:
    """Measure."""
    with empty_server(__doc__) as participants:
        _measure(participants)


def _measure(participants: int) -> None:
    from django.db import connection

    fill("trondheim", participants, 0)
    _need()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    from server.follow_up.checking import check_all

    began = time.perf_counter()
    looked = check_all()
    looked_ms = (time.perf_counter() - began) * 1000 / looked
    times = _times()
    connection.close()
    figures = Figures("web_follow_up")
    for view, ms in times.items():
        print(f"    «{view}»: median {statistics.median(ms):.0f} ms, slowest {max(ms):.0f} ms")
    every = [one for ms in times.values() for one in ms]
    note = f"{participants} participants, {_waiting()} of them on the list"
    figures.tell("follow-up list, server time, median", statistics.median(every), "ms", TARGET_MS)
    figures.tell("follow-up list, server time, p99", share(every, 0.99), "ms", TARGET_MS, note)
    print(f"    the rules look at one participant in {looked_ms:.1f} ms ({looked} looked at)")
    figures.keep()


def _need() -> None:
    """Give a third of the people something to follow up."""
    from server.people.models import PlanVersion

    newest = PlanVersion.objects.filter(participant__clinic__code="trondheim", version=2)
    for number, one in enumerate(newest.order_by("pk")):
        if number % 3 == 0:
            one.valid_until = one.made_at.date() + timedelta(days=number % 7)
            one.save(update_fields=["valid_until"])


def _waiting() -> int:
    from server.follow_up.models import FollowUpItem

    return FollowUpItem.objects.filter(state="open").values("participant").distinct().count()


def _times() -> dict[str, list[float]]:
    """Return each view's times in ms, as a therapist who is signed in."""
    from django.conf import settings
    from django.test import Client

    from server.accounts.models import Clinic
    from server.accounts.roles import Role

    key = session_of("kari", Role.THERAPIST, Clinic.objects.get(code="trondheim"))
    browser = Client(HTTP_HOST="localhost")
    browser.cookies[settings.SESSION_COOKIE_NAME] = key
    browser.get("/c/trondheim/follow-up/", secure=True)
    times: dict[str, list[float]] = {view: [] for view in VIEWS}
    for _turn in range(ROUNDS):
        for view, ms in times.items():
            began = time.perf_counter()
            answer = browser.get(f"/c/trondheim/follow-up/{view}", secure=True)
            ms.append((time.perf_counter() - began) * 1000)
            if answer.status_code != 200:
                raise RuntimeError(f"the list answered {answer.status_code}")
    return times


if __name__ == "__main__":
    main()
