"""Is it you? The chosen person's picture and nickname, before anything else is asked (hazards H7, H12)."""

from coach.kiosk.view import Button, Choice
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.palette import IN_DEEP, QUIET, WHITE
from display.drawing.participant_pictures import picture_of
from display.screen.button_bar import buttons_part
from display.screen.frame import RenderContext
from display.screens.arrival.choose_participant import colour_of, name_of


def who_of(glance: RenderContext) -> Choice:
    """Who is asked. Only faces of somebody who is arriving ask for it."""
    who = glance.view.who
    if who is None:
        raise ValueError("This face asks somebody: send the view with who it is, or another face.")
    return who


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face of the question."""
    texts, sheet, who = glance.texts, glance.sheet, who_of(glance)
    width = sheet.width - 2 * MARGIN
    foot = Box(MARGIN, sheet.height - 96, width, 64)
    asks = texts.say("confirm.guest") if who.guest else texts.say("confirm.title", nickname=name_of(glance, who))
    how = texts.say("confirm.guest_how") if who.asks_age else ""
    whole = Box(MARGIN, 40, width, foot.y - 40 - 24)

    def paint(brush: Brush, box: Box) -> None:
        side = min(box.height * 0.56, box.width * 0.62, 420)
        words = 150 + (66 if how else 0)
        side = min(side, (box.height - words) / 1.16)
        y = box.y + (box.height - side * 1.16 - words) / 2
        middle = (box.middle_x, y + side * 0.58)
        brush.disc(middle, side * 0.58, IN_DEEP)
        drawn = side * 0.7
        place = Box(middle[0] - drawn / 2, middle[1] - drawn / 2, drawn, drawn)
        brush.icon(picture_of(who.picture, who.name), place, colour_of(who))
        line = y + side * 1.16 + 92
        brush.text(asks, (box.middle_x, line), Style(84, Weight.BOLD, WHITE), "centre", width=box.width)
        if how:
            brush.text(how, (box.middle_x, line + 82), Style(36, Weight.FIRM, QUIET), "centre", width=box.width)

    labels = (
        ((Button.START,), texts.say("button.yes") if who.guest else texts.say("button.yes_me")),
        ((Button.STOP,), texts.say("button.no_leave")),
    )
    return [Widget("question", whole, (who, asks), paint), buttons_part(foot, labels)]
