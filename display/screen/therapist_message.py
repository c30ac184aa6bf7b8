"""A line from the therapist, in the place of the profile for as long as it stands: it hides no rate, advice or time."""

from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import Box, Widget
from display.drawing.palette import PANEL, QUIET, WHITE
from display.screen.frame import RenderContext

SIZES = (44.0, 38.0, 34.0, 31.0, 28.0)
LEADING = 1.22
LABEL = Style(28, Weight.PLAIN, QUIET)


def with_therapist_line(glance: RenderContext, parts: list[Widget]) -> list[Widget]:
    """Return the parts, the profile's place taken by what the therapist says, if anything."""
    text = glance.view.message
    if text is None:
        return parts
    return [_line(glance, part.box, text) if part.name == "profile" else part for part in parts]


def _line(glance: RenderContext, box: Box, text: str) -> Widget:
    label = glance.texts.say("therapist.says")

    def paint(brush: Brush, box: Box) -> None:
        brush.bar(box, 24, PANEL)
        left, width = box.x + 34, box.width - 68
        brush.text(label, (left, box.y + 26), LABEL)
        style, lines = _fitting(brush, text, Box(left, box.y + 44, width, box.height - 50))
        step = style.size * LEADING
        middle = box.y + 44 + (box.height - 50) / 2
        brush.paragraph(text, (left, middle - step * (lines - 1) / 2), style, width, leading=LEADING)

    return Widget("profile", box, ("therapist", label, text), paint)


def _fitting(brush: Brush, text: str, room: Box) -> tuple[Style, int]:
    """Return the largest writing in which the text fits the room, and its number of lines."""
    for size in SIZES:
        style = Style(size, Weight.FIRM, WHITE)
        lines = len(
            brush.lettering.wrapped(text, style.weight, brush.pixels(style), int(room.width * brush.sheet.unit))
        )
        if lines * size * LEADING <= room.height:
            return style, lines
    return style, lines
