"""How do you feel now? Five drawn faces."""

from coach.kiosk.view import Button
from display.drawing import icons
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.palette import ABOVE, IN, IN_DEEP, PANEL, QUIET, WHITE
from display.screen.button_bar import buttons_part
from display.screen.frame import RenderContext

GAP = 22.0


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face of the five faces."""
    texts, sheet = glance.texts, glance.sheet
    chosen = min(max(glance.view.selected, 1), len(icons.MOODS))
    width = sheet.width - 2 * MARGIN
    foot = Box(MARGIN, sheet.height - 96, width, 64)
    title = Box(MARGIN, 60, width, 90)
    middle = (title.bottom + foot.y) / 2 + (160 if sheet.portrait else 0)
    side = (width - GAP * 4) / 5
    height = side * 1.12 if not sheet.portrait else side * 1.5
    tiles = [
        _face(
            Box(MARGIN + (side + GAP) * (mood - 1), middle - height / 2 - 36, side, height), mood, chosen=mood == chosen
        )
        for mood in range(1, len(icons.MOODS) + 1)
    ]
    word = texts.say(f"mood.{chosen}")
    answer = Box(MARGIN, middle + height / 2 - 16, width, 84)

    def paint_title(brush: Brush, box: Box) -> None:
        brush.text(
            texts.say("mood.title"), (box.middle_x, box.middle_y), Style(60, Weight.BOLD), "centre", width=box.width
        )

    def paint_answer(brush: Brush, box: Box) -> None:
        brush.text(word, (box.middle_x, box.middle_y), Style(52, Weight.BOLD, WHITE), "centre", width=box.width)

    if sheet.portrait:
        side = 300.0
        large = Box(sheet.width / 2 - side / 2, middle - height / 2 - 36 - 60 - side, side, side)
        tiles.append(
            Widget("large face", large, chosen, lambda brush, box: brush.icon(icons.MOODS[chosen - 1], box, ABOVE))
        )

    labels = (
        ((Button.UP, Button.DOWN), texts.say("button.choose")),
        ((Button.START,), texts.say("button.confirm")),
    )
    return [
        Widget("title", title, None, paint_title),
        *tiles,
        Widget("answer", answer, word, paint_answer),
        buttons_part(foot, labels),
    ]


def _face(box: Box, mood: int, *, chosen: bool) -> Widget:
    def paint(brush: Brush, box: Box) -> None:
        brush.bar(box, 30, IN_DEEP if chosen else PANEL)
        if chosen:
            brush.bar(box, 30, IN, 5)
        side = min(box.width, box.height) * (0.68 if chosen else 0.58)
        place = Box(box.middle_x - side / 2, box.middle_y - side / 2, side, side)
        brush.icon(icons.MOODS[mood - 1], place, ABOVE if chosen else QUIET)

    return Widget(f"face {mood}", box, chosen, paint)
