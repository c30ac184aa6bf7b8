"""How much of a person's time common tasks take, counted by the keystroke-level model in a real chromium.

    python -m benchmarks.bench_web_hands [--dir FOLDER --address URL --password WORD]

Card, Moran and Newell 1980: a key 0.28 s (an average typist), pointing 1.1 s, a press of the mouse 0.2 s, a hand moved
between mouse and keys 0.4 s, a thought 1.35 s before each figure or choice. The tasks are carried out, as a new user
does who points at every field with the mouse; how long the pages took to answer is added. Without an address a
demo clinic of its own is started.
"""

import argparse
import sys
import time
from pathlib import Path

from playwright.sync_api import Locator, Page, expect, sync_playwright

from benchmarks.campaign_lost_typing import log_in, opened_site
from tests.support.clinic.local_demo import ARGUMENTS, chromium, watched
from tests.support.figures import Figures

KEY_S, POINT_S, PRESS_S, HOME_S, THINK_S = 0.28, 1.1, 0.2, 0.4, 1.35
NEW_TARGET_S, CLEARANCE_TARGET_S, NOTE_TARGET_CLICKS = 60.0, 90.0, 2
SIZE = (1180, 820)


class Hands:
    """A person's hands on mouse and keys: do what is asked on the page, and count."""

    def __init__(self, page: Page) -> None:
        """Begin with a hand on the mouse."""
        self.page = page
        self.keys = self.clicks = self.moves = self.thoughts = 0
        self.waited_s = 0.0
        self._on_mouse = True

    def think(self) -> None:
        """Decide, or read a figure off a paper."""
        self.thoughts += 1

    def click(self, what: Locator, *, leads_on: bool = False) -> None:
        """Point at something and press. `leads_on`: another page comes, and is waited for."""
        self._home(mouse=True)
        self.clicks += 1
        if not leads_on:
            what.click()
            return
        began_s = time.monotonic()
        with self.page.expect_navigation(wait_until="load"):
            what.click()
        self.waited_s += time.monotonic() - began_s

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self._home(mouse=False)
        self.keys += len(text)
        self.page.keyboard.type(text)

    def choose(self, what: Locator, value: str) -> None:
        """Open a list and choose: two presses."""
        self.click(what)
        self._home(mouse=True)
        self.clicks += 1
        what.select_option(value)

    @property
    def seconds(self) -> float:
        """Return the time by the model, with what the pages took."""
        acts_s = KEY_S * self.keys + (POINT_S + PRESS_S) * self.clicks + HOME_S * self.moves + THINK_S * self.thoughts
        return acts_s + self.waited_s

    def _home(self, *, mouse: bool) -> None:
        self.moves += mouse is not self._on_mouse
        self._on_mouse = mouse


def clear(page: Page) -> Hands:
    """Record the clearance of a new participant, on the way to the first plan."""
    hands = Hands(page)
    hands.think()
    hands.click(page.locator("#id_cleared_by"))
    hands.type("Ingrid Fastlege")
    hands.think()
    hands.click(page.locator('input[name="beta_blocker"][value="no"]'))
    hands.click(page.locator("form:has(#id_cleared_by) .button-main"), leads_on=True)
    return hands


def take_in(page: Page) -> tuple[Hands, Hands]:
    """Take in a new participant and make the first plan, from the list of participants; the clearance apart."""
    hands = Hands(page)
    suffix = f"{time.time_ns() % 10_000:04d}"
    hands.think()
    hands.click(page.locator('a[href$="/participants/new/"]'), leads_on=True)
    for name, text in (("name", f"Hanne Li {suffix}"), ("birth_year", "1984"), ("nickname", f"Ask{suffix}")):
        hands.think()
        hands.click(page.locator(f"#id_{name}"))
        hands.type(text)
    hands.click(page.locator("main .form-end .button-main"), leads_on=True)
    clearance = clear(page)
    hands.think()
    hands.click(page.locator("#id_hr_max_bpm"))
    hands.type("182")
    hands.think()
    hands.choose(page.locator("#id_hr_max_source"), "measured")
    hands.click(page.locator("main .form-end .button-main"), leads_on=True)
    for one in page.locator("main .field").all():
        hands.think()
        if one.locator('input[type="radio"]').count():
            hands.click(one.locator('input[type="radio"][value="heart_rate"]'))
        elif one.locator('input[type="checkbox"]').count():
            hands.click(one.locator('input[type="checkbox"]'))
        else:
            field = one.locator("input")
            hands.click(field)
            hands.type("20" if field.get_attribute("name") == "again_max_speed_kmh" else "182")
    hands.click(page.locator("main .form-end .button-main"), leads_on=True)
    expect(page.locator(".notice-success")).to_be_visible()
    return hands, clearance


def write_note(page: Page) -> Hands:
    """Write a note on a participant who trains, from the room."""
    hands = Hands(page)
    page.locator(".tile .tile-open").first.wait_for()
    hands.think()
    hands.click(page.locator(".tile:has(img.picture:not([hidden])) .tile-open").first)
    page.locator("#panel-note").wait_for()
    # What is typed after a tile was opened goes to the note.
    hands.type("Trapp opp neste gang")
    expect(page.locator("#panel-note")).to_have_value("Trapp opp neste gang")
    hands.click(page.locator("#panel-note-form button[type=submit]"))
    expect(page.locator("#panel-note")).to_have_value("")
    return hands


def counted(hands: Hands) -> str:
    """Return what was counted, in words."""
    return f"{hands.keys} keys, {hands.clicks} clicks, {hands.thoughts} thoughts, pages {hands.waited_s:.1f} s"


def main() -> None:
    """Count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", type=Path)
    parser.add_argument("--address")
    parser.add_argument("--password")
    given = parser.parse_args()
    program = chromium()
    if program is None:
        sys.exit("chromium is not installed. Debian: apt-get install chromium")
    figures = Figures("web_hands")
    with opened_site(given) as site, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=ARGUMENTS)
        window = watched(browser, site, logged_in=False, size=SIZE)
        window.goto("/log-in/")
        log_in(window.page, site)
        window.goto("/c/demo/participants/")
        hands, clearance = take_in(window.page)
        figures.tell("new participant with a plan, a person's time", hands.seconds, "s", NEW_TARGET_S, counted(hands))
        figures.tell(
            "clearance beyond that, a person's time", clearance.seconds, "s", CLEARANCE_TARGET_S, counted(clearance)
        )
        window.goto("/c/demo/room/")
        hands = write_note(window.page)
        figures.tell("clicks for a note from the room", hands.clicks, "", NOTE_TARGET_CLICKS, f"{hands.seconds:.0f} s")
        browser.close()
    figures.keep()


if __name__ == "__main__":
    main()
