"""What hands out much or changes who may do what asks for a fresh proof; no page leads to another site.

The pages are found by the resolver: a new one that needs a listed right is asked for at once.
"""

import time
from itertools import cycle
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore

from server.accounts.models import Account
from server.accounts.roles import Permission
from server.web import gate
from tests.server.web.conftest import Browser
from tests.server.web.test_sweep import ACCOUNTS, Page, Swept, ask, holds, pages, stocked_file, swept

__all__ = ["stocked_file", "swept"]

MUCH = {
    Permission.EXPORT_PERSON,
    Permission.DELETE_PERSON,
    Permission.HAND_OVER,
    Permission.EXPORT_RESEARCH,
    Permission.MANAGE_ACCOUNTS,
    Permission.CONFIRM_ROLES,
}
SEEN_ANYWAY = {
    "papers_of:index",
    "papers_of:session_pdf",
    "papers_of:session_fit",
    "papers_of:session_csv",
    "papers_of:session_xlsx",
    "papers_of:session_json",
    "papers_of:session_fhir",
    "papers_of:course_pdf",
    "papers_of:comparison_pdf",
    "papers_of:letter",
    "papers:take_over",
    "clinics:accounts",
    "clinics:account",
    "clinics:waiting_roles",
}
"""What tells no more than a page about one person does, takes in and hands nothing out, or lists colleagues."""
READ_ONLY_EXCEPTIONS = {"clinics:account"}
"""Pages that may be looked at, and ask before they change something."""
FORM = "application/x-www-form-urlencoded"
EVIL = ("https://evil.example/", "//evil.example/", "/\\evil.example/", "\thttps://evil.example", "https:evil.example")


def _holder(swept: Swept, page: Page) -> Browser | None:
    name = next((one for one in ACCOUNTS if holds(Account.objects.get(username=one), page, swept.here)), None)
    return swept.people.clients[name] if name else None


def _forget_proof(browser: Browser) -> None:
    session = SessionStore(browser.cookies[settings.SESSION_COOKIE_NAME].value)
    session[gate.PROVED] = time.time() - gate.PROOF_HOLDS_S - 1
    session.save()


def test_whatever_hands_out_much_or_gives_rights_asks_for_a_fresh_proof(swept: Swept) -> None:
    found = []
    for page in pages():
        browser = _holder(swept, page)
        if page.needs not in MUCH or browser is None:
            continue
        _forget_proof(browser)
        for method in ("GET", "HEAD", "POST"):
            answer = ask(browser, method, page.address(swept.here))
            asked = answer.status_code == 303 and answer.headers["Location"].startswith("/account/confirm/")
            excepted = page.name in SEEN_ANYWAY and (method != "POST" or page.name not in READ_ONLY_EXCEPTIONS)
            if not asked and answer.status_code != 405 and not excepted:
                found.append(f"{method} {page.name}: {answer.status_code}")
    assert found == []


def test_the_exceptions_are_pages_that_there_are() -> None:
    assert {page.name for page in pages()} >= SEEN_ANYWAY


def test_no_page_leads_to_another_site(swept: Swept) -> None:
    found = []
    for page, evil in zip(pages(), cycle(EVIL), strict=False):
        browser = _holder(swept, page) or swept.people.anybody
        address = page.address(swept.here)
        for method, more in (("GET", {}), ("POST", {"data": f"next={quote(evil)}", "content_type": FORM})):
            answer = ask(browser, method, f"{address}?next={quote(evil)}", HTTP_REFERER=evil, **more)
            there = urlsplit(answer.headers.get("Location", "").replace("\\", "/"))
            if there.netloc not in ("", "localhost"):
                found.append(f"{method} {page.name}: {answer.headers['Location']}")
    assert found == []
