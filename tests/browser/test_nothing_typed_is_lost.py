"""Nothing typed is lost, whatever kind of field it stands in: the forms of the pages in a real browser."""

import json

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.support.clinic.local_clinic import until
from tests.support.clinic.local_demo import PATIENCE_S, Site, Watched
from tests.support.clinic.page_crawl import WITH_LOG_IN, found

FORMS = {
    "follow-up-limits": "zone_sessions",
    "plan-change": "hr_max_bpm",
    "research": "question",
    "participant-new": "name",
    "session": "text",
}
"""Pages with every kind of field between them, and a field of the form that is meant."""
TYPED = """(name) => { const form = [...document.forms].find((one) => one.method === "post" && one.elements[name]);
  return [...form.elements].filter((one) => one.name && !["hidden", "password", "file", "submit"].includes(one.type)
    && !one.disabled && !one.readOnly && one.dataset.secret === undefined); }"""
FILL = f"""(name) => {{ for (const one of ({TYPED})(name)) {{
  if (one.type === "checkbox") one.checked = !one.checked;
  else if (one.type === "radio") one.checked = true;
  else if (one.options) one.selectedIndex = one.options.length - 1;
  else if (one.type === "date") one.value = "2031-05-17";
  else if (one.type === "number") one.value = one.max ? one.max : "77";
  else one.value = "Prøver noe";
  for (const what of ["input", "change"]) one.dispatchEvent(new Event(what, {{ bubbles: true }})); }} }}"""
STATE = f"""(name) => JSON.stringify(({TYPED})(name).map((one) =>
  [one.name, one.type, one.value, one.checked, one.selectedIndex]))"""
SEND = """(name) => { const form = [...document.forms].find((one) => one.method === "post" && one.elements[name]);
  form.noValidate = true; form.requestSubmit(); }"""
KEEP = "**/drafts/keep/"


@pytest.fixture
def addresses(site: Site) -> dict[str, str]:
    names = found(site)
    return {name: WITH_LOG_IN[name].format(**names) for name in FORMS}


def opened(context: BrowserContext, site: Site, address: str) -> Page:
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE_S)
    page.goto(site.at(address), wait_until="load")
    if "/confirm/" in page.url:
        page.locator("#id_proof").fill(site.password)
        page.locator("main .button-main").click()
        page.goto(site.at(address), wait_until="load")
    return page


def filled(page: Page, field: str) -> str:
    """Fill every field of the form, wait until that is kept, and return what stands there."""
    with page.expect_response(KEEP):
        page.evaluate(FILL, field)
    return str(page.evaluate(STATE, field))


def stands(page: Page, field: str, state: str) -> None:
    until(lambda: page.evaluate(STATE, field) == state, PATIENCE_S)


def throw_away(page: Page) -> None:
    with page.expect_response(KEEP):
        page.locator(".draft-found button").first.click()
    page.close()


def test_the_forms_between_them_have_every_kind_of_field(
    window: Watched, site: Site, addresses: dict[str, str]
) -> None:
    kinds: set[str] = set()
    for name, field in FORMS.items():
        page = opened(window.context, site, addresses[name])
        kinds |= {kind for _name, kind, *_ in json.loads(page.evaluate(STATE, field))}
        page.close()
    assert kinds >= {"text", "textarea", "number", "date", "select-one", "checkbox", "radio"}


@pytest.mark.parametrize("name", FORMS)
def test_every_kind_of_field_is_kept_when_the_tab_is_closed_and_on_the_way_back(
    window: Watched, site: Site, addresses: dict[str, str], name: str
) -> None:
    field = FORMS[name]
    page = opened(window.context, site, addresses[name])
    empty = page.evaluate(STATE, field)
    state = filled(page, field)
    assert state != empty
    page.goto(site.at("/account/"))
    page.go_back(wait_until="load")
    stands(page, field, state)
    page.close()
    page = opened(window.context, site, addresses[name])
    stands(page, field, state)
    throw_away(page)


@pytest.mark.parametrize("name", FORMS)
def test_every_kind_of_field_is_kept_when_the_log_in_ends_elsewhere_while_one_types(
    window: Watched, site: Site, addresses: dict[str, str], name: str
) -> None:
    window.forgiven = ("status of 401", "status of 403")
    field = FORMS[name]
    page = opened(window.context, site, addresses[name])
    cookies = window.context.cookies()
    state = filled(page, field)
    window.context.clear_cookies(name="interval-coach")
    page.evaluate(SEND, field)
    expect(page.locator("#net-out")).to_be_visible()
    assert page.evaluate(STATE, field) == state
    window.context.add_cookies([{**one} for one in cookies])  # type: ignore[typeddict-item] # as they were given
    page.close(run_before_unload=False)
    page = opened(window.context, site, addresses[name])
    stands(page, field, state)
    throw_away(page)


def test_two_tabs_that_open_at_once_take_two_drafts(window: Watched, site: Site, addresses: dict[str, str]) -> None:
    """The one's typing would else be written over the other's."""
    texts = {"first of two", "second of two"}
    for text in sorted(texts):
        page = opened(window.context, site, addresses["session"])
        with page.expect_response(KEEP):
            page.locator("textarea[name=text]").fill(text)
        texts.add(text)
        window.context.new_page()
    for page in window.context.pages:
        page.close()
    pages = [window.context.new_page() for _text in texts]
    for page in pages:
        page.goto(site.at(addresses["session"]), wait_until="commit")
    until(lambda: {page.locator("textarea[name=text]").input_value() for page in pages} == texts, PATIENCE_S)
    for page in pages:
        throw_away(page)


def test_what_was_typed_later_is_what_is_kept_also_where_the_earlier_arrives_late(
    window: Watched, site: Site, addresses: dict[str, str]
) -> None:
    page = opened(window.context, site, addresses["session"])
    waiting: list[Route] = []

    def late(route: Route) -> None:
        if waiting:
            route.continue_()
        else:
            waiting.append(route)

    page.route(KEEP, late)
    box = page.locator("textarea[name=text]")
    with page.expect_request(KEEP):
        box.fill("half a sen")
    box.fill("half a sentence, and the rest")
    page.wait_for_timeout(1500)
    with page.expect_response(lambda answer: "and the rest" in (answer.request.post_data or "")):
        waiting[0].continue_()
    page.close()
    page = opened(window.context, site, addresses["session"])
    expect(page.locator("textarea[name=text]")).to_have_value("half a sentence, and the rest")
    throw_away(page)


def test_what_is_on_its_way_when_the_page_is_left_arrives(
    window: Watched, site: Site, addresses: dict[str, str]
) -> None:
    """A page that is left takes its ordinary requests along."""
    window.forgiven = ("net::ERR_ABORTED",)
    page = opened(window.context, site, addresses["session"])
    held: list[Route] = []

    def hold_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route(KEEP, hold_first)
    with page.expect_request(KEEP):
        page.locator("textarea[name=text]").fill("left at once")
    page.goto(site.at("/account/"))
    page.close()
    page = opened(window.context, site, addresses["session"])
    expect(page.locator("textarea[name=text]")).to_have_value("left at once")
    throw_away(page)


def test_a_server_that_is_back_is_noticed_by_a_form_that_was_sent_into_nothing(
    window: Watched, site: Site, addresses: dict[str, str]
) -> None:
    window.forgiven = ("net::ERR_FAILED",)
    page = opened(window.context, site, addresses["session"])
    page.route(KEEP, lambda route: route.abort())
    page.evaluate(SEND, "text")
    expect(page.locator("#net-away")).to_be_visible()
    page.unroute(KEEP)
    expect(page.locator("#net-away")).to_be_hidden()
