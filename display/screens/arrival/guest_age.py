"""How old are you? A guest's age, turned with up and down or typed: their target zone follows from it (hazard H7)."""

from coach.kiosk.view import Button
from display.drawing import icons
from display.drawing.canvas import TITLE, Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.palette import QUIET, WHITE
from display.screen.button_bar import buttons_part
from display.screen.frame import RenderContext

SIZE = 300.0


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face of the age."""
    texts, sheet = glance.texts, glance.sheet
    width = sheet.width - 2 * MARGIN
    foot = Box(MARGIN, sheet.height - 96, width, 64)
    title = Box(MARGIN, 48, width, 90)
    how = Box(MARGIN, foot.y - 104, width, 64)
    answer = Box(MARGIN, title.bottom + 8, width, how.y - 8 - title.bottom - 8)
    age = glance.view.selected

    def paint_title(brush: Brush, box: Box) -> None:
        brush.text(texts.say("guest_age.title"), (box.middle_x, box.middle_y), TITLE, "centre", width=box.width)

    def paint_answer(brush: Brush, box: Box) -> None:
        number = Style(SIZE, Weight.HEAVY, WHITE)
        half = brush.number_width("88", number) / 2
        right = box.middle_x + half + 24
        years = brush.fitted(texts.say("guest_age.years"), Style(60, Weight.FIRM, QUIET), box.right - right)
        brush.number(str(age), (box.middle_x, box.middle_y), number, "centre", -0.02)
        brush.text(texts.say("guest_age.years"), (right, box.middle_y + SIZE * 0.25), years)
        for drawing, y in ((icons.up, box.middle_y - 96), (icons.down, box.middle_y + 16)):
            brush.icon(drawing, Box(box.middle_x - half - 28 - 84, y, 84, 84), QUIET)

    def paint_how(brush: Brush, box: Box) -> None:
        words = texts.say("guest_age.how")
        brush.text(words, (box.middle_x, box.middle_y), Style(36, Weight.FIRM, QUIET), "centre", width=box.width)

    labels = (
        ((Button.UP, Button.DOWN), texts.say("button.choose")),
        ((Button.START,), texts.say("button.confirm")),
        ((Button.STOP,), texts.say("button.leave")),
    )
    return [
        Widget("title", title, None, paint_title),
        Widget("answer", answer, age, paint_answer),
        Widget("how", how, None, paint_how),
        buttons_part(foot, labels),
    ]
