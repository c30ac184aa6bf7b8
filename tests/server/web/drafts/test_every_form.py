"""Every form on every page is under the net: the pages are found by the resolver, so that a new form cannot escape."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from server.accounts.access import Needs
from server.accounts.roles import Permission
from tests.server.web.test_sweep import Swept, ask, pages, stocked_file, swept

__all__ = ["stocked_file", "swept"]
NEVER_TYPED = {"hidden", "password", "file", "submit", "button", "reset", "image"}
"""Kinds of fields whose content is not kept: nothing is typed there, or it is a secret or a file of the reader's."""
WITHOUT_DRAFT = {
    "room:index": "the note's form gets its address with the person at the machine",
}


@dataclass
class Form:
    """A form as it stands on a page."""

    method: str
    draft: str | None
    typed: list[str] = field(default_factory=list)


class Forms(HTMLParser):
    """The forms of a page; `net`: the page brings the script that keeps what is typed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self.net = False
        self._open: Form | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "form":
            self._open = Form((told.get("method") or "get").lower(), told.get("data-draft"))
            self.found.append(self._open)
        elif tag == "div" and told.get("id") == "net":
            self.net = True
        elif tag in ("input", "textarea", "select") and self._open is not None and _is_typed(told):
            self._open.typed.append(str(told["name"]))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def _is_typed(told: dict[str, str | None]) -> bool:
    typed = bool(told.get("name")) and (told.get("type") or "text") not in NEVER_TYPED
    return typed and "data-secret" not in told


def forms_of(swept: Swept) -> Iterator[tuple[str, Forms]]:
    """Yield each page that an account sees at this clinic, by name."""
    for page in pages():
        for name in ("therapist", "clinic_admin", "researcher", "coordinator"):
            answer = ask(swept.people.clients[name], "GET", page.address(swept.here))
            if answer.status_code == 200 and "text/html" in answer.headers.get("Content-Type", ""):
                body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined] # a test's answer
                yield page.name, Forms(body.decode())
                break


def test_no_secret_is_kept(swept: Swept) -> None:
    """What is called a secret is a password's field or marked as one."""
    secrets = re.compile("pass|phrase|secret|pin$|proof|token")
    kept = [f"{name}: {one}" for name, page in forms_of(swept) for form in page.found for one in form.typed]
    assert [one for one in kept if secrets.search(one)] == []


def test_every_form_that_changes_something_keeps_what_is_typed_into_it(swept: Swept) -> None:
    escaped, kept = [], set()
    before_log_in = {page.name for page in pages() if page.needs not in (Needs.ACCOUNT, *Permission)}
    for name, page in forms_of(swept):
        for form in page.found:
            if form.method != "post" or not form.typed or name in before_log_in:
                continue
            if page.net and (form.draft != "off" or name in WITHOUT_DRAFT):
                kept.add(name)
            else:
                escaped.append(f"{name}: {form.typed}")
    assert escaped == []
    assert kept >= {
        "people:overview", "people:new", "people:edit", "people:change_plan", "assessment:clearance", "diary:session",
        "papers_of:letter", "papers:codes", "clinics:new_account", "follow_up:list", "follow_up:limits",
    }  # fmt: skip
