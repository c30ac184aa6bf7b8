"""The self-test: one question at a time, which a person answers who sees and hears (hazard H8)."""

from collections.abc import Callable

from coach.kiosk.view import Button, TriedPart
from display.drawing import icons
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.palette import ABOVE, BELOW, IN, INK, QUIET, WHITE, Colour
from display.drawing.shapes import Drawing
from display.screen.button_bar import buttons_part
from display.screen.frame import RenderContext

TILES = 4
TILE_APART = 28.0
LAMP_COLOURS: tuple[Colour, ...] = (BELOW, IN, ABOVE, WHITE)


def parts(glance: RenderContext) -> list[Widget]:
    """Return the question, what is tried, and how to answer."""
    texts, sheet, view = glance.texts, glance.sheet, glance.view
    tried = view.tried or TriedPart.VOICE
    width = sheet.width - 2 * MARGIN
    foot = Box(MARGIN, sheet.height - 96, width, 64)
    question, how = texts.say(f"self_test.{tried}"), texts.say(f"self_test.{tried}_how")
    again = texts.say("button.again") if tried is TriedPart.VOICE else ""
    labels = (
        ((Button.START,), texts.say("button.yes")),
        ((Button.STOP,), texts.say("button.no")),
        *((((Button.UP,), again),) if again else ()),
    )
    title = Box(MARGIN, 44, width, 200 if sheet.portrait else 150)
    shown = Box(MARGIN, title.bottom + 36, width, foot.y - 40 - title.bottom - 36)
    paint: Callable[[Brush, Box], None]
    match tried:
        case TriedPart.SCREEN:
            paint = _paint_bars
        case TriedPart.LAMP:
            paint = _paint_lamp
        case TriedPart.VOICE:
            paint = _paint_voice

    def paint_title(brush: Brush, box: Box) -> None:
        brush.text(question, (box.x, box.y + 48), brush.fitted(question, Style(72, Weight.BOLD, WHITE), box.width))
        brush.paragraph(how, (box.x, box.y + 120), Style(34, Weight.PLAIN, QUIET), box.width)

    return [
        Widget("title", title, (question, how), paint_title),
        Widget("tried", shown, tried, paint),
        buttons_part(foot, labels),
    ]


def _paint_bars(brush: Brush, box: Box) -> None:
    """Four colours that the zones have, each with a shape of its own, up to both edges."""
    shapes: tuple[tuple[Colour, Drawing], ...] = (
        (BELOW, icons.up),
        (IN, icons.check),
        (ABOVE, icons.down),
        (WHITE, icons.heart),
    )
    wide = (box.width - TILE_APART * (TILES - 1)) / TILES
    for place, (colour, drawing) in enumerate(shapes):
        tile = Box(box.x + place * (wide + TILE_APART), box.y, wide, box.height)
        brush.bar(tile, 28, colour)
        side = min(wide, box.height) * 0.5
        brush.icon(drawing, Box(tile.middle_x - side / 2, tile.middle_y - side / 2, side, side), INK)


def _paint_lamp(brush: Brush, box: Box) -> None:
    """Four lamps in the colours to look for, in their order."""
    apart = box.width / (TILES + 1)
    for place, colour in enumerate(LAMP_COLOURS):
        brush.disc((box.x + apart * (place + 1), box.middle_y), min(apart, box.height) * 0.34, colour)


def _paint_voice(brush: Brush, box: Box) -> None:
    """Draw a loudspeaker's waves."""
    side = min(box.height, 260.0)
    brush.icon(icons.speaker, Box(box.middle_x - side / 2, box.middle_y - side / 2, side, side), IN)
