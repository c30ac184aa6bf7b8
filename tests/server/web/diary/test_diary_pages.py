"""The diary's pages: what they show, to whom, what rubbish in an address gets, and how much they ask the database."""

import re
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from server.audit.models import Entry
from server.collector import parser, store
from server.diary.ingest import enter_waiting
from server.diary.models import DiaryEntry, Reassignment
from server.models import Session
from server.people.models import Course, Note, Participant
from sync.wire.codec import encode_session
from sync.wire.messages import ClocksAt, SessionDelivery
from sync.wire.sample_columns import samples_of
from tests.server.web.conftest import Browser, People
from tests.support.broker.delivery_factory import delivery
from tests.support.machine import session_factory

MOST_QUERIES = 11


def trained(
    number: int, *, participant: str = "p-1", day: date | None = None, clinic: str = "trondheim", intervals: int = 4
) -> SessionDelivery:
    """Session `number`, as a machine sends it."""
    made = delivery(number, clinic=clinic, seed=0)
    clocks = made.clocks[0].clocks
    at = datetime(*(day or timezone.localdate()).timetuple()[:3], 10, tzinfo=UTC)
    summary = msgspec.structs.replace(
        made.summary, participant=participant, completed=intervals == 4, completed_intervals=intervals
    )
    return msgspec.structs.replace(
        made,
        participant=participant,
        summary=summary,
        samples=samples_of(session_factory.messages(), session_factory.events()),
        clocks=(ClocksAt(0.0, msgspec.structs.replace(clocks, wall_s=at.timestamp())),),
    )


def keep(*deliveries: SessionDelivery) -> list[DiaryEntry]:
    store.commit(
        [
            parser.arrival(f"ic/1/{one.clinic}/{one.machine}/session/{one.session_id}", encode_session(one))
            for one in deliveries
        ]
    )
    enter_waiting()
    return [DiaryEntry.objects.get(session_id=one.session_id) for one in deliveries]


def text_of(page: str) -> str:
    """What a page says, without its marks."""
    body = re.sub(r"<(script|style).*?</\1>", " ", page[page.index("<main") : page.index("</main")], flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def shown(browser: Browser, name: str, *args: object, query: str = "") -> str:
    answer = browser.get(reverse(f"diary:{name}", args=args) + query)
    assert answer.status_code == 200, (answer.status_code, name)
    return text_of(answer.content.decode())


# --- a participant's own pages ---------------------------------------------------------------------------------------


def test_the_calendar_shows_each_day_with_its_session(people: People) -> None:
    keep(trained(1, day=date(2026, 3, 4)), trained(2, day=date(2026, 3, 6), intervals=2))
    page = people.therapist.get(
        reverse("diary:calendar", args=["trondheim", "p-1"]) + "?month=2026-03"
    ).content.decode()
    assert "2 økter, 19 min i målsonen" in text_of(page)
    assert '<span class="unseen">4. mar: 4 av 4 drag, hele økten, 9,7 min i sonen</span>' in page
    assert '<span class="unseen">6. mar: 2 av 4 drag, ikke hele økten, 9,7 min i sonen</span>' in page


def test_the_list_is_paged_and_says_what_was_trained(people: People) -> None:
    keep(*(trained(number, day=date(2026, 3, 1) + timedelta(days=number)) for number in range(1, 28)))
    first = shown(people.therapist, "list", "trondheim", "p-1")
    assert "28. mar 2026, 11:00" in first
    assert " 3. mar 2026" not in first
    assert "Side 1 av 2" in first
    assert "2. mar 2026, 11:00" in shown(people.therapist, "list", "trondheim", "p-1", query="?page=2")


def test_an_empty_diary_says_when_it_will_not_be(people: People) -> None:
    assert "Ingen økter ennå" in shown(people.therapist, "list", "trondheim", "p-1")
    assert "Ikke noe treningsforløp ennå" in shown(people.therapist, "course", "trondheim", "p-1")  # codespell:ignore


def test_a_course_shows_weeks_attendance_and_going_back(people: People) -> None:
    today = timezone.localdate()
    begun = today - timedelta(days=25)
    Course.objects.create(participant=people.participant, begins_on=begun)
    days = [begun + timedelta(days=at) for at in (0, 2, 4, 7, 9, 11, 25)]
    keep(*(trained(at, day=day) for at, day in enumerate(days, 1)))
    page = shown(people.therapist, "course", "trondheim", "p-1")
    assert "7 av 24 økter" in page
    assert "En pause på 13 dager · videre med uke 1" in page
    assert "Godt å ha deg tilbake. Etter 13 dager uten økt er det lurt å gå en uke tilbake i planen" in page
    assert "Da begynte dragene på 6,4 km/t og 5,0 % stigning." in page
    assert "Uke 1 (på nytt)" in page
    for plot in (
        "Minutter i målsonen, av 16",
        "Puls i 3. minutt mot belastning",  # codespell:ignore
        "Kondisjonsalder",
        "Opplevd anstrengelse",
    ):
        assert plot in page


def test_every_plot_has_its_table(people: People) -> None:
    keep(trained(1), trained(2))
    page = people.therapist.get(reverse("diary:course", args=["trondheim", "p-1"])).content.decode()
    figures = re.findall(r"<figure.*?</figure>", page, flags=re.DOTALL)
    assert len(figures) == 5
    assert all("<table" in figure and figure.count("<tr>") == 3 for figure in figures)


def test_a_fitness_age_needs_a_sex_and_says_so(people: People) -> None:
    Participant.objects.filter(pk=people.participant.pk).update(sex="")
    keep(trained(1))
    page = shown(people.therapist, "course", "trondheim", "p-1")
    assert "Kondisjonsalder krever at deltakerens kjønn er kjent" in page


def test_a_course_is_begun_ended_and_goes_on(people: People) -> None:
    where = ("trondheim", "p-1")
    given = {"begins_on": "2026-01-05", "weeks": "8", "sessions": "24"}
    assert people.therapist.post(reverse("diary:begin_course", args=where), given).status_code == 302
    later = {**given, "begins_on": "2026-06-01"}
    people.therapist.post(reverse("diary:begin_course", args=where), later)
    first, second = Course.objects.order_by("begins_on")
    assert (first.ended_on, second.ended_on) == (date(2026, 5, 31), None)
    end = reverse("diary:end_course", args=[*where, second.pk])
    people.therapist.post(end)
    assert Course.objects.get(pk=second.pk).ended_on == timezone.localdate()
    people.therapist.post(end)
    assert Course.objects.get(pk=second.pk).ended_on is None


@pytest.mark.parametrize(
    "wrong", [{"weeks": "0"}, {"sessions": "100000"}, {"begins_on": "soon"}, {"weeks": "-1"}, {"begins_on": ""}]
)
def test_a_course_that_cannot_be_is_refused_in_words(people: People, wrong: dict[str, str]) -> None:
    given = {"begins_on": "2026-01-05", "weeks": "8", "sessions": "24", **wrong}
    answer = people.therapist.post(reverse("diary:begin_course", args=["trondheim", "p-1"]), given)
    assert answer.status_code == 400
    assert b"errorlist" in answer.content
    assert not Course.objects.exists()


# --- one session -----------------------------------------------------------------------------------------------------


def test_a_session_tells_intervals_signal_clock_events_and_software(people: People) -> None:
    [entry] = keep(trained(1))
    page = shown(people.therapist, "session", "trondheim", entry.session_id)
    assert "Kari Nordmann" in page
    assert "nådde målsonen: 9:40 i sonen" in page
    assert "Hele økten gjennomført · 4 av 4 drag" in page
    assert "Borg 1 10:00 161 (87 %) 1:35 2:25 0:00 168 24 6,4 5,0 – 2 18:00" in page.replace("\u00a0", " ")
    assert "sikker puls 98" in page  # codespell:ignore
    assert "god kontakt: 39:05" in page
    assert "Maskinens klokke var stilt." in page
    assert "15:00 Stans på ønske" in page
    assert "4 råd" in page
    assert "0.1.0" in page


def test_the_trace_is_columns_of_the_same_length_with_words(people: People) -> None:
    [entry] = keep(trained(1))
    told = people.therapist.get(reverse("diary:trace", args=["trondheim", entry.session_id])).json()
    trace, words = told["trace"], told["words"]
    assert {len(trace[name]) for name in ("t", "rate_bpm", "doubtful", "expected_bpm")} == {len(trace["t"])}
    assert trace["length_s"] == session_factory.events()[-1].t
    assert words["phases"][:3] == ["Oppvarming", "Drag 1", "Aktiv pause"]
    assert [band for band in trace["bands"] if band["start_s"] == 600.0] == [
        {"start_s": 600.0, "end_s": 840.0, "low_bpm": 158.0, "high_bpm": 175.0}
    ]
    assert trace["pauses"] == [[900.0, 960.0]]
    silent = [rate for t, rate in zip(trace["t"], trace["rate_bpm"], strict=True) if 1506 <= t < 1539]
    assert set(silent) == {None}
    assert len(words["advice"]) == len(trace["advice"])


def test_without_its_raw_data_a_session_is_told_from_its_summary(people: People) -> None:
    [entry] = keep(trained(1))
    Session.objects.update(payload=None)
    page = shown(people.therapist, "session", "trondheim", entry.session_id)
    assert "Rådataene fra denne økten er ikke lagret lenger" in page
    assert "nådde målsonen: 9:40 i sonen" in page
    assert people.therapist.get(reverse("diary:trace", args=["trondheim", entry.session_id])).status_code == 404


@pytest.mark.parametrize("left", [0, 50, 200])
def test_a_session_that_cannot_be_read_says_so(people: People, left: int) -> None:
    [entry] = keep(trained(1))
    stored = Session.objects.get()
    Session.objects.update(payload=bytes(stored.payload or b"")[:left])
    assert "Opptaket er ufullstendig" in shown(people.therapist, "session", "trondheim", entry.session_id)


def test_a_flaw_is_shown_on_page_and_list(people: People) -> None:
    [entry] = keep(trained(1))
    Session.objects.update(flaw="The content is cut off.")
    assert "The content is cut off." in shown(people.therapist, "session", "trondheim", entry.session_id)
    assert "ufullstendig" in shown(people.therapist, "list", "trondheim", "p-1")


def test_an_unsure_clock_is_told(people: People) -> None:
    made = trained(1)
    unsure = msgspec.structs.replace(made, quality=msgspec.structs.replace(made.quality, clock_trusted=False))
    [entry] = keep(unsure)
    assert "klokke var ikke stilt" in shown(people.therapist, "session", "trondheim", entry.session_id)
    assert "usikker dag" in shown(people.therapist, "list", "trondheim", "p-1")


def test_a_note_is_kept_with_its_writer_and_escaped(people: People) -> None:
    [entry] = keep(trained(1))
    where = reverse("diary:note", args=["trondheim", entry.session_id])
    assert people.therapist.post(where, {"text": "Sliten <b>i dag</b>"}).status_code == 302
    page = people.therapist.get(reverse("diary:session", args=["trondheim", entry.session_id])).content.decode()
    assert "Sliten &lt;b&gt;i dag&lt;/b&gt;" in page
    assert Note.objects.get().made_by == people.account("therapist")
    assert people.therapist.post(where, {"text": " "}).status_code == 400


# --- whose session it is (hazard H12) --------------------------------------------------------------------------------


def reassign(people: People, entry: DiaryEntry, who: Participant | None, **more: str) -> int:
    entry.refresh_from_db()
    told = {"before": str(entry.participant_id or ""), "reason": "Valgte feil navn"}
    given = {**told, "after": str(who.pk if who else ""), **more}
    return people.therapist.post(reverse("diary:reassign", args=["trondheim", entry.session_id]), given).status_code


def test_a_session_is_reassigned_once_it_is_confirmed_and_back_again(people: People) -> None:
    [entry] = keep(trained(1))
    kari, ola = people.participants
    Note.objects.create(participant=kari, session_id=entry.session_id, text="Seen")
    assert reassign(people, entry, ola) == 200
    assert (DiaryEntry.objects.get().participant, Reassignment.objects.count()) == (kari, 0)
    assert reassign(people, entry, ola, sure="yes") == 302
    assert (DiaryEntry.objects.get().participant, Note.objects.get().participant) == (ola, ola)
    page = shown(people.therapist, "session", "trondheim", entry.session_id)
    assert "trent som p-1" in page  # codespell:ignore
    assert "Kari Nordmann (Rev, 1980) → Ola Nordmann (Ørn, 1980): «Valgte feil navn» (Therapist Testesen)" in page
    assert reassign(people, entry, kari, sure="yes") == 302
    assert (DiaryEntry.objects.get().participant, Reassignment.objects.count()) == (kari, 2)


def test_both_participants_logs_tell_of_it_without_the_reason(people: People) -> None:
    [entry] = keep(trained(1))
    reassign(people, entry, people.participants[1], sure="yes")
    lines = Entry.objects.filter(action="reassign session").order_by("number")
    told = {"session": str(entry.session_id), "before": "p-1", "after": "p-2"}
    assert [(line.participant, line.role, line.detail) for line in lines] == [
        ("p-1", "therapist", told),
        ("p-2", "therapist", told),
    ]


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"reason": ""}, 400),
        ({"reason": "x"}, 400),
        ({"after": "same"}, 400),
        ({"after": "other clinic"}, 400),
        ({"after": "rubbish"}, 400),
        ({"before": "999999"}, 400),
    ],
)
def test_a_reassignment_that_cannot_be_changes_nothing(people: People, given: dict[str, str], status: int) -> None:
    [entry] = keep(trained(1))
    names = {"same": str(people.participant.pk), "other clinic": str(people.others_participant.pk)}
    changed = {name: names.get(value, value) for name, value in given.items()}
    assert reassign(people, entry, people.participants[1], sure="yes", **changed) == status
    assert (DiaryEntry.objects.get().participant, Reassignment.objects.count()) == (people.participant, 0)


def test_a_guests_session_is_listed_until_it_is_known_whose_it_is(people: People) -> None:
    [entry] = keep(trained(1, participant="guest-7"))
    assert "guest-7" in shown(people.therapist, "unassigned", "trondheim")
    assert "Notater kan skrives når økten er knyttet" in shown(
        people.therapist, "session", "trondheim", entry.session_id
    )
    assert (
        people.therapist.post(
            reverse("diary:note", args=["trondheim", entry.session_id]), {"text": "Whose?"}
        ).status_code
        == 404
    )
    assert reassign(people, entry, people.participants[1], sure="yes") == 302
    page = shown(people.therapist, "unassigned", "trondheim")
    assert "Ingen. Alle økter er knyttet til en deltaker." in page  # codespell:ignore
    assert DiaryEntry.objects.get().participant == people.participants[1]


# --- the clinic's days -----------------------------------------------------------------------------------------------


def test_a_day_shows_who_trained(people: People) -> None:
    keep(
        trained(1, day=date(2026, 3, 4)),
        trained(2, participant="p-2", day=date(2026, 3, 4)),
        trained(3, day=date(2026, 3, 5)),
    )
    page = shown(people.therapist, "days", "trondheim", query="?day=2026-03-04")
    assert "4. mar 2 økter" in page
    assert "Kari Nordmann Rev · 1980 · Mølle 1 · 4×4" in page
    assert "Ola Nordmann Ørn · 1980 · Mølle 1 · 4×4" in page
    assert "Ingen har trent denne dagen." in shown(people.therapist, "days", "trondheim", query="?day=2026-03-07")


# --- rubbish, strangers, queries -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("calendar", "?month=2026-13"),
        ("calendar", "?month=0000-01"),
        ("calendar", "?month=9999-12"),
        ("calendar", "?month=٢٠٢٦-٠١"),
        ("calendar", "?month="),
        ("list", "?page=0"),
        ("list", "?page=2"),
        ("list", "?page=-1"),
        ("list", "?page=" + "9" * 40),
        ("list", "?page=²"),
        ("course", "?course=999"),
        ("course", "?course=1;drop"),
    ],
)
def test_rubbish_in_a_participants_address_is_no_page(people: People, name: str, query: str) -> None:
    answer = people.therapist.get(reverse(f"diary:{name}", args=["trondheim", "p-1"]) + query)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "query", ["?day=2026-02-30", "?day=20260204", "?day=today", "?month=x", "?day=9999-12-31", "?day=2026-W10-1"]
)
def test_rubbish_in_the_clinics_address_is_no_page(people: People, query: str) -> None:
    assert people.therapist.get(reverse("diary:days", args=["trondheim"]) + query).status_code == 404


def test_a_session_that_is_not_there_is_no_page(people: People) -> None:
    for name in ("session", "trace", "reassign"):
        assert people.therapist.get(reverse(f"diary:{name}", args=["trondheim", uuid4()])).status_code == 404


def test_another_clinics_sessions_and_people_do_not_exist(people: People) -> None:
    [theirs] = keep(trained(1, participant="p-9", clinic="bergen"))
    for name in ("session", "trace", "reassign"):
        assert people.therapist.get(reverse(f"diary:{name}", args=["trondheim", theirs.session_id])).status_code == 404
        assert people.therapist.get(reverse(f"diary:{name}", args=["bergen", theirs.session_id])).status_code == 404
    for name in ("calendar", "list", "course"):
        assert people.therapist.get(reverse(f"diary:{name}", args=["trondheim", "p-9"])).status_code == 404


@pytest.mark.parametrize(
    "role", ["clinic_admin", "coordinator", "researcher", "support", "bergen-therapist", "nothing"]
)
def test_nobody_but_the_clinics_therapists_sees_a_diary(people: People, role: str) -> None:
    [entry] = keep(trained(1))
    browser = people.clients[role]
    addresses = [reverse(f"diary:{name}", args=["trondheim", "p-1"]) for name in ("calendar", "list", "course")]
    addresses += [reverse(f"diary:{name}", args=["trondheim"]) for name in ("days", "unassigned")]
    addresses += [reverse(f"diary:{name}", args=["trondheim", entry.session_id]) for name in ("session", "trace")]
    assert {browser.get(address).status_code for address in addresses} == {404}


def test_every_look_at_a_session_is_in_the_access_log(people: People) -> None:
    [entry] = keep(trained(1))
    for name in ("session", "trace"):
        people.therapist.get(reverse(f"diary:{name}", args=["trondheim", entry.session_id]))
    lines = Entry.objects.filter(participant="p-1").values_list("action", "account", "detail")
    told = {"session": str(entry.session_id)}
    assert list(lines) == [("see session", "therapist", told), ("see trace", "therapist", told)]


def count(people: People, name: str, *args: object) -> list[str]:
    """The statements of one page, without what begins and ends transactions."""
    address = reverse(f"diary:{name}", args=args)
    people.therapist.get(address)
    with CaptureQueriesContext(connection) as caught:
        assert people.therapist.get(address).status_code == 200
    return [one["sql"] for one in caught if one["sql"].split()[0] not in ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")]


def test_a_course_page_asks_the_database_eleven_times_at_most(people: People) -> None:
    begun = timezone.localdate() - timedelta(days=50)
    Course.objects.create(participant=people.participant, begins_on=begun)
    keep(*(trained(at, day=begun + timedelta(days=2 * at)) for at in range(1, 25)))
    asked = count(people, "course", "trondheim", "p-1")
    assert len(asked) <= MOST_QUERIES, "\n".join(one[:150] for one in asked)
    assert not any("payload" in one for one in asked)


def test_how_often_a_page_asks_does_not_grow_with_the_sessions(people: People) -> None:
    pages = [
        ("calendar", "trondheim", "p-1"),
        ("list", "trondheim", "p-1"),
        ("days", "trondheim"),
        ("unassigned", "trondheim"),
    ]
    keep(trained(1), trained(2, participant="guest-1"))
    few = [len(count(people, *page)) for page in pages]
    keep(*(trained(at) for at in range(3, 12)), *(trained(at, participant="guest-1") for at in range(12, 20)))
    assert [len(count(people, *page)) for page in pages] == few
