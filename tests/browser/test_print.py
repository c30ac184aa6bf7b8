"""Pages on paper: nothing cut off, nothing to press, all told apart, black on white also from the dark look."""

import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.support.clinic.local_clinic import program
from tests.support.clinic.local_demo import TABLET, Site, watched
from tests.support.clinic.page_crawl import WITH_LOG_IN, found, settle

PRINTED = ("room", "wall", "participants", "follow-up", "participant", "plan", "participant-list", "course", "diary",
           "session", "reports", "network", "machines", "week", "week-list")  # fmt: skip
A4_WIDTH = 673
"""The width of a sheet within its margins of 16 mm, in CSS pixels."""
LEAST_CONTRAST = 4.5
CUT = """() => [...document.querySelectorAll("main *")].filter((one) => {
    const box = one.getBoundingClientRect();
    const unseen = one.closest(".unseen, svg") || getComputedStyle(one.closest("thead") ?? one).clipPath !== "none";
    if (!box.width || !box.height || unseen) return false;
    const clipped = getComputedStyle(one).overflowX !== "visible" && one.scrollWidth > one.clientWidth + 1;
    return box.right > innerWidth + 1 || (clipped && one.innerText?.trim());
  }).map((one) => `${one.tagName}.${one.className}: ${one.innerText?.slice(0, 60) ?? ""}`)"""
PRESSED = """() => [...document.querySelectorAll("nav, header.top, footer, button, select, input, textarea, dialog")]
  .filter((one) => one.type !== "hidden" && one.getClientRects().length && !one.classList.contains("row-look"))
  .map((one) => one.outerHTML.slice(0, 100))"""
# Luminance and contrast: WCAG 2.2. A colour is drawn, so that every way of writing it is understood.
PALE = """(least) => {
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = (colour) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    const linear = (one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
    const [x, y, z] = [r, g, b].map((one) => linear(one / 255));
    return a === 0 ? null : 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const wrong = [];
  for (const one of document.querySelectorAll("body, main *")) {
    if (!one.getClientRects().length || one.closest(".unseen, .picture, svg")) continue;
    const style = getComputedStyle(one);
    const ground = light(style.backgroundColor);
    const words = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const ink = light(style.color);
    const said = one.outerHTML.slice(0, 90);
    if (ground !== null && ground < 0.5 && !one.matches("[class*=signal-]")) wrong.push(`dark ground: ${said}`);
    if (words && ink !== null && 1.05 / (ink + 0.05) < least) wrong.push(`pale words: ${said}`);
  }
  return wrong;
}"""


@pytest.fixture(scope="module")
def addresses(site: Site) -> dict[str, str]:
    """The printed pages' addresses."""
    names = found(site)
    return {name: WITH_LOG_IN[name].format(**names) for name in PRINTED}


@pytest.fixture
def dark(browser: Browser, site: Site, addresses: dict[str, str]) -> Page:
    """A page in the dark look, as wide as a tablet."""
    del addresses
    page = watched(browser, site, size=TABLET).page
    page.emulate_media(color_scheme="dark")
    return page


def opened(page: Page, site: Site, address: str, name: str) -> None:
    page.goto(site.at(address), wait_until="load")
    settle(page, name)


def test_every_page_fits_on_the_sheet_black_on_white_and_without_anything_to_press(
    dark: Page, site: Site, addresses: dict[str, str]
) -> None:
    wrong = []
    for name, address in addresses.items():
        opened(dark, site, address, name)
        dark.emulate_media(media="print", color_scheme="dark")
        dark.set_viewport_size({"width": A4_WIDTH, "height": 1000})
        dark.evaluate("dispatchEvent(new Event('beforeprint'))")
        dark.wait_for_timeout(200)
        wrong += [f"{name}: cut off: {one}" for one in dark.evaluate(CUT)]
        wrong += [f"{name}: to press: {one}" for one in dark.evaluate(PRESSED)]
        wrong += [f"{name}: {one}" for one in dark.evaluate(PALE, LEAST_CONTRAST)]
        dark.evaluate("dispatchEvent(new Event('afterprint'))")
        dark.emulate_media(media="screen", color_scheme="dark")
        dark.set_viewport_size({"width": TABLET[0], "height": TABLET[1]})
    assert wrong == []


def test_the_sheets_are_light_and_name_everybody_so_that_they_are_told_apart(
    dark: Page, site: Site, addresses: dict[str, str], tmp_path: Path
) -> None:
    told = site.inside(
        "from server.people.models import Participant\n"
        "for one in Participant.objects.filter(clinic__code='demo', active=True):\n"
        "    print('WHO', one.nickname, one.birth_year)"
    )
    people = [line.split()[1:] for line in told.splitlines() if line.startswith("WHO")]
    for name in ("participants", "session", "room"):
        opened(dark, site, addresses[name], name)
        file = tmp_path / f"{name}.pdf"
        dark.pdf(path=str(file), prefer_css_page_size=True)
        words = subprocess.run(
            [program("pdftotext"), "-layout", str(file), "-"], capture_output=True, text=True, check=True
        ).stdout
        if name == "participants":
            assert [one for one in people if one[0] not in words or one[1] not in words] == []
        subprocess.run([program("pdftoppm"), "-gray", "-r", "40", str(file), str(tmp_path / name)], check=True)
        for sheet in sorted(tmp_path.glob(f"{name}-*.pgm")):
            grey = sheet.read_bytes().split(b"\n", 3)[3]
            assert sum(grey) / len(grey) > 225, f"{sheet.name} is dark"
