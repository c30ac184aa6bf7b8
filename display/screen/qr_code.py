"""A QR code that a telephone reads from the screen: dark modules on white, with the standard's quiet zone.

The code is made on the machine (`segno`, ISO/IEC 18004), so nothing is sent anywhere.
"""

from functools import lru_cache

from display.drawing.canvas import Brush
from display.drawing.layout import Box, Widget
from display.drawing.palette import INK, WHITE

QUIET_MODULES = 4


@lru_cache(maxsize=2)
def modules(text: str) -> tuple[tuple[bool, ...], ...]:
    """Return the rows of the code that holds `text`, dark modules true. Error correction M (15 %)."""
    import segno  # noqa: PLC0415 - only who takes something along pays for its memory

    return tuple(tuple(bool(module) for module in row) for row in segno.make(text, error="m", micro=False).matrix)


def qr_part(box: Box, text: str) -> Widget:
    """Return the code that fills a square box, each module a whole number of pixels wide."""

    def paint(brush: Brush, box: Box) -> None:
        brush.bar(box, 24, WHITE)
        rows = modules(text)
        place = brush.sheet.pixels(box)
        side = max(1, min(place.width, place.height) // (len(rows) + 2 * QUIET_MODULES))
        left = place.x + (place.width - side * len(rows)) // 2
        top = place.y + (place.height - side * len(rows)) // 2
        for down, row in enumerate(rows):
            for across, dark in enumerate(row):
                if dark:
                    brush.surface.fill(INK, (left + across * side, top + down * side, side, side))

    return Widget("code", box, text, paint)
