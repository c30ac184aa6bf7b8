"""Draws each page of the server to docs/screens/web/, in both languages, on tablet and phone, as the demo shows it.

Run from the project's folder: `python scripts/draw_pages.py [--dir FOLDER --address URL --password WORD] [NAME …]`;
with an address, of a demo that runs already; with names, only those pages are drawn. Needs chromium and mosquitto.
"""

import argparse
import contextlib
import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from server.clinic_folder.settings import read_clinic
from tests.support.clinic.local_demo import ARGUMENTS, PATIENCE_MS, PHONE, TABLET, Demo, Site, chromium, watched
from tests.support.clinic.page_crawl import WITH_LOG_IN, WITHOUT_LOG_IN, found, settle

FOLDER = Path(__file__).parent.parent / "docs" / "screens" / "web"
SIZES = {"tablet": TABLET, "phone": PHONE}
LANGUAGES = {"nb": "på bokmål", "en": "in English"}
LONGEST_PX = 1800
"""Of a page that goes on and on, its beginning is enough."""
COLOURS = 96
LAST = ("room", "wall")
PEOPLE = 24
WORDS = {
    "log-in": "Log-in: name and password; a one-time code comes next.",
    "follow-up": "The first page: who needs a therapist, why, and what comes next.",
    "room": "The live room: who needs somebody comes first.",
    "wall": "The live room on a wall: dark, without a frame, read from five metres.",
    "participants": "Participants, with what was trained lately.",
    "participant-new": "Taking somebody in; the pseudonym is drawn.",
    "participant": "One participant at a glance.",
    "plan": "The plan in force, what the coach proposes, its history.",
    "plan-change": "Changing the plan; what safety rests on is typed twice.",
    "participant-diary": "A participant's diary, by the month.",
    "course": "The course: 24 sessions over eight weeks, and how it goes.",
    "papers": "Papers and files about a participant.",
    "letter": "A letter to the GP, written from the figures.",
    "diary": "The clinic's days.",
    "session": "A session: its trace, its intervals, what happened.",
    "unassigned": "Sessions of nobody who is known here.",
    "reports": "The activity report.",
    "research": "The export for research.",
    "machines": "The machines; nothing about health.",
    "accounts": "Accounts and their roles.",
    "access-log": "The access log.",
    "network": "Sums over clinics; small groups are not told.",
    "network-kinds": "Sums by kind of training.",
    "own-account": "One's own account.",
}
"""The pages that are drawn, with what they are for. Forms that look like another one's are left out."""


@contextlib.contextmanager
def _site(given: argparse.Namespace) -> Iterator[Site]:
    """Yield a site."""
    if given.address:
        yield Site(given.address, given.password, read_clinic(given.dir), "")
        return
    with tempfile.TemporaryDirectory() as folder:
        demo = Demo(Path(folder) / "clinic", PEOPLE)
        try:
            yield demo.opened()
        finally:
            demo.end()


def _log_in(browser: Browser, site: Site) -> None:
    one = watched(browser, site, logged_in=False)
    one.goto("/log-in/")
    one.page.locator("#id_username").fill("demo")
    one.page.locator("#id_password").fill(site.password)
    one.page.locator("main button").click()
    expect(one.page.locator(".menu summary")).to_have_text("Demo", timeout=PATIENCE_MS)
    site.state = dict(one.context.storage_state())
    one.context.close()


def _in_language(page: Page, language: str) -> None:
    if page.locator("html").get_attribute("lang") != language:
        page.locator(".language button").evaluate("button => button.click()")
        expect(page.locator(f'html[lang="{language}"]')).to_have_count(1, timeout=PATIENCE_MS)


def _drawn(page: Page, width: int) -> Image.Image:
    """Return the whole page, but no longer than is of use; few colours, so that it is small."""
    height = min(LONGEST_PX, int(page.evaluate("document.documentElement.scrollHeight")))
    shown = page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": width, "height": max(height, 300)})
    return Image.open(io.BytesIO(shown)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)


def _draw(browser: Browser, site: Site, names: list[str]) -> None:
    known = found(site)
    for size, (width, height) in SIZES.items():
        for language in LANGUAGES:
            for logged_in in (False, True):
                one = watched(browser, site, logged_in=logged_in, size=(width, height))
                pages = WITH_LOG_IN if logged_in else WITHOUT_LOG_IN
                for name in (name for name in names if name in pages):
                    one.page.goto(site.at(pages[name].format(**known)), wait_until="load")
                    _in_language(one.page, language)
                    settle(one.page, name)
                    one.page.evaluate("document.fonts.ready")
                    file = FOLDER / f"{name}-{size}-{language}.png"
                    _drawn(one.page, width).save(file, optimize=True)
                one.context.close()


def _index() -> str:
    """Return the README of the folder."""
    lines = [
        "# The web pages",
        "",
        "Each page as the demo's clinic shows it, drawn by `make screens-web`: bokmål at a tablet's width (1024 px)",
        "here, the rest behind the links. Long pages are cut. How they are built: [../../web.md](../../web.md). The",
        "people are made up.",
        "",
    ]
    for name, words in WORDS.items():
        others = " · ".join(
            f"[{size}, {language}]({name}-{size}-{language}.png)"
            for size in SIZES
            for language in LANGUAGES
            if (size, language) != ("tablet", "nb")
        )
        lines += [f"## {words}", "", f"![{words}]({name}-tablet-nb.png)", "", others, ""]
    return "\n".join(lines)


def main() -> None:
    """Draw them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", type=Path)
    parser.add_argument("--address")
    parser.add_argument("--password")
    parser.add_argument("names", nargs="*", metavar="NAME")
    given = parser.parse_args()
    program = chromium()
    if program is None:
        sys.exit("chromium is not installed. Debian: apt-get install chromium")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with _site(given) as site, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=ARGUMENTS)
        _log_in(browser, site)
        names = given.names or list(WORDS)
        # The room last: its traces have grown meanwhile.
        _draw(browser, site, [name for name in names if name not in LAST])
        _draw(browser, site, [name for name in names if name in LAST])
        browser.close()
    (FOLDER / "README.md").write_text(_index(), encoding="utf-8")


if __name__ == "__main__":
    main()
