"""The window: keys become the panel's buttons, and a view reaches the display."""

from collections.abc import Iterator
from pathlib import Path

import pygame
import pytest

from coach.kiosk.view import Button
from display.examples import examples
from display.output.window import Window

EXAMPLES = examples()


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    window = Window("headless", (1280, 720))
    yield window
    window.close()


def _press(*keys: int) -> None:
    for key in keys:
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))


def test_a_keypad_presses_the_panels_buttons(window: Window) -> None:
    _press(pygame.K_KP_ENTER, pygame.K_KP_PLUS, pygame.K_KP_MINUS, pygame.K_KP_PERIOD)
    assert window.buttons() == (Button.START, Button.UP, Button.DOWN, Button.STOP)


def test_digits_of_keypad_and_keyboard_are_digits(window: Window) -> None:
    _press(pygame.K_KP0, pygame.K_KP8, pygame.K_2, pygame.K_9)
    assert window.buttons() == (0, 8, 2, 9)


def test_a_keyboard_presses_the_panels_buttons(window: Window) -> None:
    _press(pygame.K_SPACE, pygame.K_UP, pygame.K_DOWN, pygame.K_ESCAPE)
    assert window.buttons() == (Button.START, Button.UP, Button.DOWN, Button.STOP)


def test_another_key_does_nothing(window: Window) -> None:
    _press(pygame.K_F7, pygame.K_x)
    assert (window.buttons(), window.closed) == ((), False)


def test_closing_the_window_is_noticed(window: Window) -> None:
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    assert (window.buttons(), window.closed) == ((), True)


def test_a_view_is_shown_once(window: Window) -> None:
    assert [window.show(EXAMPLES["mood"], 0.0), window.show(EXAMPLES["mood"], 0.0)] == [True, False]


def test_what_is_shown_can_be_saved(window: Window, tmp_path: Path) -> None:
    window.show(EXAMPLES["interval"], 0.0)
    window.save_png(tmp_path / "shown.png")
    assert pygame.image.load(tmp_path / "shown.png").get_size() == (1280, 720)


def test_a_swelling_heart_asks_for_the_next_frame_soon_and_a_still_face_does_not(window: Window) -> None:
    window.show(EXAMPLES["interval"], 10.0)
    moving_s = window.wait_s
    window.show(EXAMPLES["mood"], 11.0)
    assert (moving_s < 0.05, window.wait_s) == (True, 0.5)
