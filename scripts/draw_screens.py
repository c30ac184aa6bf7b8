"""Draws what the participant sees to docs/screens/: every state of the screen, and sheets for what belongs together.

The sheets show the small screen, the screen standing upright, in English, and as a colour-blind eye sees it.
Run from the project's folder: `python scripts/draw_screens.py [NAME …]`; with names, only those states are drawn.
"""

import math
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pygame
from numpy.typing import NDArray
from PIL import Image

from coach.kiosk.view import DisplayState
from display.example_runs import running_examples
from display.examples import examples, in_language
from display.oled.renderer import picture
from display.renderer import ScreenRenderer

FOLDER = Path(__file__).parent.parent / "docs" / "screens"
LYING, STANDING = (1280, 720), (720, 1280)
NEARLY_THE_SAME = ("questions_yes", "questions_second", "notice_older", "bout_rest", "signal_stale")
"""States that differ from one beside them by a word or a colour only: tests draw them, the documents need not."""
IN_ENGLISH = ("interval_slower", "strap_found", "ended", "questions")
UPRIGHT = (
    "interval",
    "over_ceiling",
    "all_right",
    "by_feeling",
    "strap_found",
    "choose_participant",
    "exertion",
    "ended",
)
SEEN_BY_OTHER_EYES = ("interval_faster", "interval", "interval_slower")
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
"""Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB."""
GREY = np.tile([0.2126, 0.7152, 0.0722], (3, 1))
GAMMA = 2.2
SHEET_GROUND, SHEET_APART = (90, 96, 112), 12


def drawn(view: DisplayState, size: tuple[int, int]) -> Image.Image:
    """Return the screen with one view on it."""
    screen = ScreenRenderer(size)
    screen.draw(view, 0.0)
    return Image.frombytes("RGB", size, pygame.image.tobytes(screen.surface, "RGB"))


def seen_through(image: Image.Image, matrix: NDArray[np.float64]) -> Image.Image:
    """Return the picture as another eye sees it."""
    linear = (np.asarray(image) / 255.0) ** GAMMA
    turned = np.clip(linear @ matrix.T, 0, 1) ** (1 / GAMMA)
    return Image.fromarray((turned * 255 + 0.5).astype(np.uint8))


def sheet(images: Iterable[Image.Image], columns: int, width: int) -> Image.Image:
    """Pictures of one size side by side, each as wide as told."""
    fitted = [image.resize((width, width * image.height // image.width), Image.Resampling.LANCZOS) for image in images]
    height, rows = fitted[0].height, math.ceil(len(fitted) / columns)
    whole = (columns * (width + SHEET_APART) + SHEET_APART, rows * (height + SHEET_APART) + SHEET_APART)
    found = Image.new("RGB", whole, SHEET_GROUND)
    for place, image in enumerate(fitted):
        row, column = divmod(place, columns)
        found.paste(image, (SHEET_APART + column * (width + SHEET_APART), SHEET_APART + row * (height + SHEET_APART)))
    return found


def small_screens(views: Iterable[DisplayState]) -> list[Image.Image]:
    """Return the small screen in every state where it differs, three times as large as it is."""
    different = {image.tobytes(): image for image in map(picture, views)}
    return [image.convert("RGB").resize((384, 192), Image.Resampling.NEAREST) for image in different.values()]


def save(image: Image.Image, name: str) -> None:
    """Write a picture with a palette of its own, half as large as in full colour and to the eye the same."""
    palette = image.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    palette.save(FOLDER / f"{name}.png", optimize=True)


def main(names: list[str]) -> None:
    """Draw all, or the states named."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    # Running sessions are drawn as the engine ran them; what surrounds a session has no engine to run.
    views = {**examples(), **running_examples()}
    shown = [name for name in views if name in names] or [name for name in views if name not in NEARLY_THE_SAME]
    for name in shown:
        save(drawn(views[name], LYING), name)
    if not names:
        save(sheet(small_screens(views.values()), 5, 384), "sheet_small_screen")
        save(sheet((drawn(views[name], STANDING) for name in UPRIGHT), 4, 360), "sheet_upright")
        save(sheet((drawn(in_language(views[name], "en"), LYING) for name in IN_ENGLISH), 2, 640), "sheet_english")
        as_drawn = [drawn(views[name], LYING) for name in SEEN_BY_OTHER_EYES]
        others = [seen_through(image, matrix) for matrix in (DEUTERANOPIA, GREY) for image in as_drawn]
        save(sheet([*as_drawn, *others], 3, 480), "sheet_other_eyes")
    print(f"{len(shown)} states drawn to {FOLDER.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main(sys.argv[1:])
