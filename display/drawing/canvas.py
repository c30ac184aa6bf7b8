"""Draws on a surface in design units: bars, circles, icons, rings and writing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pygame

from display.drawing.fonts import Lettering, Weight
from display.drawing.layout import Box, Layout
from display.drawing.palette import QUIET, WHITE, Colour
from display.drawing.shapes import Drawing, Point, Ring, disc, draw_bar, icon, stroke

Align = Literal["left", "centre", "right"]


@dataclass(frozen=True, slots=True)
class Style:
    """How a text looks: size of the em in design units, weight and colour."""

    size: float
    weight: Weight = Weight.PLAIN
    colour: Colour = WHITE

    def in_colour(self, colour: Colour) -> "Style":
        """Return the same in another colour."""
        return Style(self.size, self.weight, colour)


SMALLEST_SHARE = 0.028
"""Height of the smallest capitals as a share of the screen's shorter side: 8 mm on a screen of 24 inches."""

TITLE = Style(60, Weight.BOLD)
HEADING = Style(34, Weight.FIRM)
BODY = Style(30, Weight.PLAIN, QUIET)
SMALL = Style(28, Weight.PLAIN, QUIET)


class Brush:
    """A surface, its sheet and its lettering. Positions and sizes are design units."""

    def __init__(self, surface: pygame.Surface, sheet: Layout, lettering: Lettering) -> None:
        """Draw on `surface`, which has the sheet's size in pixels."""
        self.surface = surface
        self.sheet = sheet
        self.lettering = lettering
        self._rings: dict[tuple[int, float], Ring] = {}
        self._least_capital = int(SMALLEST_SHARE * min(sheet.width, sheet.height) * sheet.unit)

    def _px(self, length: float) -> int:
        return max(1, round(length * self.sheet.unit))

    def pixels(self, style: Style) -> int:
        """Return the size of a style's em in pixels: never so small that it cannot be read from two metres."""
        size = self._px(style.size)
        while self.lettering.cap_height(style.weight, size) < self._least_capital:
            size += 1
        return size

    def fill(self, box: Box, colour: Colour) -> None:
        """Draw a plain rectangle."""
        self.surface.fill(colour, self.sheet.pixels(box))

    def bar(self, box: Box, radius: float, colour: Colour, line: float = 0.0) -> None:
        """Draw a bar with round corners; with `line` only its outline."""
        place = self.sheet.pixels(box)
        if place.width > 0 and place.height > 0:
            draw_bar(self.surface, place, radius * self.sheet.unit, colour, self._px(line) if line else 0)

    def disc(self, middle: Point, radius: float, colour: Colour, line: float = 0.0) -> None:
        """Draw a circle; with `line` only its rim."""
        shape = disc(self._px(2 * radius), colour, line * self.sheet.unit)
        unit = self.sheet.unit
        place = (round((middle[0] - radius) * unit), round((middle[1] - radius) * unit))
        self.surface.blit(shape, place)

    def icon(self, drawing: Drawing, box: Box, colour: Colour) -> None:
        """Draw an icon that fills the box."""
        place = self.sheet.pixels(box)
        self.surface.blit(icon(drawing, max(place.width, 1), max(place.height, 1), colour), place)

    def ring(self, middle: Point, radius: float, thickness: float, parts: Sequence[tuple[float, Colour]]) -> None:
        """Rings over each other: each fraction in its colour, the first lowest."""
        key = (self._px(2 * radius), thickness)
        if key not in self._rings:
            self._rings[key] = Ring(key[0], thickness * self.sheet.unit)
        place = (round((middle[0] - radius) * self.sheet.unit), round((middle[1] - radius) * self.sheet.unit))
        for fraction, colour in parts:
            self.surface.blit(self._rings[key].surface(fraction, colour), place)

    def stroke(self, points: Sequence[Point], thickness: float, colour: Colour) -> None:
        """Draw a line with round joins."""
        unit = self.sheet.unit
        stroke(self.surface, [(x * unit, y * unit) for x, y in points], thickness * unit, colour)

    def text(self, text: str, at: Point, style: Style, align: Align = "left", width: float | None = None) -> float:
        """Write a line whose capitals are centred on the height `at[1]`; smaller where `width` is given and too narrow.

        Returns the x at its right end.
        """
        if width is not None:
            style = self.fitted(text, style, width)
        size = self.pixels(style)
        rendered = self.lettering.render(text, style.weight, size, style.colour)
        left = at[0] * self.sheet.unit - {"left": 0.0, "centre": 0.5, "right": 1.0}[align] * rendered.get_width()
        self.surface.blit(rendered, (round(left), self._top(at[1], style.weight, size)))
        return (left + rendered.get_width()) / self.sheet.unit

    def _top(self, middle_y: float, weight: Weight, size: int) -> int:
        baseline = round(middle_y * self.sheet.unit + self.lettering.cap_height(weight, size) / 2)
        return baseline - self.lettering.ascent(weight, size)

    def number(self, text: str, at: Point, style: Style, align: Align = "left", tracking: float = 0.0) -> float:
        """Write a number whose digits do not move when they change; `tracking` is a share of the em between signs."""
        size = self.pixels(style)
        gap = round(tracking * size)
        cells = list(self.lettering.number_cells(text, style.weight, size))
        whole = sum(width for _, width in cells) + gap * (len(cells) - 1)
        left = round(at[0] * self.sheet.unit - {"left": 0.0, "centre": 0.5, "right": 1.0}[align] * whole)
        top = self._top(at[1], style.weight, size)
        for sign, width in cells:
            rendered = self.lettering.render(sign, style.weight, size, style.colour)
            self.surface.blit(rendered, (left + (width - rendered.get_width()) // 2, top))
            left += width + gap
        return (left - gap) / self.sheet.unit

    def fitted(self, text: str, style: Style, width: float) -> Style:
        """Return the style, made smaller so that the text fits the width."""
        needed = self.width(text, style)
        return style if needed <= width else Style(style.size * width / needed * 0.97, style.weight, style.colour)

    def width(self, text: str, style: Style) -> float:
        """Width of a line."""
        return self.lettering.width(text, style.weight, self.pixels(style)) / self.sheet.unit

    def number_width(self, text: str, style: Style) -> float:
        """Width of a number in equal cells."""
        return self.lettering.number_width(text, style.weight, self.pixels(style)) / self.sheet.unit

    def name(
        self, text: str, at: Point, style: Style, width: float, align: Align = "left", *, least: float = 29
    ) -> None:
        """Write a name in one line, or in two of `least` size. A word too long for a line is cut, never made small."""
        lines = [text]
        if self.width(text, style) > width:
            style = Style(min(least, style.size), style.weight, style.colour)
            lines = self.lettering.wrapped(text, style.weight, self.pixels(style), int(width * self.sheet.unit))
            lines = [*lines[:1], " ".join(lines[1:])] if len(lines) > 1 else lines
        top = at[1] - (len(lines) - 1) * style.size * 0.55
        for place, line in enumerate(lines):
            shown = line
            while len(shown) > 1 and self.width(shown, style) > width:
                shown = shown.removesuffix("…")[:-1].rstrip() + "…"
            self.text(shown, (at[0], top + place * style.size * 1.1), style, align)

    def paragraph(
        self, text: str, at: Point, style: Style, width: float, align: Align = "left", *, leading: float = 1.36
    ) -> float:
        """Write lines that fit the width, the first centred on `at[1]`. Returns where the last one is centred."""
        lines = self.lettering.wrapped(text, style.weight, self.pixels(style), int(width * self.sheet.unit))
        y = at[1]
        for index, line in enumerate(lines):
            y = at[1] + index * style.size * leading
            self.text(line, (at[0], y), style, align)
        return y
