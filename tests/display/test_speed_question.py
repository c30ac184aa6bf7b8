"""«Står det 6,0 km/t på møllen?»: asked in the instruction's place, on the large and the small screen."""

import pygame
import pytest
from msgspec.structs import replace

from coach.kiosk.view import DisplayState
from display.examples import examples
from display.oled.renderer import picture
from display.renderer import ScreenRenderer
from display.texts import LANGUAGES

EXAMPLE = examples()["interval"]


def asking(kmh: float | None = 6.0, language: str = "nb") -> DisplayState:
    """A running interval that asks about a speed."""
    assert EXAMPLE.snapshot is not None
    return replace(EXAMPLE, language=language, snapshot=replace(EXAMPLE.snapshot, asks_speed_kmh=kmh))


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280), (1920, 1080)])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_question_takes_the_instructions_place_alone(size: tuple[int, int], language: str) -> None:
    pictures = []
    for kmh in (None, 6.0, 6.4):
        screen = ScreenRenderer(size, language)  # type: ignore[arg-type]
        screen.draw(asking(kmh, language), 0.0)
        pictures.append(pygame.surfarray.array2d(screen.surface).copy())
    without, asked, faster = pictures
    changed = without != asked
    assert 0.01 < changed.mean() < 0.4, "rate, time left and profile stay where they are"
    assert (asked != faster).any(), "the speed is in the question"


def test_the_small_screen_asks_as_well() -> None:
    assert picture(asking()).tobytes() != picture(asking(None)).tobytes()
    assert picture(asking(6.0)).tobytes() != picture(asking(6.4)).tobytes()
