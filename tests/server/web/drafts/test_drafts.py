"""What is typed waits on the server, sealed, for the one who typed it, until its form was sent and taken."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpResponse
from django.utils import timezone

from server.accounts.models import Account
from server.drafts import keeping
from server.drafts.models import Draft
from server.people.models import Note
from server.web import gate
from tests.server.web.conftest import Browser, People

KEY, OTHER_KEY = "0" * 31 + "1", "0" * 31 + "2"
NOTE = "/c/trondheim/participants/p-1/note/"
TEXT = "Sov dårlig, roligere neste gang"


def ask(browser: Browser, **told: Any) -> HttpResponse:  # noqa: ANN401 - JSON
    return browser.post("/drafts/keep/", json.dumps(told), content_type="application/json")  # type: ignore[return-value] # a test's answer


def fields(text: str = TEXT) -> dict[str, Any]:
    return {"names": ["text"], "values": [["text", text]]}


def found(browser: Browser, form: str = NOTE) -> list[str]:
    told = ask(browser, forms=[form]).json()
    return [dict(one["values"])["text"] for one in told["drafts"]]


def session_of(browser: Browser) -> SessionStore:
    return SessionStore(browser.cookies[settings.SESSION_COOKIE_NAME].value)


def set_clock(browser: Browser, **told: float) -> None:
    session = session_of(browser)
    for name, value in told.items():
        session[name] = value
    session.save()


def test_what_was_typed_is_found_again_by_the_one_who_typed_it_and_nobody_else(people: People) -> None:
    assert ask(people.therapist, key=KEY, form=NOTE, fields=fields()).status_code == 200
    assert found(people.therapist) == [TEXT]
    assert found(people.therapist, "/c/trondheim/participants/p-2/note/") == []
    assert found(people.admin) == []


def test_the_database_holds_neither_the_text_nor_whom_it_is_about_in_plain(people: People) -> None:
    ask(people.therapist, key=KEY, form=NOTE, fields=fields())
    row = Draft.objects.get()
    assert "dårlig".encode() not in bytes(row.sealed)
    assert "p-1" not in f"{row.mark} {row.key}"
    assert row.participant == people.participant


def test_a_draft_under_another_key_or_account_does_not_open(people: People) -> None:
    ask(people.therapist, key=KEY, form=NOTE, fields=fields())
    Draft.objects.update(key=OTHER_KEY)
    assert found(people.therapist) == []


def test_a_page_keeps_one_draft_and_two_pages_two(people: People) -> None:
    for key, text in ((KEY, "en"), (KEY, "to"), (OTHER_KEY, "tre")):
        ask(people.therapist, key=key, form=NOTE, fields=fields(text))
    assert sorted(found(people.therapist)) == ["to", "tre"]


def test_a_form_that_was_taken_forgets_its_draft(people: People) -> None:
    ask(people.therapist, key=KEY, form=NOTE, fields=fields())
    people.therapist.post(NOTE, {"text": TEXT, "_draft": KEY})
    assert Note.objects.get().text == TEXT
    assert found(people.therapist) == []


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        (NOTE, {"text": ""}),
        ("/c/trondheim/participants/p-1/plan/end/", {"reason": "x", "base": "0"}),
    ],
    ids=["an error at a field", "a warning on the next page"],
)
def test_a_form_that_was_not_taken_keeps_its_draft(people: People, address: str, sent: dict[str, str]) -> None:
    ask(people.therapist, key=KEY, form=NOTE, fields=fields())
    people.therapist.post(address, {**sent, "_draft": KEY})
    assert found(people.therapist) == [TEXT]


def test_a_form_sent_after_the_time_was_out_leads_back_to_its_page_and_keeps_its_draft(people: People) -> None:
    ask(people.therapist, key=KEY, form=NOTE, fields=fields())
    set_clock(people.therapist, seen_s=time.time() - settings.IDLE_S - 1)
    page = "/c/trondheim/participants/p-1/"
    answer = people.therapist.post(NOTE, {"text": TEXT, "_draft": KEY}, HTTP_REFERER=f"https://localhost{page}")
    assert answer.headers["Location"] == f"/log-in/?next={page}"
    assert Draft.objects.count() == 1


def test_after_the_time_is_out_what_was_typed_is_taken_and_nothing_given_back(people: People) -> None:
    set_clock(people.therapist, seen_s=time.time() - settings.IDLE_S - 1)
    assert ask(people.therapist, key=KEY, form=NOTE, fields=fields()).status_code == 401
    assert Draft.objects.count() == 1
    assert ask(people.therapist, forms=[NOTE]).status_code == 401
    set_clock(people.therapist, seen_s=time.time() - settings.IDLE_S - 3601)
    ask(people.therapist, key=OTHER_KEY, form=NOTE, fields=fields())
    assert Draft.objects.count() == 1


def test_nobody_in_particular_keeps_and_learns_nothing(people: People) -> None:
    assert ask(people.anybody, key=KEY, form=NOTE, fields=fields()).status_code == 401
    assert people.anybody.get("/drafts/state/").status_code == 401
    assert not Draft.objects.exists()


def test_typing_keeps_one_logged_in_and_looking_does_not(people: People) -> None:
    long_ago_s = time.time() - 600
    set_clock(people.therapist, seen_s=long_ago_s)
    people.therapist.get("/drafts/state/")
    ask(people.therapist, forms=[NOTE])
    assert session_of(people.therapist)[gate.SEEN] == long_ago_s
    ask(people.therapist, key=KEY, form=NOTE, fields=fields())
    assert session_of(people.therapist)[gate.SEEN] > long_ago_s + 500


def test_the_page_is_told_how_long_is_left_and_whether_it_can_be_longer(people: People) -> None:
    now_s = time.time()
    set_clock(people.therapist, seen_s=now_s - settings.IDLE_S + 100)
    told = people.therapist.get("/drafts/state/").json()
    assert 90 < told["left_s"] <= 100
    assert told["may_stay"]
    set_clock(people.therapist, seen_s=now_s, begun_s=now_s - settings.ABSOLUTE_S + 60)
    told = people.therapist.get("/drafts/state/").json()
    assert 50 < told["left_s"] <= 60
    assert not told["may_stay"]


def test_drafts_go_with_the_participant_and_after_a_week(people: People) -> None:
    ask(people.therapist, key=KEY, form=NOTE, fields=fields())
    people.participant.delete()
    assert not Draft.objects.exists()
    account = people.account("therapist")
    content = keeping.DraftContent(("text",), (("text", TEXT),))
    keeping.keep_draft(account, KEY, "/x/", content, timezone.now() - keeping.KEPT - timedelta(minutes=1))
    assert found(people.therapist, "/x/") == []
    keeping.keep_draft(account, OTHER_KEY, "/x/", content)
    assert Draft.objects.count() == 1


def test_an_account_keeps_a_hundred_drafts_of_bounded_size(people: People) -> None:
    account = Account.objects.get(username="therapist")
    content = keeping.DraftContent(("text",), (("text", TEXT),))
    for number in range(keeping.MOST + 3):
        keeping.keep_draft(account, f"{number:032x}", "/x/", content)
    assert Draft.objects.count() == keeping.MOST
    assert ask(people.therapist, key=KEY, form="/x/", fields=fields("x" * 70_000)).status_code == 413


@pytest.mark.parametrize(
    "told",
    [{"key": "../x", "form": NOTE, "fields": fields()}, {"key": KEY, "form": "x", "fields": fields()}, {"other": 1}],
)
def test_what_is_not_understood_changes_nothing(people: People, told: dict[str, Any]) -> None:
    assert ask(people.therapist, **told).status_code == 400
    assert not Draft.objects.exists()
