"""The network's pages: who sees which sums, what is left out, and that no person or session is ever on them."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from server.accounts.models import Account, Clinic, Membership, Region
from server.accounts.roles import Permission, Role
from server.audit.models import Entry
from server.clinic_folder.settings import ClinicFolder as Folder
from server.diary.models import DiaryEntry
from server.models import Session
from server.people.models import Course, Participant
from server.regional_statistics import aggregation
from server.regional_statistics.models import QuarterSum
from server.regional_statistics.periods import ReportingPeriod, month_number, span_until
from server.regional_statistics.publication import compare, release
from server.regional_statistics.query_params import Scope
from tests.server.web.conftest import Browser, People, logged_in
from tests.server.web.test_sweep import all_pages

LAST = (timezone.localdate().replace(day=1) - timedelta(days=1)).replace(day=1)
"""The month before this one."""


def participants(clinic: Clinic, count: int, group: str = "A") -> list[Participant]:
    before = Participant.objects.filter(clinic=clinic).count()
    return [
        Participant.objects.create(
            clinic=clinic,
            pseudonym=f"q-{clinic.code}-{before + number}",
            name=f"Prøve Person {before + number}",
            nickname=f"Gaupe {before + number}",
            birth_year=1980,
            group=group,
        )
        for number in range(count)
    ]


def trained(
    people: Sequence[Participant | None],
    clinic: Clinic,
    *,
    on: date | None = None,
    protocol: str = "4x4",
    zone_s: float = 600.0,
    completed: bool = True,
) -> list[DiaryEntry]:
    """A session of each, in the month before this one."""
    day = on or LAST + timedelta(days=9)
    made = []
    for person in people:
        session_id = uuid4()
        pseudonym = person.pseudonym if person else "guest"
        stored = Session.objects.create(
            session_id=session_id, revision=1, sha256="0" * 64, clinic=clinic.code, machine="machine-1",
            participant=pseudonym, protocol=protocol, begun_wall_s=0.0, clock_trusted=True, completed=completed,
            summary={}, format=1, read_through=True, stored_wall_s=0.0,
        )  # fmt: skip
        made.append(
            DiaryEntry.objects.create(
                session_id=session_id, stored=stored, clinic=clinic, participant=person, pseudonym=pseudonym,
                machine="machine-1", begun_at=timezone.now(), begun_on=day, clock_trusted=True, protocol=protocol,
                completed=completed, end_reason="done", training_s=2400.0, planned_intervals=4, completed_intervals=4,
                zone_s=zone_s, above_95_s=30.0, load=100.0, live_fraction=0.96,
            )
        )  # fmt: skip
    return made


def table(browser: Browser, **query: str) -> dict[str, dict[str, str]]:
    """The CSV's rows, by the clinic's code or the kind of row."""
    answer = browser.get(reverse("network:csv"), query)
    assert answer.status_code == 200
    rows = csv.DictReader(io.StringIO(answer.content.decode().removeprefix("\ufeff")))
    return {row["clinic"] or row["row"]: row for row in rows}


def text_of(page: str) -> str:
    body = re.sub(r"<(script|style).*?</\1>", " ", page[page.index("<main") : page.index("</main")], flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


@pytest.fixture
def busy(people: People) -> People:
    """Trondheim with six who trained last month, Bergen with three."""
    trained(participants(people.clinic, 6), people.clinic)
    trained(participants(people.other, 3), people.other)
    return people


# --- what is told, to whom -------------------------------------------------------------------------------------------


def test_a_regions_coordinator_sees_clinics_side_by_side_and_not_those_of_few(busy: People) -> None:
    found = table(busy.clients["regional"])
    assert found["trondheim"] == {
        "period": f"{LAST:%Y-%m}",
        "row": "clinic",
        "clinic": "trondheim",
        "name": "Trondheim",
        "told": "told",
        "whole": "yes",
        "sessions": "6",
        "people_about": "5",
        # All trained to the end, so each of them did: not told.
        "completed_fraction": "",
        "zone_min": "10",
        "above_95_min": "0.5",
        "live_fraction": "0.96",
        "adherence_fraction": "",
    }
    assert (found["bergen"]["told"], found["bergen"]["sessions"]) == ("few", "")
    assert found["all"]["sessions"] == "6"
    page = text_of(busy.clients["regional"].get(reverse("network:index")).content.decode())
    assert "Bergen Skjult: færre enn fem personer" in page
    assert "≈ 5" in page


@pytest.mark.parametrize("name", ["coordinator", "clinic_admin"])
def test_a_clinics_own_account_sees_that_clinic_alone(busy: People, name: str) -> None:
    trained(participants(busy.other, 6), busy.other)
    found = table(busy.clients[name])
    assert set(found) == {"trondheim", "all"}
    page = busy.clients[name].get(reverse("network:index")).content.decode()
    assert "Bergen" not in page


@pytest.mark.parametrize("name", ["therapist", "researcher", "support", "nothing"])
@pytest.mark.parametrize("page", ["index", "csv", "kinds"])
def test_others_see_no_sums(busy: People, name: str, page: str) -> None:
    assert busy.clients[name].get(reverse(f"network:{page}")).status_code == 404


def test_another_clinics_page_and_region_are_not_there(busy: People) -> None:
    Region.objects.create(code="east", name="Øst")
    assert busy.coordinator.get(reverse("network:clinic", args=["bergen"])).status_code == 404
    assert busy.admin.get(reverse("network:clinic", args=["trondheim"])).status_code == 200
    assert busy.clients["regional"].get(reverse("network:clinic", args=["bergen"])).status_code == 200
    for code in ("east", "nowhere"):
        assert busy.clients["regional"].get(reverse("network:index"), {"region": code}).status_code == 404


@pytest.mark.usefixtures("busy")
def test_a_national_coordinator_chooses_among_regions() -> None:
    east = Region.objects.create(code="east", name="Øst")
    oslo = Clinic.objects.create(code="oslo", name="Oslo", region=east)
    trained(participants(oslo, 10), oslo)
    account = Account.objects.create_user("national")
    Membership.objects.create(account=account, role=Role.COORDINATOR)
    national = logged_in(account)
    assert {one for one in table(national) if one not in ("all", "middle")} == {"trondheim", "bergen", "oslo"}
    assert set(table(national, region="east")) == {"oslo", "all"}


def test_no_page_names_a_person_or_a_session(busy: People) -> None:
    secrets = [str(one) for one in DiaryEntry.objects.values_list("session_id", flat=True)]
    for person in Participant.objects.all():
        secrets += [person.name, person.nickname, person.pseudonym]
    pages = [reverse("network:index"), reverse("network:kinds") + "?by=group", reverse("network:csv")]
    pages += [reverse("network:clinic", args=["trondheim"])]
    for address in pages:
        page = busy.clients["regional"].get(address).content.decode()
        assert [one for one in secrets if re.search(rf"\b{re.escape(one)}\b", page)] == []


def test_each_look_is_in_the_access_log(busy: People) -> None:
    table(busy.clients["regional"])
    busy.admin.get(reverse("network:clinic", args=["trondheim"]))
    lines = Entry.objects.order_by("number").values_list("account", "action", "clinic", "role")
    assert list(lines) == [
        ("regional", "network.exported", "", ""),
        ("clinic_admin", "network.seen", "trondheim", "clinic_admin"),
    ]


# --- figures ---------------------------------------------------------------------------------------------------------


def test_this_month_is_not_told_until_it_is_over(busy: People) -> None:
    trained(participants(busy.clinic, 9), busy.clinic, on=timezone.localdate())
    assert table(busy.clients["regional"])["trondheim"]["sessions"] == "6"
    running = f"{timezone.localdate():%Y-%m}"
    assert busy.clients["regional"].get(reverse("network:index"), {"period": running}).status_code == 404


@pytest.mark.parametrize("period", ["", "2026", "2026-13", "2026-Q5", "1999-01", "9999-12", "2026-1", "x"])
def test_a_period_that_cannot_be_is_no_page(busy: People, period: str) -> None:
    assert busy.clients["regional"].get(reverse("network:index"), {"period": period}).status_code == 404


def test_the_clinic_in_the_middle_is_the_regions_median_also_for_who_sees_one_clinic(busy: People) -> None:
    for place, zone_s in (("bodo", 480.0), ("hamar", 900.0)):
        clinic = Clinic.objects.create(code=place, name=place.title(), region=busy.clinic.region)
        trained(participants(clinic, 8), clinic, zone_s=zone_s)
    assert table(busy.admin)["middle"]["zone_min"] == "10"
    page = text_of(busy.admin.get(reverse("network:clinic", args=["trondheim"])).content.decode())
    assert "Median av klinikkene" in page
    assert "Hamar" not in page


def test_attendance_is_what_was_trained_of_what_was_due(busy: People) -> None:
    people = list(Participant.objects.filter(clinic=busy.clinic, entries__isnull=False))
    after = (LAST + timedelta(days=32)).replace(day=1)
    for person in people:
        Course.objects.create(participant=person, begins_on=LAST, weeks=8, sessions=24)
    due = 24 * (after - LAST).days / 56
    assert table(busy.admin)["trondheim"]["adherence_fraction"] == f"{round(1 / due, 3):g}"


def test_attendance_of_four_with_a_course_is_not_told(busy: People) -> None:
    for person in list(Participant.objects.filter(clinic=busy.clinic, entries__isnull=False))[:4]:
        Course.objects.create(participant=person, begins_on=LAST)
    assert table(busy.admin)["trondheim"]["adherence_fraction"] == ""


def test_clinics_of_few_are_told_together_where_they_are_many(busy: People) -> None:
    """In a quarter that is over; to who sees the whole region."""
    quarter = ReportingPeriod("quarter", month_number(timezone.localdate()) // 3 - 2)
    for place in ("a", "b", "c"):
        clinic = Clinic.objects.create(code=place, name=place.upper(), region=busy.clinic.region)
        trained(participants(clinic, 4), clinic, on=quarter.begin)
    regional = table(busy.clients["regional"], period=quarter.text)
    assert [regional[place]["told"] for place in ("a", "b", "c")] == ["few"] * 3
    assert (regional["rest"]["sessions"], regional["all"]["people_about"]) == ("12", "10")
    assert "rest" not in table(busy.admin, period=quarter.text)


def test_protocols_and_groups_are_told_apart_where_nobody_is_given_away(busy: People) -> None:
    quarter = ReportingPeriod("quarter", month_number(timezone.localdate()) // 3 - 2)
    trained(participants(busy.clinic, 8, "Hjerte"), busy.clinic, on=quarter.begin)
    trained(participants(busy.clinic, 7, "rus"), busy.clinic, on=quarter.begin, protocol="10-20-30")
    trained(participants(busy.clinic, 2, "B"), busy.clinic, on=quarter.begin)
    regional = busy.clients["regional"]
    page = text_of(regional.get(reverse("network:kinds"), {"period": quarter.text}).content.decode())
    assert "10-20-30 1 7 ≈ 5 – 10,0 0,5 96 % " in page
    assert "Oppmøte" not in page
    groups = text_of(regional.get(reverse("network:kinds"), {"by": "group", "period": quarter.text}).content.decode())
    assert "rus 1 7 ≈ 5" in groups
    # The protocol 4×4 is told: less «hjerte» it would be the two of «B».
    assert "hjerte" not in groups
    assert "Ikke fordelt 10 –" in groups


def test_no_share_on_any_page_lies_outside_its_bounds(busy: People) -> None:
    """A month of two people, hidden, whose four sessions were given up: «233 %» and the exact number (review, S2-3)."""
    quarter = ReportingPeriod("quarter", month_number(timezone.localdate()) // 3 - 2)
    trained(participants(busy.clinic, 7, "a"), busy.clinic, on=quarter.begin)
    few = participants(busy.clinic, 2, "a")
    late = (quarter.begin + timedelta(days=40)).replace(day=2)
    for _ in range(2):
        trained(few, busy.clinic, on=late, completed=False)
    for by in ("protocol", "group"):
        answer = busy.clients["regional"].get(reverse("network:kinds"), {"by": by, "period": quarter.text})
        page = text_of(answer.content.decode())
        assert {int(one) for one in re.findall(r"(\d+) %", page)} <= set(range(101))
        assert " 11 " not in page


# --- sums that are kept ----------------------------------------------------------------------------------------------


@pytest.fixture
def place(database: Folder) -> Clinic:
    """A clinic in an empty database of each kind."""
    del database
    return Clinic.objects.create(code="trondheim", name="Trondheim")


def sessions_told(clinic: Clinic) -> float | None:
    scope = Scope((clinic,), (), None, frozenset(), (clinic,))
    found = compare(release(scope, span_until(timezone.localdate())), ReportingPeriod("month", month_number(LAST)))
    return None if found.all is None else found.all.sessions


def test_sums_follow_every_change_of_the_diary_whoever_makes_it(place: Clinic) -> None:
    people = participants(place, 6)
    entries = trained(people, place)
    assert sessions_told(place) == 6
    trained([None], place)
    assert sessions_told(place) == 7
    entries[0].delete()
    assert sessions_told(place) == 6
    DiaryEntry.objects.filter(pk=entries[1].pk).update(participant=None)
    assert sessions_told(place) is None
    DiaryEntry.objects.filter(pk=entries[1].pk).update(participant=people[1])
    assert sessions_told(place) == 6
    moved = LAST - timedelta(days=400)
    DiaryEntry.objects.filter(pk=entries[1].pk).update(begun_on=moved)
    assert sessions_told(place) is None


def adherence_told(clinic: Clinic) -> float | None:
    scope = Scope((clinic,), (), None, frozenset(), (clinic,))
    found = compare(release(scope, span_until(timezone.localdate())), ReportingPeriod("month", month_number(LAST)))
    return None if found.all is None else found.all.adherence_fraction


def test_adherence_follows_every_change_of_a_course(place: Clinic) -> None:
    people = participants(place, 6)
    trained(people, place)
    assert adherence_told(place) is None
    since = LAST - timedelta(days=LAST.weekday())
    Course.objects.bulk_create([Course(participant=one, begins_on=since, weeks=15, sessions=15) for one in people])
    first = adherence_told(place)
    assert first is not None
    Course.objects.filter(participant__in=people).update(sessions=30)
    assert adherence_told(place) == pytest.approx(first / 2)
    Course.objects.filter(participant__in=people[:2]).delete()
    assert adherence_told(place) is None
    Course.objects.filter(participant__in=people).update(begins_on=LAST - timedelta(days=400), weeks=8)
    Course.objects.bulk_create([Course(participant=one, begins_on=since, weeks=15, sessions=15) for one in people])
    assert adherence_told(place) == pytest.approx(first)


def test_what_is_kept_holds_no_person_and_is_read_again_unchanged(place: Clinic) -> None:
    trained(participants(place, 6), place)
    span = span_until(timezone.localdate())
    first = aggregation.quarters_of([place.pk], span)
    assert aggregation.quarters_of([place.pk], span) == first
    kept = [one.sums for one in QuarterSum.objects.all()]
    assert "q-trondheim" not in str(kept)


def test_a_change_while_sums_are_made_is_not_lost(place: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    people = participants(place, 6)
    trained(people, place)
    summed = aggregation._summed

    def slowly(*given: object) -> object:
        found = summed(*given)  # type: ignore[arg-type] # passed on
        monkeypatch.setattr(aggregation, "_summed", summed)
        trained(people[:1], place)
        return found

    monkeypatch.setattr(aggregation, "_summed", slowly)
    assert sessions_told(place) == 6
    assert sessions_told(place) == 7


def test_every_page_of_sums_is_one_whose_sums_linear_programmes_were_tried_on() -> None:
    """A new page of sums has to be made of told sums (`test_disclosure_bounds`), and named here."""
    tried = {"network:index", "network:csv", "network:kinds", "network:clinic"}
    assert {page.name for page in all_pages() if page.needs is Permission.SEE_AGGREGATES} == tried
