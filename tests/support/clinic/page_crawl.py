"""Every page that somebody can open, by a short name: for axe, for narrow screens, for the pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import TimeoutError as PageTimeoutError

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.clinic.local_demo import Site

FINDING = """
import json
from django.db.models import Avg, Count
from server.diary.models import DiaryEntry
from server.people.models import Participant
from server.accounts.models import Account
from server.live.models import SuppliedMachine
here = Participant.objects.filter(clinic__code="demo", plans__hr_max_source="measured",
    plans__mode="heart_rate").annotate(n=Count("entries"), z=Avg("entries__zone_s"))
one = here.filter(n__gte=15).order_by("-z", "pk").first() or Participant.objects.filter(clinic__code="demo").first()
entry = DiaryEntry.objects.filter(participant=one, completed=True).order_by("-begun_at").first()
loose = DiaryEntry.objects.filter(clinic__code="demo", participant=None).first()
print("FOUND" + json.dumps({"person": one.pseudonym, "session": str(entry.session_id),
    "loose": str(loose.session_id) if loose else str(entry.session_id),
    "account": Account.objects.get(username="demo").pk}))
"""
WITHOUT_LOG_IN = {"log-in": "/log-in/", "link-over": "/welcome/nothing/"}
_PERSON, _SESSION = "/c/demo/participants/{person}/", "/c/demo/diary/session/{session}/"
WITH_LOG_IN = {
    "follow-up": "/c/demo/follow-up/",
    "follow-up-limits": "/c/demo/follow-up/limits/",
    "room": "/c/demo/room/",
    "wall": "/c/demo/room/wall/",
    "week": "/c/demo/week/",
    "week-fill": "/c/demo/week/fill/",
    "week-list": "/c/demo/week/list/",
    "week-times": "/c/demo/week/times/",
    "week-calendar": "/c/demo/week/calendar/",
    "participants": "/c/demo/participants/",
    "participant-new": "/c/demo/participants/new/",
    "participant": _PERSON,
    "participant-edit": f"{_PERSON}edit/",
    "plan": f"{_PERSON}plan/",
    "plan-change": f"{_PERSON}plan/change/",
    "participant-diary": f"{_PERSON}diary/",
    "participant-list": f"{_PERSON}diary/list/",
    "clearance": f"{_PERSON}clearance/",
    "measures": f"{_PERSON}measures/",
    "course": f"{_PERSON}course/",
    "papers": f"{_PERSON}papers/",
    "comparison": f"{_PERSON}papers/comparison/",
    "letter": f"{_PERSON}papers/letter/",
    "hand-over": f"{_PERSON}papers/hand-over/",
    "delete": f"{_PERSON}papers/delete/",
    "diary": "/c/demo/diary/",
    "session": _SESSION,
    "reassign": "/c/demo/diary/session/{loose}/reassign/",
    "unassigned": "/c/demo/diary/unassigned/",
    "reports": "/c/demo/papers/",
    "codes": "/c/demo/papers/codes/",
    "take-over": "/c/demo/papers/take-over/",
    "research": "/c/demo/papers/research/",
    "machines": "/c/demo/manage/machines/",
    "machine": "/c/demo/manage/machines/molle-1/",
    "accounts": "/c/demo/manage/accounts/",
    "account-new": "/c/demo/manage/accounts/new/",
    "account": "/c/demo/manage/accounts/{account}/",
    "access-log": "/c/demo/log/",
    "who-looked": "/c/demo/log/participant/{person}/",
    "network": "/network/",
    "network-kinds": "/network/kinds/",
    "network-clinic": "/network/clinics/demo/",
    "own-account": "/account/",
    "password": "/account/password/",
    "all-clinics": "/?all",
}
SETTLED = {
    "room": ".tile:has(img.picture:not([hidden])) >> nth=5",
    "wall": ".tile >> nth=5",
    "session": ".trace-plot canvas",
}
"""What a page shows once its scripts have drawn."""
SHOWN = """() => [location.href,
  ...[...document.querySelectorAll(".trouble, .sum, .spread > p")].map((one) => one.hidden ? "" : one.textContent),
  ...[...document.querySelectorAll(".tile")].map((one) => [one.dataset.machine, one.dataset.look,
    ...[".status-word", ".age"].map((part) => one.querySelector(part).textContent),
    one.querySelector(".picture").hidden ? "no picture" : "picture"].join(" ")),
  ...[...document.querySelectorAll(".chip")].map((one) => one.textContent.trim())].join("\\n")"""
MAY_BE_GONE = ("link-over",)
"""These answer with an error on purpose."""


def settle(page: Page, name: str) -> None:
    """Wait until the page of this name has drawn itself. Fails with what it shows where it does not."""
    if name not in SETTLED:
        return
    try:
        page.locator(SETTLED[name]).wait_for(state="visible")
    except PageTimeoutError as error:
        raise AssertionError(f"{name} never showed {SETTLED[name]}, but:\n{page.evaluate(SHOWN)}") from error


def found(site: Site) -> dict[str, str]:
    """A participant with a long course, a session of theirs, one of nobody's, an account: what the addresses name."""
    import json  # noqa: PLC0415 - only here

    told = next(line for line in site.inside(FINDING).splitlines() if line.startswith("FOUND"))
    names: dict[str, str] = json.loads(told.removeprefix("FOUND"))
    return names
