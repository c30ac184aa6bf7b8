"""The window that holds the screen: full-screen on the Pi, a window on a desk, invisible where there is no display.

It reads keys as the panel's buttons, so that a keyboard or a USB numeric keypad does what the panel does. The caller
owns the loop: `show` draws and never waits, `buttons` reads what was pressed, `wait_s` says how long nothing will move
by itself.
"""

import os
from pathlib import Path
from typing import Final, Literal

import pygame

from coach.kiosk.view import Button, DisplayState
from display.output.presenter import Presenter, SurfacePresenter, Turned
from display.renderer import ScreenRenderer
from display.texts import Language

Kind = Literal["full_screen", "window", "headless"]
DEFAULT_SIZE: Final = (1280, 720)
TITLE: Final = "interval-coach"
LOOK_FOR_KEYS_S: Final = 0.05
"""A press must take effect within 200 ms (hazard H6)."""

BUTTON_OF_KEY: Final[dict[int, Button]] = {
    pygame.K_RETURN: Button.START,
    pygame.K_KP_ENTER: Button.START,
    pygame.K_SPACE: Button.START,
    pygame.K_j: Button.START,
    pygame.K_y: Button.START,
    pygame.K_UP: Button.UP,
    pygame.K_KP_PLUS: Button.UP,
    pygame.K_PLUS: Button.UP,
    pygame.K_DOWN: Button.DOWN,
    pygame.K_KP_MINUS: Button.DOWN,
    pygame.K_MINUS: Button.DOWN,
    pygame.K_ESCAPE: Button.STOP,
    pygame.K_KP_PERIOD: Button.STOP,
    pygame.K_DELETE: Button.STOP,
    pygame.K_BACKSPACE: Button.STOP,
    pygame.K_s: Button.STOP,
}
"""Green: Enter, space, J, Y. Up and down: the arrows, + and −. Stop: Escape, backspace, a keypad's point, S."""

DIGIT_OF_KEY: Final[dict[int, int]] = {
    **{getattr(pygame, f"K_KP{digit}"): digit for digit in range(10)},
    **{getattr(pygame, f"K_{digit}"): digit for digit in range(10)},
}
"""Digits are digits where a PIN or an age is asked for; elsewhere the coach takes 5, 8, 2 and 0 as the buttons."""
CLOSING_KEY: Final = pygame.K_q


class Window:
    """A screen on a display. Close it when done."""

    def __init__(
        self,
        kind: Kind = "window",
        size: tuple[int, int] | None = None,
        language: Language = "nb",
        *,
        turned: Turned = "no",
        display: int = 0,
        connector: str = "",
        through: Literal["surface", "kms"] = "surface",
    ) -> None:
        """`size` in pixels; full-screen takes the display's own. `headless` draws the same pictures and shows none.

        `turned`: a display that stands on end. `display`: which one, from 0; `connector`: its
        name, for the kernel's way. `through`: SDL's surface, or the kernel.
        Raises `pygame.error` where no display can be opened: the caller then goes headless.
        """
        if kind == "headless" or through == "kms":
            os.environ["SDL_VIDEODRIVER"] = "dummy"
        pygame.display.init()
        pygame.font.init()
        self.kind = kind
        self.closed = False
        self._language = language
        flags = {"full_screen": pygame.FULLSCREEN, "window": pygame.RESIZABLE, "headless": 0}[kind]
        wanted = size or ((0, 0) if kind == "full_screen" else DEFAULT_SIZE)
        self._presenter = _presenter(through, wanted, flags, turned, display, connector)
        pygame.display.set_caption(TITLE)
        pygame.key.set_repeat()
        pygame.event.set_blocked(None)
        pygame.event.set_allowed(
            [pygame.KEYDOWN, pygame.QUIT, pygame.VIDEORESIZE, pygame.VIDEOEXPOSE, pygame.WINDOWEXPOSED]
        )
        pygame.mouse.set_visible(kind != "full_screen")
        self.screen = self._screen()

    @property
    def wait_s(self) -> float:
        """How long to wait for a new view before the next `show`: keys are looked for often enough meanwhile."""
        return self.screen.wait_s if self.kind == "headless" else min(self.screen.wait_s, LOOK_FOR_KEYS_S)

    def show(self, view: DisplayState, now_s: float) -> bool:
        """Draw a view at a monotonic time and put what changed on the display. Returns whether anything changed."""
        changed = self.screen.draw(view, now_s)
        if changed:
            self._presenter.present(self.screen.dirty)
        return changed

    def buttons(self) -> tuple[Button | int, ...]:
        """Return the buttons pressed and digits typed since the last call, in order.

        Also notices a new size, and a closed window.
        """
        pressed: list[Button | int] = []
        for event in pygame.event.get():
            if event.type == pygame.QUIT or (event.type == pygame.KEYDOWN and event.key == CLOSING_KEY):
                self.closed = True
            elif event.type == pygame.KEYDOWN and event.key in BUTTON_OF_KEY:
                pressed.append(BUTTON_OF_KEY[event.key])
            elif event.type == pygame.KEYDOWN and event.key in DIGIT_OF_KEY:
                pressed.append(DIGIT_OF_KEY[event.key])
            elif event.type == pygame.VIDEORESIZE:
                if self._presenter.resized():
                    self.screen = self._screen()
            elif event.type in (pygame.VIDEOEXPOSE, pygame.WINDOWEXPOSED):
                self._presenter.present([self.screen.surface.get_rect()])
        return tuple(pressed)

    def _screen(self) -> ScreenRenderer:
        surface = self._presenter.surface
        return ScreenRenderer(surface.get_size(), self._language, surface)

    def save_png(self, path: Path | str) -> None:
        """Save what is shown."""
        self.screen.save_png(path)

    def close(self) -> None:
        """Take the window away."""
        self._presenter.close()
        pygame.display.quit()


def _presenter(
    through: str, size: tuple[int, int], flags: int, turned: Turned, display: int, connector: str
) -> Presenter:
    """Return the way out that was asked for. By the kernel, SDL draws into an unseen window, for its keys' sake."""
    if through == "surface":
        return SurfacePresenter(size, flags, turned=turned, display=display)
    from display.output.kms import KmsPresenter  # noqa: PLC0415 - only where there is no desktop

    pygame.display.set_mode((1, 1))
    return KmsPresenter(turned=turned, display=display, connector=connector)
