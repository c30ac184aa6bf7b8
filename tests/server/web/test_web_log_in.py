"""Logging in: password, one-time code, spare code, one-time link, waiting, and being logged out again."""

import re
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from server.accounts import accounts
from server.accounts.models import Account
from server.accounts.roles import Role
from server.audit.models import Entry
from server.limits import hashing
from server.limits.hashing import HashingBusyError
from server.web import gate
from server.web.sign_in import log_in
from server.web.sign_in.forbidden_passwords import FILE, ForbiddenPasswordValidator
from server.web.sign_in.two_factor import kept_spare, new_spare_codes
from tests.server.web.conftest import Browser, People, logged_in

PASSWORD = "en lang og god setning 7"  # noqa: S105 - of an account made for a test


def with_password(people: People, name: str = "therapist") -> Account:
    account = people.account(name)
    account.set_password(PASSWORD)
    account.save()
    return account


def code_of(account: Account) -> str:
    device = TOTPDevice.objects.filter(user=account).latest("pk")
    TOTPDevice.objects.filter(pk=device.pk).update(last_t=-1, throttling_failure_count=0)
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    totp.time = time.time()
    return f"{totp.token():06d}"


def gives_password(browser: Browser, name: str, password: str, onward: str = "/") -> int:
    answer = browser.post("/log-in/", {"username": name, "password": password, "next": onward})
    return int(answer.status_code)


def actions(account: str) -> list[str]:
    return list(Entry.objects.filter(account=account).order_by("number").values_list("action", flat=True))


def test_password_and_code_lead_to_the_page_that_was_asked_for_and_both_are_logged(people: People) -> None:
    account = with_password(people)
    browser = people.anybody
    first = browser.post("/log-in/", {"username": "therapist", "password": PASSWORD, "next": "/account/"})
    second = browser.post(first["Location"], {"code": code_of(account)})
    assert (first.status_code, second["Location"]) == (303, "/account/")
    assert browser.get("/account/").status_code == 200
    assert actions("therapist") == ["log_in_password", "log_in"]


def test_the_password_alone_opens_nothing(people: People) -> None:
    with_password(people)
    browser = people.anybody
    gives_password(browser, "therapist", PASSWORD)
    assert [browser.get(page)["Location"] for page in ("/", "/account/", "/c/trondheim/room/")] == ["/log-in/code/"] * 3


def test_a_wrong_password_says_what_to_do_and_is_logged_by_the_name_of_the_account_only(people: People) -> None:
    with_password(people)
    browser = people.anybody
    assert gives_password(browser, "therapist", "galt") == 422
    assert gives_password(browser, "in-the-wrong-field", "galt") == 422
    assert [(one.account, one.action) for one in Entry.objects.all()] == [("therapist", "log_in_refused")]


def test_five_wrong_passwords_shut_the_account_from_that_address_and_nobody_else(people: People) -> None:
    with_password(people)
    with_password(people, "clinic_admin")
    here, elsewhere = people.anybody, Browser(REMOTE_ADDR="192.0.2.7")
    answers = [gives_password(here, "therapist", "galt") for _ in range(6)]
    assert answers[-1] == 429
    assert gives_password(here, "therapist", PASSWORD) == 429
    assert gives_password(here, "clinic_admin", PASSWORD) == 303
    assert gives_password(elsewhere, "therapist", PASSWORD) == 303


def test_made_up_names_and_one_password_on_many_names_shut_the_address_and_no_known_person(people: People) -> None:
    with_password(people)
    with_password(people, "clinic_admin")
    here, elsewhere = people.anybody, Browser(REMOTE_ADDR="192.0.2.7")
    assert gives_password(here, "therapist", PASSWORD) == 303
    stranger = people.anybody
    answers = [gives_password(stranger, f"name-{number}", PASSWORD) for number in range(log_in.WRONG_FROM_ADDRESS + 1)]
    assert answers == [422] * log_in.WRONG_FROM_ADDRESS + [429]
    assert gives_password(stranger, "clinic_admin", PASSWORD) == 429
    assert gives_password(people.anybody, "therapist", PASSWORD) == 303
    assert gives_password(elsewhere, "clinic_admin", PASSWORD) == 303


def test_many_addresses_together_shut_out_those_who_have_never_logged_in_from_theirs(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_in, "WRONG_FROM_ALL", 4)
    with_password(people)
    assert gives_password(people.anybody, "therapist", PASSWORD) == 303
    for number in range(4):
        assert gives_password(Browser(REMOTE_ADDR=f"192.0.2.{number}"), "therapist", "galt") == 422
    assert gives_password(Browser(REMOTE_ADDR="192.0.2.99"), "therapist", PASSWORD) == 429
    assert gives_password(people.anybody, "therapist", PASSWORD) == 303


def test_the_old_password_cannot_be_guessed_without_end(people: People) -> None:
    with_password(people)
    here = people.clients["therapist"] = logged_in(people.account("therapist"))
    fresh = "enda en lang setning 8"
    wrong = {"old_password": "galt", "new_password1": fresh, "new_password2": fresh}
    answers = [here.post("/account/password/", wrong).status_code for _ in range(6)]
    assert (answers[:4], answers[-1]) == ([422] * 4, 429)
    assert here.post("/account/password/", {**wrong, "old_password": PASSWORD}).status_code == 429
    assert people.account("therapist").check_password(PASSWORD)


def test_where_too_many_passwords_wait_the_page_asks_to_try_again(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_password(people)

    def full(*_args: object) -> bool:
        raise HashingBusyError

    monkeypatch.setattr(hashing.HashingQueue, "run", full)
    for browser, path, given in (
        (people.anybody, "/log-in/", {"username": "therapist", "password": PASSWORD}),
        (people.anybody, "/log-in/", {"username": "made-up", "password": PASSWORD}),
        (logged_in(people.account("therapist")), "/account/password/", {"old_password": PASSWORD}),
    ):
        answer = browser.post(path, given)
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert "Vent noen sekunder" in answer.content.decode()
    assert actions("therapist") == []


def test_a_code_is_taken_once(people: People) -> None:
    account = with_password(people)
    browser = people.anybody
    gives_password(browser, "therapist", PASSWORD)
    code = code_of(account)
    assert browser.post("/log-in/code/", {"code": code}).status_code == 302
    again = people.anybody
    gives_password(again, "therapist", PASSWORD)
    assert again.post("/log-in/code/", {"code": code}).status_code == 422


def test_a_spare_code_lets_in_once_and_is_not_kept_as_it_is(people: People) -> None:
    account = with_password(people)
    code = new_spare_codes(account)[0]
    assert not StaticToken.objects.filter(token__contains=code.replace("-", "")[:8]).exists()
    assert StaticToken.objects.filter(token=kept_spare(code)).exists()
    answers = []
    for _ in range(2):
        browser = people.anybody
        gives_password(browser, "therapist", PASSWORD)
        answers.append(browser.post("/log-in/code/", {"code": code.upper()}).status_code)
    assert answers == [302, 422]


def test_whoever_has_no_code_yet_sets_it_up_before_anything_else(people: People) -> None:
    account = with_password(people)
    TOTPDevice.objects.filter(user=account).delete()
    browser = people.anybody
    gives_password(browser, "therapist", PASSWORD)
    assert browser.get("/")["Location"] == "/log-in/code/"
    assert browser.get("/log-in/code/")["Location"] == "/log-in/code/set-up/"
    page = browser.get("/log-in/code/set-up/")
    assert re.search(r'<code class="secret">[A-Z2-7 ]+</code>', page.content.decode())
    picture = browser.get("/log-in/code/set-up/picture.svg")
    assert (picture["Content-Type"], picture.content[:4]) == ("image/svg+xml", b"<svg")
    done = browser.post("/log-in/code/set-up/", {"code": code_of(account)})
    assert len(re.findall(r"<li><code>", done.content.decode())) == 10
    assert browser.get("/account/").status_code == 200


def test_an_account_that_set_up_its_code_cannot_be_given_another_by_who_knows_the_password(people: People) -> None:
    with_password(people)
    browser = people.anybody
    gives_password(browser, "therapist", PASSWORD)
    assert browser.get("/log-in/code/set-up/")["Location"] == "/log-in/code/"
    assert browser.post("/log-in/code/set-up/", {"code": "000000"})["Location"] == "/log-in/code/"


def test_a_one_time_link_sets_the_password_once(people: People) -> None:
    secret = accounts.new_account(people.account("clinic_admin"), "ny", roles=[Role.THERAPIST], clinic=people.clinic)
    browser = people.anybody
    assert browser.get(f"/welcome/{secret}/").status_code == 200
    given = {"new_password1": PASSWORD, "new_password2": PASSWORD}
    assert browser.post(f"/welcome/{secret}/", given)["Location"] == "/log-in/code/"
    assert people.anybody.post(f"/welcome/{secret}/", given).status_code == 404
    assert actions("ny") == ["password_set"]


@pytest.mark.parametrize("weak", ["kort", "password1234", "ny.navnesen.ny", "Trondheim2026!", "IntervalCoach4x4"])
def test_a_weak_password_is_refused(people: People, weak: str) -> None:
    admin = people.account("clinic_admin")
    secret = accounts.new_account(admin, "ny.navnesen", roles=[Role.THERAPIST], clinic=people.clinic)
    answer = people.anybody.post(f"/welcome/{secret}/", {"new_password1": weak, "new_password2": weak})
    assert answer.status_code == 422
    assert not people.account("ny.navnesen").has_usable_password()


@pytest.mark.usefixtures("people")
def test_a_password_on_the_operators_list_is_refused_and_a_list_that_cannot_be_read_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "ACCESS_LOG_FOLDER", tmp_path)
    check = ForbiddenPasswordValidator()
    check.validate("Rognebær og snøfonn")
    (tmp_path / FILE).write_text("qwerty\nrognebær og snøfonn\r\n", encoding="utf-8")
    with pytest.raises(ValidationError):
        check.validate("Rognebær og snøfonn")
    check.validate("Rognebær og snøfon")
    check.validate("trondheim-rognebær og snøfonn")
    (tmp_path / FILE).unlink()
    (tmp_path / FILE).mkdir()
    check.validate("Rognebær og snøfonn")


def test_passwords_are_kept_as_argon2id(people: People) -> None:
    assert with_password(people).password.startswith("argon2$argon2id$")


def test_whoever_does_nothing_for_a_while_is_logged_out(people: People) -> None:
    age(gate.SEEN, settings.IDLE_S + 1)
    assert people.therapist.get("/account/")["Location"] == "/log-in/?next=/account/"
    assert people.therapist.get("/account/")["Location"] == "/log-in/?next=/account/"


def test_everyone_is_logged_out_after_some_hours_however_busy(people: People) -> None:
    age(gate.BEGUN, settings.ABSOLUTE_S + 1)
    assert people.therapist.get("/account/")["Location"] == "/log-in/?next=/account/"


def test_doing_something_keeps_one_logged_in(people: People) -> None:
    age(gate.SEEN, settings.IDLE_S / 2)
    assert people.therapist.get("/account/").status_code == 200
    kept = Session.objects.get(session_key=people.therapist.cookies[settings.SESSION_COOKIE_NAME].value).get_decoded()
    assert time.time() - kept[gate.SEEN] < settings.IDLE_S / 2


def age(mark: str, seconds: float) -> None:
    """Set a mark of all sessions back."""
    for one in Session.objects.all():
        store = one.get_decoded()
        store[mark] = time.time() - seconds
        if mark == gate.BEGUN:
            store[gate.SEEN] = time.time()
        one.session_data = one.get_session_store_class()().encode(store)
        one.save()


def test_logging_out_ends_the_session_for_every_copy_of_the_cookie(people: People) -> None:
    key = people.therapist.cookies[settings.SESSION_COOKIE_NAME].value
    answer = people.therapist.post("/log-out/")
    copy = people.anybody
    copy.cookies[settings.SESSION_COOKIE_NAME] = key
    assert (answer.status_code, answer["Clear-Site-Data"]) == (303, '"cache", "storage"')
    assert copy.get("/account/").status_code == 302
    assert actions("therapist") == ["log_out"]


def test_a_new_password_logs_out_everywhere_else(people: People) -> None:
    account = with_password(people)
    here, there = people.anybody, people.anybody
    for browser in (here, there):
        gives_password(browser, "therapist", PASSWORD)
        browser.post("/log-in/code/", {"code": code_of(account)})
    fresh = "en helt annen setning 9"
    given = {"old_password": PASSWORD, "new_password1": fresh, "new_password2": fresh}
    assert here.post("/account/password/", given)["Location"] == "/account/"
    assert (here.get("/account/").status_code, there.get("/account/").status_code) == (200, 302)


def test_after_log_in_nobody_is_led_to_another_site(people: People) -> None:
    with_password(people)
    for wanted in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"):
        answer = people.anybody.post("/log-in/", {"username": "therapist", "password": PASSWORD, "next": wanted})
        assert answer["Location"] == "/log-in/code/?next=%2F"


def test_the_cookies_are_the_hosts_own_and_no_script_reads_them(people: People) -> None:
    with_password(people)
    answer = people.anybody.post("/log-in/", {"username": "therapist", "password": PASSWORD})
    found = {
        name: (bool(one["secure"]), bool(one["httponly"]), one["path"], one["domain"], one["samesite"])
        for name, one in answer.cookies.items()
    }
    expected = (True, True, "/", "", "Lax")
    assert found == {
        "__Host-interval-coach": expected,
        "__Host-interval-coach-form": expected,
        "__Host-interval-coach-language": expected,
    }


def test_the_session_gets_a_new_key_at_each_step(people: People) -> None:
    account = with_password(people)
    browser = people.anybody
    keys = []
    for page, given in (("/log-in/", {"username": "therapist", "password": PASSWORD}), ("/log-in/code/", {})):
        browser.post(page, given or {"code": code_of(account)})
        keys.append(browser.cookies[settings.SESSION_COOKIE_NAME].value)
    assert len(set(keys)) == 2


def test_the_language_is_kept_in_the_browser_and_with_the_account(people: People) -> None:
    answer = people.therapist.post("/language/", {"language": "en", "back": "/account/"})
    assert (answer["Location"], people.account("therapist").language) == ("/account/", "en")
    assert 'lang="en"' in people.therapist.get("/account/").content.decode()
    assert 'lang="nb"' in people.anybody.get("/log-in/").content.decode()


def test_a_script_that_asks_is_told_plainly_that_nobody_is_logged_in(people: People) -> None:
    answer = people.anybody.get("/c/trondheim/room/stream/", headers={"accept": "text/event-stream"})
    assert answer.status_code in (401, 404)
    assert people.anybody.get("/account/", headers={"sec-fetch-dest": "empty"}).status_code == 401


def test_a_closed_account_is_out_at_once(people: People) -> None:
    accounts.close(people.account("clinic_admin"), people.account("therapist"), people.clinic)
    assert people.therapist.get("/account/").status_code == 302
