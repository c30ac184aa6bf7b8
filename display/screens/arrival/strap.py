"""Waiting for the pulse strap: how to wet it and put it on, and which strap it waits for (hazard H4)."""

from coach.kiosk.view import Button
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.palette import ABOVE, ABOVE_DEEP, BELOW, BELOW_DEEP, PANEL, QUIET, WHITE
from display.drawing.receiver_picture import help_needed, paint_receiver_picture
from display.drawing.strap_picture import paint_strap_picture
from display.screen.button_bar import Label, buttons_part
from display.screen.frame import RenderContext
from display.screen.header import nickname_part

STEP = Style(40, Weight.FIRM, WHITE)


def parts(glance: RenderContext) -> list[Widget]:  # noqa: PLR0915 - one statement for each of its parts
    """Return the face of putting the strap on."""
    texts, sheet, view = glance.texts, glance.sheet, glance.view
    width = sheet.width - 2 * MARGIN
    foot = Box(MARGIN, sheet.height - 96, width, 64)
    title = Box(MARGIN, 34, width - 250, 64)
    status_height = 150.0 if sheet.portrait else 92.0
    status = Box(MARGIN, foot.y - 24 - status_height, width, status_height)
    top = title.bottom + 20
    if sheet.portrait:
        picture = Box(MARGIN, top, width, 500)
        steps = Box(MARGIN, picture.bottom + 30, width, status.y - 20 - picture.bottom - 30)
    else:
        picture = Box(MARGIN, top, 440, status.y - 20 - top)
        steps = Box(picture.right + 40, top, width - picture.width - 40, picture.height)
    words = (texts.say("strap.wet"), texts.say("strap.fasten"), texts.say("strap.wait"))
    found = texts.say("choose_strap.nameless") if view.strap_name == "" else view.strap_name
    trouble = view.strap_trouble
    says = texts.say("strap.waiting") if found else texts.say("strap.looking")
    if trouble is not None:
        says = texts.of("strap_trouble", trouble)

    def paint_title(brush: Brush, box: Box) -> None:
        brush.text(texts.say("strap.title"), (box.x, box.middle_y), Style(54, Weight.BOLD, WHITE), width=box.width)

    def paint_picture(brush: Brush, box: Box) -> None:
        brush.bar(box, 32, PANEL)
        if trouble is not None and trouble != "not_found":
            paint_receiver_picture(brush, box.inset(40), trouble)
            return
        paint_strap_picture(brush, Box(box.x + 20, box.y + 16, box.width - 40, box.height - 16))

    # The steps say how to wear a strap: they stand only where that may be what is wrong.
    told_large = trouble is not None and trouble != "not_found"
    if told_large:
        steps = Box(steps.x, steps.y, steps.width, status.bottom - steps.y)

    def paint_steps(brush: Brush, box: Box) -> None:
        if told_large:
            _paint_trouble(brush, box, says, staff=trouble is not None and help_needed(trouble))
            return
        apart = min(box.height / 3, 124)
        y = box.middle_y - apart
        for number, line in enumerate(words, 1):
            brush.disc((box.x + 38, y), 34, BELOW_DEEP)
            brush.number(str(number), (box.x + 38, y), Style(38, Weight.BOLD, BELOW), "centre")
            brush.text(line, (box.x + 100, y), STEP, width=box.right - box.x - 100)
            y += apart

    def paint_status(brush: Brush, box: Box) -> None:
        if trouble is not None:
            staff = help_needed(trouble)
            brush.bar(box, 26, ABOVE_DEEP if staff else BELOW_DEEP)
            brush.bar(box, 26, ABOVE if staff else BELOW, 3)
            _paint_sentence(brush, box, says, lines=2 if sheet.portrait else 1)
            return
        brush.bar(box, 26, BELOW_DEEP if found else PANEL)
        if not found:
            brush.text(
                says, (box.middle_x, box.middle_y), Style(38, Weight.FIRM, QUIET), "centre", width=box.width - 80
            )
            return
        brush.bar(box, 26, BELOW, 3)
        if sheet.portrait:
            brush.text(says, (box.middle_x, box.y + 50), Style(42, Weight.BOLD, WHITE), "centre", width=box.width - 60)
            brush.text(
                found, (box.middle_x, box.y + 104), Style(38, Weight.FIRM, BELOW), "centre", width=box.width - 60
            )
            return
        brush.text(says, (box.x + 40, box.middle_y), Style(42, Weight.BOLD, WHITE), width=box.width * 0.56)
        brush.text(
            found, (box.right - 40, box.middle_y), Style(38, Weight.FIRM, BELOW), "right", width=box.width * 0.34
        )

    return [
        Widget("title", title, view.language, paint_title),
        nickname_part(glance, Box(MARGIN + width - 230, 34, 230, 64)),
        Widget("picture", picture, trouble, paint_picture),
        Widget("steps", steps, (words, says if told_large else ""), paint_steps),
        *(() if told_large else (Widget("status", status, (says, found, trouble), paint_status),)),
        buttons_part(foot, _labels(glance)),
    ]


def _labels(glance: RenderContext) -> tuple[Label, ...]:
    change: Label = ((Button.UP, Button.DOWN), glance.texts.say("button.other_strap"))
    leave: Label = ((Button.STOP,), glance.texts.say("button.leave"))
    feeling: Label = ((Button.START,), glance.texts.say("button.by_feeling"))
    on = (feeling,) if glance.view.by_feeling else ()
    return (*on, change, leave) if glance.view.may_change_strap else (*on, leave)


def _paint_trouble(brush: Brush, box: Box, says: str, *, staff: bool) -> None:
    """Draw what is wrong and what to do, large, in the place of the steps."""
    brush.bar(box, 26, ABOVE_DEEP if staff else BELOW_DEEP)
    brush.bar(box, 26, ABOVE if staff else BELOW, 3)
    style, width = Style(50, Weight.BOLD, WHITE), box.width - 88
    lines = len(brush.lettering.wrapped(says, style.weight, brush.pixels(style), int(width * brush.sheet.unit)))
    brush.paragraph(says, (box.x + 44, box.middle_y - (lines - 1) * style.size * 0.62), style, width, leading=1.24)


def _paint_sentence(brush: Brush, box: Box, says: str, *, lines: int) -> None:
    """Draw what is wrong and what to do, in one line or two."""
    style, width = Style(36, Weight.FIRM, WHITE), box.width - 72
    if lines == 1 or brush.width(says, style) <= width:
        brush.text(says, (box.middle_x, box.middle_y), style, "centre", width=width)
    else:
        brush.paragraph(says, (box.middle_x, box.middle_y - 26), style, width, "centre")
