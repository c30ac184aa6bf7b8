"""At any hour, on a computer in any zone, the pages' days are those of the clinic."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
import time_machine
from django.urls import reverse

from firmware.demo.clinic_history import DemoPerson
from scripts.any_hour import COMPUTERS, MOMENTS
from server.accounts.models import Clinic
from server.audit import export
from server.demo.filling import _take_in
from server.diary.models import DiaryEntry
from server.documents.export.activity import ActivityPeriod
from server.documents.export.research_fields import ResearchParticipant, sessions_of
from server.live.wire_plans import holds, plan_on_wire
from server.people import plan_service
from server.people.models import Course, Participant, PlanVersion
from server.people.plan_rules import Values
from server.regional_statistics.periods import month_number
from sync.wire.messages import ClocksAt
from tests.server.web.conftest import Browser, People, logged_in
from tests.server.web.diary.test_diary_pages import keep, text_of, trained

AUCKLAND = ZoneInfo("Pacific/Auckland")


@pytest.fixture(params=COMPUTERS)
def computer(request: pytest.FixtureRequest) -> str:
    """The computer's own zone."""
    return str(request.param)


@pytest.fixture(params=MOMENTS.values(), ids=list(MOMENTS))
def now(request: pytest.FixtureRequest, computer: str) -> Iterator[datetime]:
    """A moment that it is now, by the clinic's clock."""
    with time_machine.travel(request.param.astimezone(ZoneInfo(computer)), tick=False):
        yield request.param


@pytest.fixture
def therapist(people: People, now: datetime) -> Browser:
    """Somebody who has logged in just now."""
    del now
    return logged_in(people.account("therapist"))


def session_at(number: int, at: datetime, participant: str = "p-1") -> DiaryEntry:
    made = trained(number, participant=participant)
    clocks = made.clocks[0].clocks
    (entry,) = keep(
        msgspec.structs.replace(made, clocks=(ClocksAt(0.0, msgspec.structs.replace(clocks, wall_s=at.timestamp())),))
    )
    return entry


def page_of(browser: Browser, name: str, *args: object, query: str = "") -> tuple[dict[str, object], str]:
    answer = browser.get(reverse(name, args=args) + query)
    assert answer.status_code == 200
    return answer.context, text_of(answer.content.decode())


def ago(now: datetime, **length: float) -> datetime:
    """So much real time before: hours of the night in which the clocks are changed are counted too."""
    return (now.astimezone(UTC) - timedelta(**length)).astimezone(now.tzinfo)


# --- the clinic's diary ----------------------------------------------------------------------------------------------


def test_the_diary_opens_on_the_last_day_with_sessions_and_says_when_that_is_not_today(
    now: datetime, therapist: Browser
) -> None:
    today = now.date()
    context, said = page_of(therapist, "diary:days", "trondheim")
    assert (context["today"], context["shown"]) == (today, today)
    assert "Ingen økter i dag ennå" not in said
    before = session_at(1, ago(now, hours=30))
    assert before.begun_on == ago(now, hours=30).date() < today
    context, said = page_of(therapist, "diary:days", "trondheim")
    assert (context["today"], context["shown"]) == (today, before.begun_on)
    assert context["month"].first == before.begun_on.replace(day=1)
    assert "Ingen økter i dag ennå. Dette er den siste dagen med økter. Vis i dag" in said
    context, said = page_of(therapist, "diary:days", "trondheim", query=f"?day={today}")
    assert (context["shown"], len(context["entries"])) == (today, 0)
    assert "I dag, " in said
    later = session_at(2, ago(now, minutes=1))
    context, said = page_of(therapist, "diary:days", "trondheim")
    assert (context["shown"], later.begun_on) == (today, today)
    assert "I dag, " in said
    assert "Ingen økter i dag ennå" not in said


def test_a_month_opens_on_its_last_day_with_sessions_until_today(now: datetime, therapist: Browser) -> None:
    this, before = f"{now:%Y-%m}", ActivityPeriod.month_before(now.date()).first
    context, _ = page_of(therapist, "diary:days", "trondheim", query=f"?month={before:%Y-%m}")
    assert context["shown"] == before
    assert page_of(therapist, "diary:days", "trondheim", query=f"?month={this}")[0]["shown"] == now.date()
    last = session_at(1, datetime(before.year, before.month, 20, 0, 30, tzinfo=now.tzinfo))
    session_at(2, datetime(before.year, before.month, 7, 23, 30, tzinfo=now.tzinfo))
    # A machine whose clock ran ahead: what it sends is no day to open on.
    session_at(3, now + timedelta(days=40))
    context, said = page_of(therapist, "diary:days", "trondheim", query=f"?month={before:%Y-%m}")
    assert context["shown"] == last.begun_on == date(before.year, before.month, 20)
    assert "Ingen økter i dag ennå" not in said
    assert page_of(therapist, "diary:days", "trondheim", query=f"?month={this}")[0]["shown"] == now.date()


# --- a participant ---------------------------------------------------------------------------------------------------


def test_a_participants_pages_know_the_clinics_day(people: People, now: datetime, therapist: Browser) -> None:
    who, today = ("trondheim", "p-1"), now.date()
    entry = session_at(1, ago(now, seconds=30))
    course = Course.objects.create(participant=people.participant, begins_on=today)
    context, _ = page_of(therapist, "diary:calendar", *who)
    days = [day for week in context["page"].weeks for day in week if day.today]
    assert [(day.on, len(day.sessions)) for day in days] == [(today, 1)]
    context, _ = page_of(therapist, "diary:course", *who)
    assert context["form"].initial == {"begins_on": today}
    therapist.post(reverse("diary:end_course", args=[*who, course.pk]))
    course.refresh_from_db()
    assert course.ended_on == today == entry.begun_on
    context, _ = page_of(therapist, "people:overview", *who)
    assert context["years"] == today.year - people.participant.birth_year


@pytest.mark.parametrize(("days", "expired"), [(-1, True), (0, False)])
def test_a_plan_holds_to_the_end_of_its_last_day_at_the_clinic(
    people: People, now: datetime, therapist: Browser, *, days: int, expired: bool
) -> None:
    values = Values(hr_max_bpm=180.0, hr_max_source="measured", valid_until=now.date() + timedelta(days=days))
    plan = plan_service.save_plan(people.participant, people.account("therapist"), values, base=0, reason="")
    context, _ = page_of(therapist, "people:plan", "trondheim", "p-1")
    assert (context["expired"], holds(plan)) == (expired, not expired)
    assert plan_on_wire(plan).plan.age == now.year - people.participant.birth_year


def test_a_report_is_of_the_last_month_that_is_over_at_the_clinic(
    people: People, now: datetime, therapist: Browser
) -> None:
    del therapist
    browser = logged_in(people.account("clinic_admin"))
    context, _ = page_of(browser, "papers:reports", "trondheim")
    assert context["report"].period == ActivityPeriod.month_before(now.date())


# --- several clinics -------------------------------------------------------------------------------------------------


def test_the_networks_newest_month_is_over_at_every_clinic(people: People, now: datetime) -> None:
    browser = logged_in(people.account("regional"))
    context, _ = page_of(browser, "network:index")
    assert context["period"].number == month_number(now.date()) - 1


@time_machine.travel(datetime(2027, 6, 1, 0, 30, tzinfo=AUCKLAND), tick=False)
def test_a_month_that_is_over_at_one_clinic_alone_is_told_of_none(people: People) -> None:
    Clinic.objects.filter(pk=people.other.pk).update(time_zone="Pacific/Auckland")
    context, _ = page_of(logged_in(people.account("regional")), "network:index")
    assert context["period"].text == "2027-04"
    Clinic.objects.filter(pk=people.clinic.pk).update(time_zone="Pacific/Auckland")
    context, _ = page_of(logged_in(people.account("regional")), "network:index")
    assert context["period"].text == "2027-05"


@time_machine.travel(datetime(2027, 6, 1, 0, 30, tzinfo=AUCKLAND), tick=False)
def test_a_clinic_elsewhere_has_days_of_its_own(people: People) -> None:
    Clinic.objects.update(time_zone="Pacific/Auckland")
    entry = session_at(1, datetime(2027, 6, 1, 0, 10, tzinfo=AUCKLAND))
    context, _ = page_of(logged_in(people.account("therapist")), "diary:days", "trondheim")
    assert context["today"] == context["shown"] == entry.begun_on == date(2027, 6, 1)


# --- what leaves the house, and the demo -----------------------------------------------------------------------------


def test_an_exported_log_has_the_days_of_the_clinic(now: datetime, therapist: Browser) -> None:
    page_of(therapist, "diary:days", "trondheim")
    today = now.date()

    def lines(since: date, until: date) -> int:
        return len(list(export.json_lines(export.chosen("trondheim", since, until))))

    assert lines(today, today) > 0
    assert lines(today + timedelta(days=1), today + timedelta(days=1)) == 0
    assert lines(today - timedelta(days=1), today - timedelta(days=1)) == 0


@pytest.mark.usefixtures("people")
def test_a_researchers_weeks_are_counted_by_days_across_the_beginning_of_summer_time() -> None:
    first = session_at(1, datetime(2027, 3, 22, 10, 0, tzinfo=MOMENTS["noon"].tzinfo))
    second = session_at(2, datetime(2027, 3, 29, 10, 0, tzinfo=MOMENTS["noon"].tzinfo))
    person = ResearchParticipant(key=1, site="", sex="", age_band="")
    weeks = [one.week for one in sessions_of(person, [first, second], frozenset())]
    assert weeks == [0, 1]


def test_the_demos_people_begin_on_the_day_of_their_first_session(people: People, now: datetime) -> None:
    begins = datetime(now.year, now.month, now.day, tzinfo=now.tzinfo) - timedelta(days=20)
    plan = plan_on_wire(
        plan_service.save_plan(
            people.participant, people.account("therapist"), Values(hr_max_bpm=180.0, hr_max_source="measured"),
            base=0, reason="",
        )
    ).plan  # fmt: skip
    told = DemoPerson(
        clinic="trondheim", pseudonym="p-new", sex="f", kind="ordinary", plan=plan,
        begins_wall_s=begins.timestamp(), sessions=3, need="",
    )  # fmt: skip
    _take_in([told], {"trondheim": people.clinic}, people.account("therapist"), random.Random(1))  # type: ignore[list-item]
    made = Participant.objects.get(pseudonym="p-new")
    assert Course.objects.get(participant=made).begins_on == begins.date()
    assert PlanVersion.objects.get(participant=made).valid_until == now.date() + timedelta(days=90)
    assert made.birth_year == now.year - (plan.age or 35)
