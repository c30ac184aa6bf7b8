"""One readiness question at a time, answered no or yes (hazard H14)."""

from coach.kiosk.view import Button
from display.drawing import icons
from display.drawing.advice_words import question_words
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.palette import ABOVE, IN, IN_DEEP, LINE, PANEL, QUIET, WHITE
from display.drawing.shapes import Drawing
from display.screen.button_bar import buttons_part
from display.screen.frame import RenderContext
from display.screen.header import nickname_part

QUESTION = Style(72, Weight.BOLD, WHITE)


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face of a question."""
    texts, sheet, view = glance.texts, glance.sheet, glance.view
    if view.questions:
        return _all_parts(glance)
    inner = Box(MARGIN, 36, sheet.width - 2 * MARGIN, sheet.height - 72)
    foot = Box(MARGIN, sheet.height - 96, inner.width, 64)
    words = question_words(view, texts)
    tile_width = min((inner.width - 32) / 2, 420.0)
    tile_y = sheet.height * (0.56 if not sheet.portrait else 0.52)
    tile_height = min(foot.y - 36 - tile_y, 180.0)
    ask = Box(inner.x, 110, inner.width, tile_y - 30 - 110)
    left = Box(inner.middle_x - 16 - tile_width, tile_y, tile_width, tile_height)
    right = Box(inner.middle_x + 16, tile_y, tile_width, tile_height)
    labels = (
        ((Button.DOWN,), texts.say("button.no")),
        ((Button.UP,), texts.say("button.yes")),
        ((Button.START,), texts.say("button.confirm")),
        ((Button.STOP,), texts.say("button.back" if view.answered else "button.leave")),
    )
    small = texts.say("questions.title")
    why = texts.say("questions.why")

    def paint_title(brush: Brush, box: Box) -> None:
        brush.text(small, (box.x, box.middle_y), Style(34, Weight.FIRM, QUIET))

    def paint_ask(brush: Brush, box: Box) -> None:
        lines = brush.lettering.wrapped(
            words, QUESTION.weight, round(QUESTION.size * sheet.unit), int(box.width * sheet.unit)
        )
        top = box.middle_y - 24 - (len(lines) - 1) * QUESTION.size * 0.62
        y = brush.paragraph(words, (box.middle_x, top), QUESTION, box.width, "centre", leading=1.24)
        brush.paragraph(why, (box.middle_x, y + 84), Style(30, Weight.PLAIN, QUIET), box.width, "centre")

    return [
        Widget("title", Box(MARGIN, 34, inner.width - 250, 54), small, paint_title),
        nickname_part(glance, Box(inner.right - 230, 34, 230, 54)),
        Widget("question", ask, words, paint_ask),
        _answer(left, texts.say("questions.no"), icons.cross, chosen=view.selected == 0),
        _answer(right, texts.say("questions.yes"), icons.check, chosen=view.selected == 1),
        buttons_part(foot, labels),
    ]


def _all_parts(glance: RenderContext) -> list[Widget]:
    """Return all questions on one page, answered with one press where none is true."""
    texts, sheet, view = glance.texts, glance.sheet, glance.view
    width = sheet.width - 2 * MARGIN
    foot = Box(MARGIN, sheet.height - 96, width, 64)
    page = Box(MARGIN, 196, width, foot.y - 24 - 196)
    labels = (
        ((Button.START,), texts.say("questions.none")),
        ((Button.UP,), texts.say("questions.some")),
        ((Button.STOP,), texts.say("button.leave")),
    )
    title, lines = texts.say("questions.all"), tuple(texts.of("question", key) for key in view.questions)

    def paint_title(brush: Brush, box: Box) -> None:
        brush.text(title, (box.x, box.middle_y), Style(60, Weight.BOLD, WHITE), width=box.width)

    def paint_page(brush: Brush, box: Box) -> None:
        apart = box.height / len(lines)
        for place, line in enumerate(lines):
            row = Box(box.x, box.y + apart * place, box.width, apart - 12)
            brush.bar(row, 24, PANEL)
            brush.text(line, (row.x + 36, row.middle_y), Style(42, Weight.FIRM, WHITE), width=row.width - 72)

    return [
        nickname_part(glance, Box(MARGIN + width - 230, 34, 230, 54)),
        Widget("title", Box(MARGIN, 96, width, 84), title, paint_title),
        Widget("questions", page, lines, paint_page),
        buttons_part(foot, labels),
    ]


def _answer(box: Box, word: str, drawing: Drawing, *, chosen: bool) -> Widget:
    def paint(brush: Brush, box: Box) -> None:
        brush.bar(box, 30, IN_DEEP if chosen else PANEL)
        brush.bar(box, 30, IN if chosen else LINE, 5 if chosen else 2)
        style = Style(68, Weight.BOLD, WHITE if chosen else QUIET)
        width = brush.width(word, style) + 78
        left = box.middle_x - width / 2
        brush.icon(drawing, Box(left, box.middle_y - 29, 58, 58), ABOVE if drawing is icons.check and chosen else QUIET)
        brush.text(word, (left + 78, box.middle_y), style)

    return Widget(f"answer {word}", box, (word, chosen), paint)
