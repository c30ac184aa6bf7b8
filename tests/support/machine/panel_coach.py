"""A coach whose buttons hang on gpiozero's mock pins, pressed by words on its input: `BUTTON down`, `BUTTON up`.

It answers each word with the machine's monotonic clock at which the pin changed. Started by `bench_panel.py`.
"""

import asyncio
import sys
import threading
import time
from pathlib import Path

from gpiozero.pins.mock import MockFactory
from msgspec.structs import replace

from coach.desk_view import Button
from firmware import panels, plans
from firmware.coach_service import CoachService, CoachSettings
from firmware.config import Config, PanelPart, StrapPart
from firmware.config_file import InForce
from firmware.gpio_pins import GpioButtons
from firmware.panel import Pins
from firmware.simulated_strap import SIMULATED_STRAP

PART = PanelPart(keypad=False)
FACTORY = MockFactory()
OPEN = threading.Event()


def open_buttons(part: PanelPart) -> Pins:
    """The mock pins instead of the header's."""
    opened = GpioButtons(part, FACTORY)
    OPEN.set()
    return opened


def press() -> None:
    """Do what the words say, on a thread of its own, as a driver does."""
    OPEN.wait()
    for line in sys.stdin:
        name, _, level = line.strip().partition(" ")
        pin = FACTORY.pin(getattr(PART, f"{Button(name).value}_pin"))
        now_s = time.monotonic()
        (pin.drive_low if level == "down" else pin.drive_high)()
        sys.stdout.write(f"{now_s!r}\n")
        sys.stdout.flush()


def main(folder: Path) -> None:
    """Run until somebody says stop."""
    panels._open_buttons = open_buttons  # noqa: SLF001 - the one place that reaches for the header
    threading.Thread(target=press, daemon=True).start()
    config = Config(panel=PART, strap=StrapPart(source="simulated"))
    settings = CoachSettings(
        socket=folder / "coach.sock", diary=folder / "diary.db", in_force=InForce(config, folder / "config.toml")
    )
    shelf = plans.PlanShelf()
    for name in ("Rev", "Hare", "Elg"):
        plan = replace(plans.guest_plan(age=60, nickname=name).plan, participant=name.lower())
        shelf.put(plans.ready(plan, name))

    async def serve() -> None:
        await CoachService(settings, shelf, SIMULATED_STRAP.make("simulated")).run()

    asyncio.run(serve())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
