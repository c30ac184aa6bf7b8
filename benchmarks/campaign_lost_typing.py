"""Lost typing: fifty times something goes wrong while a person types into a form of the pages, in a real chromium.

    python -m benchmarks.campaign_lost_typing [--tries 50] [--dir FOLDER --address URL --password WORD]

Without an address a demo clinic of its own is started. The forms are found on the pages themselves, every one that is
sent by POST and has something to type in. Five things go wrong in turn: the log-in expires, by time or by its cookie,
and the form is sent; the browser goes Back; the form stands in two tabs, and both are closed; the network is lost and
the form is sent; the tab is closed. Lost is what then stands neither in the form nor in what was saved.
"""

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from playwright.sync_api import BrowserContext, Error, Page, expect, sync_playwright

from server.clinic_folder.settings import FOLDER_VARIABLE, PLAIN_VARIABLE, read_clinic
from tests.support.clinic.local_demo import ARGUMENTS, TABLET, Demo, Site, chromium, watched
from tests.support.clinic.page_crawl import WITH_LOG_IN, found
from tests.support.figures import Figures

TRIES, TARGET = 50, 0
PEOPLE = 8
PATIENCE_MS = 240_000
LOG_INS = 5
LEAST_S = 1.2
"""The pause between typing and what goes wrong; drafts are kept half a second after typing."""

FIND = """() => [...document.forms].map((form, at) => ({ at, fields: [...form.elements]
    .filter((one) => one.name && !one.disabled && !one.readOnly && one.dataset.secret === undefined
      && (one.tagName === "TEXTAREA" || ["text", "search", "date", "number", "email"].includes(one.type)))
    .map((one) => [one.name, one.type, one.maxLength]), method: form.method }))
  .filter((form) => form.method === "post" && form.fields.length)"""
SET = """([at, name, value]) => { const one = [...document.forms[at].elements].find((each) => each.name === name);
  one.value = value; one.dispatchEvent(new Event("input", { bubbles: true })); }"""
EVERYTHING = """() => document.body.innerText + "\\n" + [...document.querySelectorAll("input, textarea, select")]
  .map((one) => one.value).join("\\n")"""
SEND = """([at, name]) => { const form = document.forms[at];
  form.noValidate = true;
  const field = [...form.elements].find((each) => each.name === name);
  const near = [...(field.closest("fieldset")?.querySelectorAll("button:not([type=button])") ?? [])].at(-1);
  form.requestSubmit(near ?? form.querySelector("button:not([type=button])") ?? undefined); }"""
LIGHT = "**/*.{woff2,svg,png}"
"""What the pages' looks are made of; nothing typed rests on it."""


def let_time_out(site: Site) -> None:
    """Make every log-in older than the server allows, as if nothing had been done for a while."""
    os.environ.update({FOLDER_VARIABLE: str(site.clinic.places.folder), PLAIN_VARIABLE: "1"})
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    # The browser's own loop runs in this thread, where Django refuses to ask a database.
    with ThreadPoolExecutor(1) as other:
        other.submit(_age_all).result()


def _age_all() -> None:
    import django  # noqa: PLC0415 - settings come from the clinic's folder, which is known now

    django.setup()
    from django.conf import settings  # noqa: PLC0415 - as above
    from django.contrib.sessions.backends.db import SessionStore  # noqa: PLC0415 - as above
    from django.contrib.sessions.models import Session  # noqa: PLC0415 - as above

    for row in Session.objects.all():
        store = SessionStore(row.session_key)
        store["seen_s"] = time.time() - settings.IDLE_S - 5
        store.save()


def _in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


class FoundForm(Struct, frozen=True):
    """A form of a page: its place among the page's forms, and the field that is typed into."""

    page: str
    address: str
    at: int
    field: str
    kind: str
    longest: int


class Trouble(Struct):
    """One try: a browser window on the demo, and what is typed."""

    site: Site
    context: BrowserContext
    form: FoundForm
    number: int

    @property
    def text(self) -> str:
        """Return what is typed, fit for the field."""
        if self.form.kind == "date":
            return _in_days(self.number - 60)
        if self.form.kind == "number":
            return str(self.number)
        words = f"prøve{self.number}x"
        return words[: self.form.longest] if self.form.longest > 0 else words

    def opened(self) -> Page:
        """Open the form in a new tab."""
        page = self.context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(self.site.at(self.form.address), wait_until="domcontentloaded")
        # Back and the drafts' script want the page to be whole.
        page.wait_for_load_state("load")
        page.wait_for_timeout(300)
        return page

    def type_into(self, page: Page, text: str) -> None:
        """Type as a person does; a field in a closed menu is set by the page's script."""
        one = page.locator(f"form >> nth={self.form.at}").locator(f'[name="{self.form.field}"]').first
        if self.form.kind != "date" and one.is_visible():
            one.fill("")
            one.press_sequentially(text)
        else:
            page.evaluate(SET, [self.form.at, self.form.field, text])

    def stands(self, page: Page, text: str) -> bool:
        """Return whether the text stands on the page, in a field or as what was saved; looks for some seconds."""
        return holds(page, lambda: text in page.evaluate(EVERYTHING), within_s=8.0)

    def found_again(self, text: str) -> bool:
        """Return whether the form, opened again, or the page that shows what was saved holds the text."""
        page = self.opened()
        try:
            return self.stands(page, text)
        finally:
            page.close()


def holds(page: Page, what: Callable[[], bool], within_s: float) -> bool:
    """Return whether this becomes true; asked from outside, since the pages' policy runs no strange script."""
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        # A page that is just being left cannot be asked.
        with contextlib.suppress(Error):
            if what():
                return True
        page.wait_for_timeout(100)
    return False


def expire(trouble: Trouble, *, by_time: bool) -> bool:
    """Let the log-in expire, send the form, log in in another tab, and go on."""
    page = trouble.opened()
    trouble.type_into(page, trouble.text)
    page.wait_for_timeout(1000 * LEAST_S)
    if by_time:
        let_time_out(trouble.site)
    else:
        trouble.context.clear_cookies(name="interval-coach")
    page.evaluate(SEND, [trouble.form.at, trouble.form.field])
    page.locator("#net-out[open]").wait_for()
    if not trouble.stands(page, trouble.text):
        return False
    with trouble.context.expect_page() as other:
        page.locator("#net-log-in").click()
    log_in(other.value, trouble.site)
    other.value.close()
    holds(page, lambda: page.locator("#net-out[open]").count() == 0, within_s=20.0)
    page.wait_for_timeout(1500)
    page.wait_for_load_state()
    said = page.locator(".notice-success").count() > 0
    return said or trouble.stands(page, trouble.text) or trouble.found_again(trouble.text)


def go_back(trouble: Trouble) -> bool:
    """Send the form where that asks again, or leave the page; then Back."""
    page = trouble.opened()
    trouble.type_into(page, trouble.text)
    page.wait_for_timeout(100)
    page.goto(trouble.site.at("/account/"))
    page.go_back(wait_until="domcontentloaded")
    return trouble.stands(page, trouble.text)


def double_tabs(trouble: Trouble) -> bool:
    """Type into the form in two tabs, close both, and open it twice."""
    other = {"date": _in_days(20), "number": str(500 + trouble.number)}.get(trouble.form.kind, f"{trouble.text}b")
    texts = [trouble.text, other]
    if 0 < trouble.form.longest < len(texts[1]):
        texts[1] = texts[1][-trouble.form.longest :]
    pages = []
    for text in texts:
        page = trouble.opened()
        trouble.type_into(page, text)
        page.wait_for_timeout(1000 * LEAST_S)
        pages.append(page)
    both = all(trouble.stands(page, text) for page, text in zip(pages, texts, strict=True))
    for page in pages:
        page.close()
    again = [trouble.opened(), trouble.opened()]
    said = [page.evaluate(EVERYTHING) for page in again if page.wait_for_timeout(3000) is None]
    return both and all(any(text in one for one in said) for text in texts)


def lose_network(trouble: Trouble) -> bool:
    """Lose the network, type on, send; then the network is back, and the form is sent again."""
    page = trouble.opened()
    trouble.context.set_offline(offline=True)
    trouble.type_into(page, trouble.text)
    page.evaluate(SEND, [trouble.form.at, trouble.form.field])
    page.locator("#net-away").wait_for()
    kept = trouble.stands(page, trouble.text)
    trouble.context.set_offline(offline=False)
    page.wait_for_timeout(6000)
    page.close()
    return kept and trouble.found_again(trouble.text)


def close_tab(trouble: Trouble) -> bool:
    """Close the tab in the middle, and open the form again."""
    page = trouble.opened()
    trouble.type_into(page, trouble.text)
    page.wait_for_timeout(1000 * LEAST_S)
    page.close()
    return trouble.found_again(trouble.text)


WAYS: dict[str, Callable[[Trouble], bool]] = {
    "log-in gone": lambda trouble: expire(trouble, by_time=False),
    "Back": go_back,
    "double tabs": double_tabs,
    "network lost": lose_network,
    "log-in timed out": lambda trouble: expire(trouble, by_time=True),
    "tab closed": close_tab,
}


def log_in(page: Page, site: Site) -> None:
    """Log in on the page that is open; a server that has too much to do is asked again."""
    address = page.url
    for _turn in range(LOG_INS):
        if page.locator("#id_username").count() == 0:
            page.goto(address)
        page.locator("#id_username").fill("demo")
        page.locator("#id_password").fill(site.password)
        with page.expect_navigation(timeout=PATIENCE_MS):
            page.locator("main button").click()
        if page.locator(".menu summary").count():
            break
        page.wait_for_timeout(3000)
    expect(page.locator(".menu summary")).to_have_text("Demo", timeout=PATIENCE_MS)
    site.state = dict(page.context.storage_state())


def is_logged_in(page: Page, site: Site) -> bool:
    """Open the account's own page; return whether it came, and not the one that asks for a log-in."""
    page.goto(site.at("/account/"), wait_until="domcontentloaded")
    return "/log-in/" not in page.url


def forms_of(page: Page, site: Site) -> list[FoundForm]:
    """Return the forms of all pages, the first of those that are alike."""
    if not is_logged_in(page, site):
        log_in(page, site)
    names = found(site)
    forms: dict[tuple[str, str], FoundForm] = {}
    for name, path in WITH_LOG_IN.items():
        address = path.format(**names)
        page.goto(site.at(address), wait_until="domcontentloaded")
        if "/confirm/" in page.url:
            page.locator("#id_proof").fill(site.password)
            page.locator("main .button-main").click()
            page.goto(site.at(address), wait_until="domcontentloaded")
        for one in page.evaluate(FIND):
            field, kind, longest = one["fields"][0]
            forms.setdefault((name, field), FoundForm(name, address, one["at"], field, kind, longest))
    return list(forms.values())


def next_form(page: Page, site: Site, forms: list[FoundForm], place: int) -> FoundForm:
    """Return the form of this place as it stands on its page now; the next one where a try before has sent it away.

    A plan that was withdrawn has no form to withdraw it. Raises LookupError where no form is left.
    """
    for form in (*forms[place:], *forms[:place]):
        page.goto(site.at(form.address), wait_until="domcontentloaded")
        for one in page.evaluate(FIND):
            if one["fields"][0][0] == form.field:
                return replace(form, at=one["at"])
    raise LookupError("no page has a form any more")


@contextlib.contextmanager
def opened_site(given: argparse.Namespace) -> Iterator[Site]:
    """Yield the demo that was named, or one of our own."""
    if given.address:
        yield Site(given.address, given.password, read_clinic(given.dir), "")
        return
    with tempfile.TemporaryDirectory() as folder:
        demo = Demo(Path(folder) / "clinic", PEOPLE)
        try:
            yield demo.opened()
        finally:
            demo.end()


def main() -> None:
    """Try, and say what was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=TRIES)
    parser.add_argument("--dir", type=Path)
    parser.add_argument("--address")
    parser.add_argument("--password")
    given = parser.parse_args()
    program = chromium()
    if program is None:
        sys.exit("chromium is not installed. Debian: apt-get install chromium")
    lost: list[str] = []
    with opened_site(given) as site, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=ARGUMENTS)
        window = watched(browser, site, logged_in=False, size=TABLET)
        window.context.route(LIGHT, lambda route: route.abort())
        forms = forms_of(window.page, site)
        print(f"    {len(forms)} forms: {', '.join(f'{form.page} ({form.field})' for form in forms)}", flush=True)
        ways = list(WAYS.items())
        began_s = time.monotonic()
        for number in range(given.tries):
            # Ways and forms go round at different lengths, so that every form meets several.
            way, do = ways[number % len(ways)]
            place = (number + number // len(ways)) % len(forms)
            form = forms[place]
            for page in window.context.pages[1:]:
                page.close()
            try:
                if not is_logged_in(window.page, site):
                    log_in(window.page, site)
                form = next_form(window.page, site, forms, place)
                kept = do(Trouble(site, window.context, form, 100 + number))
            except Exception as error:  # noqa: BLE001 - a try that cannot be carried out counts as lost
                kept = False
                print(f"    {way}, {form.page}: {str(error).splitlines()[0]}", flush=True)
            window.context.set_offline(offline=False)
            print(f"    {number + 1} of {given.tries}: {way}, {form.page}", flush=True)
            if not kept:
                lost.append(f"{way}: {form.page} ({form.field})")
                print(f"    lost: {lost[-1]}", flush=True)
        browser.close()
        print(f"    {time.monotonic() - began_s:.0f} s")
    figures = Figures("lost_typing")
    figures.tell("tries in which something typed was lost", len(lost), f"of {given.tries}", TARGET)
    figures.keep()
    print(f"lost typing: {len(lost)} of {given.tries}, target {TARGET}")
    sys.exit(bool(lost))


if __name__ == "__main__":
    main()
