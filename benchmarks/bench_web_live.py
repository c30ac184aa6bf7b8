"""The live room: from broker to the browser's page with 40 machines and 20 browsers; first paint and bytes of the page.

All runs on this computer: mosquitto with TLS, two web workers, the machines, SSE clients, and real pages in chromium.
`number` of a machine's picture stands on its tile as the time that is left, so that each change of the page can be told
by the moment at which that picture was handed to the broker. The clocks are the same one.

python -m benchmarks.bench_web_live [--seconds 60] [--pages 4]
"""

import argparse
import asyncio
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import msgspec
from playwright.async_api import BrowserContext, CDPSession, Page, async_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sync.wire.codec import encode
from tests.support.broker.low_cost_load import connected, contexts
from tests.support.broker.low_cost_machines import LightMachine
from tests.support.clinic.local_clinic import make, mosquitto
from tests.support.clinic.local_room import COOKIE, Opened, Watching, served
from tests.support.clinic.room_story import room_of
from tests.support.figures import Figures, share

MACHINES, BROWSERS, WORKERS = 40, 20, 2
CHROMIUM = "/usr/bin/chromium"
SETTLED_S = 5.0
WATCH = """() => {
  window.changes = [];
  const look = () => {
    for (const left of document.querySelectorAll("#tiles .left")) {
      new MutationObserver(() => {
        const now = performance.timeOrigin + performance.now();
        window.changes.push([left.closest(".tile").dataset.machine, left.textContent, now]);
      }).observe(left, { childList: true, characterData: true, subtree: true });
    }
  };
  look();
  window.frames_ms = [];
  let last = performance.now();
  const frame = (now) => { window.frames_ms.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
}"""


class Sent:
    """When each picture of each machine was handed to the broker; its number is the time left on its tile."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.at_s: dict[tuple[str, str], float] = {}

    def mark(self, machine: str, number: int) -> None:
        """Now."""
        self.at_s[machine, f"{number // 60}:{number % 60:02d}"] = time.time()


async def machines(opened: Opened, sent: Sent, stop: threading.Event) -> None:
    """Forty machines, a picture a second from each, spread over the second."""
    code = opened.clinic.settings.clinic
    stories = room_of(code, MACHINES, opened.people)
    for story in stories:
        # Each trains: a tile that shows no time left measures nothing.
        if story.person.t is None:
            story.person.t, story.person.face = 700.0, "session"
        story.person.paused = False
    light = {story.name: LightMachine(story.name) for story in stories}
    await connected(opened.clinic, list(light.values()), contexts(opened.clinic, list(light)), None)
    for story in stories:
        light[story.name].publish(f"ic/1/{code}/{story.name}/state", encode(story.state()), retain=True)
        for picture in story.earlier(300):
            light[story.name].publish(f"ic/1/{code}/{story.name}/live", encode(picture), qos=0)
        await light[story.name].drain()
        await asyncio.sleep(0.02)
    began_s, tick = time.monotonic(), 0
    while not stop.is_set():
        due_s = began_s + tick / MACHINES
        if (wait_s := due_s - time.monotonic()) > 0.0005:
            await asyncio.sleep(wait_s)
        story = stories[tick % MACHINES]
        number = tick // MACHINES
        picture = msgspec.structs.replace(story.next_picture(), phase_remaining_s=float(number))
        sent.mark(story.name, number)
        light[story.name].publish(f"ic/1/{code}/{story.name}/live", encode(picture), qos=0)
        tick += 1
    for one in light.values():
        await one.close()


class Timed(Watching):
    """A browser without a face that notes when each picture came."""

    def __init__(self, opened: Opened, who: str) -> None:
        """Note each."""
        self.came: list[tuple[str, str, float]] = []
        super().__init__(opened, who)

    def _take(self, told) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - as its base
        super()._take(told)
        now_s = time.time()
        if not told.whole:
            for tile in told.tiles:
                if tile.now is not None and tile.now.remaining_s is not None:
                    number = int(tile.now.remaining_s)
                    self.came.append((tile.machine, f"{number // 60}:{number % 60:02d}", now_s))


async def context_of(opened: Opened, browser) -> BrowserContext:  # type: ignore[no-untyped-def] # noqa: ANN001 - playwright's
    context = await browser.new_context(viewport={"width": 1024, "height": 768})
    await context.add_cookies([{"name": COOKIE, "value": opened.cookies["kari"], "url": opened.address("/")}])
    return context


async def first_paint(opened: Opened, page: Page) -> tuple[float, float, float]:
    """Seconds to the first paint and to the first tile with a rate, and kB of all that was fetched by then."""
    session: CDPSession = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    received = 0.0

    def add(event: dict[str, float]) -> None:
        nonlocal received
        received += event.get("encodedDataLength", 0.0)

    session.on("Network.loadingFinished", add)
    stream_bytes = 0

    def add_stream(event: dict[str, object]) -> None:
        nonlocal stream_bytes
        stream_bytes += len(str(event.get("data", "")).encode())

    session.on("Network.eventSourceMessageReceived", add_stream)
    await page.goto(opened.address(f"/c/{opened.clinic.settings.clinic}/room/"), wait_until="load")
    # A function, not an expression: the page's policy lets nothing be evaluated.
    await page.wait_for_function("() => [...document.querySelectorAll('#tiles .bpm')].some((one) => one.textContent)")
    tiles_ms = await page.evaluate("performance.now()")
    paints = await page.evaluate("performance.getEntriesByType('paint').map((one) => one.startTime)")
    await asyncio.sleep(0.3)
    return max(paints) / 1000, tiles_ms / 1000, (received + stream_bytes) / 1000


async def measure(opened: Opened, sent: Sent, pages: int, seconds: float, figures: Figures) -> None:
    """Open the pages, watch, and tell."""
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        faceless = [Timed(opened, "ola") for _ in range(BROWSERS - pages)]
        shown = []
        paints = []
        for number in range(pages):
            # The first one with an empty cache, as on a new tablet; the others to watch.
            # Each in a context of its own, as browsers are: one browser has six connections to a server, no more.
            page = await (await context_of(opened, browser)).new_page()
            seen = await first_paint(opened, page)
            paints += [seen] if number == 0 else []
            shown.append(page)
        await asyncio.sleep(SETTLED_S)
        for page in shown:
            await page.evaluate(WATCH)
        await shown[-1].bring_to_front()
        begun_s = time.time()
        await asyncio.sleep(seconds)
        until_s = time.time()
        changes = []
        # A page that is not in front is not drawn.
        frames = await shown[-1].evaluate("window.frames_ms")
        for page in shown:
            changes += await page.evaluate("window.changes")
        visible = await shown[-1].evaluate("document.querySelectorAll('#tiles .tile').length")
        await browser.close()
    for one in faceless:
        one.__exit__()
    dom_ms = [
        at_ms - 1000 * sent.at_s[machine, left]
        for machine, left, at_ms in changes
        if (machine, left) in sent.at_s and begun_s * 1000 <= at_ms
    ]
    stream_ms = [
        1000 * (came_s - sent.at_s[machine, left])
        for one in faceless
        for machine, left, came_s in one.came
        if (machine, left) in sent.at_s and begun_s <= came_s <= until_s
    ]
    expected = MACHINES * pages * seconds
    print(
        f"{MACHINES} machines, {pages} pages in chromium (real DOM, {visible} tiles each) and {BROWSERS - pages} SSE "
        f"clients, {WORKERS} web workers, {seconds:g} s, all on this computer (load {os.getloadavg()[0]:.1f} on "
        f"{os.cpu_count()} cores): {len(dom_ms)} changes of pages "
        f"({100 * len(dom_ms) / expected:.0f} % of the pictures), {len(stream_ms)} at the clients"
    )
    first, median = paints[0], share(dom_ms, 0.5)
    figures.tell("live update, broker → DOM, p99", share(dom_ms, 0.99), "ms", 300, f"median {median:.0f} ms")
    figures.tell(
        "live update, broker → stream of an SSE client, p99", share(stream_ms, 0.99), "ms", 300,
        f"median {share(stream_ms, 0.5):.0f} ms",
    )  # fmt: skip
    figures.tell("room page, first paint, empty cache", first[0], "s", 1.0, f"tiles with rates after {first[1]:.2f} s")
    figures.tell("room page, all that is fetched until its tiles stand", first[2], "kB", 300)
    figures.tell("frame time with 40 tiles, p99", share(frames, 0.99), "ms", 50, f"median {share(frames, 0.5):.1f} ms")


def main() -> None:
    """Measure, and keep the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pages", type=int, default=4)
    asked = parser.parse_args()
    figures = Figures("web_live")
    with tempfile.TemporaryDirectory() as folder:
        clinic = make(Path(folder) / "clinic")
        with mosquitto(clinic), served(clinic, WORKERS, participants=MACHINES) as opened:
            sent, stop = Sent(), threading.Event()
            thread = threading.Thread(target=lambda: asyncio.run(machines(opened, sent, stop)), daemon=True)
            thread.start()
            try:
                while len(sent.at_s) < 2 * MACHINES:
                    time.sleep(0.2)
                asyncio.run(measure(opened, sent, asked.pages, asked.seconds, figures))
            finally:
                stop.set()
                thread.join(30)
    figures.keep()


if __name__ == "__main__":
    main()
