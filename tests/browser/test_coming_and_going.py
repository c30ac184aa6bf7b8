"""Coming in and going out, in a real browser: password, one-time code, language, time-out."""

import time

from django_otp.oath import TOTP
from playwright.sync_api import Page, expect

from tests.support.clinic.local_demo import KARI_PASSWORD, TOTP_KEY, Site, Watched, focus_by_tab

STEP_S = 30


def code(site: Site) -> str:
    """The code that an app would show now; one that was used already is as good as new."""
    site.inside(
        "from django_otp.plugins.otp_totp.models import TOTPDevice\n"
        "TOTPDevice.objects.update(last_t=-1, throttling_failure_count=0, throttling_failure_timestamp=None)"
    )
    left_s = STEP_S - time.time() % STEP_S
    if left_s < 10:
        # The code would be over before a slow computer has typed it; the one before is still taken.
        time.sleep(left_s)
    return f"{TOTP(bytes.fromhex(TOTP_KEY), STEP_S).token():06d}"


def log_in(page: Page, site: Site) -> None:
    page.locator("#id_username").fill("kari")
    page.locator("#id_password").fill(KARI_PASSWORD)
    page.locator("main form button").click()
    expect(page.locator("#id_code")).to_be_visible()
    page.locator("#id_code").fill(code(site))
    page.locator("main form button").click()


def test_somebody_logs_in_with_password_and_code_changes_the_language_and_logs_out(
    stranger: Watched, site: Site
) -> None:
    page = stranger.goto("/c/demo/diary/")
    page.locator("#id_username").fill("kari")
    page.locator("#id_password").fill("something else altogether")
    page.locator("main form button").click()
    expect(page.locator(".has-errors, .errorlist").first).to_be_visible()
    log_in(page, site)
    page.wait_for_url("**/c/demo/diary/**")
    before = page.locator("html").get_attribute("lang")
    page.locator(".menu summary").click()
    page.locator(".language button").click()
    expect(page.locator("html")).not_to_have_attribute("lang", str(before))
    page.locator(".menu summary").click()
    page.locator(".menu-box .log-out button").click()
    page.wait_for_url("**/log-in/**")
    page.goto(site.at("/c/demo/diary/"))
    expect(page.locator("#id_username")).to_be_visible()


def test_a_wrong_code_lets_nobody_in(stranger: Watched, site: Site) -> None:
    page = stranger.goto("/log-in/")
    page.locator("#id_username").fill("kari")
    page.locator("#id_password").fill(KARI_PASSWORD)
    page.locator("main form button").click()
    page.locator("#id_code").fill("000000" if code(site) != "000000" else "111111")
    page.locator("main form button").click()
    expect(page.locator(".errorlist")).to_be_visible()
    page.goto(site.at("/c/demo/room/"))
    expect(page.locator("#id_code")).to_be_visible()


def test_whoever_did_nothing_for_long_is_logged_out(stranger: Watched, site: Site) -> None:
    page = stranger.goto("/c/demo/participants/")
    log_in(page, site)
    page.wait_for_url("**/c/demo/participants/**")
    site.inside(
        "from django.contrib.sessions.backends.db import SessionStore\n"
        "from django.contrib.sessions.models import Session\n"
        "from server.accounts.models import Account\n"
        "mine = str(Account.objects.get(username='kari').pk)\n"
        "for row in Session.objects.all():\n"
        "    one = SessionStore(row.session_key)\n"
        "    if one.get('_auth_user_id') == mine:\n"
        "        one['seen_s'] -= 100 * 3600\n"
        "        one.save()\n"
    )
    page.goto(site.at("/c/demo/participants/"))
    expect(page.locator("#id_username")).to_be_visible()


def test_everything_up_to_the_room_is_done_with_the_keyboard_alone(stranger: Watched, site: Site) -> None:
    page = stranger.goto("/log-in/")
    focus_by_tab(page, "#id_username")
    page.keyboard.type("demo")
    page.keyboard.press("Tab")
    page.keyboard.type(site.password)
    page.keyboard.press("Enter")
    expect(page.locator(".places a").first).to_be_visible()
    page.goto(site.at("/c/demo/room/"))
    tile = page.locator(".tile .tile-open").first
    expect(tile).to_be_visible()
    focus_by_tab(page, ".tile .tile-open")
    page.keyboard.press("Enter")
    expect(page.locator("#panel")).to_be_visible()
    focus_by_tab(page, "#panel-text")
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    assert page.evaluate("document.activeElement.classList.contains('tile-open')")
