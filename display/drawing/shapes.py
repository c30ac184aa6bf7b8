"""Anti-aliased shapes, drawn once and remembered: rounded bars, rings, and icons described in a unit square.

Bars and rings come from their distance function; icons are drawn four times too large and averaged down.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pygame
from numpy.typing import NDArray

from display.drawing.palette import Colour

Coverage = NDArray[np.float32]
Point = tuple[float, float]
FINER: Final = 4


def _tinted(coverage: Coverage, colour: Colour) -> pygame.Surface:
    """Return a surface of one colour whose transparency is the coverage, indexed (x, y)."""
    surface = pygame.Surface(coverage.shape, pygame.SRCALPHA)
    surface.fill(colour)
    alpha = pygame.surfarray.pixels_alpha(surface)
    alpha[:] = (coverage * 255 + 0.5).astype(np.uint8)
    del alpha
    return surface


def _rounded_distance(width: int, height: int, radius: float) -> Coverage:
    """Distance of each pixel's centre to the edge of a rounded bar, negative inside."""
    x = np.abs(np.arange(width, dtype=np.float32) + 0.5 - width / 2) - (width / 2 - radius)
    y = np.abs(np.arange(height, dtype=np.float32) + 0.5 - height / 2) - (height / 2 - radius)
    across, down = x[:, None], y[None, :]
    outside = np.hypot(np.maximum(across, 0), np.maximum(down, 0))
    distance: Coverage = outside + np.minimum(np.maximum(across, down), 0) - radius
    return distance


@lru_cache(maxsize=128)
def rounded_bar(width: int, height: int, radius: float, colour: Colour, line: float = 0.0) -> pygame.Surface:
    """Return a filled bar with round corners; with `line`, only its outline of that width."""
    distance = _rounded_distance(width, height, min(radius, width / 2, height / 2))
    coverage = np.clip(0.5 - distance, 0, 1)
    if line:
        coverage -= np.clip(0.5 - (distance + line), 0, 1)
    return _tinted(coverage, colour)


def draw_bar(target: pygame.Surface, place: pygame.Rect, radius: float, colour: Colour, line: int = 0) -> None:
    """Draw a bar with round corners; a large one is put together from its corners, and no large picture is kept."""
    corner = math.ceil(max(radius, line)) + 1
    width, height = place.size
    if min(width, height) <= 2 * corner:
        target.blit(rounded_bar(width, height, radius, colour, line), place)
        return
    tile = rounded_bar(2 * corner, 2 * corner, radius, colour, line)
    right, bottom = place.right - corner, place.bottom - corner
    for x, left in ((place.left, 0), (right, corner)):
        for y, top in ((place.top, 0), (bottom, corner)):
            target.blit(tile, (x, y), (left, top, corner, corner))
    across, down = width - 2 * corner, height - 2 * corner
    if line:
        target.fill(colour, (place.left + corner, place.top, across, line))
        target.fill(colour, (place.left + corner, place.bottom - line, across, line))
        target.fill(colour, (place.left, place.top + corner, line, down))
        target.fill(colour, (place.right - line, place.top + corner, line, down))
    else:
        target.fill(colour, (place.left + corner, place.top, across, height))
        target.fill(colour, (place.left, place.top + corner, corner, down))
        target.fill(colour, (right, place.top + corner, corner, down))


def disc(diameter: int, colour: Colour, line: float = 0.0) -> pygame.Surface:
    """Return a filled circle; with `line`, only its rim."""
    return rounded_bar(diameter, diameter, diameter / 2, colour, line)


class Ring:
    """A round bar that empties clockwise from the top, with rounded ends. Its geometry is worked out once."""

    def __init__(self, diameter: int, thickness: float) -> None:
        """Take both in pixels."""
        self._middle = diameter / 2
        self._radius = diameter / 2 - thickness / 2
        self._half = thickness / 2
        at = np.arange(diameter, dtype=np.float32) + 0.5 - self._middle
        self._x, self._y = at[:, None], at[None, :]
        distance = np.hypot(self._x, self._y)
        self._whole: Coverage = np.clip(0.5 - (np.abs(distance - self._radius) - self._half), 0, 1)
        self._turn: Coverage = (np.arctan2(self._x, -self._y) % (2 * math.pi)).astype(np.float32)
        self._start_cap = self._cap(0.0)
        self._surface = pygame.Surface((diameter, diameter), pygame.SRCALPHA)

    def _cap(self, angle: float) -> Coverage:
        x, y = self._radius * math.sin(angle), -self._radius * math.cos(angle)
        cap: Coverage = np.clip(0.5 - (np.hypot(self._x - x, self._y - y) - self._half), 0, 1)
        return cap

    def surface(self, fraction: float, colour: Colour) -> pygame.Surface:
        """Return the ring filled up to `fraction`, 0 to 1. The surface is used again by the next call."""
        angle = min(max(fraction, 0.0), 1.0) * 2 * math.pi
        if angle >= 2 * math.pi - 1e-3:
            coverage = self._whole
        elif angle <= 0:
            coverage = np.zeros_like(self._whole)
        else:
            arc = self._whole * np.clip((angle - self._turn) * self._radius + 0.5, 0, 1)
            coverage = np.maximum(np.maximum(arc, self._start_cap), self._cap(angle))
        self._surface.fill(colour)
        alpha = pygame.surfarray.pixels_alpha(self._surface)
        np.multiply(coverage, 255, out=alpha, casting="unsafe")
        del alpha
        return self._surface


class AntialiasedPen:
    """Draws in a unit square that is as wide and high as the icon. White adds, black takes away."""

    def __init__(self, surface: pygame.Surface) -> None:
        """Draw on a surface that is larger than the icon by `FINER`."""
        self._surface = surface
        self._width, self._height = surface.get_size()

    def _at(self, point: Point) -> Point:
        return point[0] * self._width, point[1] * self._height

    def polygon(self, points: Sequence[Point], *, away: bool = False) -> None:
        """Fill a polygon."""
        pygame.draw.polygon(self._surface, "black" if away else "white", [self._at(point) for point in points])

    def circle(self, middle: Point, radius: float, *, away: bool = False) -> None:
        """Fill a circle; the radius is a share of the width."""
        pygame.draw.circle(self._surface, "black" if away else "white", self._at(middle), radius * self._width)

    def ellipse(self, middle: Point, half_width: float, half_height: float, *, away: bool = False) -> None:
        """Fill an ellipse."""
        turn = [2 * math.pi * step / 72 for step in range(72)]
        self.polygon(
            [(middle[0] + half_width * math.cos(t), middle[1] + half_height * math.sin(t)) for t in turn],
            away=away,
        )

    def line(self, points: Sequence[Point], thickness: float, *, away: bool = False) -> None:
        """Draw a line with round joins and ends; the thickness is a share of the width."""
        colour = "black" if away else "white"
        half = thickness * self._width / 2
        placed = [self._at(point) for point in points]
        for one, other in pairwise(placed):
            length = math.hypot(other[0] - one[0], other[1] - one[1]) or 1.0
            x, y = (one[1] - other[1]) / length * half, (other[0] - one[0]) / length * half
            corners = [
                (one[0] + x, one[1] + y),
                (other[0] + x, other[1] + y),
                (other[0] - x, other[1] - y),
                (one[0] - x, one[1] - y),
            ]
            pygame.draw.polygon(self._surface, colour, corners)
        for point in placed:
            pygame.draw.circle(self._surface, colour, point, half)


Drawing = Callable[[AntialiasedPen], None]


@lru_cache(maxsize=160)
def icon(drawing: Drawing, width: int, height: int, colour: Colour) -> pygame.Surface:
    """Return a drawing at a size in one colour; the same surface again while it is remembered."""
    large = pygame.Surface((width * FINER, height * FINER))
    drawing(AntialiasedPen(large))
    small = pygame.transform.smoothscale(large, (width, height))
    red: NDArray[Any] = pygame.surfarray.array_red(small)
    return _tinted((red / 255).astype(np.float32), colour)


def stroke(target: pygame.Surface, points: Sequence[Point], thickness: float, colour: Colour) -> None:
    """Draw a line with round joins through pixel positions, anti-aliased, in pieces of a few points."""
    for first in range(0, max(len(points) - 1, 1), 12):
        _stroke_piece(target, points[first : first + 13], thickness, colour)


def _stroke_piece(target: pygame.Surface, points: Sequence[Point], thickness: float, colour: Colour) -> None:
    edge = thickness / 2 + 1
    left = math.floor(min(x for x, _ in points) - edge)
    top = math.floor(min(y for _, y in points) - edge)
    width = math.ceil(max(x for x, _ in points) + edge) - left
    height = math.ceil(max(y for _, y in points) + edge) - top
    large = pygame.Surface((width * FINER, height * FINER))
    AntialiasedPen(large).line([((x - left) / width, (y - top) / height) for x, y in points], thickness / width)
    small = pygame.transform.smoothscale(large, (width, height))
    red: NDArray[Any] = pygame.surfarray.array_red(small)
    target.blit(_tinted((red / 255).astype(np.float32), colour), (left, top))
