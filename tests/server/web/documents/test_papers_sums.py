"""The activity report with the clinic's own codes; the export for research: who is in it, and what none can tell."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta

import pyarrow.parquet as pq
import pytest
from django.utils import timezone

from server.audit.models import Entry
from server.diary.models import DiaryEntry
from server.documents.errors import PaperError
from server.documents.export import activity, research
from server.documents.models import Counted, ProcedureCode
from server.people.models import Participant
from tests.server.web.conftest import Browser, People
from tests.server.web.papers_ground import fetched, keep, trained, unzipped, weeks

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
    assert "1 økt i perioden er ikke ført" in page
    table = fetched(people.therapist, f"{REPORT}report.csv{query}").decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(table)))
    assert rows[1] == ["deltaker", "Kari Nordmann", "p-1", "A", "1", "2", "80", "2", "2", "2", "0"]
    assert rows[-1][4:] == ["2", "3", "90", "3", "2", "2", "0"]
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
    assert "siden øktene teller etter dem" in without.content.decode()
    code = ProcedureCode.objects.get()
    assert people.admin.post(f"{REPORT}codes/{code.pk}/remove/").status_code == 302
    assert not ProcedureCode.objects.exists()


# --- research ---------------------------------------------------------------------------------------------------------


def consenting(days_ago: int, *pseudonyms: str) -> None:
    Participant.objects.filter(pseudonym__in=pseudonyms).update(
        research_consent_at=datetime.now(UTC) - timedelta(days=days_ago)
    )


def exported(browser: Browser, **given: str) -> dict[str, bytes]:
    answer = browser.post(f"{REPORT}research/", given)
    assert answer.status_code == 200, answer.content
    return unzipped(answer.getvalue())


def rows_of(files: dict[str, bytes], table: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[f"{table}.csv"].decode())))


def test_only_who_consents_and_only_sessions_since_are_exported(people: People) -> None:
    weeks(4)  # 7, 5, 3 and 1 days ago
    keep(trained(20, participant="p-2"))
    consenting(4, "p-1")
    files = exported(people.researcher)
    assert [(one["number"], one["week"]) for one in rows_of(files, "sessions")] == [("1", "0"), ("2", "0")]
    assert len(rows_of(files, "people")) == 1
    assert len(rows_of(files, "intervals")) == 8


def test_whoever_withdraws_is_not_in_the_next_export(people: People) -> None:
    weeks(1)
    consenting(30, "p-1")
    exported(people.researcher)
    Participant.objects.update(research_consent_at=None)
    answer = people.researcher.post(f"{REPORT}research/", {})
    assert answer.status_code == 422
    assert "Ingen her har samtykket" in answer.content.decode()
    with pytest.raises(PaperError):
        research.export([people.clinic], people.account("researcher"))


def test_nothing_in_an_export_tells_who_or_when(people: People) -> None:
    entries = weeks(3)
    consenting(30, "p-1")
    files = exported(people.researcher, samples="on")
    whole = b"".join(content for name, content in files.items() if not name.endswith(".parquet")).decode()
    hidden = ["p-1", "Kari", "Nordmann", "Rev", "trondheim", "machine-", *(str(one.session_id) for one in entries)]
    hidden += [one.begun_on.isoformat() for one in entries]
    assert [one for one in hidden if one in whole] == []
    assert not any(one in name for one in hidden for name in files)


def test_two_exports_share_no_pseudonym(people: People) -> None:
    weeks(1)
    consenting(30, "p-1")
    first, second = (rows_of(exported(people.researcher), "people")[0] for _time in range(2))
    assert first["study_id"] != second["study_id"]
    assert first["site"] != second["site"]


def test_sex_and_age_are_left_out_where_few_share_them(people: People) -> None:
    kinds = [("f", 1980)] * 5 + [("f", 1950)] * 2 + [("m", 1980)] * 4
    for number, (sex, year) in enumerate(kinds):
        Participant.objects.create(
            clinic=people.clinic, pseudonym=f"r-{number}", name="x", nickname=f"n{number}", birth_year=year, sex=sex
        )
        keep(trained(100 + number, participant=f"r-{number}"))
    consenting(30, *(f"r-{number}" for number in range(len(kinds))))
    told = sorted((one["sex"], one["age_band"]) for one in rows_of(exported(people.researcher), "people"))
    low = (timezone.now().year - 1980) // 10 * 10
    assert told == [("", "")] * 6 + [("f", f"{low}–{low + 9}")] * 5


def test_parquet_and_csv_tell_the_same_and_the_dictionary_tells_every_column(people: People) -> None:
    weeks(2)
    consenting(30, "p-1")
    files = exported(people.researcher, samples="on")
    dictionary = {one["table"]: [c["name"] for c in one["columns"]] for one in json.loads(files["dictionary.json"])}
    assert list(dictionary) == ["people", "sessions", "intervals", "samples"]
    for name, content in files.items():
        if not name.endswith(".parquet"):
            continue
        table = pq.read_table(io.BytesIO(content))
        rows = rows_of(files, name.removesuffix(".parquet"))
        assert table.column_names == dictionary[name.split("/")[0].removesuffix(".parquet")]
        assert table.num_rows == len(rows)
        assert [str(one) for one in table["study_id"].to_pylist()] == [row["study_id"] for row in rows]
    markdown = files["dictionary.md"].decode()
    assert [one for columns in dictionary.values() for one in columns if f"`{one}`" not in markdown] == []


def test_an_export_is_logged_with_how_many_and_not_with_whom(people: People) -> None:
    weeks(2)
    consenting(30, "p-1")
    exported(people.researcher)
    (line,) = Entry.objects.all()
    assert (line.action, line.participant, line.detail) == (
        "papers.research_export",
        "",
        {"people": 1, "sessions": 2, "samples": False},
    )


def test_a_researcher_exports_from_the_clinics_that_are_theirs_alone(people: People) -> None:
    weeks(1)
    keep(trained(30, participant="p-9", clinic="bergen"))
    consenting(30, "p-1", "p-9")
    assert len(rows_of(exported(people.researcher, everywhere="on"), "people")) == 1
    assert people.therapist.get(f"{REPORT}research/").status_code == 404
