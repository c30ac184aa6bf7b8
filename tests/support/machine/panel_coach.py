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

from coach.kiosk.view import Button
from firmware.config.loader import InForce
from firmware.config.schema import Config, PanelPart, StrapPart
from firmware.panel import factory
from firmware.panel.gpio import GpioButtons
from firmware.panel.panel import Pins
from firmware.participants import plan_files
from firmware.services.coach_service import CoachService, CoachSettings
from firmware.simulation.strap import SIMULATED_STRAP

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
    factory._open_buttons = open_buttons
    threading.Thread(target=press, daemon=True).start()
    config = Config(panel=PART, strap=StrapPart(source="simulated"))
    settings = CoachSettings(
        socket=folder / "coach.sock", diary=folder / "diary.db", in_force=InForce(config, folder / "config.toml")
    )
    shelf = plan_files.PlanRepository()
    for name in ("Rev", "Hare", "Elg"):
        plan = replace(plan_files.guest_plan(age=60, nickname=name).plan, participant=name.lower())
        shelf.put(plan_files.ready(plan, name))

    async def serve() -> None:
        await CoachService(settings, shelf, SIMULATED_STRAP.make("simulated")).run()

    asyncio.run(serve())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
