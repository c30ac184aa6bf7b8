"""What holds on each page: nothing for axe-core to find, no error, nothing from elsewhere, room on a telephone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.clinic.local_demo import AXE, PHONE, TABLET, Site, watched
from tests.support.clinic.page_crawl import MAY_BE_GONE, WITH_LOG_IN, WITHOUT_LOG_IN, found, settle

LOOK = """async (rules) => {
  const only = rules ? { runOnly: { type: "rule", values: rules } } : {};
  const said = await axe.run(document, { resultTypes: ["violations"], ...only });
  return said.violations.filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
}"""
BY_COLOUR = ["color-contrast", "link-in-text-block"]
"""axe's rules that judge colours: what a page's dark look can break and its light look has right."""
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"


@pytest.fixture(scope="module")
def addresses(site: Site) -> dict[str, str]:
    """Each page's address."""
    names = found(site)
    return {name: path.format(**names) for name, path in (*WITHOUT_LOG_IN.items(), *WITH_LOG_IN.items())}


@pytest.mark.parametrize("size", [TABLET, PHONE], ids=["tablet", "phone"])
def test_axe_finds_nothing_serious_in_either_look_and_no_page_is_wider_than_its_screen(
    browser: Browser, site: Site, addresses: dict[str, str], size: tuple[int, int]
) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not there: python -m server.web.asset_build test-scripts")
    wrong: list[str] = []
    for logged_in, names in ((False, WITHOUT_LOG_IN), (True, WITH_LOG_IN)):
        one = watched(browser, site, logged_in=logged_in, size=size)
        for name in names:
            wrong += [f"{name}: {what}" for what in looked_at(one.page, site.at(addresses[name]), name)]
            wrong += [f"{name}: {what}" for what in one.wrong if name not in MAY_BE_GONE]
            one.wrong.clear()
        one.context.close()
    assert wrong == []


def looked_at(page, address: str, name: str) -> Iterator[str]:  # type: ignore[no-untyped-def] # noqa: ANN001 - a page
    """What is wrong with a page, in its light look and in its dark one."""
    page.emulate_media(color_scheme="light")
    answer = page.goto(address, wait_until="load")
    if answer is None or (not answer.ok and name not in MAY_BE_GONE):
        yield f"answers {None if answer is None else answer.status}"
        return
    settle(page, name)
    if page.evaluate(TOO_WIDE):
        yield "is wider than the screen"
    # Through the protocol, not as a tag of the page: the policy lets no strange script in.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    yield from page.evaluate(LOOK, None)
    page.emulate_media(color_scheme="dark")
    yield from (f"dark: {what}" for what in page.evaluate(LOOK, BY_COLOUR))
