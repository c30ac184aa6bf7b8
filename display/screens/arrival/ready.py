"""All is in place: press green, if the strap named is the one that is worn (hazard H4)."""

from coach.kiosk.view import Button
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.palette import ABOVE, IN, IN_DEEP, QUIET, WHITE
from display.screen.button_bar import buttons_part, paint_button
from display.screen.frame import RenderContext
from display.screen.heart_rate_gauge import heart_part, shown_number, zone_colour

BLOCK = 344.0


def parts(glance: RenderContext) -> list[Widget]:
    """The face before the start."""
    texts, sheet, view = glance.texts, glance.sheet, glance.view
    width = sheet.width - 2 * MARGIN
    title = texts.say("ready.title", nickname=view.nickname) if view.nickname else texts.say("ready.title_nobody")
    how = texts.say("ready.how")
    which = ""
    if view.session_number is not None and view.course_sessions is not None:
        which = texts.say("ready.session", number=view.session_number, total=view.course_sessions)
    number = shown_number(view.snapshot) if view.snapshot is not None else None
    colour = zone_colour(view.snapshot) if view.snapshot is not None else QUIET
    change = texts.say("ready.change") if view.may_change_strap else ""
    if view.strap_battery_low:
        change = texts.say("strap.battery_low")
    profile = Box(MARGIN, sheet.height - 32 - 122, width, 122)
    middle = profile.y if view.profile is not None else sheet.height - 110
    top = Box(MARGIN, 34, width, 54)
    words = Box(MARGIN, 96, width, middle - 96 - 110)
    rate = Box(sheet.width / 2 - 150, middle - 92, 330, 76)
    heart = Box(rate.x, rate.y + 3, 74, 70)
    digits = Box(heart.right + 8, rate.y, rate.width - 82, rate.height)

    def paint(brush: Brush, box: Box) -> None:
        y = box.y + (box.height - BLOCK) / 2
        brush.text(title, (box.middle_x, y + 40), Style(84, Weight.BOLD, WHITE), "centre", width=box.width)
        strap = texts.say("choose_strap.nameless") if view.strap_name == "" else view.strap_name
        if strap:
            _paint_strap(brush, Box(box.x, y + 100, box.width, 56), texts.say("ready.your_strap"), strap)
        paint_button(brush, Button.START, (box.middle_x, y + 226), 54)
        brush.text(how, (box.middle_x, y + 321), Style(52, Weight.BOLD, WHITE), "centre", width=box.width)

    def paint_top(brush: Brush, box: Box) -> None:
        end = brush.text(which, (box.x, box.middle_y), Style(34, Weight.FIRM, QUIET), width=box.width / 2)
        low = view.strap_battery_low
        style = Style(30, Weight.FIRM, ABOVE if low else QUIET)
        brush.text(change, (box.right, box.middle_y), style, "right", width=box.right - end - 30)

    def paint_digits(brush: Brush, box: Box) -> None:
        x = brush.number(number or "–", (box.x + 8, box.middle_y), Style(64, Weight.BOLD, WHITE if number else QUIET))
        brush.text(texts.say("ready.rate"), (x + 14, box.middle_y + 8), Style(30, Weight.PLAIN, QUIET))

    found = [
        Widget("session", top, (which, change), paint_top),
        Widget("words", words, (title, how, view.strap_name), paint),
        heart_part(heart, WHITE if number and colour is QUIET else colour, glance.swell, beating=number is not None),
        Widget("digits", digits, number, paint_digits),
    ]
    if view.profile is not None:
        found.append(glance.drawing.part(view.profile, profile, None))
    else:
        found.append(
            buttons_part(Box(MARGIN, sheet.height - 96, width, 64), (((Button.STOP,), texts.say("button.leave")),))
        )
    return found


def _paint_strap(brush: Brush, row: Box, asks: str, strap: str) -> None:
    """A pill with the strap's printed name."""
    one, other = Style(30, Weight.FIRM, WHITE), Style(30, Weight.BOLD, IN)
    width = min(brush.width(asks, one) + brush.width(strap, other) + 14 + 64, row.width)
    pill = Box(row.middle_x - width / 2, row.y, width, row.height)
    brush.bar(pill, row.height / 2, IN_DEEP)
    x = brush.text(asks, (pill.x + 32, pill.middle_y), one)
    brush.text(strap, (x + 14, pill.middle_y), other, width=pill.right - 32 - x - 14)
