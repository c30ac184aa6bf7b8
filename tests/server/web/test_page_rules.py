"""A rule for each page: whether a look at it is logged, which methods it knows, and how long its texts may be.

`test_sweep` holds who gets what, `test_fresh_proof` where a fresh proof is asked for. The pages are found by the
resolver: a new one that breaks a rule fails here, or stands below with its reason.
"""

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.db import transaction

import server
from server.accounts.access import Needs
from server.accounts.models import Account
from server.accounts.roles import Permission
from server.audit.models import Entry
from tests.server.web.conftest import Browser
from tests.server.web.sweep_cases import ABSENT
from tests.server.web.test_sweep import ACCOUNTS, Page, Swept, ask, holds, pages, stocked_file, swept

__all__ = ["stocked_file", "swept"]

NOT_LOGGED = {
    "a list of colleagues, or of machines, without health data": (
        "clinics:accounts",
        "clinics:account",
        "clinics:machines",
        "clinics:machine",
        "clinics:waiting_roles",
    ),
    "an empty form, a clinic's own limits and codes, or a register of exports, without health data": (
        "appointments:subscriptions",
        "appointments:times",
        "clinics:new_account",
        "follow_up:limits",
        "papers:codes",
        "papers:research",
        "papers:take_over",
        "people:new",
    ),
}
"""Pages about a clinic that write no line of the access log, by the reason."""

OTHER_METHODS = ("PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")
FORM = "application/x-www-form-urlencoded"
LONG = "x" * 100_000
WILD = (
    LONG,
    "\x00",
    "\u202e\u2066",
    "\ud7ff\ue000\ufffe",
    "1e999",
    "-1",
    "9" * 400,
    "٣",
    "NaN",
    "2026-02-30",
    "0001-01-01",
    "9999-12-31",
    "=HYPERLINK(1)",
)
FIELDS = re.compile(r'<(?:input|select|textarea|button)\b[^>]*?\sname="([\w-]+)"')


def holder(swept: Swept, page: Page) -> Browser | None:
    name = next((one for one in ACCOUNTS if holds(Account.objects.get(username=one), page, swept.here)), None)
    return swept.people.clients[name] if name else None


def fields(swept: Swept) -> dict[str, tuple[str, ...]]:
    """The names of each page's form fields, and of all together for a page that only takes a form."""
    found: dict[str, tuple[str, ...]] = {}
    everything: set[str] = set()
    for page in pages():
        browser = holder(swept, page) or swept.people.anybody
        answer = ask(browser, "GET", page.address(swept.here))
        text = getattr(answer, "content", b"").decode(errors="replace")
        names = set(FIELDS.findall(text)) - {"csrfmiddlewaretoken"}
        found[page.name] = tuple(sorted(names))
        everything |= names
    return {name: names or tuple(sorted(everything)) for name, names in found.items()}


def test_each_look_at_a_clinics_people_is_a_line_of_the_access_log(swept: Swept) -> None:
    excepted = {name for names in NOT_LOGGED.values() for name in names}
    found = []
    for page in pages():
        browser = holder(swept, page)
        if not isinstance(page.needs, Permission) or browser is None:
            continue
        lines: list[int] = []
        status = ask_and_count(browser, page.address(swept.here), lines)
        if status == 200 and (lines == [0]) != (page.name in excepted):
            found.append(f"{page.name}: {lines[0]} lines")
    assert found == [], "\n".join(found)
    assert excepted <= {page.name for page in pages()}


def ask_and_count(browser: Browser, address: str, lines: list[int]) -> int:
    """Ask, and note how many lines the answer wrote, before they are undone."""
    with transaction.atomic():
        before = Entry.objects.count()
        answer = browser.get(address)
        lines.append(Entry.objects.count() - before)
        transaction.set_rollback(True)
    answer.close()
    return int(answer.status_code)


@pytest.mark.parametrize("method", OTHER_METHODS)
def test_no_page_knows_a_method_beyond_reading_and_forms(swept: Swept, method: str) -> None:
    found = []
    for page in pages():
        browser = holder(swept, page) or swept.people.anybody
        status = ask(browser, method, page.address(swept.here)).status_code
        # Who is logged in already is led on from the steps of logging in, whatever the method.
        led_on = page.needs is Needs.PASSWORD and status == 302
        if status not in (404, 405) and not led_on and page.name not in ABSENT:
            found.append(f"{method} {page.name}: {status}")
    assert found == [], "\n".join(found)


def test_browsers_keep_the_key_of_a_draft_and_nothing_else_of_ours() -> None:
    """ASVS 5.0, 14.3.3: nothing of a participant lies in a browser's stores once one has logged out."""
    scripts = [path for path in Path(server.__file__).parent.rglob("*.js") if "vendor" not in path.parts]
    keeping = re.compile(r"(?:localStorage|sessionStorage|indexedDB|caches\b|document\.cookie)[.\w]*(?:\([^)]*\))?")
    found = {(path.name, one) for path in scripts for one in keeping.findall(path.read_text(encoding="utf-8"))}
    assert found == {
        ("drafts.js", "sessionStorage.setItem(`draft ${one.name}`, one.key)"),
        ("drafts.js", "sessionStorage.getItem(`draft ${name}`)"),
    }


def test_no_form_takes_texts_without_end_or_falls_over_odd_ones(swept: Swept) -> None:
    found = []
    named = fields(swept)
    for page in pages():
        browser = holder(swept, page) or swept.people.anybody
        address = page.address(swept.here)
        if ask(browser, "POST", address).status_code == 405:
            continue
        for value in WILD:
            told = urlencode(dict.fromkeys(named[page.name], value), errors="surrogatepass")
            status = ask(browser, "POST", address, data=told, content_type=FORM).status_code
            if status >= 500:
                found.append(f"{page.name} with {value[:12]!r}: {status}")
    assert found == [], "\n".join(found)
