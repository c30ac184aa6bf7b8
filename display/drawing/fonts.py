"""Writing on the screen: finds a legible font, renders a text once, and sets digits in cells of equal width.

Inter (SIL Open Font Licence, Debian's fonts-inter) where the system has it, else DejaVu Sans, else pygame's own.
Digits stand in cells of one width, so that a number does not move when one of its digits changes.
"""

import os
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Final

import pygame

from display.drawing.palette import Colour

FONT_FOLDERS: Final = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
FONT_SUFFIXES: Final = (".otf", ".ttf")
REMEMBERED_BYTES: Final = 4_000_000
"""More than twice the texts of the fullest face."""
OPEN_FONTS: Final = 8
"""Each takes a third of a megabyte; drawn texts are remembered, so an open one is seldom needed."""
_UNDRAWABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Weight(Enum):
    """How heavy a text is; the value names the font files to look for, best first."""

    HEAVY = ("InterDisplay-ExtraBold", "Inter-ExtraBold", "Inter-Bold", "DejaVuSans-Bold")
    BOLD = ("InterDisplay-Bold", "Inter-Bold", "DejaVuSans-Bold")
    FIRM = ("Inter-SemiBold", "Inter-Bold", "DejaVuSans-Bold")
    PLAIN = ("Inter-Medium", "Inter-Regular", "DejaVuSans")


@cache
def installed_fonts(folders: tuple[str, ...] = FONT_FOLDERS) -> Mapping[str, Path]:
    """Every font file of the system by its name without suffix."""
    found: dict[str, Path] = {}
    for folder in folders:
        for where, _, names in os.walk(Path(folder).expanduser()):
            for name in names:
                path = Path(where, name)
                if path.suffix.lower() in FONT_SUFFIXES:
                    found.setdefault(path.stem, path)
    return found


def font_file(weight: Weight, fonts: Mapping[str, Path]) -> str | None:
    """Return the best font file for a weight; None means the one that pygame carries."""
    return next((str(fonts[name]) for name in weight.value if name in fonts), None)


def drawable(text: str) -> str:
    """Return the text with a space for each sign without a font: nicknames come from outside."""
    return _UNDRAWABLE.sub(" ", text)


def _bytes_of(surface: pygame.Surface) -> int:
    return surface.get_pitch() * surface.get_height()


class Lettering:
    """Renders texts at a pixel size and remembers the last ones. One for each screen size."""

    def __init__(self, fonts: Mapping[str, Path] | None = None) -> None:
        """Open no font yet: each size is opened when it is first used."""
        pygame.font.init()
        self._files = {weight: font_file(weight, installed_fonts() if fonts is None else fonts) for weight in Weight}
        self._fonts: OrderedDict[tuple[Weight, int], pygame.font.Font] = OrderedDict()
        self._bytes = 0
        self._texts: OrderedDict[tuple[str, Weight, int, Colour], pygame.Surface] = OrderedDict()
        self._cells: dict[tuple[Weight, int], int] = {}
        self._caps: dict[tuple[Weight, int], int] = {}

    def font(self, weight: Weight, size: int) -> pygame.font.Font:
        """Return the font at a size in pixels."""
        key = (weight, size)
        font = self._fonts.get(key)
        if font is None:
            font = self._fonts[key] = pygame.font.Font(self._files[weight], size)
            if len(self._fonts) > OPEN_FONTS:
                self._fonts.popitem(last=False)
        else:
            self._fonts.move_to_end(key)
        return font

    def render(self, text: str, weight: Weight, size: int, colour: Colour) -> pygame.Surface:
        """Return the text as a transparent surface; the same object again while it is remembered."""
        key = (text, weight, size, colour)
        surface = self._texts.get(key)
        if surface is None:
            drawn = drawable(text)
            surface = self.font(weight, size).render(drawn, True, colour)  # noqa: FBT003 - pygame takes it by position only
            self._texts[key] = surface
            self._bytes += _bytes_of(surface)
            while self._bytes > REMEMBERED_BYTES and len(self._texts) > 1:
                self._bytes -= _bytes_of(self._texts.popitem(last=False)[1])
        else:
            self._texts.move_to_end(key)
        return surface

    def width(self, text: str, weight: Weight, size: int) -> int:
        """Width of a text in pixels."""
        return int(self.font(weight, size).size(drawable(text))[0])

    def ascent(self, weight: Weight, size: int) -> int:
        """Pixels from a rendered text's top edge to its baseline."""
        return int(self.font(weight, size).get_ascent())

    def cap_height(self, weight: Weight, size: int) -> int:
        """Height of a capital letter in pixels: texts are centred by it, which the eye takes for the middle."""
        key = (weight, size)
        if key not in self._caps:
            self._caps[key] = self.render("H", weight, size, (255, 255, 255)).get_bounding_rect().height
        return self._caps[key]

    def digit_cell(self, weight: Weight, size: int) -> int:
        """Width of the cell that every digit stands in: that of the widest digit."""
        key = (weight, size)
        if key not in self._cells:
            self._cells[key] = max(self.width(digit, weight, size) for digit in "0123456789")
        return self._cells[key]

    def number_cells(self, text: str, weight: Weight, size: int) -> Iterable[tuple[str, int]]:
        """Each sign of a number with the width of its cell.

        The first of three or more digits keeps its own width: a narrow 1 then stands close, and the others do not move.
        """
        cell = self.digit_cell(weight, size)
        own = len(text) > 2 and text.isdigit()  # noqa: PLR2004 - tens and units always stand in cells
        for place, sign in enumerate(text):
            yield sign, cell if sign.isdigit() and not (own and place == 0) else self.width(sign, weight, size)

    def number_width(self, text: str, weight: Weight, size: int) -> int:
        """Width of a number whose digits stand in equal cells."""
        return sum(width for _, width in self.number_cells(text, weight, size))

    def wrapped(self, text: str, weight: Weight, size: int, width: int) -> list[str]:
        """Return the text in lines that fit the width, broken between words."""
        lines: list[str] = []
        for word in text.split():
            if lines and self.width(f"{lines[-1]} {word}", weight, size) <= width:
                lines[-1] = f"{lines[-1]} {word}"
            else:
                lines.append(word)
        return lines
