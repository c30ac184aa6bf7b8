"""Every page × every account × every method: who gets what, and nobody what is another clinic's.

The pages are found by the resolver: a new one is swept at once (`sweep_cases` says how it is told its parameters).
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from django.urls import URLPattern, URLResolver, get_resolver
from django_otp import DEVICE_ID_SESSION_KEY

from server.accounts.access import Needs
from server.accounts.models import Account, Clinic, Membership
from server.accounts.roles import MAY, Permission, Role
from tests.server.conftest import using
from tests.server.web.conftest import Browser, People
from tests.server.web.sweep_cases import ABSENT, PARAMETERS, PUBLIC, Ground, stocked

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
USUAL = ("GET", "POST")
"""What the sweep of the usual suite asks with; the whole one asks with all."""

RUBBISH = (
    "0",
    "-1",
    "nul%00nul",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "9" * 40,
    "æøå",
    "a" * 300,
)
QUERIES = (
    "page=x",
    "page=-1",
    "page=99999999999999999999",
    "month=13",
    "month=9999-99",
    "since=x&until=%00",
    "q=%00",
    "next=//x",
)

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains; preload",
}


@dataclass(frozen=True)
class Page:
    """One URL: its name, its route with `<kind:parameter>`, its view."""

    name: str
    route: str
    view: Any

    @property
    def needs(self) -> Permission | Needs | None:
        """What its view says that it needs."""
        found: Permission | Needs | None = getattr(self.view, "needs", None)
        return found

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of what stands in its address."""
        return tuple(re.findall(r"<(?:\w+:)?(\w+)>", self.route))

    def address(self, at: Ground, **other: object) -> str:
        """The address with this clinic's things in it, or with `other` ones."""

        def value(match: re.Match[str]) -> str:
            name = match.group(1)
            if name in other:
                return str(other[name])
            example = PARAMETERS.get(f"{self.name}.{name}") or PARAMETERS.get(name)
            assert example is not None, f"sweep_cases.PARAMETERS has no example of «{name}» for {self.name}"
            return quote(str(example(at)))

        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", value, self.route)


@cache
def all_pages() -> tuple[Page, ...]:
    """Every page that the resolver knows."""
    return tuple(_pages(get_resolver(), "", ""))


@cache
def pages() -> tuple[Page, ...]:
    """Those of them that can be asked for; one test fails where these are not all."""
    return tuple(page for page in all_pages() if not without_example(page))


def without_example(page: Page) -> list[str]:
    """The parameters that `sweep_cases` says nothing of."""
    return [f"{page.name}.{one}" for one in page.parameters if not {one, f"{page.name}.{one}"} & set(PARAMETERS)]


def _pages(resolver: URLResolver, before: str, room: str) -> Iterator[Page]:
    for one in resolver.url_patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLPattern):
            name = f"{room}:{one.name}" if room else route.strip("/").replace("/", ":")
            yield Page(name, route, one.callback)
        else:
            yield from _pages(one, route, one.namespace or room)


@dataclass(frozen=True)
class Swept:
    """The people, and what there is at each of two clinics."""

    people: People
    here: Ground
    there: Ground


@pytest.fixture(scope="session")
def stocked_file(
    peopled: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Ground, Ground]:
    """A database with one of each thing at both clinics."""
    file = tmp_path_factory.mktemp("swept") / "swept.sqlite3"
    shutil.copyfile(peopled[0], file)
    with using(f"sqlite:///{file}"):
        here = stocked(Clinic.objects.get(code="trondheim"), 1, "researcher")
        there = stocked(Clinic.objects.get(code="bergen"), 2, "bergen-researcher")
    return file, here, there


@pytest.fixture
def swept(people: People, stocked_file: tuple[Path, Ground, Ground], tmp_path: Path) -> Iterator[Swept]:
    """The sweep's ground, in a database of this test's own."""
    file, here, there = stocked_file
    shutil.copyfile(file, tmp_path / "swept.sqlite3")
    with using(f"sqlite:///{tmp_path}/swept.sqlite3"):
        yield Swept(people, here, there)


def ask(browser: Browser, method: str, address: str, **more: Any) -> HttpResponseBase:  # noqa: ANN401 - passed on
    """Ask, and undo whatever it did: each page finds everything as it was."""
    cookies = {name: one.value for name, one in browser.cookies.items()}
    with transaction.atomic():
        answer: HttpResponseBase = browser.generic(method, address, **more)
        transaction.set_rollback(True)
    answer.close()
    browser.cookies.clear()
    for name, value in cookies.items():
        browser.cookies[name] = value
    return answer


def holds(account: Account, page: Page, at: Ground) -> bool:
    """Whether a page is this account's to see at a clinic, by the table of roles alone."""
    match page.needs:
        case Needs.NOBODY | Needs.ACCOUNT | Needs.PASSWORD:
            return True
        case Permission() as may:
            held = Membership.objects.filter(account=account, role__in=[one for one in Role if may in MAY[one]])
            if "clinic" not in page.parameters:
                return held.exists()
            clinic = Clinic.objects.get(code=at.clinic)
            return any(
                one.clinic_id == clinic.pk
                or (one.region_id is not None and one.region_id == clinic.region_id)
                or (one.clinic_id is None and one.region_id is None)
                for one in held
            )
    return False


# --- guards ---------------------------------------------------------------------------------------------------------


def test_every_page_says_what_it_needs() -> None:
    assert [page.name for page in all_pages() if page.needs is None] == []


def test_only_the_pages_on_the_list_are_for_anyone() -> None:
    assert {page.name for page in all_pages() if page.needs is Needs.NOBODY} == PUBLIC


def test_every_page_about_a_clinic_asks_for_a_right_in_it() -> None:
    assert [
        page.name for page in all_pages() if "clinic" in page.parameters and not isinstance(page.needs, Permission)
    ] == []


def test_every_parameter_has_an_example() -> None:
    assert [one for page in all_pages() for one in without_example(page)] == []


# --- who gets what --------------------------------------------------------------------------------------------------

ACCOUNTS = (*(role.value for role in Role), *(f"bergen-{role.value}" for role in Role), "regional", "nothing")


def wrong(swept: Swept, name: str | None, methods: tuple[str, ...]) -> list[str]:
    """What this account (None: nobody) gets that it should not, or does not get that it should."""
    browser = swept.people.clients[name] if name else swept.people.anybody
    account = Account.objects.get(username=name) if name else None
    found = []
    for page in pages():
        address = page.address(swept.here)
        answers = {method: ask(browser, method, address).status_code for method in methods}
        told = f"{page.name} by {name}: {answers}"
        if any(status >= 500 for status in answers.values()):
            found.append(told)
        elif account is None:
            if page.needs is not Needs.NOBODY and not set(answers.values()) <= {302, 401}:
                found.append(told)
        elif not holds(account, page, swept.here):
            if not refused(answers):
                found.append(told)
        elif answers["GET"] not in (200, 302, 405) and page.name not in ABSENT:
            found.append(told)
    return found


def refused(answers: dict[str, int]) -> bool:
    """Whether nothing was told. A page that knows no such method may say so before it asks who it is."""
    return set(answers.values()) <= {404, 405} and 404 in answers.values()


@pytest.mark.parametrize("name", [None, *ACCOUNTS])
def test_each_account_gets_what_its_roles_allow_and_nothing_else(swept: Swept, name: str | None) -> None:
    assert wrong(swept, name, USUAL) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [None, *ACCOUNTS])
def test_the_same_holds_for_every_method(swept: Swept, name: str | None) -> None:
    assert wrong(swept, name, METHODS) == []


def test_no_page_shows_another_clinics_things_below_ones_own_clinic(swept: Swept) -> None:
    found = []
    for page in pages():
        things = [one for one in page.parameters if one not in ("clinic", "secret")]
        if "clinic" not in page.parameters or not things:
            continue
        foreign = page.address(swept.there, clinic=swept.here.clinic)
        for name in ACCOUNTS:
            answers = {method: ask(swept.people.clients[name], method, foreign).status_code for method in USUAL}
            if not refused(answers):
                found.append(f"{foreign} by {name}: {answers}")
    assert found == []


def test_a_password_alone_gets_the_steps_of_logging_in_and_nothing_else(swept: Swept) -> None:
    browser = swept.people.therapist
    kept = Session.objects.get(session_key=browser.cookies[settings.SESSION_COOKIE_NAME].value)
    told = kept.get_decoded()
    del told[DEVICE_ID_SESSION_KEY]
    kept.session_data = kept.get_session_store_class()().encode(told)
    kept.save()
    found = []
    for page in pages():
        answer = ask(browser, "GET", page.address(swept.here))
        if page.needs in (Needs.NOBODY, Needs.PASSWORD):
            continue
        if answer.status_code != 401 and answer.headers.get("Location") != "/log-in/code/":
            found.append(f"{page.name}: {answer.status_code}")
    assert found == []


# --- what every answer carries --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [None, "therapist", "nothing"])
def test_every_answer_carries_the_headers(swept: Swept, name: str | None) -> None:
    browser = swept.people.clients[name] if name else swept.people.anybody
    found = []
    for address in [*(page.address(swept.here) for page in pages()), "/nowhere", "/static/nowhere.js"]:
        for method in USUAL:
            answer = ask(browser, method, address)
            lacking = [one for one, value in HEADERS.items() if answer.headers.get(one) != value]
            policy = answer.headers.get("Content-Security-Policy", "")
            if "default-src 'none'" not in policy or "frame-ancestors 'none'" not in policy:
                lacking.append("Content-Security-Policy")
            if "unsafe" in policy or "*" in policy:
                lacking.append("a strict policy")
            if "no-store" not in answer.headers.get("Cache-Control", ""):
                lacking.append("Cache-Control")
            if "Permissions-Policy" not in answer.headers:
                lacking.append("Permissions-Policy")
            if lacking:
                found.append(f"{method} {address}: {lacking}")
    assert found == []


def test_no_page_holds_an_inline_script_or_style(swept: Swept) -> None:
    found = []
    inline = re.compile(
        r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|<style|\sstyle=|\son\w+=|javascript:", re.IGNORECASE
    )
    for name in ("therapist", "clinic_admin", "coordinator", "researcher"):
        for page in pages():
            answer = ask(swept.people.clients[name], "GET", page.address(swept.here))
            if isinstance(answer, HttpResponse) and answer.headers["Content-Type"].startswith("text/html"):
                found += [f"{page.name}: {one}" for one in inline.findall(answer.content.decode())]
    assert found == []


def test_rubbish_in_an_address_gets_an_answer_in_words(swept: Swept) -> None:
    found = []
    people = swept.people
    for page in pages():
        holder = next((one for one in ACCOUNTS if holds(Account.objects.get(username=one), page, swept.here)), None)
        browser = people.clients[holder] if holder else people.anybody
        addresses = [
            page.address(swept.here, **{one: quote(rubbish) if "%" not in rubbish else rubbish})
            for one in page.parameters
            for rubbish in RUBBISH
        ] + [f"{page.address(swept.here)}?{query}" for query in QUERIES]
        for address in addresses:
            answer = ask(browser, "GET", address)
            if answer.status_code >= 500 or b"Traceback" in getattr(answer, "content", b""):
                found.append(f"{address}: {answer.status_code}")
    assert found == []


def test_no_form_is_taken_without_its_token(swept: Swept) -> None:
    found = []
    for name in (None, "therapist", "clinic_admin", "nothing"):
        browser = Browser()
        browser.handler.enforce_csrf_checks = True
        if name:
            browser.cookies[settings.SESSION_COOKIE_NAME] = (
                swept.people.clients[name].cookies[settings.SESSION_COOKIE_NAME].value
            )
        for page in pages():
            # The identity provider's server has no form: it proves itself by its signature (`test_provider`).
            wanted = (404,) if page.name == "web:provider_ended" else (403, 405)
            status = ask(browser, "POST", page.address(swept.here)).status_code
            if status not in wanted:
                found.append(f"{page.name} by {name}: {status}")
    assert found == []
