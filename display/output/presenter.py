"""How a drawn picture reaches the display: through SDL's window surface, or through its renderer; upright or turned.

A display that stands on end still tells that it lies: the picture is turned here. With `turned="left"` the display was
turned to the left as seen from the front, so what is its top edge for the person is its right edge for SDL.

Through the renderer the whole picture is handed over at each change, since a page-flipped display shows two buffers in
turn. Without a desktop SDL needs a driver that its wheel lacks: `display.output.kms` does without SDL there
(docs/adr/0012).
"""

from collections.abc import Sequence
from typing import Any, Final, Literal, Protocol

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
        """The surface goes with `pygame.display`."""

    def _drawn_on(self, shown: pygame.Surface) -> pygame.Surface:
        return shown if self._turned == "no" else pygame.Surface(seen_size(shown.get_size(), self._turned))


class RendererPresenter:
    """SDL's renderer, full screen on a display without a desktop."""

    def __init__(self, size: Size, title: str, *, turned: Turned = "no", display: int = 0) -> None:
        """`size` as the person sees it; (0, 0): the display's own. Raises pygame.error where there is no display."""
        # pygame's only way to SDL's renderer; Debian's pygame has it too.
        from pygame._sdl2 import video  # noqa: PLC0415 - see above

        desktops = pygame.display.get_desktop_sizes()
        if not desktops:
            raise pygame.error("no display is connected")
        number = min(display, len(desktops) - 1)
        whole = size == (0, 0)
        panel = desktops[number] if whole else seen_size(size, turned)
        left = sum(width for width, _ in desktops[:number])
        self._window: Any = video.Window(title, size=panel, position=(left, 0), fullscreen_desktop=whole)
        self._renderer: Any = video.Renderer(self._window)
        self._turned: Turned = turned
        self._surface = pygame.Surface(seen_size(panel, turned), depth=32)
        self._texture: Any = video.Texture(self._renderer, self._surface.get_size(), streaming=True)
        # As wide as the person sees it, in the middle of the panel: SDL then turns it about that middle.
        self._place = self._surface.get_rect(center=(panel[0] // 2, panel[1] // 2))

    @property
    def surface(self) -> pygame.Surface:
        """Where to draw."""
        return self._surface

    def present(self, dirty: Sequence[pygame.Rect]) -> None:
        """Show all that is drawn."""
        del dirty
        self._texture.update(self._surface)
        self._renderer.clear()
        self._texture.draw(dstrect=self._place, angle=_CLOCKWISE[self._turned])
        self._renderer.present()

    def resized(self) -> bool:
        """A display without a desktop keeps its size; another one that is plugged in is opened anew."""
        return False

    def shown(self) -> pygame.Surface:
        """What the display shows, as the panel has it, for a test."""
        self._renderer.clear()
        self._texture.draw(dstrect=self._place, angle=_CLOCKWISE[self._turned])
        surface: pygame.Surface = self._renderer.to_surface()
        return surface

    def close(self) -> None:
        """Take the window away, and first what was made from it: SDL frees these in that order alone."""
        self._texture = None
        self._renderer = None
        self._window.destroy()


def seen_size(size: Size, turned: Turned) -> Size:
    """A panel's size as the person sees it, and the other way round."""
    return size if turned == "no" else (size[1], size[0])


def turned_piece(surface: pygame.Surface, rect: pygame.Rect, turned: Turned) -> pygame.Surface:
    """A region of a surface as it lies on the panel."""
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
