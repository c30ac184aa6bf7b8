"""What a face is laid out on: a sheet in design units, and the parts that a face puts on it.

A landscape sheet is at least 1280 × 720 units, a portrait one 720 × 1280, whatever the screen's pixels. A face is a
list of parts that do not overlap. Each part carries a key of everything visible in it; a part whose key and place are
those of the last frame is not drawn again.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pygame

if TYPE_CHECKING:
    from display.drawing.canvas import Brush
    from display.texts import Texts

MARGIN = 56.0
LONG_SIDE, SHORT_SIDE = 1280.0, 720.0


class Box(NamedTuple):
    """A rectangle in design units."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + self.height

    @property
    def middle_x(self) -> float:
        """Half-way between left and right."""
        return self.x + self.width / 2

    @property
    def middle_y(self) -> float:
        """Half-way between top and bottom."""
        return self.y + self.height / 2

    def inset(self, across: float, down: float | None = None) -> "Box":
        """Return the box made smaller on each side."""
        down = across if down is None else down
        return Box(self.x + across, self.y + down, self.width - 2 * across, self.height - 2 * down)


@dataclass(frozen=True, slots=True)
class Widget:
    """One region of a face. `key`: everything that decides what `paint` draws there."""

    name: str
    box: Box
    key: Hashable
    paint: Callable[["Brush", Box], None]


class Layout:
    """The size of a screen in design units, and the words to write on it."""

    def __init__(self, size: tuple[int, int], texts: "Texts") -> None:
        """`size` in pixels."""
        wide, high = size
        self.portrait = high > wide
        across, down = (SHORT_SIDE, LONG_SIDE) if self.portrait else (LONG_SIDE, SHORT_SIDE)
        self.unit = min(wide / across, high / down)
        self.width, self.height = wide / self.unit, high / self.unit
        self.texts = texts

    @property
    def inner(self) -> Box:
        """The sheet without its margins."""
        return Box(MARGIN, 36.0, self.width - 2 * MARGIN, self.height - 72.0)

    def pixels(self, box: Box) -> pygame.Rect:
        """Where a box lies on the screen."""
        left, top = round(box.x * self.unit), round(box.y * self.unit)
        return pygame.Rect(left, top, round(box.right * self.unit) - left, round(box.bottom * self.unit) - top)
