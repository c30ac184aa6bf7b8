"""A panel across the middle that says one thing in large letters: a pause, a question, a stop, an offer."""

from collections.abc import Sequence
from dataclasses import dataclass

from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import Box, Widget
from display.drawing.palette import PANEL, QUIET, WHITE, Colour
from display.drawing.shapes import Drawing
from display.screen.button_bar import Label, paint_buttons
from display.screen.frame import RenderContext
from display.screen.heart_rate_gauge import shown_number, zone_colour

RATE_WIDTH, RATE_ROW = 270.0, 90.0
"""The room of the small rate in the corner."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What it says. `lines`: under the title; the first is larger."""

    drawing: Drawing
    title: str
    lines: tuple[str, ...] = ()
    buttons: Sequence[Label] = ()
    ground: Colour = PANEL
    accent: Colour = WHITE
    rim: Colour | None = None
    quiet: Colour = QUIET
    with_rate: bool = True


def announcement_part(glance: RenderContext, box: Box, says: Announcement) -> Widget:
    """Return the panel. Where there is a session, the rate stands small in its corner: it is never hidden."""
    snapshot = glance.view.snapshot
    rate = shown_number(snapshot) if snapshot is not None and says.with_rate else None
    colour = zone_colour(snapshot) if snapshot is not None else QUIET
    portrait = glance.sheet.portrait
    beats = glance.texts.say("ready.rate")

    def paint(brush: Brush, box: Box) -> None:
        brush.bar(box, 32, says.ground)
        if says.rim is not None:
            brush.bar(box, 32, says.rim, 4)
        size = 150.0
        left = box.x + 56
        column = left if portrait else left + size + 52
        width = box.right - 48 - column
        rows = [[label] for label in says.buttons] if portrait and len(says.buttons) > 2 else [list(says.buttons)]  # noqa: PLR2004 - more do not fit beside each other
        foot = 26 + 70.0 * len(rows) if says.buttons else 0.0
        heights = _heights(brush, says, width)
        block = heights[-1]
        if portrait:
            block += size + 64
        top = box.y + max((box.height - foot - block) / 2, 24)
        icon_y = top if portrait else box.y + (box.height - foot - size) / 2
        brush.icon(says.drawing, Box(left, icon_y, size, size), says.accent)
        if portrait:
            top += size + 64
        # The rate stands in the upper right corner: a title as high as that leaves it room.
        beside_rate = rate is not None and top < box.y + RATE_ROW and not portrait
        title = brush.fitted(says.title, Style(88, Weight.BOLD), width - (RATE_WIDTH if beside_rate else 0))
        brush.text(says.title, (column, top + 34), title)
        y = top + 34 + 88
        for index, line in enumerate(says.lines):
            style = Style(40, Weight.FIRM, WHITE) if index == 0 else Style(32, Weight.PLAIN, says.quiet)
            y = brush.paragraph(line, (column, y), style, width) + 56
        if says.buttons:
            for place, row in enumerate(rows):
                paint_buttons(brush, Box(column, box.bottom - foot - 10 + 70 * place, width, 70), row, "left")
        if rate is not None:
            style = Style(56, Weight.BOLD, WHITE if says.ground is not PANEL else colour)
            right = box.right - 48
            end = brush.text(beats, (right, box.y + 56), Style(28, Weight.PLAIN, says.quiet), "right")
            start = end - brush.width(beats, Style(28, Weight.PLAIN))
            brush.number(rate, (start - 14, box.y + 50), style, "right")

    return Widget("announcement", box, (says, rate, colour), paint)


def _heights(brush: Brush, says: Announcement, width: float) -> list[float]:
    """Where each line would end, the last being the whole block's height."""
    y = 34.0 + 88
    ends = [68.0]
    for index, line in enumerate(says.lines):
        size, weight = (40.0, Weight.FIRM) if index == 0 else (32.0, Weight.PLAIN)
        pixels = round(size * brush.sheet.unit)
        count = len(brush.lettering.wrapped(line, weight, pixels, int(width * brush.sheet.unit)))
        ends.append(y + (count - 1) * size * 1.36 + size / 2)
        y += (count - 1) * size * 1.36 + 56
    return ends
