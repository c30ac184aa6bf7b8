"""A question in the instruction's place, «Går det bra?» (hazard H5) or «Står det 6,4 km/t på møllen?».

Rate, time left and speed stay as they are.
"""

from coach.kiosk.view import Button
from display.drawing import icons
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import Box, Widget
from display.drawing.number_format import speed
from display.drawing.palette import ABOVE, PANEL, QUIET, WHITE
from display.screen.button_bar import paint_buttons
from display.screen.frame import RenderContext
from display.screen.treadmill_setting import NO_SETTING, TreadmillSetting, paint_setting, setting_now

TITLE, SMALL = Style(52, Weight.BOLD, WHITE), Style(28, Weight.PLAIN, QUIET)
BUTTONS_WIDTH = 250.0
ABOVE_PLACE, BELOW_PLACE = 12.0, 10.0
"""How far the card reaches into the gaps around the instruction's place: it has two lines."""


Choice = tuple[tuple[Button, ...], str]
"""Buttons, and what they mean."""


def speed_question_part(glance: RenderContext, box: Box) -> Widget:
    """Return the card that asks whether the treadmill shows a speed."""
    texts, kmh = glance.texts, glance.snapshot.asks_speed_kmh
    title = texts.say("check.speed", speed=speed(kmh or 0.0, texts))
    yes, no = ((Button.START,), texts.say("button.yes")), ((Button.UP, Button.DOWN), texts.say("button.no"))
    return _card(glance, box, (title, texts.say("check.speed_why")), NO_SETTING, (yes, no))


def question_part(glance: RenderContext, box: Box) -> Widget:
    """Return the card: the question, what happens without an answer, the treadmill's setting and the buttons."""
    snapshot, texts = glance.snapshot, glance.texts
    setting = setting_now(snapshot, texts)
    title, why = texts.of("check", snapshot.question or ""), texts.say("check.why")
    yes, no = ((Button.START,), texts.say("button.yes")), ((Button.STOP,), texts.say("button.no_stop"))
    return _card(glance, box, (title, why), setting._replace(from_speed="", from_incline=""), (yes, no))


def _card(
    glance: RenderContext, box: Box, words: tuple[str, str], setting: TreadmillSetting, choices: tuple[Choice, Choice]
) -> Widget:
    title, why = words
    yes, no = choices
    portrait = glance.sheet.portrait
    box = Box(box.x, box.y - ABOVE_PLACE, box.width, box.height + ABOVE_PLACE + BELOW_PLACE)

    def paint(brush: Brush, box: Box) -> None:
        brush.bar(box, 26, PANEL)
        brush.bar(box, 26, ABOVE, 4)
        left, right = box.x + 30, box.right - 30
        if portrait:
            brush.text(title, (left, box.y + 38), TITLE, width=right - left)
            brush.paragraph(why, (left, box.y + 82), SMALL, right - left, leading=1.2)
            row = Box(left, box.bottom - 134, right - left, 124)
            start = paint_setting(brush, setting, row, (WHITE, QUIET))
            buttons = Box(row.x, row.y, start - 20 - row.x, row.height / 2)
            paint_buttons(brush, buttons, (yes,), "left")
            paint_buttons(brush, buttons._replace(y=row.middle_y), (no,), "left")
            return
        brush.icon(icons.question, Box(left, box.y + 18, 56, 56), ABOVE)
        left += 82
        buttons = Box(right - BUTTONS_WIDTH, box.y, BUTTONS_WIDTH, box.height / 2)
        room = Box(left + 350, box.y, buttons.x - 36 - left - 350, box.height)
        start = paint_setting(brush, setting, room, (WHITE, QUIET))
        brush.text(title, (left, box.y + 46), TITLE, width=start - 24 - left)
        brush.paragraph(why, (left, box.y + 98), SMALL, start - 24 - left, leading=1.2)
        paint_buttons(brush, Box(buttons.x, box.y + 8, buttons.width, box.height / 2 - 8), (yes,), "left")
        paint_buttons(brush, Box(buttons.x, box.middle_y, buttons.width, box.height / 2 - 8), (no,), "left")

    return Widget("instruction", box, (title, why, setting), paint)
