"""How soon a press takes effect: from a pin's edge, through debounce, coach and socket, to the drawn picture (H6).

The pins are gpiozero's mock ones: what the kernel takes to tell of an edge (7–12 ms in a virtual machine) comes on top.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

from coach.kiosk.view import Button, DisplayState, ScreenId
from firmware.ipc.client import CoachLink, NoCoachError
from firmware.ipc.messages import Subscribe, ViewNow
from firmware.services.display_service import DisplayService, DisplaySettings
from firmware.system.supervisor import LEAN
from tests.support.figures import Figures, cores_busy, share

EFFECT_MS = 200.0
PRESSES = 120
PATIENCE_S = 60.0
SIZE = (1280, 720)


class Seen:
    """When each view came, on the socket or on the screen."""

    def __init__(self) -> None:
        """Nothing has come."""
        self._came = threading.Condition()
        self._views: list[tuple[float, DisplayState]] = []

    def __call__(self, view: DisplayState) -> None:
        """Note that a view has come now."""
        with self._came:
            self._views.append((time.monotonic(), view))
            self._came.notify_all()

    def when(self, after_s: float, holds: Callable[[DisplayState], bool]) -> float:
        """When a view came first, after a moment, of which this holds."""

        def found() -> list[float]:
            return [at_s for at_s, view in self._views if at_s >= after_s and holds(view)]

        with self._came:
            if not self._came.wait_for(found, PATIENCE_S):
                raise TimeoutError("the press had no effect")
            at_s = found()[0]
            self._views = self._views[-2:]
            return at_s


class Hand:
    """Presses the pins of the coach's process."""

    def __init__(self, coach: "subprocess.Popen[str]") -> None:
        """Take its standard input and output."""
        self._coach = coach

    def press(self, button: Button) -> float:
        """Press for a tenth of a second; gives when it went down."""
        down_s = self._put(button, "down")
        time.sleep(0.1)
        self._put(button, "up")
        return down_s

    def _put(self, button: Button, level: str) -> float:
        assert self._coach.stdin
        assert self._coach.stdout
        self._coach.stdin.write(f"{button.value} {level}\n")
        self._coach.stdin.flush()
        return float(self._coach.stdout.readline())


def listen(socket: Path, seen: Seen, stop: threading.Event) -> None:
    """Watch the coach's views, as soon as it is there."""
    until_s = time.monotonic() + PATIENCE_S
    while not stop.is_set():
        try:
            with CoachLink(socket) as link:
                link.say(Subscribe(views=True))
                while not stop.is_set():
                    for message in link.receive(0.5):
                        if isinstance(message, ViewNow):
                            seen(message.view)
        except NoCoachError:
            if time.monotonic() > until_s:
                raise
            time.sleep(0.02)


def delays(hand: Hand, told: Seen, drawn: Seen) -> tuple[list[float], list[float]]:
    """In ms, to the socket and to the picture: up and down at the choice, green to «is it you?», stop back from it."""
    told.when(0.0, lambda view: view.face is ScreenId.CHOOSE_PARTICIPANT)
    drawn.when(0.0, lambda view: view.face is ScreenId.CHOOSE_PARTICIPANT)
    steps: list[tuple[Button, Callable[[DisplayState], bool]]] = [
        (Button.DOWN, lambda view: view.selected == 1),
        (Button.UP, lambda view: view.selected == 0),
        (Button.START, lambda view: view.face is ScreenId.CONFIRM),
        (Button.STOP, lambda view: view.face is ScreenId.CHOOSE_PARTICIPANT),
    ]
    to_socket: list[float] = []
    to_picture: list[float] = []
    for number in range(PRESSES):
        button, holds = steps[number % len(steps)]
        down_s = hand.press(button)
        to_socket.append((told.when(down_s, holds) - down_s) * 1000)
        to_picture.append((drawn.when(down_s, holds) - down_s) * 1000)
    return to_socket, to_picture


def main() -> None:
    """Tell the figures."""
    figures = Figures("panel")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root = str(Path(__file__).parent.parent)
        coach = subprocess.Popen(
            [sys.executable, "-m", "tests.support.machine.panel_coach", name],
            cwd=root,
            env={**LEAN, **os.environ, "PYTHONPATH": root},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        told, drawn, stop = Seen(), Seen(), threading.Event()
        socket = folder / "coach.sock"
        display = DisplayService(
            DisplaySettings(socket=socket, screen="headless", size=SIZE, sound=False, oled="none"), on_drawn=drawn
        )
        threading.Thread(target=listen, args=(socket, told, stop), daemon=True).start()

        def measure() -> None:
            try:
                hand = Hand(coach)
                for cores in (0, os.cpu_count() or 1):
                    with cores_busy(cores):
                        tell(figures, *delays(hand, told, drawn), "all cores busy" if cores else "")
            finally:
                stop.set()
                display.stop()

        measuring = threading.Thread(target=measure)
        measuring.start()
        display.run()
        measuring.join()
        coach.terminate()
        coach.wait()
    figures.keep()


def tell(figures: Figures, to_socket: list[float], to_picture: list[float], note: str) -> None:
    """Print the figures of one round."""
    among = f", {note}" if note else ""
    figures.tell(f"press to the coach's new view, median{among}", share(to_socket, 0.5), "ms", EFFECT_MS)
    figures.tell(f"press to the coach's new view, slowest of {PRESSES}{among}", max(to_socket), "ms", EFFECT_MS)
    figures.tell(f"press to the drawn picture, 95th of 100{among}", share(to_picture, 0.95), "ms", EFFECT_MS)
    figures.tell(f"press to the drawn picture, slowest of {PRESSES}{among}", max(to_picture), "ms", EFFECT_MS)


if __name__ == "__main__":
    main()
