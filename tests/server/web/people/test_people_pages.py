"""Participants on the therapist's pages: found by any part of what they are called, taken in, changed, gathered."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from server.accounts.models import Clinic
from server.audit.models import Entry
from server.live.models import Outgoing, SuppliedMachine
from server.people import participant_list, participant_service, plan_service
from server.people.models import Course, Note, Participant, PlanVersion
from server.people.plan_rules import Values
from server.people.small_plot import small_plot
from sync.wire.codec import read
from sync.wire.messages import PlanOnWire
from sync.wire.topics import PARTICIPANT
from tests.server.web.conftest import People
from tests.server.web.diary.test_diary_pages import keep, text_of, trained

LIST = "/c/trondheim/participants/"
PLAN = Values(hr_max_bpm=180.0, hr_max_source="measured", weekly_cap=3)
MOST_QUERIES = 15
NEW = {"name": "Siv  Ås", "birth_year": "1984", "sex": "f", "nickname": "Ulv", "picture": "bear", "language": "nb"}


def found(clinic: Clinic, search: str = "", state: str = "", group: str = "") -> list[str]:
    return [
        one.name for one in participant_list.find_participants(clinic, participant_list.asked_for(search, state, group))
    ]


def made(people: People, name: str, nickname: str, **more: object) -> Participant:
    usual = {"clinic": people.clinic, "pseudonym": f"x-{nickname}", "birth_year": 1980}
    return Participant.objects.create(name=name, nickname=nickname, **{**usual, **more})


def rows(people: People, **asked: str) -> list[participant_list.ParticipantRow]:
    shown = participant_list.find_participants(
        people.clinic, participant_list.asked_for(asked.get("q", ""), asked.get("state", ""), "")
    )
    return participant_list.rows_of(shown, timezone.now(), see_diary=True)


# --- the list --------------------------------------------------------------------------------------------------------


def test_models_and_migrations_agree(people: People) -> None:
    del people
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("ØRN", ["Ola Nordmann"]),
        ("nordmann", ["Kari Nordmann", "Ola Nordmann"]),
        ("mann kari", ["Kari Nordmann"]),
        ("p-2", ["Ola Nordmann"]),
        ("gruppe-å", ["Åse Øye"]),
        ("100%", []),
        ("_", []),
        ("\x00kari", ["Kari Nordmann"]),
        ("Hansen", []),
    ],
)
def test_somebody_is_found_by_any_part_whatever_its_case(people: People, search: str, names: list[str]) -> None:
    made(people, "Åse Øye", "Li", group="Gruppe-Å")
    assert found(people.clinic, search) == names


def test_those_who_have_ended_are_shown_when_asked_for(people: People) -> None:
    people.participant.active = False
    people.participant.save(update_fields=["active"])
    assert (found(people.clinic), found(people.clinic, state="ended")) == (["Ola Nordmann"], ["Kari Nordmann"])
    assert len(found(people.clinic, state="all")) == 2
    assert found(people.clinic, group="A") == ["Ola Nordmann"]
    assert found(people.clinic, group="B") == []


def test_who_was_renamed_is_found_by_the_new_name_alone(people: People) -> None:
    people.participant.name = "Kari Ødegård"
    people.participant.save(update_fields=["name"])
    assert (found(people.clinic, "ødeg"), found(people.clinic, "kari nord")) == (["Kari Ødegård"], [])
    Participant.objects.bulk_create(
        [Participant(clinic=people.clinic, pseudonym="b", name="Bo Vik", nickname="Bo", birth_year=1990)]
    )
    assert found(people.clinic, "bo vik") == ["Bo Vik"]


def test_a_row_tells_the_plan_the_training_and_what_needs_a_look(people: People) -> None:
    today = timezone.localdate()
    account = people.account("therapist")
    plan_service.save_plan(people.participant, account, PLAN, base=0, reason="")
    Course.objects.create(participant=people.participant, begins_on=today - timedelta(days=20))
    keep(trained(1, day=today - timedelta(days=12)), trained(2, day=today - timedelta(days=15), intervals=0))
    kari, ola = rows(people)
    assert (kari.plan, kari.week, kari.cap, ola.plan, ola.cap) == ("4×4 · makspuls 180", 0, 3, "", None)
    assert kari.last_on == today - timedelta(days=12)
    assert kari.attendance is not None
    assert (kari.attendance.done, kari.attendance.of) == (1, 24)
    assert [one.words for one in kari.looks] == ["borte i 11 dager"]
    assert [one.words for one in ola.looks] == ["ingen plan"]


@pytest.mark.parametrize(("days", "words"), [(-1, ["planen er utløpt"]), (0, ["planen slutter i dag"]), (30, [])])
def test_a_plan_that_ends_is_told(people: People, days: int, words: list[str]) -> None:
    until = timezone.localdate() + timedelta(days=days)
    PlanVersion.objects.create(participant=people.participant, version=1, hr_max_bpm=180.0, valid_until=until)
    assert [one.words for one in rows(people)[0].looks] == words


def test_the_list_asks_little_however_many_there_are(people: People) -> None:
    Participant.objects.bulk_create(
        Participant(clinic=people.clinic, pseudonym=f"m{n}", name=f"Navn {n:03}", nickname=f"N{n}", birth_year=1990)
        for n in range(60)
    )
    keep(trained(1), trained(2, participant="p-2"))
    people.therapist.get(LIST)
    with CaptureQueriesContext(connection) as asked:
        answer = people.therapist.get(LIST)
    assert len(asked) <= MOST_QUERIES, [one["sql"] for one in asked]
    assert "Side 1 av 3" in text_of(answer.content.decode())


def test_typing_gets_the_rows_alone_by_a_post_that_puts_no_name_in_an_address(people: People) -> None:
    page = people.therapist.post(LIST, {"q": "ola", "part": "rows"}).content.decode()
    assert "<html" not in page
    assert ("Ola Nordmann" in page, "Kari Nordmann" in page) == (True, False)
    plain = people.therapist.get(f"{LIST}?q=ola").content.decode()
    assert ("<html" in plain, "Kari Nordmann" in plain) == (True, False)


def test_a_list_that_is_searched_is_one_look_in_the_log(people: People) -> None:
    people.therapist.get(LIST)
    for letters in ("k", "ka", "kar"):
        people.therapist.post(LIST, {"q": letters, "part": "rows"})
    assert Entry.objects.filter(action="people.listed").count() == 1


def test_who_may_not_see_the_diary_gets_no_word_of_it_in_the_list(people: People) -> None:
    keep(trained(1))
    page = text_of(people.admin.get(LIST).content.decode())
    assert ("Kari Nordmann" in page, "Siste økt" in page, "Ny deltaker" in page) == (True, False, False)


# --- taking in and changing ------------------------------------------------------------------------------------------


def test_somebody_new_gets_a_pseudonym_that_tells_nothing_and_then_a_clearance(people: People) -> None:
    answer = people.therapist.post(f"{LIST}new/", NEW)
    siv = Participant.objects.get(name="Siv Ås")
    assert answer.headers["Location"] == f"{LIST}{siv.pseudonym}/clearance/"
    assert re.fullmatch(r"p-[2-9a-hjkmnp-z]{8}", siv.pseudonym)
    assert PARTICIPANT.match(siv.pseudonym)
    assert (siv.birth_year, siv.nickname, siv.picture, siv.active) == (1984, "Ulv", "bear", True)
    assert participant_service.new_pseudonym(people.clinic) != participant_service.new_pseudonym(people.clinic)


def test_somebody_alike_is_shown_before_a_second_is_made(people: People) -> None:
    twin = {**NEW, "name": "kari  NORDMANN", "birth_year": "1980"}
    answer = people.therapist.post(f"{LIST}new/", twin)
    assert answer.status_code == 422
    assert "Er det en av disse?" in text_of(answer.content.decode())
    assert people.therapist.post(f"{LIST}new/", {**twin, "another": "on"}).status_code == 302


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"nickname": "rev"}, "Kallenavnet er allerede i bruk"),
        ({"nickname": "x" * 21}, "For langt"),
        ({"birth_year": "84"}, "Det kan ikke stemme"),
        ({"picture": "dragon"}, ""),
        ({"consent": "on", "consent_on": "2999-01-01"}, "Datoen er ikke kommet ennå."),
    ],
)
def test_what_cannot_be_is_said(people: People, changes: dict[str, str], words: str) -> None:
    answer = people.therapist.post(f"{LIST}new/", {**NEW, **changes})
    assert answer.status_code == 422
    assert words in text_of(answer.content.decode())
    assert not Participant.objects.filter(name="Siv Ås").exists()


def edited(people: People, **changes: str) -> None:
    one = Participant.objects.get(pk=people.participant.pk)
    now = {
        "name": one.name,
        "birth_year": str(one.birth_year),
        "sex": one.sex,
        "nickname": one.nickname,
        "picture": one.picture,
        "language": one.language,
        "group": one.group,
        "active": "on",
    }
    told = {name: value for name, value in {**now, **changes}.items() if value}
    assert people.therapist.post(f"{LIST}p-1/edit/", told).status_code == 302


def test_what_machines_show_goes_out_at_once_under_a_higher_version(people: People) -> None:
    SuppliedMachine.objects.create(clinic=people.clinic, machine="molle-1")
    plan_service.save_plan(people.participant, people.account("therapist"), PLAN, base=0, reason="")
    edited(people, group="B")
    assert Outgoing.objects.count() == 1
    edited(people, nickname="Ulv", picture="fox")
    told = read(bytes(Outgoing.objects.order_by("pk").reverse()[0].payload), PlanOnWire)
    assert isinstance(told, PlanOnWire)
    assert (told.version, told.plan.nickname, told.plan.picture) == (2, "Ulv", "fox")
    lines = [one.detail["fields"] for one in Entry.objects.filter(action="people.changed").order_by("number")]
    assert lines == [["group"], ["nickname", "picture"]]


def test_who_has_ended_is_taken_from_the_machines_and_comes_back_with_the_plan(people: People) -> None:
    SuppliedMachine.objects.create(clinic=people.clinic, machine="molle-1")
    plan_service.save_plan(people.participant, people.account("therapist"), PLAN, base=0, reason="")
    edited(people, active="")
    edited(people, active="on")
    payloads = [bytes(row.payload) for row in Outgoing.objects.order_by("pk")]
    assert [bool(one) for one in payloads] == [True, False, True]
    told = read(payloads[-1], PlanOnWire)
    assert isinstance(told, PlanOnWire)
    assert told.version == 2


def test_consent_to_research_is_given_on_a_day_and_taken_back(people: People) -> None:
    edited(people, consent="on", consent_on="2026-02-03")
    agreed = Participant.objects.get(pk=people.participant.pk).research_consent_at
    assert agreed is not None
    assert timezone.localdate(agreed) == date(2026, 2, 3)
    edited(people)
    assert Participant.objects.get(pk=people.participant.pk).research_consent_at is None


# --- the page that gathers everything --------------------------------------------------------------------------------


def test_the_overview_gathers_plan_course_sessions_and_notes(people: People) -> None:
    plan_service.save_plan(people.participant, people.account("therapist"), PLAN, base=0, reason="")
    Course.objects.create(participant=people.participant, begins_on=timezone.localdate() - timedelta(days=10))
    keep(*(trained(number, day=timezone.localdate() - timedelta(days=2 * number)) for number in range(1, 5)))
    people.therapist.post(f"{LIST}p-1/note/", {"text": "Kneet er bedre."})
    with CaptureQueriesContext(connection) as asked:
        page = text_of(people.therapist.get(f"{LIST}p-1/").content.decode())
    for words in ("4×4 · makspuls 180", "4 av 24", "4 av 4 drag", "Kneet er bedre.", "Therapist Testesen", "1980"):
        assert words in page
    assert len(asked) <= 25, [one["sql"] for one in asked]
    assert Note.objects.get().made_by == people.account("therapist")
    assert "Kneet" not in str(list(Entry.objects.values_list("detail", flat=True)))


def test_an_empty_note_is_not_kept(people: People) -> None:
    assert people.therapist.post(f"{LIST}p-1/note/", {"text": " "}).status_code == 422
    assert people.admin.post(f"{LIST}p-1/note/", {"text": "Hei"}).status_code == 404
    assert Note.objects.count() == 0


def test_the_responsible_therapist_writes_a_word_that_goes_to_the_machines(people: People) -> None:
    therapist = people.account("therapist")
    plan_service.save_plan(people.participant, therapist, PLAN, base=0, reason="")
    SuppliedMachine.objects.create(clinic=people.participant.clinic, machine="molle-1")
    keep(*(trained(number, day=timezone.localdate() - timedelta(days=2 * number)) for number in range(1, 3)))
    rows = Outgoing.objects.count()
    people.therapist.post(f"{LIST}p-1/word/", {"word": "Sterkt!"})
    assert Participant.objects.get(pseudonym="p-1").word == ""
    Participant.objects.filter(pseudonym="p-1").update(responsible=therapist)
    people.therapist.post(f"{LIST}p-1/word/", {"word": "x" * 81})
    assert Outgoing.objects.count() == rows
    people.therapist.post(f"{LIST}p-1/word/", {"word": " Sterkt  i går! "})
    sent = read(bytes(Outgoing.objects.latest("pk").payload), PlanOnWire)
    assert isinstance(sent, PlanOnWire)
    assert sent.progress is not None
    assert sent.progress.word is not None
    assert (sent.progress.word.text, len(sent.progress.sessions), sent.progress.sex) == ("Sterkt i går!", 2, "f")
    assert sent.progress.sessions[0].ended_wall_s < sent.progress.sessions[1].ended_wall_s
    assert "Sterkt" not in str(list(Entry.objects.values_list("detail", flat=True)))
    assert Entry.objects.filter(action="word.written", participant="p-1").count() == 1
    people.therapist.post(f"{LIST}p-1/word/", {"word": ""})
    assert Participant.objects.get(pseudonym="p-1").word_written_at is None


def test_who_may_not_see_the_diary_sees_person_and_plan_alone(people: People) -> None:
    keep(trained(1))
    Note.objects.create(participant=people.participant, text="Hemmelig")
    page = text_of(people.admin.get(f"{LIST}p-1/").content.decode())
    assert ("Født" in page, "Hemmelig" in page, "Siste økter" in page) == (True, False, False)
    assert "Innsyn" in page


def test_a_small_plot_has_its_highest_value_highest_and_none_for_one_value() -> None:
    assert small_plot([(14.0, "a")], 6, 20) is None
    plot = small_plot([(6.0, "a"), (20.0, "b"), (25.0, "c")], 6, 20, steps=True)
    assert plot is not None
    assert [(dot.x, dot.y) for dot in plot.dots] == [("6.0", "54.0"), ("120.0", "6.0"), ("234.0", "6.0")]
    assert plot.line == "6.0,54.0 120.0,54.0 120.0,6.0 234.0,6.0 234.0,6.0"
    assert plot.last == 25.0


def test_sessions_of_the_last_seven_days_count_as_on_the_machine(people: People) -> None:
    (first, short) = keep(trained(1, day=timezone.localdate() - timedelta(days=2)), trained(2))
    short.training_s = 500.0
    short.save(update_fields=["training_s"])
    assert first.begun_at < datetime.now(UTC)
    assert rows(people)[0].week == 1
