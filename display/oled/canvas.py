"""The pen for the small screen: texts that fit, numbers, arrows and a few small drawings, in one bit a pixel.

Small letters are DejaVu Sans, which is hinted for whole pixels; large digits are Inter. Where a system has neither,
Pillow's own font serves.
"""

import math
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from display.drawing.fonts import installed_fonts

WIDTH, HEIGHT = 128, 64

_DIGITS = ("Inter-Bold", "InterDisplay-Bold", "DejaVuSans-Bold")
_LETTERS = ("DejaVuSans-Bold", "DejaVuSansCondensed-Bold", "Inter-Bold")
SMALLEST = 9
_LARGE = 30

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@cache
def font(size: int, *, digits: bool = False) -> Font:
    """Find a font for letters or for large digits at a size in pixels."""
    fonts = installed_fonts()
    for name in _DIGITS if digits else _LETTERS:
        if name in fonts:
            return ImageFont.truetype(str(fonts[name]), size)
    return ImageFont.load_default(size)


def _block(lines: int, size: int) -> int:
    """Return the height of lines of a size, the tail of a "g" in the last one included."""
    return (lines - 1) * (size + 2) + math.ceil(1.17 * size)


class OledPen:
    """Draws on one picture. `ink` is 1 for light on dark, 0 for dark on a light bar."""

    def __init__(self) -> None:
        """Begin with a dark picture."""
        self.image = Image.new("1", (WIDTH, HEIGHT))
        self._draw = ImageDraw.Draw(self.image)
        self._draw.fontmode = "1"

    def width(self, text: str, size: int) -> int:
        """Measure a text in pixels."""
        return round(self._draw.textlength(text, font(size)))

    def fitting(self, text: str, size: int, within: int) -> int:
        """Choose the largest size, `size` at most, at which a text fits."""
        while size > SMALLEST and self.width(text, size) > within:
            size -= 1
        return size

    def left(self, text: str, x: int, y: int, size: int, *, ink: int = 1, within: int = WIDTH) -> None:
        """Write from the left; smaller where it would not fit."""
        fits = self.fitting(text, size, within)
        self._draw.text((x, y + (size - fits) // 2), text, ink, font(fits))

    def right(self, text: str, x: int, y: int, size: int, *, ink: int = 1, within: int = WIDTH) -> None:
        """Write towards the right edge `x`."""
        fits = self.fitting(text, size, within)
        self._draw.text((x - self.width(text, fits) + 1, y + (size - fits) // 2), text, ink, font(fits))

    def centred(self, text: str, y: int, size: int, *, ink: int = 1, between: tuple[int, int] = (0, WIDTH - 1)) -> None:
        """Write in the middle between two columns."""
        within = between[1] - between[0] + 1
        fits = self.fitting(text, size, within)
        x = between[0] + (within - self.width(text, fits)) // 2
        self._draw.text((x, y + (size - fits) // 2), text, ink, font(fits))

    def paragraph(self, text: str, area: tuple[int, int, int, int], size: int, *, ink: int = 1) -> None:
        """Write in an area (left, top, right, bottom): centred lines, as large as fits and `size` at most."""
        left, top, right, bottom = area
        lines = [text]
        for fits in range(size, SMALLEST - 1, -1):
            lines, size = self._lines(text, fits, right - left + 1), fits
            wide = max(self.width(line, fits) for line in lines)
            if wide <= right - left + 1 and _block(len(lines), fits) <= bottom - top + 1:
                break
        y = max(top, top + (bottom - top + 1 - _block(len(lines), size)) // 2)
        for place, line in enumerate(lines):
            self.centred(line, y + place * (size + 2), size, ink=ink, between=(left, right))

    def number(self, digits: str, right: int, y: int, size: int, *, ink: int = 1) -> None:
        """Write a large number that ends at `right`, with its top at `y`."""
        face = font(size, digits=True)
        top = round(self._draw.textbbox((0, 0), "0", face)[1])
        cell = max(round(self._draw.textlength(digit, face)) for digit in "0123456789")
        x = right + 1
        for sign in reversed(digits):
            width = round(self._draw.textlength(sign, face))
            place = cell if sign.isdigit() else width
            x -= place
            self._draw.text((x + (place - width) // 2, y - top), sign, ink, face)

    def bar(self, left: int, top: int, right: int, bottom: int, *, ink: int = 1) -> None:
        """Fill a rectangle, its edges included."""
        self._draw.rectangle((left, top, right, bottom), fill=ink)

    def box(self, left: int, top: int, right: int, bottom: int, *, filled: bool) -> None:
        """Draw a rounded box."""
        self._draw.rounded_rectangle((left, top, right, bottom), 4, fill=int(filled), outline=1)

    def picture(self, picture: Image.Image, left: int, top: int, *, ink: int = 1) -> None:
        """Draw a one-bit picture; what is dark in it stays as it is."""
        self._draw.bitmap((left, top), picture, fill=ink)

    def disc(self, x: int, y: int, radius: int) -> None:
        """Draw a full circle: the green button."""
        self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=1)

    def arrow(self, left: int, top: int, *, up: bool, ink: int = 1, scale: float = 1.0) -> None:
        """Draw a solid arrow, 29 wide and 33 high at scale 1."""
        half, stem, high, neck = round(14 * scale), round(6 * scale), round(33 * scale), round(16 * scale)
        tip, foot = (top, top + high) if up else (top + high, top)
        shoulder = top + neck if up else top + high - neck
        middle = left + half
        self._draw.polygon([(left, shoulder), (middle, tip), (left + 2 * half, shoulder)], fill=ink)
        self._draw.rectangle((middle - stem, min(shoulder, foot), middle + stem, max(shoulder, foot)), fill=ink)

    def heart(self, left: int, top: int) -> None:
        """Draw a small full heart, 9 wide and 8 high."""
        for x in (left, left + 4):
            self._draw.ellipse((x, top, x + 4, top + 4), fill=1)
        self._draw.polygon([(left, top + 3), (left + 8, top + 3), (left + 4, top + 8)], fill=1)

    def tick(self, left: int, top: int) -> None:
        """Draw a small tick: in the zone."""
        self._draw.line([(left, top + 4), (left + 5, top + 9), (left + 16, top - 1)], fill=1, width=3, joint="curve")

    def dashes(self, left: int, top: int) -> None:
        """Draw two broad dashes where a rate would stand."""
        for x in (left + 2, left + 26):
            self._draw.rectangle((x, top + 11, x + 16, top + 16), fill=1)

    def strap(self) -> None:
        """Draw a chest with a strap around it."""
        self._draw.line([(10, 0), (4, 6), (2, 40)], fill=1)
        self._draw.line([(32, 0), (38, 6), (40, 40)], fill=1)
        self._draw.arc((12, -8, 30, 8), 20, 160, fill=1)
        self._draw.rectangle((3, 19, 39, 25), fill=1)
        self._draw.rounded_rectangle((13, 16, 29, 28), 4, fill=1, outline=0)
        self._draw.line([(16, 22), (19, 22), (21, 19), (22, 25), (24, 22), (26, 22)], fill=0)

    def face(self, x: int, y: int, radius: int, *, bend: int, filled: bool) -> None:
        """Draw a face whose mouth bends up (`bend` > 0) or down."""
        ink = 0 if filled else 1
        self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=int(filled), outline=1)
        for eye in (x - 4, x + 4):
            self._draw.rectangle((eye - 1, y - 4, eye, y - 2), fill=ink)
        if bend == 0:
            self._draw.line((x - 5, y + 5, x + 5, y + 5), fill=ink)
        elif bend > 0:
            self._draw.arc((x - 6, y + 4 - 2 * bend, x + 6, y + 4 + bend), 20, 160, fill=ink)
        else:
            self._draw.arc((x - 6, y + 4, x + 6, y + 4 - 3 * bend), 200, 340, fill=ink)

    def _lines(self, text: str, size: int, within: int) -> list[str]:
        lines: list[str] = []
        for word in text.split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self.width(longer, size) <= within:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines
