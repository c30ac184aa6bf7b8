"""Lost typing: fifty times something goes wrong while a person types into a form of the pages, in a real chromium.

    python -m benchmarks.campaign_lost_typing [--tries 50] [--seeds 1 2 3 4] [--dir FOLDER --address URL --password W]

Without an address a demo clinic of its own is started. The forms are found on the pages themselves, every one that is
sent by POST and has something to type or choose. A seed draws which form, and which of its fields: text, date, number,
choice, tick box. Eight things go wrong in turn: the log-in expires, by time, by its cookie or from another computer,
and the form is sent; the browser goes Back; the form stands in two tabs, and both are closed; the network is lost, or
the server ends and comes again, and the form is sent; the tab is closed. Lost is what then stands neither in the form
nor in what was saved.
"""

import argparse
import contextlib
import os
import random
import signal
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
from tests.support.clinic.local_demo import ARGUMENTS, TABLET, Demo, Site, Watched, chromium, part_of, watched
from tests.support.clinic.page_crawl import WITH_LOG_IN, found
from tests.support.figures import Figures

TRIES, TARGET = 50, 0
SEEDS = (1, 2, 3, 4)
PEOPLE = 8
PATIENCE_MS = 240_000
LOG_INS = 5
CHOICES = ("checkbox", "radio", "select-one")
LEAST_S = 1.2
"""The pause between typing and what goes wrong; drafts are kept half a second after typing."""

FIND = """() => [...document.forms].map((form, at) => ({ at, fields: [...form.elements]
    .filter((one) => one.name && !one.disabled && !one.readOnly && one.dataset.secret === undefined
      && ["textarea", "text", "search", "date", "number", "email", "checkbox", "radio", "select-one"].includes(one.type)
      && (one.type !== "radio" || !one.checked) && (one.type !== "select-one" || one.options.length > 1))
    .map((one) => [one.name, one.type, one.maxLength ?? -1,
      one.options ? [...one.options].findLast((option) => !option.selected).value : one.value]), method: form.method }))
  .filter((form) => form.method === "post" && form.fields.length)"""
SET = """([at, name, value]) => { const one = [...document.forms[at].elements].find((each) => each.name === name);
  one.value = value; one.dispatchEvent(new Event("input", { bubbles: true })); }"""
CHOOSE = """([at, name, value]) => { const form = document.forms[at];
  const one = [...form.elements].find((each) => each.name === name && (each.options || each.value === value));
  if (one.options) one.value = value; else one.checked = one.type === "radio" || !one.checked;
  for (const what of ["input", "change"]) one.dispatchEvent(new Event(what, { bubbles: true }));
  return one.options || one.checked ? "chosen" : "not chosen"; }"""
CHOSEN = """([name, value]) => [...document.forms].filter((form) => form.method === "post")
  .flatMap((form) => [...form.elements].filter((one) => one.name === name && (one.options || one.value === value)))
  .map((one) => one.options ? one.value === value && "chosen" : one.checked ? "chosen" : "not chosen")"""
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
    _in_database(site, _age_all)


def end_sessions(site: Site) -> None:
    """End every log-in, as another computer's list of one's own sessions does."""
    _in_database(site, _end_all)


def _in_database(site: Site, work: Callable[[], None]) -> None:
    os.environ.update({FOLDER_VARIABLE: str(site.clinic.places.folder), PLAIN_VARIABLE: "1"})
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    # The browser's own loop runs in this thread, where Django refuses to ask a database.
    with ThreadPoolExecutor(1) as other:
        other.submit(work).result()


def _end_all() -> None:
    import django  # noqa: PLC0415 - settings come from the clinic's folder, which is known now

    django.setup()
    from django.contrib.sessions.models import Session  # noqa: PLC0415 - as above

    Session.objects.all().delete()


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
    choice: str

    @property
    def chosen(self) -> bool:
        """Return whether the field holds a choice and no text."""
        return self.kind in CHOICES


class Trouble(Struct):
    """One try: a browser window on the demo, and what is typed."""

    site: Site
    context: BrowserContext
    form: FoundForm
    number: int
    state: str = ""
    """What a choice was made to be."""

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
        if self.form.chosen:
            self.state = page.evaluate(CHOOSE, [self.form.at, self.form.field, self.form.choice])
            return
        one = page.locator(f"form >> nth={self.form.at}").locator(f'[name="{self.form.field}"]').first
        if self.form.kind != "date" and one.is_visible():
            one.fill("")
            one.press_sequentially(text)
        else:
            page.evaluate(SET, [self.form.at, self.form.field, text])

    def stands(self, page: Page, text: str) -> bool:
        """Return whether the text stands on the page, in a field or as what was saved; looks for some seconds."""
        if self.form.chosen:
            asked = [self.form.field, self.form.choice]
            return holds(page, lambda: self.state in page.evaluate(CHOSEN, asked), within_s=8.0)
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


def expire(trouble: Trouble, end: Callable[[Trouble], None]) -> bool:
    """Let the log-in expire, send the form, log in in another tab, and go on."""
    page = trouble.opened()
    trouble.type_into(page, trouble.text)
    page.wait_for_timeout(1000 * LEAST_S)
    end(trouble)
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
    return kept and kept_when_back(trouble, page)


def kept_when_back(trouble: Trouble, page: Page) -> bool:
    """Return whether the page says that it has contact again, and what was typed is then found in a new tab.

    Until then it asks not to be closed.
    """
    if not holds(page, lambda: page.locator("#net-away").is_hidden(), within_s=PATIENCE_MS / 1000):
        print("    the page never had contact again", flush=True)
        return False
    page.close()
    return trouble.found_again(trouble.text)


def restart_server(trouble: Trouble) -> bool:
    """Let the pages' program end, send the form, and wait until the demo has started the program again."""
    page = trouble.opened()
    trouble.type_into(page, trouble.text)
    # Killed at once: what was typed just now has not been kept.
    os.kill(part_of(trouble.site, "server web"), signal.SIGKILL)
    page.evaluate(SEND, [trouble.form.at, trouble.form.field])
    page.locator("#net-away").wait_for()
    kept = trouble.stands(page, trouble.text)
    return kept and kept_when_back(trouble, page)


def close_tab(trouble: Trouble) -> bool:
    """Close the tab in the middle, and open the form again."""
    page = trouble.opened()
    trouble.type_into(page, trouble.text)
    page.wait_for_timeout(1000 * LEAST_S)
    page.close()
    return trouble.found_again(trouble.text)


WAYS: dict[str, Callable[[Trouble], bool]] = {
    "log-in gone": lambda trouble: expire(trouble, lambda one: one.context.clear_cookies(name="interval-coach")),
    "Back": go_back,
    "double tabs": double_tabs,
    "network lost": lose_network,
    "log-in timed out": lambda trouble: expire(trouble, lambda one: let_time_out(one.site)),
    "tab closed": close_tab,
    "log-in ended elsewhere": lambda trouble: expire(trouble, lambda one: end_sessions(one.site)),
    "server restarted": restart_server,
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
    forms: dict[tuple[str, str, str], FoundForm] = {}
    for name, path in WITH_LOG_IN.items():
        address = path.format(**names)
        page.goto(site.at(address), wait_until="domcontentloaded")
        if "/confirm/" in page.url:
            page.locator("#id_proof").fill(site.password)
            page.locator("main .button-main").click()
            page.goto(site.at(address), wait_until="domcontentloaded")
        for one in page.evaluate(FIND):
            for field, kind, longest, choice in one["fields"]:
                forms.setdefault((name, field, kind), FoundForm(name, address, one["at"], field, kind, longest, choice))
    return list(forms.values())


def next_form(page: Page, site: Site, drawn: Iterator[FoundForm]) -> FoundForm:
    """Return the next form that stands on its page now: a plan that was withdrawn has no form to withdraw it."""
    for form in drawn:
        page.goto(site.at(form.address), wait_until="domcontentloaded")
        for one in page.evaluate(FIND):
            for field, kind, _longest, choice in one["fields"]:
                if (field, kind) == (form.field, form.kind):
                    return replace(form, at=one["at"], choice=choice)
    raise AssertionError("forms are drawn for ever")


def drawn_from(forms: list[FoundForm], chance: random.Random, *, text_only: bool) -> Iterator[FoundForm]:
    """Yield forms for ever: a page, and then one of the fields of its forms, so that no page's many fields prevail."""
    fit = [form for form in forms if not (text_only and form.chosen)]
    pages = sorted({form.page for form in fit})
    while True:
        page = chance.choice(pages)
        yield chance.choice([form for form in fit if form.page == page])


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


def try_all(site: Site, window: Watched, forms: list[FoundForm], seed: int, tries: int) -> list[str]:
    """Return what was lost."""
    chance = random.Random(seed)
    ways, lost = list(WAYS.items()), []
    for number in range(tries):
        way, do = ways[number % len(ways)]
        name = "no form"
        for page in window.context.pages[1:]:
            page.close()
        try:
            if not is_logged_in(window.page, site):
                log_in(window.page, site)
            # Two tabs hold two texts; a tick box has one other state.
            form = next_form(window.page, site, drawn_from(forms, chance, text_only=do is double_tabs))
            name = f"{form.page} ({form.field}, {form.kind})"
            kept = do(Trouble(site, window.context, form, 1000 * seed + 100 + number))
        except Exception as error:  # noqa: BLE001 - a try that cannot be carried out counts as lost
            kept = False
            print(f"    {way}, {name}: {str(error).splitlines()[0]}", flush=True)
        window.context.set_offline(offline=False)
        print(f"    {number + 1} of {tries}: {way}, {name}", flush=True)
        if not kept:
            lost.append(f"{way}: {name}")
            print(f"    lost: {lost[-1]}", flush=True)
    return lost


def main() -> None:
    """Try, and say what was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=TRIES)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--dir", type=Path)
    parser.add_argument("--address")
    parser.add_argument("--password")
    given = parser.parse_args()
    program = chromium()
    if program is None:
        sys.exit("chromium is not installed. Debian: apt-get install chromium")
    figures, lost = Figures("lost_typing"), []
    with opened_site(given) as site, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=ARGUMENTS)
        window = watched(browser, site, logged_in=False, size=TABLET)
        window.context.route(LIGHT, lambda route: route.abort())
        # The tab of the log-in too.
        window.context.set_default_timeout(PATIENCE_MS)
        forms = forms_of(window.page, site)
        kinds = sorted({form.kind for form in forms})
        pages = sorted({form.page for form in forms})
        print(f"    {len(forms)} fields ({', '.join(kinds)}) on {len(pages)} pages: {', '.join(pages)}", flush=True)
        for seed in given.seeds:
            began_s = time.monotonic()
            now = try_all(site, window, forms, seed, given.tries)
            lost += now
            took_s = time.monotonic() - began_s
            print(
                f"lost typing, seed {seed}: {len(now)} of {given.tries}, target {TARGET} ({took_s:.0f} s)", flush=True
            )
            figures.tell(f"tries in which something typed was lost, seed {seed}", len(now), f"of {given.tries}", TARGET)
        browser.close()
    figures.keep()
    sys.exit(bool(lost))


if __name__ == "__main__":
    main()
