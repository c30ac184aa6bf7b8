"""How long the screen takes: a changed frame, an unchanged one, and the share of a core in a session at real time."""

import os
import time
from statistics import median

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

import numpy as np

from coach.kiosk.view import DisplayState
from display.examples import session_view
from display.output.window import Window
from display.renderer import ScreenRenderer

SIZE = (1280, 720)
CHANGED_TARGET_MS, UNCHANGED_TARGET_MS, PIXELS_TARGET_MS, CORE_TARGET_PERCENT = 3.0, 0.1, 60.0, 3.0
VIEWS_PER_SECOND = 2


def _views(seconds: int) -> list[DisplayState]:
    return [session_view(1000.0 + step) for step in range(seconds)]


def changed_and_unchanged_ms(views: list[DisplayState]) -> tuple[list[float], list[float]]:
    """Milliseconds of each frame with a new second and a new rate, and of the same frame asked for again."""
    screen = ScreenRenderer(SIZE)
    changed, unchanged = [], []
    for step, view in enumerate(views):
        before = time.perf_counter()
        screen.draw(view, float(step))
        between = time.perf_counter()
        screen.draw(view, float(step))
        changed.append((between - before) * 1000)
        unchanged.append((time.perf_counter() - between) * 1000)
    return changed[1:], unchanged[1:]


def pixels_out_ms(views: list[DisplayState]) -> list[float]:
    """Milliseconds from a new view in to its pixels handed to the display."""
    window = Window("headless", SIZE)
    taken = []
    for step, view in enumerate(views):
        before = time.perf_counter()
        window.show(view, float(step))
        taken.append((time.perf_counter() - before) * 1000)
    window.close()
    return taken


def core_percent(views: list[DisplayState], seconds: float) -> float:
    """Share of a core for a loop that draws as a service does: on each new view, and when something moves."""
    window = Window("headless", SIZE)
    window.show(views[0], time.monotonic())
    start, used = time.monotonic(), time.process_time()
    while (now := time.monotonic()) - start < seconds:
        window.buttons()
        window.show(views[int(now - start) % len(views)], now)
        time.sleep(min(window.wait_s, 1 / VIEWS_PER_SECOND))
    share = 100 * (time.process_time() - used) / (time.monotonic() - start)
    window.close()
    return share


def main() -> None:
    """Print each figure with its target."""
    views = _views(300)
    first = time.perf_counter()
    ScreenRenderer(SIZE).draw(views[0], 0.0)
    first_ms = (time.perf_counter() - first) * 1000
    changed, unchanged = changed_and_unchanged_ms(views)
    out = pixels_out_ms(views)
    print(f"screen, first frame:              {first_ms:7.2f} ms")
    print(f"screen, changed frame, median:    {median(changed):7.2f} ms")
    print(f"screen, changed frame, p99:       {np.percentile(changed, 99):7.2f} ms   target ≤ {CHANGED_TARGET_MS} ms")
    print(
        f"screen, unchanged frame, p99:     {np.percentile(unchanged, 99):7.3f} ms   target ≤ {UNCHANGED_TARGET_MS} ms"
    )
    print(f"view in to pixels out, p99:       {np.percentile(out, 99):7.2f} ms   target ≤ {PIXELS_TARGET_MS} ms")
    print(f"screen at real time, of a core:   {core_percent(views, 15.0):7.2f} %    target ≤ {CORE_TARGET_PERCENT} %")


if __name__ == "__main__":
    main()
