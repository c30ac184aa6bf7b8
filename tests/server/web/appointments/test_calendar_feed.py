"""The calendar feed: valid by an independent parser, right across a change of clocks, and without any name."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from server.accounts.accounts import reset
from server.accounts.models import Membership
from server.appointments import feed_pages
from server.appointments.appointment_service import at_clinic
from server.appointments.calendar_text import escaped, folded
from server.appointments.models import Appointment, CalendarFeed
from server.audit.models import Entry
from tests.server.web.conftest import People, logged_in

WHERE = "/c/trondheim/week/calendar/"


@pytest.fixture(autouse=True)
def counted_anew() -> None:
    feed_pages.wrong_secrets.clear()
    feed_pages.reads.clear()


def address(people: People, whose: str = "all", who: str = "therapist") -> str:
    answer = people.clients[who].post(WHERE, {"whose": whose})
    found = re.search(r"/calendar/[\w-]+\.ics", answer.content.decode())
    assert found
    return found[0]


def book(people: People, on: date, hour: int = 9, **more: object) -> Appointment:
    begins_at = at_clinic(people.clinic, on, time(hour))
    return Appointment.objects.create(
        clinic=people.clinic, participant=people.participant, begins_at=begins_at, on=on, machine="molle-1", **more
    )


def events(text: bytes) -> list[Any]:
    calendar = Calendar.from_ical(text)
    assert calendar.errors == []
    return [one for one in calendar.walk("VEVENT") if one.errors == []]


def test_the_feed_is_a_calendar_by_rfc_5545_with_instants_that_no_change_of_clocks_moves(people: People) -> None:
    with time_machine.travel(datetime(2027, 3, 20, 12, tzinfo=UTC)):
        for on in (date(2027, 3, 26), date(2027, 3, 29)):
            book(people, on)
        book(people, date(2027, 10, 29), absence="sick")
        people.clients["therapist"] = logged_in(people.account("therapist"))
        answer = people.anybody.get(address(people))
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    assert "no-store" in answer["Cache-Control"]
    lines = answer.content.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert b"\n" not in b"".join(lines)
    found = events(answer.content)
    assert [one.decoded("dtstart") for one in found] == [
        datetime(2027, 3, 26, 8, tzinfo=UTC), datetime(2027, 3, 29, 7, tzinfo=UTC),
    ]  # fmt: skip
    assert [one.decoded("dtend") - one.decoded("dtstart") for one in found] == [timedelta(hours=1)] * 2
    assert {str(one["status"]) for one in found} == {"CONFIRMED"}
    assert len({str(one["uid"]) for one in found}) == 2


@pytest.mark.parametrize("change", ["password", "reset"])
def test_an_address_ends_with_the_password_that_it_was_made_under(people: People, change: str) -> None:
    account = people.account("therapist")
    path = address(people)
    assert people.anybody.get(path).status_code == 200
    if change == "password":
        account.set_password("en helt annen fjord")
        account.save(update_fields=["password"])
    else:
        reset("operator", account, None)
    assert people.anybody.get(path).status_code == 404
    assert CalendarFeed.objects.count() == 1, "a new address takes its place"


def test_the_feed_holds_the_pseudonym_and_no_name(people: People) -> None:
    book(people, date.today() + timedelta(days=2))  # noqa: DTZ011 - any coming day
    text = people.anybody.get(address(people)).content.decode()
    assert str(events(text.encode())[0]["summary"]) == "Trening p-1, molle-1"
    for secret in ("Kari", "Nordmann", "Rev", "1980"):
        assert secret not in text


def test_an_own_feed_has_ones_own_participants_alone(people: People) -> None:
    book(people, date.today() + timedelta(days=2))  # noqa: DTZ011 - any coming day
    where = address(people, whose="own")
    assert events(people.anybody.get(where).content) == []
    people.participant.responsible = people.account("therapist")
    people.participant.save()
    assert len(events(people.anybody.get(where).content)) == 1


def test_a_new_address_ends_the_old_one_and_a_closed_one_is_worth_nothing(people: People) -> None:
    first = address(people)
    second = address(people)
    assert (people.anybody.get(first).status_code, people.anybody.get(second).status_code) == (404, 200)
    people.therapist.post(f"{WHERE}end/")
    assert people.anybody.get(second).status_code == 404
    kept = [one.action for one in Entry.objects.filter(action__startswith="appointments.feed")]
    assert kept == ["appointments.feed_made"] * 2 + ["appointments.feed_read", "appointments.feed_ended"]


def test_the_address_is_kept_as_a_hash_and_ends_with_role_and_account(people: People) -> None:
    where = address(people)
    secret = where.removeprefix("/calendar/").removesuffix(".ics")
    assert len(secret) >= 43
    assert secret not in str(CalendarFeed.objects.values().get())
    account = people.account("therapist")
    account.is_active = False
    account.save()
    assert people.anybody.get(where).status_code == 404
    account.is_active = True
    account.save()
    Membership.objects.filter(account=account).delete()
    assert people.anybody.get(where).status_code == 404


def test_reads_are_logged_once_an_hour(people: People) -> None:
    where = address(people)
    with time_machine.travel(datetime(2027, 1, 4, 8, tzinfo=UTC), tick=False) as clock:
        for _minute in range(4):
            people.anybody.get(where)
            clock.shift(timedelta(minutes=20))
    assert Entry.objects.filter(action="appointments.feed_read").count() == 2


def test_guessing_and_asking_too_often_are_slowed_down(people: People) -> None:
    where = address(people)
    codes = [people.anybody.get(where).status_code for _turn in range(61)]
    assert (codes.count(200), codes[-1]) == (60, 429)
    feed_pages.reads.clear()
    guesses = [people.anybody.get(f"/calendar/guess-{turn}.ics").status_code for turn in range(21)]
    assert (guesses.count(404), guesses[-1]) == (20, 429)
    assert people.anybody.get(where).status_code == 429


@given(st.text(max_size=200))
def test_any_text_survives_escaping_and_folding(text: str) -> None:
    line = folded(f"SUMMARY:{escaped(text)}")
    assert all(len(piece.encode()) <= 75 for piece in line.split("\r\n"))
    event = f"BEGIN:VEVENT\r\nUID:1\r\n{line}\r\nEND:VEVENT"
    calendar = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{event}\r\nEND:VCALENDAR\r\n"
    plain = "".join(sign for sign in text if sign.isprintable() or sign == "\n")
    assert str(events(calendar.encode())[0]["summary"]) == plain
