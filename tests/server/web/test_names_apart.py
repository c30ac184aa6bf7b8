"""Two people of one name are told apart wherever a page names one of them."""

import html
import re

from server.people.models import Participant
from server.people.plan_rules import Values
from server.people.plan_service import save_plan
from tests.server.web.conftest import cleared, logged_in
from tests.server.web.test_sweep import Swept, ask, pages, stocked_file, swept

__all__ = ("stocked_file", "swept")

NAME = "Kari Tvilling"
NICKNAMES = ("Rype", "Trane")
NEAR = 200
"""So many characters after a name are looked at; markup is gone."""


def text_of(page: str) -> str:
    """What a reader sees or hears, and what a list offers."""
    spoken = re.sub(r'<[^>]*?\b(?:aria-label|alt|placeholder)="([^"]*)"[^>]*>', r" \1 ", page)
    without = re.sub(r"<(script|style)\b.*?</\1>", " ", spoken, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", without)).split())


def not_told_apart(text: str) -> list[str]:
    """The places where the name stands without nickname or year soon after it."""
    found = []
    for match in re.finditer(re.escape(NAME), text):
        after = text[match.end() :].split(NAME, maxsplit=1)[0][:NEAR]
        if not re.search(r"^.{0,40}\b(?:Rype|Trane|19\d\d)\b", after):
            found.append(text[max(0, match.start() - 40) : match.end() + 60])
    return found


def test_two_people_of_one_name_are_told_apart_on_every_page(swept: Swept) -> None:
    people, here = swept.people, swept.here
    one = Participant.objects.get(clinic__code=here.clinic, pseudonym=here.pseudonym)
    other = Participant.objects.create(clinic=one.clinic, pseudonym="p-twin", name=NAME, birth_year=1971)
    for person, nickname in zip((one, other), NICKNAMES, strict=True):
        person.name, person.nickname = NAME, nickname
        person.save()
        cleared(person)
        values = Values(protocol="4x4", mode="heart_rate", hr_max_bpm=180, hr_max_source="measured")
        save_plan(person, people.account("therapist"), values, base=0, reason="")
    named, wrong = set(), []
    for account in ("therapist", "clinic_admin"):
        browser = logged_in(people.account(account))
        for page in pages():
            answer = ask(browser, "GET", page.address(here))
            if answer.status_code != 200 or "html" not in str(answer.get("Content-Type")) or answer.streaming:
                continue
            text = text_of(answer.content.decode())  # type: ignore[attr-defined] # no streaming answer
            if NAME in text:
                named.add(page.name)
            wrong += [f"{page.name}: … {place} …" for place in not_told_apart(text)]
    assert sorted(set(wrong)) == []
    assert len(named) >= 10, sorted(named)
