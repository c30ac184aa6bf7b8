"""Participants, plans, diary, papers and sums, walked through as a therapist does."""

import re
import zipfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.support.clinic.local_demo import Watched, focus_by_tab


def taken_in(page: Page, name: str, nickname: str) -> None:
    """Take somebody in; the page is then theirs."""
    page.locator("#id_name").fill(name)
    page.locator("#id_birth_year").fill("1986")
    page.locator("#id_nickname").fill(nickname)
    page.locator("main form .button-main").click()
    page.wait_for_url(re.compile(r"/participants/p-\w+/"))


def test_somebody_is_taken_in_and_gets_a_plan_that_is_typed_twice_and_reaches_the_machines(window: Watched) -> None:
    page = window.goto("/c/demo/participants/new/")
    taken_in(page, "Nina Nyss", "Spurv")
    person = "/" + page.url.split("/", 3)[3]
    person = re.match(r".*/p-\w+/", person)[0]  # type: ignore[index] # `taken_in` saw that it fits
    window.goto(f"{person}plan/change/")
    page.locator("#id_hr_max_bpm").fill("182")
    source = page.locator("#id_hr_max_source")
    source.select_option("measured")
    page.locator("#id_start_speed_kmh").fill("5.5")
    page.locator("#id_start_incline_percent").fill("5")
    page.locator("main form .button-main").click()
    expect(page.locator('input[name="again"]')).to_have_count(1)
    twice = page.locator("main form .fields input:visible")
    expect(twice.first).to_be_visible()
    # The second time is another figure: nothing is saved, and it is asked for anew.
    page.locator('[name$="hr_max_bpm"]:visible').fill("128")
    fill_the_rest(page)
    page.locator("main form .button-main").first.click()
    expect(page.locator(".errorlist").first).to_be_visible()
    page.locator("#id_hr_max_bpm").fill("182")
    fill_the_rest(page)
    page.locator("main form .button-main").click()
    expect(page.locator('input[name="again"]')).to_have_count(1)
    page.locator('[name$="hr_max_bpm"]:visible').fill("182")
    fill_the_rest(page)
    page.locator("main form .button-main").first.click()
    page.wait_for_url("**/plan/")
    expect(page.locator(".machines li").first).to_be_visible()
    # It goes to the broker in its own time: the page is looked at again until it says so.
    for _ in range(100):
        if page.locator(".machines .mark-in").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(page.locator(".machines .mark-in").first).to_be_visible()


def fill_the_rest(page: Page) -> None:
    """What else is asked a second time: a tick where something is doubtful, the mode, the highest speed."""
    looked_at = page.locator('main form input[name$="looked_at"]')
    if looked_at.count():
        looked_at.check()
    mode = page.locator('main form input[type="radio"][name$="mode"][value="heart_rate"]')
    if mode.count():
        mode.check()
    speed = page.locator('main form input[name$="max_speed_kmh"]:visible')
    if speed.count():
        speed.fill("20")


def test_a_plan_is_changed_with_the_keyboard_alone(window: Watched) -> None:
    page = window.goto("/c/demo/participants/new/")
    taken_in(page, "Terje Tastatur", "Lerke")
    base = re.match(r"https?://[^/]+(/.*/p-\w+/)", page.url)
    assert base
    window.goto(f"{base[1]}plan/change/")
    focus_by_tab(page, "#id_hr_max_bpm")
    page.keyboard.type("175")
    focus_by_tab(page, "#id_hr_max_source")
    page.keyboard.press("ArrowDown")
    focus_by_tab(page, "main form .button-main")
    page.keyboard.press("Enter")
    expect(page.locator('input[name="again"], .errorlist').first).to_be_attached()


def test_a_session_is_looked_at_closely_and_a_note_is_written(window: Watched) -> None:
    page = window.goto("/c/demo/diary/")
    # Of an unassigned session no note can be written.
    page.locator("main a.entry").filter(has_not_text=re.compile("Unassigned|Uten deltaker")).first.click()
    plot = page.locator(".trace-plot")
    expect(plot.locator("canvas")).to_be_visible()
    plot.scroll_into_view_if_needed()
    plot.focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".trace-words")).to_have_text(re.compile(r"\d"))
    said = page.locator(".trace-words").inner_text()
    page.locator('[data-do="in"]').click()
    page.locator('[data-do="in"]').click()
    box = plot.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.5)
    expect(page.locator(".trace-words")).not_to_have_text(said)
    page.locator('[data-do="whole"]').click()
    page.locator("#notes textarea").fill("Went well.")
    page.locator("#notes form button").click()
    expect(page.locator("#notes .note", has_text="Went well.")).to_be_visible()


def test_a_session_of_nobody_is_given_to_somebody(window: Watched) -> None:
    page = window.goto("/c/demo/diary/unassigned/")
    page.locator('main a[href*="/diary/session/"]').first.click()
    page.locator('a[href$="/reassign/"]').click()
    choice = page.locator("main form select").first
    choice.select_option(index=1)
    page.locator('main form [name="reason"]').fill("Trained as a guest")
    page.locator("main form .button-main").click()
    page.locator("main form .button-warn").click()
    page.wait_for_url("**/diary/session/**")
    expect(page.locator("main")).to_contain_text("Trained as a guest")


def test_a_course_is_read_and_taken_home_as_pdf(window: Watched, tmp_path: Path) -> None:
    page = window.goto("/c/demo/participants/")
    page.locator('main a[href*="/participants/p-"]').first.click()
    person = re.match(r"https?://[^/]+(/.*/p-\w+/)", page.url)
    assert person
    window.goto(f"{person[1]}course/")
    expect(page.locator(".plot canvas").first).to_be_attached()
    window.goto(f"{person[1]}papers/")
    with page.expect_download() as download:
        page.evaluate(
            "address => { const a = document.createElement('a'); a.href = address; a.download = ''; a.click(); }",
            f"{person[1]}papers/course.pdf",
        )
    file = tmp_path / "course.pdf"
    download.value.save_as(file)
    assert file.read_bytes().startswith(b"%PDF-")


def test_the_export_for_research_is_a_file_of_tables(window: Watched, tmp_path: Path) -> None:
    page = window.goto("/c/demo/papers/research/")
    for tick in page.locator('main form input[type="checkbox"]').all():
        tick.check()
    for text in page.locator('main form input[type="text"]:visible, main form textarea:visible').all():
        text.fill("REK 2026/1234")
    with page.expect_download() as download:
        page.locator("main form .button-main").click()
    file = tmp_path / "export.zip"
    download.value.save_as(file)
    with zipfile.ZipFile(file) as opened:
        assert opened.testzip() is None
        assert any(name.endswith((".csv", ".parquet")) for name in opened.namelist())


def test_the_networks_sums_hide_a_clinic_that_is_too_small(window: Watched) -> None:
    page = window.goto("/network/")
    expect(page.locator("main")).to_contain_text("Levanger")
    expect(page.locator("main table").first).to_be_visible()
