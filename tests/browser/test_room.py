"""The live room as a therapist uses it, with machines that publish over the real broker."""

import os
import re
import signal
from pathlib import Path

from playwright.sync_api import Response, expect

from tests.support.clinic.local_clinic import until
from tests.support.clinic.local_demo import PATIENCE_S, Site, Watched, part_of

MOST_BYTES = 300 * 1024


def test_tiles_move_and_the_whole_room_is_small(window: Watched) -> None:
    weighed: list[Response] = []
    window.page.on("response", lambda answer: weighed.append(answer) if "/stream" not in answer.url else None)
    page = window.goto("/c/demo/room/")
    expect(page.locator(".tile").nth(7)).to_be_visible()
    # A rate that stays the same for long may; that no time goes by on any tile may not.
    before = page.locator(".tile .left").all_inner_texts()
    page.wait_for_function("before => [...document.querySelectorAll('.tile .left')]"
                           ".some((one, at) => one.textContent !== before[at])", arg=before)  # fmt: skip
    sizes = [answer.request.sizes() for answer in weighed]
    assert sum(one["responseBodySize"] + one["responseHeadersSize"] for one in sizes) <= MOST_BYTES


def test_a_notice_is_acknowledged_once_for_everybody(window: Watched) -> None:
    page = window.goto("/c/demo/room/")
    notice = page.locator(".tile .seen:visible").first
    expect(notice).to_be_visible()
    machine = page.locator(".tile", has=page.locator(".seen:visible")).first.get_attribute("data-machine")
    notice.click()
    page.locator(f'.tile[data-machine="{machine}"] .tile-open').click()
    expect(page.locator("#panel-notices")).to_contain_text("Demo")


def test_somebody_is_paused_and_a_text_is_shown_on_their_screen(window: Watched, site: Site) -> None:
    page = window.goto("/c/demo/room/")
    # The machines of the demo tell who runs; the first one whose session may be paused.
    page.locator('.tile[data-machine="molle-1"] .tile-open').click()
    pause = page.locator('[data-command="pause"]')
    expect(pause).to_be_enabled()
    pause.click()
    expect(page.locator("#panel-given li").first).to_be_visible()
    expect(pause).to_be_disabled()
    page.locator("#panel-text").fill("Good!")
    page.locator("#panel-say button").click()
    # Both have come back from the machine.
    expect(page.locator("#panel-given")).to_have_attribute("data-marks", re.compile(r"done.* done"))
    outcomes = site.inside(
        "from server.models import CommandOutcome\n"
        "print('done', CommandOutcome.objects.filter(machine='molle-1', outcome='done').count())"
    )
    assert re.search(r"done [1-9]", outcomes)


def test_those_who_stand_ready_are_started_at_the_same_second(window: Watched) -> None:
    page = window.goto("/c/demo/room/")
    expect(page.locator("#group-open")).to_be_enabled()
    page.locator("#group-open").click()
    expect(page.locator("#group-start")).to_be_enabled()
    ready = [
        str(row.get_attribute("data-machine"))
        for row in page.locator("#group-list li", has=page.locator("input:checked")).all()
    ]
    assert ready
    page.locator("#group-start").click()
    expect(page.locator('#group-list .given[data-outcome="accepted"]').first).to_be_visible()
    page.keyboard.press("Escape")
    for machine in ready:
        expect(page.locator(f'.tile[data-machine="{machine}"] .left')).not_to_be_empty()


CAUGHT = """const Real = EventSource;
window.EventSource = class extends Real { constructor(address) { super(address); window.caught = this; } };"""
PLACES = """() => [...document.querySelectorAll(".tile")].map((tile) => {
  const at = tile.getBoundingClientRect();
  return [tile.dataset.machine, at.x, at.y, at.width, at.height].map((one) => Number(one) || one).join(" ");
})"""

WORDS = """() => [...document.querySelectorAll(".tile .status-word")].map((one) => one.textContent)"""
SIZES = """() => ["who", "bpm", "left", "status-word"].map((name) => Math.min(
  ...[...document.querySelectorAll(`.tile .${name}`)].filter((one) => one.textContent)
    .map((one) => parseFloat(getComputedStyle(one).fontSize))))"""
LOWEST = "Math.max(...[...document.querySelectorAll('.tile')].map((one) => one.getBoundingClientRect().bottom))"


def test_tiles_keep_their_places_and_their_words_when_the_stream_is_lost(window: Watched) -> None:
    window.forgiven = ("net::ERR_FAILED",)
    window.page.add_init_script(CAUGHT)
    page = window.goto("/c/demo/room/")
    expect(page.locator(".tile").nth(7)).to_be_visible()
    page.route("**/room/stream", lambda route: route.abort())
    # In one turn of the page, so that no news moves a tile in between.
    before, words = page.evaluate(f"() => {{ caught.close(); caught.onerror(); return [({PLACES})(), ({WORDS})()]; }}")
    expect(page.locator("#trouble")).to_be_visible()
    # Old enough that each machine by itself would be told to be away.
    page.wait_for_function("() => /1[3-9] s|2[0-9] s/.test(document.querySelector('.tile .age').textContent)")
    assert page.evaluate(PLACES) == before
    assert page.evaluate(WORDS) == words
    assert page.locator(".tile.old").count() == len(before)


def test_the_wall_fills_the_screen_and_is_read_from_five_metres(window: Watched) -> None:
    """On a screen of 55 inches a letter of 36 px is 16 mm high, eleven minutes of arc at five metres."""
    window.page.set_viewport_size({"width": 1920, "height": 1080})
    page = window.goto("/c/demo/room/wall/")
    expect(page.locator(".tile").nth(7)).to_be_visible()
    expect(page.locator("header.top")).to_have_count(0)
    sizes = page.evaluate(SIZES)
    assert min(sizes) >= 36
    assert sizes[1] >= 90
    assert 900 < page.evaluate(LOWEST) <= 1080


FRESH = """() => [...document.querySelectorAll(".tile:not(.old)")].filter((one) => /^[0-4] s/.test(
  one.querySelector(".age").textContent) && !one.querySelector(".picture").hidden).length"""


def test_the_room_comes_back_whole_after_each_of_its_parts_died(window: Watched, site: Site) -> None:
    """With a new connection a machine's pictures once counted as overtaken, and its tile left the room for good."""
    window.forgiven = ("net::ERR_", "Failed to load resource")
    page = window.goto("/c/demo/room/")
    until(lambda: page.evaluate(FRESH) >= 8, PATIENCE_S)
    for part in ("broker", "machines", "web"):
        if part == "broker":
            pid = int(site.clinic.places.broker_pid.read_text())
        else:
            pid = part_of(site, {"machines": "server.demo.machines", "web": "server web"}[part])
        os.kill(pid, signal.SIGSEGV)
        until(lambda pid=pid: not Path(f"/proc/{pid}").exists())
        until(lambda: page.evaluate(FRESH) < 8, PATIENCE_S)
        until(lambda: page.evaluate(FRESH) >= 8, PATIENCE_S)
