"""Who is training? Six large tiles at a time, each with a picture and a nickname; the highlighted one is lit."""

import math

from coach.kiosk.view import Button, Choice
from display.drawing import icons
from display.drawing.canvas import TITLE, Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.palette import BELOW, IN, IN_DEEP, LINE, PANEL, QUIET, WHITE, Colour
from display.drawing.participant_pictures import leaf, picture_of
from display.screen.announcement import Announcement, announcement_part
from display.screen.button_bar import buttons_part
from display.screen.frame import RenderContext

PICTURE_COLOURS: tuple[Colour, ...] = (BELOW, IN, WHITE)
"""Amber is left to warnings."""
SIGN = 48.0
TILE_APART = 24.0
DOT_APART = 34.0
LOW_TILE = 190.0
"""A tile lower than this has its words beside the picture instead of under it."""


def name_of(glance: RenderContext, who: Choice) -> str:
    """Return what somebody is called on the screen: the nickname, or «guest»; the pseudonym where there is none."""
    return who.name or (glance.texts.say("choose.guest") if who.guest else who.participant)


def colour_of(who: Choice) -> Colour:
    """Return the colour of somebody's picture: always the same one."""
    return QUIET if who.guest else PICTURE_COLOURS[sum((who.name or who.participant).encode()) % len(PICTURE_COLOURS)]


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face of the choice."""
    texts, sheet, choices = glance.texts, glance.sheet, glance.view.choices
    foot = Box(MARGIN, sheet.height - 96, sheet.width - 2 * MARGIN, 64)
    if not choices:
        says = Announcement(
            leaf,
            texts.say("choose.nobody"),
            (texts.say("choose.nobody_how"),),
            accent=IN,
            with_rate=False,
        )
        return [announcement_part(glance, Box(MARGIN, 48, foot.width, sheet.height - 96), says)]
    columns, rows = (2, 3) if sheet.portrait else (3, 2)
    page = columns * rows
    selected = min(max(glance.view.selected, 0), len(choices) - 1)
    first = selected // page * page
    pages = math.ceil(len(choices) / page)
    title = Box(MARGIN, 36, foot.width, 88)
    dots = Box(MARGIN, foot.y - 44, foot.width, 28)
    bottom = dots.y - 8 if pages > 1 else foot.y - 24
    amiss = Box(MARGIN, title.y + 20, SIGN, SIGN)
    if glance.view.attention:
        title = Box(title.x + SIGN + 8, title.y, title.width - 2 * (SIGN + 8), title.height)
    grid = Box(MARGIN, title.bottom + 12, foot.width, bottom - title.bottom - 12)
    shown = choices[first : first + page]
    if pages == 1:
        columns = min(columns, len(shown))
        rows = math.ceil(len(shown) / columns)
    width = min((grid.width - TILE_APART * (columns - 1)) / columns, 400)
    height = min((grid.height - TILE_APART * (rows - 1)) / rows, 340)
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
    labels = [
        ((Button.UP, Button.DOWN), texts.say("button.choose")),
        ((Button.START,), texts.say("button.confirm")),
    ]
    if glance.view.attention:
        labels.append(((Button.STOP,), texts.say("button.look_after")))
    found = [
        Widget("title", title, texts.say("choose.title"), lambda brush, box: _title(brush, box, glance)),
        *tiles,
        buttons_part(foot, labels),
    ]
    if glance.view.attention:
        found.append(_amiss(amiss, texts.of("finding", glance.view.attention[0])))
    if pages > 1:
        found.append(_dots(dots, first // page, pages))
    return found


def _title(brush: Brush, box: Box, glance: RenderContext) -> None:
    brush.text(glance.texts.say("choose.title"), (box.middle_x, box.middle_y), TITLE, "centre", width=box.width)


def _dots(box: Box, at: int, pages: int) -> Widget:
    """Which page of tiles this is."""

    def paint(brush: Brush, box: Box) -> None:
        apart = min(DOT_APART, box.width / pages)
        left = box.middle_x - apart * (pages - 1) / 2
        for place in range(pages):
            middle = (left + apart * place, box.middle_y)
            if place == at:
                brush.disc(middle, 11, WHITE)
            else:
                brush.disc(middle, 9, LINE, 3)

    return Widget("pages", box, (at, pages), paint)


def _amiss(box: Box, says: str) -> Widget:
    """Show a small sign for staff: the machine wants looking after; what it is stands on the machine's page."""

    def paint(brush: Brush, box: Box) -> None:
        brush.icon(icons.attention, box.inset(4), QUIET)

    return Widget("amiss", box, says, paint)


def _tile(glance: RenderContext, box: Box, *, index: int, chosen: bool) -> Widget:
    who = glance.view.choices[index]
    name = name_of(glance, who)
    drawing, colour = picture_of(who.picture, who.name), colour_of(who)
    expired = glance.texts.say("choose.expired") if who.expired else ""

    def paint(brush: Brush, box: Box) -> None:
        brush.bar(box, 28, IN_DEEP if chosen else PANEL)
        if chosen:
            brush.bar(box, 28, IN, 6)
        if who.has_pin:
            brush.icon(icons.lock, Box(box.right - 58, box.y + 20, 36, 36), QUIET)
        if box.height < LOW_TILE:
            side = box.height * 0.6
            brush.icon(drawing, Box(box.x + 28, box.middle_y - side / 2, side, side), QUIET if expired else colour)
            left, width = box.x + 28 + side + 26, box.width - 28 - side - 26 - 24
            place = (left, box.middle_y - (22 if expired else 0))
            brush.name(name, place, Style(50, Weight.BOLD, WHITE), width, least=38)
            brush.text(expired, (left, box.middle_y + 34), Style(34, Weight.FIRM, QUIET), width=width)
            return
        side = min(box.height * (0.38 if expired else 0.5), box.width * 0.5)
        top = box.y + box.height * (0.07 if expired else 0.12)
        brush.icon(drawing, Box(box.middle_x - side / 2, top, side, side), QUIET if expired else colour)
        style = Style(50, Weight.BOLD, WHITE)
        y = box.bottom - (84 if expired else box.height * 0.2)
        brush.name(name, (box.middle_x, y), style, box.width - 40, "centre", least=38)
        if expired:
            at = (box.middle_x, box.bottom - 34)
            brush.text(expired, at, Style(34, Weight.FIRM, QUIET), "centre", width=box.width - 40)

    return Widget(f"tile {index}", box, (who, chosen), paint)
