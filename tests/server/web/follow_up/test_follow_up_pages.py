"""The follow-up page: who is on it, what a decision does, when new evidence comes back, and what belongs to whom."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from server.accounts.models import Account, Membership
from server.accounts.roles import Role
from server.assessment import clearance_service
from server.audit.models import Entry
from server.collector import parser, store
from server.diary.reassignment import reassign
from server.follow_up import checking
from server.follow_up.models import FollowUpCheck, FollowUpItem, FollowUpLimits
from server.live.models import RaisedNotice
from server.live.signals import notice_raised
from server.models import PlanOnMachine
from server.people import plan_service
from server.people.models import Course, Participant
from server.people.plan_rules import Values
from sync.wire.codec import encode
from sync.wire.messages import Clocks, PlanTaken, SessionDelivery
from tests.server.web.conftest import People
from tests.server.web.diary.test_diary_pages import keep, text_of, trained

LIST = "/c/trondheim/follow-up/"
DECIDE = f"{LIST}decide/"
PLAN = Values(hr_max_bpm=180.0, hr_max_source="measured")
MOST_QUERIES = 16


def planned(people: People) -> None:
    """Plans for both, so that nobody is on the list for want of one."""
    for one in people.participants:
        plan_service.save_plan(one, people.account("therapist"), PLAN, base=0, reason="")


def stopped(number: int, days_ago: int, participant: str = "p-1") -> SessionDelivery:
    made = trained(number, participant=participant, day=timezone.localdate() - timedelta(days=days_ago), intervals=1)
    return msgspec.structs.replace(
        made, summary=msgspec.structs.replace(made.summary, end_reason="stopped", notices=())
    )


def codes(people: People) -> list[tuple[str, str]]:
    """What is open, as the page's own request finds it."""
    people.therapist.get(LIST)
    items = checking.open_items(people.clinic, timezone.localdate()).select_related("participant").order_by("pk")
    return [(one.participant.pseudonym if one.participant else "", one.rule) for one in items]


def decide(people: People, **told: object) -> str:
    key = FollowUpItem.objects.get(rule=told.pop("rule", "stopped_early")).pk
    answer = people.therapist.post(DECIDE, {"items": str(key), **told})
    assert answer.status_code == 302, answer.status_code
    return text_of(people.therapist.get(answer.url).content.decode())


@pytest.fixture
def twice_stopped(people: People) -> People:
    planned(people)
    keep(stopped(1, 3), stopped(2, 1))
    assert codes(people) == [("p-1", "stopped_early")]
    return people


def test_models_and_migrations_agree(people: People) -> None:
    del people
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_the_first_page_after_log_in_says_who_needs_somebody_why_and_what_next(twice_stopped: People) -> None:
    answer = twice_stopped.therapist.get("/")
    assert (answer.status_code, answer.url) == (302, LIST)
    page = twice_stopped.therapist.get(LIST).content.decode()
    text = text_of(page)
    assert "1 trenger deg" in text
    assert "Kari Nordmann" in text
    assert "Stoppet tidlig i 2 økter på rad" in text
    assert "1 av 4 drag." in text
    newest = twice_stopped.participant.entries.order_by("-begun_at")[0]
    assert f'href="/c/trondheim/diary/session/{newest.session_id}/">Se økten</a>' in page
    assert "1 annen trener som planlagt." in text


def test_a_person_without_a_plan_is_on_the_list_until_there_is_one(people: People) -> None:
    assert codes(people) == [("p-1", "no_plan"), ("p-2", "no_plan")]
    planned(people)
    assert codes(people) == []


def test_done_stays_done_until_there_is_new_evidence(twice_stopped: People) -> None:
    assert "Kari Nordmann (Rev, 1980) er fulgt opp." in decide(twice_stopped, done="1")
    assert codes(twice_stopped) == []
    FollowUpCheck.objects.update(due=True)
    assert codes(twice_stopped) == []
    keep(stopped(3, 0))
    assert codes(twice_stopped) == [("p-1", "stopped_early")]


def test_put_off_comes_back_on_its_day(twice_stopped: People) -> None:
    assert "er utsatt til" in decide(twice_stopped, days="7")
    assert codes(twice_stopped) == []
    assert "Kari Nordmann" in text_of(twice_stopped.therapist.get(f"{LIST}?show=later").content.decode())
    FollowUpItem.objects.update(until=timezone.localdate())
    assert codes(twice_stopped) == [("p-1", "stopped_early")]


def test_what_is_put_off_can_be_taken_up_again(twice_stopped: People) -> None:
    decide(twice_stopped, put_off="1", until=(timezone.localdate() + timedelta(days=40)).isoformat())
    assert codes(twice_stopped) == []
    assert "er på listen igjen" in decide(twice_stopped, open="1")
    assert codes(twice_stopped) == [("p-1", "stopped_early")]


@pytest.mark.parametrize("until", ["", "yesterday", "2020-01-01", "9999-12-31", "2026-13-45"])
def test_a_day_that_cannot_be_changes_nothing_and_says_so(twice_stopped: People, until: str) -> None:
    assert "Ingenting er endret." in decide(twice_stopped, put_off="1", until=until)
    assert codes(twice_stopped) == [("p-1", "stopped_early")]


def test_new_grave_evidence_ends_a_delay(people: People) -> None:
    planned(people)
    no = [stopped(number, 3 - number) for number in (1, 2)]
    no = [
        msgspec.structs.replace(one, summary=msgspec.structs.replace(one.summary, notices=("not_all_right",)))
        for one in no
    ]
    keep(no[0])
    assert codes(people) == [("p-1", "said_no")]
    decide(people, rule="said_no", days="14")
    assert codes(people) == []
    keep(no[1])
    assert ("p-1", "said_no") in codes(people)


def test_a_colleague_who_was_asked_has_it_under_mine(twice_stopped: People) -> None:
    other = Account.objects.create_user("kollega", first_name="Nils", last_name="Vik")
    Membership.objects.create(account=other, role=Role.THERAPIST, clinic=twice_stopped.clinic)
    assert "er gitt videre til Nils Vik" in decide(twice_stopped, hand="1", to=str(other.pk))
    assert FollowUpItem.objects.get().owner == other
    assert "Ingenting venter på deg." in text_of(twice_stopped.therapist.get(f"{LIST}?show=mine").content.decode())
    assert "hos Nils Vik" in text_of(twice_stopped.therapist.get(LIST).content.decode())


def test_a_stranger_to_the_clinic_cannot_be_handed_anything(twice_stopped: People) -> None:
    stranger = twice_stopped.account("bergen-therapist")
    assert "Velg en kollega først." in decide(twice_stopped, hand="1", to=str(stranger.pk))
    assert FollowUpItem.objects.get().owner is None


def test_mine_are_those_for_whom_one_is_responsible(twice_stopped: People) -> None:
    Participant.objects.filter(pseudonym="p-1").update(responsible=twice_stopped.account("therapist"))
    assert "Kari Nordmann" in text_of(twice_stopped.therapist.get(f"{LIST}?show=mine").content.decode())


def test_another_clinic_can_neither_see_nor_decide(twice_stopped: People) -> None:
    key = FollowUpItem.objects.get().pk
    other = twice_stopped.clients["bergen-therapist"]
    assert other.get(LIST).status_code == 404
    assert other.post(DECIDE, {"items": str(key), "done": "1"}).status_code == 404
    assert other.post("/c/bergen/follow-up/decide/", {"items": str(key), "done": "1"}).status_code == 302
    assert FollowUpItem.objects.get().state == "open"


@pytest.mark.parametrize("items", ["", "x", "1 or 1=1", "9" * 30, " ".join(["1"] * 200)])
def test_rubbish_instead_of_items_is_no_page(twice_stopped: People, items: str) -> None:
    assert twice_stopped.therapist.post(DECIDE, {"items": items, "done": "1"}).status_code == 404


def test_every_decision_is_logged_without_what_it_rests_on(twice_stopped: People) -> None:
    decide(twice_stopped, days="3")
    line = Entry.objects.get(action="follow_up.put_off")
    assert (line.participant, line.detail) == ("p-1", {"day": (timezone.localdate() + timedelta(days=3)).isoformat()})


def test_a_reassigned_session_goes_from_the_list_of_the_one(twice_stopped: People) -> None:
    entry = twice_stopped.participant.entries.order_by("-begun_at")[0]
    reassign(entry, twice_stopped.participant, None, twice_stopped.account("therapist"), "feil person")
    assert codes(twice_stopped) == [("", "unassigned")]
    assert "1 økt uten deltaker" in text_of(twice_stopped.therapist.get(LIST).content.decode())


def test_a_yes_before_the_start_is_there_at_once_and_goes_when_training_is_opened(people: People) -> None:
    planned(people)
    assert codes(people) == []
    row = RaisedNotice.objects.create(
        clinic=people.clinic, machine="molle-3", participant="p-1", code="unwell", level="stop_now", since_s=3.0,
        heard_at=datetime.now(UTC),
    )  # fmt: skip
    notice_raised.send(RaisedNotice, notice=row)
    assert codes(people) == [("p-1", "unwell")]
    assert "Svarte ja på vondt i brystet" in text_of(people.therapist.get(LIST).content.decode())
    plan_service.open_training(people.participant, people.account("therapist"), base=1, reason="")
    assert codes(people) == [("p-1", "ended_clearance")]
    clearance_service.answer_renewal(people.participant.clearances.get(), people.account("therapist"), "Trykket feil")
    assert codes(people) == []


def test_a_plan_that_a_machine_refuses_is_told_until_the_next_version(people: People) -> None:
    planned(people)
    PlanOnMachine.objects.create(
        clinic="trondheim",
        machine="molle-2",
        participant="p-1",
        refused_version=1,
        refused_for="protocol",
        boot_id="b",
        monotonic_s=1.0,
    )
    FollowUpCheck.objects.update(due=True)
    assert codes(people) == [("p-1", "refused_plan")]
    plan_service.save_plan(people.participant, people.account("therapist"), Values(hr_max_bpm=181.0), base=1, reason="")
    assert codes(people) == []


def test_who_has_ended_is_not_on_the_list(twice_stopped: People) -> None:
    twice_stopped.participant.active = False
    twice_stopped.participant.save()
    assert codes(twice_stopped) == []


def test_everybody_is_looked_at_again_the_next_day(people: People) -> None:
    planned(people)
    Course.objects.create(participant=people.participant, begins_on=timezone.localdate())
    assert codes(people) == []
    later = timezone.now() + timedelta(days=9)
    assert checking.check_all(later) == Participant.objects.count()
    assert [one.rule for one in checking.open_items(people.clinic, later.date())] == ["absence"]


def test_a_clinic_s_own_limits_are_kept_and_used(twice_stopped: People) -> None:
    form = twice_stopped.therapist.get(f"{LIST}limits/").content.decode()
    assert "Økter på rad som ble stoppet tidlig" in form
    told = {
        name: str(value) for name, value in msgspec.structs.asdict(checking.limits_of(twice_stopped.clinic)).items()
    }
    assert twice_stopped.therapist.post(f"{LIST}limits/", {**told, "stopped_sessions": "99"}).status_code == 422
    assert not FollowUpLimits.objects.exists()
    assert twice_stopped.therapist.post(f"{LIST}limits/", {**told, "stopped_sessions": "3"}).status_code == 302
    assert FollowUpLimits.objects.get().values == {"stopped_sessions": 3}
    assert codes(twice_stopped) == []


def test_the_page_asks_little_however_many_there_are(twice_stopped: People) -> None:
    Participant.objects.bulk_create(
        Participant(
            clinic=twice_stopped.clinic, pseudonym=f"m{n}", name=f"Navn {n:03}", nickname=f"N{n}", birth_year=1990
        )
        for n in range(70)
    )
    twice_stopped.therapist.get(LIST)
    with CaptureQueriesContext(connection) as asked:
        answer = twice_stopped.therapist.get(LIST)
    assert "71 trenger deg" in text_of(answer.content.decode())
    assert len(asked) <= MOST_QUERIES, [one["sql"][:90] for one in asked]


# --- the list of participants ---------------------------------------------------------------------------------------


def test_the_list_of_participants_shows_and_sorts_by_what_needs_somebody(people: People) -> None:
    planned(people)
    keep(stopped(1, 3, "p-2"), stopped(2, 1, "p-2"))
    codes(people)
    names = text_of(people.therapist.get("/c/trondheim/participants/?sort=need").content.decode())
    assert names.index("Ola Nordmann") < names.index("Kari Nordmann")
    assert "Stoppet tidlig i 2 økter på rad" in names
    only = text_of(people.therapist.get("/c/trondheim/participants/?who=follow_up").content.decode())
    assert "Ola Nordmann" in only
    assert "Kari Nordmann" not in only
    longest = text_of(people.therapist.get("/c/trondheim/participants/?sort=last").content.decode())
    assert longest.index("Kari Nordmann") < longest.index("Ola Nordmann")


def test_mine_in_the_list_of_participants(people: People) -> None:
    Participant.objects.filter(pseudonym="p-2").update(responsible=people.account("therapist"))
    mine = text_of(people.therapist.get("/c/trondheim/participants/?who=mine").content.decode())
    assert ("Ola Nordmann" in mine, "Kari Nordmann" in mine) == (True, False)


def test_an_administrator_who_may_not_see_the_diary_gets_no_reason_from_it(people: People) -> None:
    planned(people)
    keep(stopped(1, 3, "p-2"), stopped(2, 1, "p-2"))
    codes(people)
    page = people.admin.get("/c/trondheim/participants/?sort=need&who=follow_up").content.decode()
    assert "Stoppet tidlig" not in page
    assert people.admin.get(LIST).status_code == 404


def test_the_responsible_therapist_is_chosen_on_the_person_s_page(people: People) -> None:
    therapist = people.account("therapist")
    who = {"name": "Kari Nordmann", "birth_year": "1980", "sex": "f", "nickname": "Rev"}
    told = {**who, "language": "nb", "group": "A", "active": "on"}
    address = "/c/trondheim/participants/p-1/"
    assert people.therapist.post(f"{address}edit/", {**told, "responsible": str(therapist.pk)}).status_code == 302
    assert Participant.objects.get(pseudonym="p-1").responsible == therapist
    assert "Therapist Testesen" in text_of(people.therapist.get(address).content.decode())
    stranger = people.account("bergen-therapist")
    assert people.therapist.post(f"{address}edit/", {**told, "responsible": str(stranger.pk)}).status_code == 422


def test_a_refusal_that_a_machine_sends_is_there_at_once(people: People) -> None:
    planned(people)
    assert codes(people) == []
    told_at = Clocks("b", 5.0, datetime.now(UTC).timestamp(), synchronised=True)
    for outcome, told in (("refused", [("p-1", "refused_plan")]), ("taken", [])):
        word = PlanTaken(participant="p-1", version=1, outcome=outcome, at=told_at, reason="protocol")
        store.commit([parser.arrival("ic/1/trondheim/molle-2/taken", encode(word))])
        assert codes(people) == told
