"""The activity report with the clinic's own codes."""

import csv
import io
from datetime import date

import pytest

from server.diary.models import DiaryEntry
from server.documents.export import activity
from server.documents.models import Counted, ProcedureCode
from server.people.models import Participant
from tests.server.web.conftest import People
from tests.server.web.papers_ground import fetched, keep, trained

MARCH = activity.ActivityPeriod(date(2026, 3, 1), date(2026, 3, 31))
REPORT = "/c/trondheim/papers/"


def march(people: People) -> None:
    """Two sessions of p-1 (group A), one of p-2 (group B), one of nobody, and one in April."""
    Participant.objects.filter(pseudonym="p-2").update(group="B")
    keep(
        trained(1, day=date(2026, 3, 1)),
        trained(2, day=date(2026, 3, 31)),
        trained(3, day=date(2026, 3, 10), participant="p-2"),
        trained(4, day=date(2026, 3, 10), participant="guest"),
        trained(5, day=date(2026, 4, 1)),
    )
    DiaryEntry.objects.filter(participant__pseudonym="p-2").update(completed=False, training_s=600.0)
    for code, counted, minutes, protocol in (
        ("T1", Counted.EACH, None, ""),
        ("T2", Counted.WHOLE, None, ""),
        ("T3", Counted.LONG, 30, ""),
        ("T4", Counted.EACH, None, "tabata"),
    ):
        ProcedureCode.objects.create(
            clinic=people.clinic, code=code, text=code, counted=counted, least_minutes=minutes, protocol=protocol
        )


def test_a_report_counts_each_code_for_participants_groups_and_all(people: People) -> None:
    march(people)
    made = activity.report(people.clinic, MARCH)
    told = [(one.name, one.sessions, one.minutes, one.codes) for one in made.participants]
    assert told == [("Kari Nordmann", 2, 80, (2, 2, 2, 0)), ("Ola Nordmann", 1, 10, (1, 0, 0, 0))]
    assert [(one.group, one.people, one.sessions) for one in made.groups] == [("A", 1, 2), ("B", 1, 1)]
    assert (made.total.people, made.total.sessions, made.total.minutes, made.total.codes) == (2, 3, 90, (3, 2, 2, 0))
    assert made.unassigned == 1


def test_the_report_is_a_page_a_table_and_a_paper(people: People) -> None:
    march(people)
    query = "?first=2026-03-01&last=2026-03-31"
    page = people.therapist.get(f"{REPORT}{query}").content.decode()
    assert "1 økt i perioden er ikke knyttet" in page
    table = fetched(people.therapist, f"{REPORT}report.csv{query}").decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(table)))
    assert rows[1] == ["deltaker", "Kari Nordmann", "Rev", "1980", "p-1", "A", "1", "2", "80", "2", "2", "2", "0"]
    assert rows[-1][6:] == ["2", "3", "90", "3", "2", "2", "0"]
    assert b"xl/workbook.xml" in fetched(people.therapist, f"{REPORT}report.xlsx{query}")
    assert fetched(people.admin, f"{REPORT}report.pdf{query}").startswith(b"%PDF-")


def test_without_a_period_the_report_is_of_the_month_before() -> None:
    assert activity.ActivityPeriod.month_before(date(2026, 3, 15)) == activity.ActivityPeriod(
        date(2026, 2, 1), date(2026, 2, 28)
    )
    assert activity.ActivityPeriod.month_before(date(2026, 1, 1)) == activity.ActivityPeriod(
        date(2025, 12, 1), date(2025, 12, 31)
    )


IMPOSSIBLE = ("?first=x&last=y", "?first=2026-03-02&last=2026-03-01", "?first=0001-01-01&last=2026-01-01")


@pytest.mark.parametrize("query", IMPOSSIBLE)
def test_a_period_that_cannot_be_is_told_and_makes_no_file(people: People, query: str) -> None:
    assert people.therapist.get(f"{REPORT}{query}").status_code == 200
    assert people.therapist.get(f"{REPORT}report.csv{query}").status_code == 404


def test_an_administrator_keeps_the_codes_and_a_therapist_does_not(people: People) -> None:
    given = {"code": "T101", "text": "Trening", "counted": "long", "least_minutes": 30}
    assert people.therapist.post(f"{REPORT}codes/", given).status_code == 404
    assert people.admin.post(f"{REPORT}codes/", given).status_code == 302
    again = people.admin.post(f"{REPORT}codes/", given)
    assert "Denne koden finnes allerede" in again.content.decode()
    without = people.admin.post(f"{REPORT}codes/", {"code": "T2", "text": "x", "counted": "long"})
    assert "siden øktene telles etter dem" in without.content.decode()
    code = ProcedureCode.objects.get()
    assert people.admin.post(f"{REPORT}codes/{code.pk}/remove/").status_code == 302
    assert not ProcedureCode.objects.exists()
