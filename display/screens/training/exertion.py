"""How hard was it? A number from 6 to 20, all in one colour: a colour would say which answer is wanted.

The words are the project's own; a clinic with a licence shows the scale's published ones (`display.texts`).
"""

from coach.kiosk.view import Button
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.palette import BELOW, BELOW_BAND, LINE, QUIET, WHITE
from display.screen.button_bar import buttons_part
from display.screen.frame import RenderContext

LOWEST, HIGHEST = 6, 20


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face of the scale."""
    texts, sheet = glance.texts, glance.sheet
    chosen = min(max(glance.view.selected, LOWEST), HIGHEST)
    width = sheet.width - 2 * MARGIN
    foot = Box(MARGIN, sheet.height - 96, width, 64)
    title = Box(MARGIN, 40, width, 84)
    bars_height = 200.0 if not sheet.portrait else 360.0
    bars = Box(MARGIN, foot.y - 36 - bars_height, width, bars_height)
    answer = Box(MARGIN, title.bottom + 8, width, bars.y - 16 - title.bottom - 8)
    word = texts.say(f"exertion.{chosen}")

    def paint_title(brush: Brush, box: Box) -> None:
        brush.text(
            texts.say("exertion.title"), (box.middle_x, box.middle_y), Style(54, Weight.BOLD), "centre", width=box.width
        )

    def paint_answer(brush: Brush, box: Box) -> None:
        size = min(box.height * 0.64, 340)
        y = box.y + (box.height - size * 0.727 - 100) / 2 + size * 0.36
        brush.number(str(chosen), (box.middle_x, y), Style(size, Weight.HEAVY, WHITE), "centre", -0.02)
        style = Style(50, Weight.BOLD, WHITE)
        brush.text(word, (box.middle_x, y + size * 0.36 + 70), style, "centre", width=box.width)

    def paint_bars(brush: Brush, box: Box) -> None:
        pace = box.width / (HIGHEST - LOWEST + 1)
        for borg in range(LOWEST, HIGHEST + 1):
            share = 0.22 + 0.78 * (borg - LOWEST) / (HIGHEST - LOWEST)
            height = (box.height - 46) * share
            x = box.x + pace * (borg - LOWEST)
            place = Box(x + pace * 0.12, box.bottom - 46 - height, pace * 0.76, height)
            brush.bar(place, 12, BELOW if borg == chosen else BELOW_BAND)
            weight, ink = (Weight.BOLD, WHITE) if borg == chosen else (Weight.PLAIN, QUIET)
            style = Style(min(30, pace * 0.72), weight, ink)
            brush.number(str(borg), (x + pace / 2, box.bottom - 18), style, "centre")
        brush.fill(Box(box.x, box.bottom - 42, box.width, 2), LINE)

    labels = (
        ((Button.UP, Button.DOWN), texts.say("button.choose")),
        ((Button.START,), texts.say("button.confirm")),
    )
    return [
        Widget("title", title, None, paint_title),
        Widget("answer", answer, (chosen, word), paint_answer),
        Widget("scale", bars, chosen, paint_bars),
        buttons_part(foot, labels),
    ]
