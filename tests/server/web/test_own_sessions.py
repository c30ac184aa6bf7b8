"""One rule for «still logged in», one's own sessions, and a fresh proof before what changes or hands out much."""

import re
import time

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.utils import translation

from server.accounts import accounts
from server.accounts.models import Account
from server.accounts.roles import Role
from server.audit.models import Entry
from server.web import gate
from server.web.sign_in.own_sessions import browser_of, end_provider_sessions
from server.web.sign_in.two_factor import new_spare_codes
from tests.server.web.conftest import Browser, People, logged_in
from tests.server.web.test_web_log_in import PASSWORD, code_of, with_password


def key_of(browser: Browser) -> str:
    return str(browser.cookies[settings.SESSION_COOKIE_NAME].value)


def streaming(browser: Browser, account: Account) -> bool:
    """Whether a stream that was opened by this browser may go on."""
    request = HttpRequest()
    request.session = SessionStore(key_of(browser))
    request.user = account
    return bool(async_to_sync(gate.still_in)(request))


def age(browser: Browser, **by: float) -> None:
    session = SessionStore(key_of(browser))
    for name, seconds in by.items():
        session[name] = time.time() - seconds
    session.save()


@pytest.mark.parametrize(
    "ended_by",
    ["password", "reset", "close", "idle", "absolute", "log-out", "provider", "ended elsewhere", "session gone"],
)
def test_pages_and_streams_end_by_the_same_rule(people: People, ended_by: str) -> None:
    account = with_password(people)
    browser = logged_in(account)
    assert streaming(browser, account)
    match ended_by:
        case "password":
            account.set_password("noe helt annet 99")
            account.save()
        case "reset":
            accounts.reset("command", people.account("therapist"), None)
        case "close":
            accounts.close("command", people.account("therapist"), None)
        case "idle":
            age(browser, **{gate.SEEN: settings.IDLE_S + 1})
        case "absolute":
            age(browser, **{gate.BEGUN: settings.ABSOLUTE_S + 1})
        case "log-out":
            browser.post("/log-out/")
        case "provider":
            session = SessionStore(key_of(browser))
            session[gate.AT_PROVIDER] = {"sub": "s-1", "sid": "", "id_token": ""}
            session.save()
            assert end_provider_sessions("s-1", "") == [account]
        case "ended elsewhere":
            logged_in(account).post("/account/sessions/end/")
        case _:
            SessionStore(key_of(browser)).delete()
    assert not streaming(browser, account)
    assert browser.get("/account/").status_code == 302


def test_a_link_is_dead_once_the_account_is_closed_also_after_it_is_opened_again(people: People) -> None:
    account = people.account("therapist")
    secret = accounts.reset("command", account, None)
    accounts.close("command", account, None)
    accounts.open_again("command", account, None)
    assert people.anybody.get(f"/welcome/{secret}/").status_code == 404


def test_ones_own_sessions_are_listed_and_ended(people: People) -> None:
    account = with_password(people)
    here, third = logged_in(account), logged_in(account)
    there = Browser(REMOTE_ADDR="192.0.2.7", HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0")
    there.post("/log-in/", {"username": "therapist", "password": PASSWORD})
    there.post("/log-in/code/", {"code": code_of(account)})
    page = here.get("/account/").content.decode()
    assert "Firefox på Linux" in page
    assert "192.0.2.7" in page
    assert key_of(there) not in page
    marks = re.findall(r'name="session" value="(\w+)"', page)
    assert here.post("/account/sessions/end/", {"session": marks[0]}).status_code == 302
    others = [there, third]
    assert [one.get("/account/").status_code for one in others].count(302) == 1
    here.post("/account/sessions/end/")
    assert [one.get("/account/").status_code for one in (*others, here)] == [302, 302, 200]
    assert people.admin.get("/account/").status_code == 200
    assert [entry.detail for entry in Entry.objects.filter(action="sessions_ended")] == [{"sessions": 1}] * 2


def test_nobody_ends_anothers_session(people: People) -> None:
    page = people.therapist.get("/account/").content.decode()
    other = logged_in(people.account("therapist"))
    [mark] = re.findall(r'name="session" value="(\w+)"', people.therapist.get("/account/").content.decode())
    assert 'name="session"' not in page
    people.admin.post("/account/sessions/end/", {"session": mark})
    assert other.get("/account/").status_code == 200


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0",
            "Edge på Windows",
        ),
        ("Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605 Version/17.0 Safari/604.1", "Safari på iPad"),
        ("curl/8.5\u202e", "curl/8.5"),
        ("", "ukjent nettleser"),
    ],
)
def test_a_browser_is_named_as_far_as_it_says(people: People, agent: str, words: str) -> None:
    del people
    with translation.override("nb"):
        assert browser_of(agent) == words


PROOF_ASKED = (
    ("POST", "therapist", "/account/spare-codes/"),
    ("GET", "therapist", "/c/trondheim/participants/p-1/papers/everything.zip"),
    ("GET", "clinic_admin", "/c/trondheim/participants/p-1/papers/delete/"),
    ("POST", "clinic_admin", "/c/trondheim/participants/p-1/papers/delete/"),
    ("GET", "clinic_admin", "/c/trondheim/manage/accounts/new/"),
    ("POST", "clinic_admin", "/c/trondheim/manage/accounts/new/"),
    ("GET", "researcher", "/c/trondheim/papers/research/"),
)


@pytest.mark.parametrize(("method", "role", "path"), PROOF_ASKED)
def test_what_changes_or_hands_out_much_asks_for_a_fresh_proof(
    people: People, method: str, role: str, path: str
) -> None:
    browser = people.clients[role]
    fresh = browser.generic(method, path)
    fresh.close()
    assert fresh.status_code not in (302, 303, 404), fresh.status_code
    age(browser, **{gate.PROVED: gate.PROOF_HOLDS_S + 1})
    asked = browser.generic(method, path, HTTP_REFERER=f"https://localhost{path}")
    assert (asked.status_code, asked["Location"].split("?")[0]) == (303, "/account/confirm/")


@pytest.mark.parametrize("by", ["password", "code", "spare"])
def test_a_password_or_a_code_is_proof_and_leads_back(people: People, by: str) -> None:
    account = with_password(people)
    browser = logged_in(account)
    age(browser, **{gate.PROVED: gate.PROOF_HOLDS_S + 1})
    proof = {
        "password": lambda: PASSWORD,
        "code": lambda: code_of(account),
        "spare": lambda: new_spare_codes(account)[0],
    }
    given = {"proof": proof[by](), "next": "/account/"}
    wrong = browser.post("/account/confirm/", {**given, "proof": "galt"})
    assert (wrong.status_code, browser.post("/account/spare-codes/").status_code) == (422, 303)
    right = browser.post("/account/confirm/", given)
    assert (right.status_code, right["Location"]) == (303, "/account/")
    assert browser.post("/account/spare-codes/").status_code == 200
    logged = [entry.action for entry in Entry.objects.filter(account="therapist").order_by("number")]
    assert logged == ["confirm_refused", "confirmed", "spare_codes_made"]


def test_proof_cannot_be_guessed_without_end_nor_lead_elsewhere(people: People) -> None:
    account = with_password(people)
    browser = logged_in(account)
    right = browser.post("/account/confirm/", {"proof": PASSWORD, "next": "https://evil.example/"})
    assert right["Location"] == "/"
    answers = [browser.post("/account/confirm/", {"proof": f"galt {number}"}).status_code for number in range(6)]
    assert answers[-1] == 429


def test_a_second_log_in_with_one_factor_is_no_stronger_than_the_first(people: People) -> None:
    account = with_password(people)
    browser = logged_in(account)
    session = SessionStore(key_of(browser))
    session[gate.STRONG] = True
    session.save()
    age(browser, **{gate.SEEN: 0})
    request = HttpRequest()
    request.session = session
    request.META = {"REMOTE_ADDR": "192.0.2.1", "HTTP_USER_AGENT": "x"}
    gate.enter(request, account, backend="django.contrib.auth.backends.ModelBackend")
    assert gate.STRONG not in request.session
    assert "otp_device_id" not in request.session


def test_an_administrator_gives_himself_no_role_and_the_try_is_in_the_log(people: People) -> None:
    admin = people.account("clinic_admin")
    page = people.admin.post(f"/c/trondheim/manage/accounts/{admin.pk}/", {"roles": ["clinic_admin", "therapist"]})
    assert (page.status_code, "Du kan ikke gi deg selv en rolle" in page.content.decode()) == (422, True)
    assert people.admin.get("/c/trondheim/room/").status_code == 404
    [entry] = Entry.objects.filter(action="account_roles_refused")
    assert (entry.account, entry.detail["after"]) == ("clinic_admin", ["therapist"])
    accounts.set_roles("command", admin, people.clinic, {Role.CLINIC_ADMIN, Role.THERAPIST})
    assert people.admin.get("/c/trondheim/room/").status_code == 200
