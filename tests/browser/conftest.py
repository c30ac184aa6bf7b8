"""One demo clinic for all tests of the pages, and a browser for each."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.support.clinic.local_clinic import program
from tests.support.clinic.local_demo import ARGUMENTS, KARI, PATIENCE_MS, Demo, Site, Watched, chromium, watched


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All in one worker: they share a demo. Every test is patient."""
    for item in items:
        if Path(__file__).parent in Path(item.fspath).parents:
            item.add_marker(pytest.mark.xdist_group("browser"))
            item.add_marker(pytest.mark.timeout(1200))


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """Debian's chromium. Open for one test at most: while it is, no other asyncio loop may run in this thread."""
    found = chromium() or program("chromium")
    with sync_playwright() as play:
        one = play.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield one
        one.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The demo, running, with a second account that has one-time codes; somebody is logged in."""
    program("mosquitto")
    expect.set_options(timeout=PATIENCE_MS)
    demo = Demo(tmp_path_factory.mktemp("demo") / "clinic", people=8)
    try:
        opened = demo.opened()
        opened.inside(KARI)
        with opened_browser() as browser:
            one = watched(browser, opened, logged_in=False)
            one.goto("/log-in/")
            one.page.locator("#id_username").fill("demo")
            one.page.locator("#id_password").fill(opened.password)
            one.page.locator("main button").click()
            expect(one.page.locator(".menu summary")).to_have_text("Demo")
            opened.state = dict(one.context.storage_state())
            one.context.close()
        yield opened
    finally:
        status = demo.end()
    assert status == 0, demo.said


@pytest.fixture
def browser(site: Site) -> Iterator[Browser]:
    """A browser for one test, once the demo runs."""
    del site
    with opened_browser() as one:
        yield one


@pytest.fixture
def window(browser: Browser, site: Site) -> Iterator[Watched]:
    """A window of somebody who is logged in with every role; nothing may go wrong on its pages."""
    one = watched(browser, site)
    yield one
    one.context.close()
    assert one.wrong == []


@pytest.fixture
def stranger(browser: Browser, site: Site) -> Iterator[Watched]:
    """A window of nobody in particular."""
    one = watched(browser, site, logged_in=False)
    yield one
    one.context.close()
    assert one.wrong == []
