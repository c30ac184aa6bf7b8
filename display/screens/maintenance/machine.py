"""For whoever looks after the machine: what is wrong with it, what to do, and the way to its self-test."""

import textwrap

from coach.kiosk.view import Button
from display.drawing import icons
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.palette import ABOVE, IN, PANEL, QUIET, WHITE
from display.screen.announcement import Announcement, announcement_part
from display.screen.button_bar import buttons_part
from display.screen.frame import RenderContext

SHOWN = 3
LONGEST_FAULT = 150
ROW_HEIGHT, ROW_HEIGHT_STANDING, ROW_APART = 124.0, 252.0, 16.0


def parts(glance: RenderContext) -> list[Widget]:
    """One row for each finding: what it is, and under it what to do."""
    texts, sheet, found = glance.texts, glance.sheet, glance.view.attention
    labels = (
        ((Button.START,), texts.say("button.try_parts")),
        ((Button.STOP,), texts.say("button.back")),
    )
    if not found:
        says = Announcement(
            icons.check,
            texts.say("machine.well"),
            (texts.say("machine.well_how"),),
            labels,
            accent=IN,
            with_rate=False,
        )
        return [announcement_part(glance, Box(MARGIN, 48, sheet.width - 2 * MARGIN, sheet.height - 96), says)]
    title, more = texts.say("machine.title"), len(found) - SHOWN
    also = texts.say("machine.more", number=more) if more > 0 else ""
    top = Box(MARGIN, 40, sheet.width - 2 * MARGIN, 84)
    high = ROW_HEIGHT_STANDING if sheet.portrait else ROW_HEIGHT
    rows = [
        _row(glance, Box(MARGIN, top.bottom + 20 + place * (high + ROW_APART), top.width, high), code, place)
        for place, code in enumerate(found[:SHOWN])
    ]
    foot = Box(MARGIN, sheet.height - 96, top.width, 64)
    return [
        Widget("title", top, (title, also), lambda brush, box: _paint_title(brush, box, title, also)),
        *rows,
        buttons_part(foot, labels),
    ]


def _paint_title(brush: Brush, box: Box, title: str, also: str) -> None:
    style = brush.fitted(title, Style(60, Weight.BOLD, WHITE), box.width - 180)
    brush.text(title, (box.x, box.middle_y), style)
    brush.text(also, (box.right, box.middle_y), Style(30, Weight.FIRM, QUIET), "right")


def _row(glance: RenderContext, box: Box, code: str, place: int) -> Widget:
    what, how = glance.texts.of("finding", code), glance.texts.of("advice", code)
    size, drop = 32.0, 46.0
    if code == "config_refused" and glance.view.settings_fault is not None:
        # Whoever comes to the machine with a keyboard needs the file and the line.
        how = textwrap.shorten(glance.view.settings_fault, LONGEST_FAULT, placeholder=" …")
        size, drop = 20.0, 36.0

    def paint(brush: Brush, box: Box) -> None:
        brush.bar(box, 24, PANEL)
        side = 60.0
        brush.icon(icons.attention, Box(box.x + 28, box.middle_y - side / 2, side, side), ABOVE)
        left, width = box.x + 28 + side + 30, box.width - side - 28 - 30 - 32
        y = brush.paragraph(what, (left, box.y + 42), Style(42, Weight.BOLD, WHITE), width)
        brush.paragraph(how, (left, y + drop), Style(size, Weight.PLAIN, QUIET), width)

    return Widget(f"finding {place}", box, (what, how), paint)
