"""Who is training? One tile for each nickname, with its symbol; the chosen one is lit."""

import math

from coach.desk_view import Button
from display import icons
from display.announcement import Announcement, announcement_part
from display.brush import TITLE, Brush, Style
from display.glance import Glance
from display.lettering import Weight
from display.palette import ABOVE, BELOW, IN, IN_DEEP, PANEL, QUIET, WHITE, Colour
from display.panel_buttons import buttons_part
from display.sheet import MARGIN, Box, Part

SYMBOL_COLOURS: tuple[Colour, ...] = (ABOVE, BELOW, IN, WHITE)
TILE_APART = 24.0


def parts(glance: Glance) -> list[Part]:
    """The face of the choice."""
    texts, sheet, choices = glance.texts, glance.sheet, glance.view.choices
    foot = Box(MARGIN, sheet.height - 96, sheet.width - 2 * MARGIN, 64)
    if not choices:
        says = Announcement(
            icons.leaf, texts.say("choose.nobody"), (texts.say("choose.nobody_how"),), accent=IN, with_rate=False
        )
        return [announcement_part(glance, Box(MARGIN, 48, foot.width, sheet.height - 96), says)]
    columns, rows = (2, 4) if sheet.portrait else (4, 2)
    if len(choices) <= columns:
        rows = 1
    page = columns * rows
    selected = min(max(glance.view.selected, 0), len(choices) - 1)
    first = selected // page * page
    title = Box(MARGIN, 44, foot.width, 96)
    grid = Box(MARGIN, title.bottom + 20, foot.width, foot.y - 28 - title.bottom - 20)
    shown = choices[first : first + page]
    columns = min(columns, len(shown))
    rows = math.ceil(len(shown) / columns)
    width = min((grid.width - TILE_APART * (columns - 1)) / columns, 340)
    height = min((grid.height - TILE_APART * (rows - 1)) / rows, 300)
    left = grid.middle_x - (width * columns + TILE_APART * (columns - 1)) / 2
    top = grid.middle_y - (height * rows + TILE_APART * (rows - 1)) / 2
    tiles = [
        _tile(
            glance,
            Box(
                left + (width + TILE_APART) * (place % columns),
                top + (height + TILE_APART) * (place // columns),
                width,
                height,
            ),
            index=first + place,
            chosen=first + place == selected,
        )
        for place in range(len(shown))
    ]
    pages = math.ceil(len(choices) / page)
    more = texts.say("number.of", number=first // page + 1, total=pages) if pages > 1 else ""
    labels = (
        ((Button.UP, Button.DOWN), texts.say("button.choose")),
        ((Button.START,), texts.say("button.confirm")),
    )
    return [
        Part(
            "title",
            title,
            (texts.say("choose.title"), more),
            lambda brush, box: _paint_title(brush, box, texts.say("choose.title"), more),
        ),
        *tiles,
        buttons_part(foot, labels),
    ]


def _paint_title(brush: Brush, box: Box, title: str, more: str) -> None:
    brush.text(title, (box.middle_x, box.middle_y), TITLE, "centre", width=box.width - 240)
    brush.text(more, (box.right, box.middle_y), Style(28, Weight.FIRM, QUIET), "right")


def _tile(glance: Glance, box: Box, *, index: int, chosen: bool) -> Part:
    nickname = glance.view.choices[index]
    drawing = icons.symbol_of(nickname)
    colour = SYMBOL_COLOURS[sum(nickname.encode()) % len(SYMBOL_COLOURS)]

    def paint(brush: Brush, box: Box) -> None:
        brush.bar(box, 28, IN_DEEP if chosen else PANEL)
        if chosen:
            brush.bar(box, 28, IN, 5)
        side = min(box.height * 0.46, box.width * 0.5)
        brush.icon(drawing, Box(box.middle_x - side / 2, box.y + box.height * 0.14, side, side), colour)
        style = Style(44, Weight.BOLD, WHITE)
        brush.text(nickname, (box.middle_x, box.bottom - box.height * 0.19), style, "centre", width=box.width - 40)

    return Part(f"tile {index}", box, (nickname, chosen), paint)
