"""What the services take and how soon a heart rate is seen: all three at real time, with the screen on."""

import argparse
import os
import threading
import time

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

from coach.kiosk.view import DisplayState
from firmware.services.display_service import DisplayService, DisplaySettings
from tests.support.figures import Figures, share
from tests.support.machine.machine import Machine, processor_s, resident_mb

PIXELS_MS, CORE_PERCENT, RESIDENT_MB, COLD_START_S = 60.0, 5.0, 160.0, 1.5
SIZE = (1280, 720)
SCREEN = ["--screen", "headless", "--oled", "none", "--size", f"{SIZE[0]}x{SIZE[1]}"]
SILENT = {"SDL_AUDIODRIVER": "dummy"}
NAMES = ("coach", "display", "sync")


def cold_start_s() -> float:
    """From nothing to a picture that asks the participant to come: the services are started together."""
    with Machine() as machine:
        began_s = time.monotonic()
        machine.start("coach")
        machine.start("display", SCREEN, SILENT)
        machine.start("sync")
        while "The first picture is shown" not in machine.words():
            time.sleep(0.005)
            if time.monotonic() - began_s > 30:
                break
        return time.monotonic() - began_s


def taken(seconds: float) -> tuple[dict[str, float], dict[str, float]]:
    """Share of a core in percent, and resident memory in MB, of each service while a session runs."""
    with Machine() as machine:
        machine.start("coach")
        machine.start("display", SCREEN, SILENT)
        machine.start("sync")
        with machine.watch() as watcher:
            watcher.begin()
        time.sleep(3)
        before = {name: processor_s(machine.pid(name)) for name in NAMES}
        began_s = time.monotonic()
        time.sleep(seconds)
        lasted_s = time.monotonic() - began_s
        core = {name: 100 * (processor_s(machine.pid(name)) - before[name]) / lasted_s for name in NAMES}
        return core, {name: resident_mb(machine.pid(name)) for name in NAMES}


def pixels_out_ms(seconds: float) -> list[float]:
    """From a measurement's arrival in the coach to its pixels in the display's hands; the display runs in here."""
    delays: list[float] = []
    origin_s: list[float] = []

    def drawn(view: DisplayState) -> None:
        now_s = time.monotonic()
        snapshot = view.snapshot
        if snapshot is not None and snapshot.signal_age_s == 0 and origin_s and snapshot.t not in seen:
            seen.add(snapshot.t)
            delays.append((now_s - origin_s[0] - snapshot.t) * 1000)

    seen: set[float] = set()
    with Machine() as machine:
        settings = DisplaySettings(socket=machine.socket, screen="headless", size=SIZE, sound=False, oled="none")
        service = DisplayService(settings, on_drawn=drawn)
        machine.start("coach")

        def lead() -> None:
            with machine.watch() as watcher:
                watcher.begin()
                while not watcher.cues:
                    watcher.receive(1)
                first = watcher.cues[0][0]
                origin_s.append(first.due_s - first.cue.t)
                until_s = time.monotonic() + seconds
                while (now_s := time.monotonic()) < until_s:
                    watcher.receive(until_s - now_s)
            service.stop()

        leading = threading.Thread(target=lead)
        leading.start()
        service.run()
        leading.join()
    return delays


def main() -> None:
    """Print each figure with its target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each measurement (default: %(default)s)")
    parser.add_argument("--full", action="store_true", help="ten minutes each")
    arguments = parser.parse_args()
    seconds = 600.0 if arguments.full else arguments.seconds
    figures = Figures("services")
    cold_start_s()  # The first start reads the packages from the disk; a machine's second is its usual one.
    starts = [cold_start_s() for _ in range(3)]
    figures.tell("cold start of all three to the first picture", max(starts), "s", COLD_START_S)
    core, resident = taken(seconds)
    note = ", ".join(f"{name} {core[name]:.1f}" for name in NAMES)
    figures.tell("coach, display and sync in a session, of one core", sum(core.values()), "%", CORE_PERCENT, note)
    note = ", ".join(f"{name} {resident[name]:.0f}" for name in NAMES)
    figures.tell("coach, display and sync, resident", sum(resident.values()), "MB", RESIDENT_MB, note)
    delays = pixels_out_ms(seconds)
    note = f"{len(delays)} rates, worst {max(delays, default=0):.1f}"
    figures.tell("heart rate in to pixels out at 1280×720, p99", share(delays, 0.99), "ms", PIXELS_MS, note)
    figures.keep()


if __name__ == "__main__":
    main()
