"""Draw README's animation, docs/screens/session.webp: a whole 4×4 session, a picture for every twelve seconds.

A simulated person trains, the engine leads, and the screen draws what it shows at that second. Run from the project's
folder: `python scripts/draw_animation.py`.
"""

from pathlib import Path

import numpy as np
import pygame
from msgspec.structs import replace
from PIL import Image

from coach.kiosk.flow import KioskState, view
from coach.kiosk.view import ScreenId
from display.renderer import ScreenRenderer
from firmware.participants.protocol_files import load
from firmware.simulation.heart import Population, draw_day, plan_for
from firmware.simulation.person import SimulatedPerson
from firmware.simulation.session import seconds

TARGET = Path(__file__).resolve().parents[1] / "docs" / "screens" / "session.webp"
SIZE, SHOWN = (1280, 720), (640, 360)
EVERY_S, FRAME_MS, LAST_MS = 12, 120, 3000
SEED = 20
DESK = KioskState(chosen=True, asked=(ScreenId.EXERTION, ScreenId.MOOD))
MOST_BYTES = 1_500_000


def main() -> None:
    """Draw the animation, and end with 1 where it is too large for README."""
    rng = np.random.default_rng(SEED)
    participant = Population().draw(rng)
    plan = replace(plan_for(participant, rng), nickname="Fjell", picture="mountain")
    protocol = load("4x4")
    screen = ScreenRenderer(SIZE)
    frames = []
    for second in seconds(plan, protocol, SimulatedPerson(participant, draw_day(rng), rng)):
        if second.t % EVERY_S == 0:
            screen.draw(view(DESK, second.state, saved="saved"), second.t)
            picture = Image.frombytes("RGB", SIZE, pygame.image.tobytes(screen.surface, "RGB"))
            frames.append(picture.resize(SHOWN, Image.Resampling.LANCZOS))
    durations = [FRAME_MS] * (len(frames) - 1) + [LAST_MS]
    first, *rest = frames
    first.save(TARGET, save_all=True, append_images=rest, duration=durations, loop=0, quality=60, method=4)
    size = TARGET.stat().st_size
    print(f"{len(frames)} pictures, {size / 1e6:.2f} MB (at most {MOST_BYTES / 1e6:g} MB): {TARGET.name}")
    if size > MOST_BYTES:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
