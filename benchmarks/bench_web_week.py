"""How long a person takes to fill a week for six machines, by the keystroke-level model in a real chromium.

    python -m benchmarks.bench_web_week [--dir FOLDER --address URL --password WORD]

Six machines, three days, two hours: 36 places. Twice from an empty week: by typing twelve people, each booked on
their further days by the page, and from the groups with four people changed by hand; then a week copied with the
same four changes. The model is that of `benchmarks.bench_web_hands`, with what the pages took to answer.
"""

import argparse
import sys
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.bench_web_hands import SIZE, Hands, counted
from benchmarks.campaign_lost_typing import log_in, opened_site
from tests.support.clinic.local_demo import ARGUMENTS, Site, chromium, watched
from tests.support.figures import Figures

TARGET_S, PAGE_TARGET_MS = 120.0, 200.0
TYPED, CHANGED, READS = 12, 4, 9
EMPTY = """
from datetime import date, time
from server.accounts.models import Clinic
from server.appointments.calendar_week import week_of
from server.appointments.models import Appointment, FixedTime
from server.people.models import Participant
clinic = Clinic.objects.get(code="demo")
clinic.appointments.all().delete()
clinic.fixed_times.all().delete()
people = list(Participant.objects.filter(clinic=clinic, active=True).order_by("name")[:24])
for at, one in enumerate(people):
    Participant.objects.filter(pk=one.pk).update(group="ABCD"[at % 4])
FixedTime.objects.bulk_create(
    FixedTime(clinic=clinic, weekday=day, begins=time(hour), machine=f"molle-{one}", group=group,
              begun_on=date(2026, 1, 5))
    for day in (0, 2, 4) for hour, group in ((9, "A"), (10, "B")) for one in range(1, 7))
print("NAMES" + "|".join(one.nickname for one in people[:16]))
"""


def _type_people(page: Page, names: list[str]) -> Hands:
    """Type a nickname into each of the first places: the first click, then Tab from field to field."""
    hands = Hands(page)
    hands.think()
    fields = page.locator(".week-day").first.locator(".week-cell input[type=text]")
    hands.click(fields.first)
    for name in names:
        hands.think()
        hands.type(name)
        hands.keys += 1
        page.keyboard.press("Tab")
    hands.click(page.locator(".week-save .button-main"), leads_on=True)
    return hands


def _change(page: Page, names: list[str], hands: Hands) -> None:
    """Put other people into four places of the second day with times."""
    fields = page.locator(".week-day").nth(2).locator(".week-cell input[type=text]")
    page.locator("input[name=all_week]").uncheck()
    hands.clicks += 1
    for at, name in enumerate(names):
        hands.think()
        hands.click(fields.nth(at))
        hands.keys += 1
        page.keyboard.press("Control+a")
        hands.type(name)
    hands.click(page.locator(".week-save .button-main"), leads_on=True)


def _booked(site: Site) -> int:
    told = site.inside("from server.appointments.models import Appointment\nprint('N', Appointment.objects.count())")
    return int(next(line for line in told.splitlines() if line.startswith("N ")).split()[1])


def _page_ms(page: Page, address: str) -> float:
    """Return the best time to the first byte of a page."""
    found = []
    for _turn in range(READS):
        page.goto(address)
        found.append(page.evaluate("performance.getEntriesByType('navigation')[0].responseStart"))
    return min(found)


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
    figures = Figures("web_week")
    with opened_site(given) as site, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=ARGUMENTS)
        window = watched(browser, site, logged_in=False, size=SIZE)
        window.goto("/log-in/")
        log_in(window.page, site)
        told = next(line for line in site.inside(EMPTY).splitlines() if line.startswith("NAMES"))
        names = told.removeprefix("NAMES").split("|")
        week, fill = "/c/demo/week/?week=2027-W02", "/c/demo/week/fill/?week=2027-W02"
        window.goto(fill)
        hands = _type_people(window.page, names[:TYPED])
        expect(window.page.locator(".notice-success")).to_be_visible()
        figures.tell("a week for six machines by typing", hands.seconds, "s", TARGET_S, counted(hands))
        print(f"booked of 36 places: {_booked(site)}", flush=True)
        window.goto(week)
        hands = Hands(window.page)
        hands.think()
        hands.click(window.page.locator('form[action$="/copy/"] button'), leads_on=True)
        hands.click(window.page.locator('a[href*="/week/fill/"]'), leads_on=True)
        _change(window.page, names[TYPED : TYPED + CHANGED], hands)
        figures.tell("a week copied, four people changed", hands.seconds, "s", TARGET_S, counted(hands))
        site.inside("from server.appointments.models import Appointment\nAppointment.objects.all().delete()")
        window.goto(week)
        hands = Hands(window.page)
        hands.think()
        hands.click(window.page.locator('a[href*="/week/fill/"]'), leads_on=True)
        hands.click(window.page.locator('form[action$="/groups/"] button'), leads_on=True)
        hands.click(window.page.locator('a[href*="/week/fill/"]'), leads_on=True)
        _change(window.page, names[TYPED : TYPED + CHANGED], hands)
        figures.tell("a week from the groups, four people changed", hands.seconds, "s", TARGET_S, counted(hands))
        figures.tell("the week's page, best of nine", _page_ms(window.page, site.at(week)), "ms", PAGE_TARGET_MS)
        figures.tell("the filling page, best of nine", _page_ms(window.page, site.at(fill)), "ms", PAGE_TARGET_MS)
        browser.close()
    figures.keep()


if __name__ == "__main__":
    main()
