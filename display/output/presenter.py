"""How a drawn picture reaches a window: through SDL's surface, upright or turned.

A display that stands on end still tells that it lies: the picture is turned here. With `turned="left"` the display was
turned to the left as seen from the front, so what is its top edge for the person is its right edge for SDL.

Without a desktop SDL needs a driver that its wheel lacks: `display.output.kms` does without SDL there (docs/adr/0012).
"""

from collections.abc import Sequence
from typing import Final, Literal, Protocol

import pygame

Size = tuple[int, int]
Turned = Literal["no", "left", "right"]

_CLOCKWISE: Final = {"no": 0, "left": 90, "right": 270}


class Presenter(Protocol):
    """A display that shows what is drawn on `surface`."""

    @property
    def surface(self) -> pygame.Surface:
        """Where to draw: upright for the person."""
        ...

    def present(self, dirty: Sequence[pygame.Rect]) -> None:
        """Show what is on the surface; at least these regions of it have changed. Raises pygame.error."""
        ...

    def resized(self) -> bool:
        """Whether the display has another size now; `surface` is then a new one."""
        ...

    def close(self) -> None:
        """Take the picture away."""
        ...


class SurfacePresenter:
    """SDL's window surface, which `pygame.display` keeps."""

    def __init__(self, size: Size, flags: int, *, turned: Turned = "no", display: int = 0) -> None:
        """`size` as the person sees it. Raises pygame.error where there is no display."""
        self._turned: Turned = turned
        self._surface = self._drawn_on(pygame.display.set_mode(seen_size(size, turned), flags, display=display))

    @property
    def surface(self) -> pygame.Surface:
        """Where to draw."""
        return self._surface

    def present(self, dirty: Sequence[pygame.Rect]) -> None:
        """Show what has changed."""
        if self._turned == "no":
            pygame.display.update(list(dirty))
            return
        shown = pygame.display.get_surface()
        places = []
        for rect in dirty:
            whole = rect.clip(self._surface.get_rect())
            place = turned_rect(whole, self._surface.get_size(), self._turned)
            shown.blit(turned_piece(self._surface, whole, self._turned), place)
            places.append(place)
        pygame.display.update(places)

    def resized(self) -> bool:
        """Whether the window has another size now."""
        shown = pygame.display.get_surface()
        if seen_size(shown.get_size(), self._turned) == self._surface.get_size():
            return False
        self._surface = self._drawn_on(shown)
        return True

    def close(self) -> None:
        """Close; the surface goes with `pygame.display`."""

    def _drawn_on(self, shown: pygame.Surface) -> pygame.Surface:
        return shown if self._turned == "no" else pygame.Surface(seen_size(shown.get_size(), self._turned))


def seen_size(size: Size, turned: Turned) -> Size:
    """Return a panel's size as the person sees it, and the other way round."""
    return size if turned == "no" else (size[1], size[0])


def turned_piece(surface: pygame.Surface, rect: pygame.Rect, turned: Turned) -> pygame.Surface:
    """Return a region of a surface as it lies on the panel."""
    piece = surface.subsurface(rect)
    return piece if turned == "no" else pygame.transform.rotate(piece, -_CLOCKWISE[turned])


def turned_rect(rect: pygame.Rect, size: Size, turned: Turned) -> pygame.Rect:
    """Where a region of a surface of `size` lies on the panel."""
    match turned:
        case "no":
            return rect
        case "left":
            return pygame.Rect(size[1] - rect.bottom, rect.left, rect.height, rect.width)
        case "right":
            return pygame.Rect(rect.top, size[0] - rect.right, rect.height, rect.width)
