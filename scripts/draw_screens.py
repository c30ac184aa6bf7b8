"""Draws every state of the screen to docs/screens/: bokmål at 1280 × 720; some in English, larger, standing, in grey.

Run from the project's folder: `python scripts/draw_screens.py [NAME …]`.
"""

import sys
from pathlib import Path

import numpy as np
import pygame
from numpy.typing import NDArray

from coach.desk_view import View
from display.examples import examples, in_language
from display.screen import Screen

FOLDER = Path(__file__).parent.parent / "docs" / "screens"
LYING, LARGE, STANDING = (1280, 720), (1920, 1080), (720, 1280)
IN_ENGLISH = ("interval", "strap_found", "ended", "questions")
ENLARGED = ("interval", "choose_participant")
STANDING_TOO = (
    "interval",
    "strap_found",
    "choose_participant",
    "ended",
    "all_right",
    "over_ceiling",
    "exertion",
    "ready",
    "mood",
    "by_feeling",
    "questions",
)
SIMULATED = ("interval", "interval_faster", "interval_slower")
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
"""Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB."""
GREY = np.tile([0.2126, 0.7152, 0.0722], (3, 1))


def drawn(view: View, size: tuple[int, int]) -> Screen:
    """A screen with one view on it."""
    screen = Screen(size)
    screen.draw(view, 0.0)
    return screen


def seen_through(surface: pygame.Surface, matrix: NDArray[np.float64]) -> pygame.Surface:
    """The picture as another eye sees it."""
    linear = (pygame.surfarray.array3d(surface) / 255.0) ** 2.2
    turned = np.clip(linear @ matrix.T, 0, 1) ** (1 / 2.2)
    return pygame.surfarray.make_surface((turned * 255 + 0.5).astype(np.uint8))


def main(names: list[str]) -> None:
    """Draw all, or those named."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    views = {name: view for name, view in examples().items() if not names or name in names}
    for name, view in views.items():
        screen = drawn(view, LYING)
        screen.save_png(FOLDER / f"{name}.png")
        if name in IN_ENGLISH:
            drawn(in_language(view, "en"), LYING).save_png(FOLDER / f"{name}_en.png")
        if name in ENLARGED:
            drawn(view, LARGE).save_png(FOLDER / f"{name}_1920x1080.png")
        if name in STANDING_TOO:
            drawn(view, STANDING).save_png(FOLDER / f"{name}_720x1280.png")
        if name in SIMULATED:
            for eye, matrix in (("deuteranopia", DEUTERANOPIA), ("grey", GREY)):
                pygame.image.save(seen_through(screen.surface, matrix), str(FOLDER / f"{name}_{eye}.png"))
    print(f"{len(views)} states drawn to {FOLDER.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main(sys.argv[1:])
