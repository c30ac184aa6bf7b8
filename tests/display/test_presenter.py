"""What is drawn reaches the display: by SDL's surface, upright or on a display that stands on end."""

from collections.abc import Iterator

import pygame
import pytest

from display.examples import examples
from display.output.presenter import SurfacePresenter, Turned, seen_size, turned_rect
from display.output.window import Window

RED, GREEN, GREY = (255, 0, 0), (0, 255, 0), (40, 40, 40)
SIZE = (320, 200)


@pytest.fixture(autouse=True)
def no_display(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    yield
    pygame.display.quit()


def corners(surface: pygame.Surface) -> list[tuple[int, ...]]:
    """Clockwise from the top left."""
    right, bottom = surface.get_width() - 3, surface.get_height() - 3
    return [tuple(surface.get_at(at))[:3] for at in ((2, 2), (right, 2), (right, bottom), (2, bottom))]


def draw(surface: pygame.Surface) -> None:
    """Red at the person's top left, green at their bottom right."""
    surface.fill(GREY)
    surface.fill(RED, (0, 0, 20, 10))
    surface.fill(GREEN, (surface.get_width() - 20, surface.get_height() - 10, 20, 10))


PANELS: list[tuple[Turned, list[tuple[int, ...]]]] = [
    ("no", [RED, GREY, GREEN, GREY]),
    ("left", [GREY, RED, GREY, GREEN]),
    ("right", [GREY, GREEN, GREY, RED]),
]


@pytest.mark.parametrize(("turned", "panel"), PANELS)
def test_the_surface_shows_the_picture_as_the_display_stands(turned: Turned, panel: list[tuple[int, ...]]) -> None:
    presenter = SurfacePresenter(SIZE, 0, turned=turned)
    draw(presenter.surface)
    presenter.present([presenter.surface.get_rect()])
    shown = pygame.display.get_surface()
    assert (shown.get_size(), presenter.surface.get_size()) == (seen_size(SIZE, turned), SIZE)
    assert corners(shown) == panel


@pytest.mark.parametrize("turned", ["left", "right"])
def test_only_what_changed_is_turned_and_it_lies_where_it_belongs(turned: Turned) -> None:
    presenter = SurfacePresenter(SIZE, 0, turned=turned)
    draw(presenter.surface)
    presenter.present([presenter.surface.get_rect()])
    presenter.surface.fill((9, 9, 250), (37, 51, 64, 23))
    presenter.present([pygame.Rect(37, 51, 64, 23)])
    by_piece = pygame.image.tobytes(pygame.display.get_surface(), "RGB")
    presenter.present([presenter.surface.get_rect()])
    assert pygame.image.tobytes(pygame.display.get_surface(), "RGB") == by_piece


def test_a_region_turned_left_and_back_right_is_itself() -> None:
    rect = pygame.Rect(37, 51, 64, 23)
    assert turned_rect(turned_rect(rect, SIZE, "left"), seen_size(SIZE, "left"), "right") == rect


def test_a_display_on_end_shows_an_upright_face() -> None:
    window = Window("headless", (720, 1280), turned="left")
    try:
        assert window.screen.size == (720, 1280)
        assert window.show(examples()["interval"], 0.0)
    finally:
        window.close()


def test_a_display_may_be_opened_and_closed_many_times() -> None:
    """Each time that a cable is plugged in."""
    for _ in range(20):
        window = Window("headless", SIZE)
        assert window.show(examples()["mood"], 0.0)
        window.close()
