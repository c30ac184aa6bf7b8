"""The rate is above the personal ceiling (hazard H1): one amber panel that says what to do now, and to which speed."""

from display.drawing import icons
from display.drawing.advice_words import what_to_do
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import Box, Widget
from display.drawing.number_format import clock
from display.drawing.palette import ATTENTION, INK
from display.screen.button_legend import legend_part
from display.screen.frame import RenderContext
from display.screen.header import header_parts
from display.screen.heart_rate_gauge import shown_number
from display.screen.instruction import instruction_part
from display.screen.session_layout import training_places
from display.screen.treadmill_setting import number_em, setting_now
from display.screens.training.running import profile_parts

NUMBER_EM = 220.0


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face over the ceiling. A question that is open stands below the panel."""
    places = training_places(glance.sheet)
    asked = glance.snapshot.question is not None
    box = places.panel
    if asked:
        box = Box(box.x, box.y, box.width, places.instruction.y - 28 - box.y)
    return [
        *header_parts(glance),
        _panel(glance, box),
        *([instruction_part(glance, places.instruction)] if asked else []),
        *profile_parts(glance, places),
        legend_part(glance, places.legend),
    ]


def _panel(glance: RenderContext, box: Box) -> Widget:
    snapshot, texts = glance.snapshot, glance.texts
    order, to_speed = what_to_do(snapshot, texts)
    number = shown_number(snapshot) or ""
    ceiling = next((limit.value_bpm for limit in snapshot.limits if limit.name == "ceiling"), None)
    why = texts.of("notice", "over_ceiling")
    most = "" if ceiling is None else texts.say("over_ceiling.most", bpm=int(ceiling))
    left = f"{clock(snapshot.phase_remaining_s)} {texts.say('left.steady')}"
    portrait, setting = glance.sheet.portrait, setting_now(snapshot, texts)

    def paint(brush: Brush, box: Box) -> None:
        brush.bar(box, 32, ATTENTION)
        side = min(box.width * 0.36, 420.0)
        words = Box(box.x + 48, box.y + 30, box.width - side - 96, box.height - 60)
        rate = Box(box.right - side - 24, box.y + 20, side, box.height - 40)
        if portrait:
            words = Box(box.x + 40, box.y + 30, box.width - 80, box.height * 0.48)
            rate = Box(box.x + 40, words.bottom, box.width - 80, box.bottom - words.bottom - 20)
        brush.icon(icons.attention, Box(words.x, words.y, 64, 64), INK)
        brush.text(why, (words.x + 84, words.y + 34), Style(36, Weight.FIRM, INK), width=words.width - 84)
        apart = (words.height - 64) / 2
        brush.text(order, (words.x, words.y + 64 + apart * 0.4), Style(92, Weight.BOLD, INK), width=words.width)
        middle_y = words.y + 64 + apart * 1.4
        large = Style(number_em(brush.sheet), Weight.HEAVY, INK)
        if setting.speed and setting.speed in to_speed and brush.width(to_speed, large) > words.width:
            # Too narrow for the sentence: the number keeps its size, and the unit stands small next to it.
            x = brush.text(setting.speed, (words.x, middle_y), large)
            brush.text(setting.unit, (x + 20, middle_y + 40), Style(44, Weight.BOLD, INK))
        else:
            brush.text(to_speed, (words.x, middle_y), large, width=words.width)
        size = min(NUMBER_EM, (rate.height - 84) / 0.75)
        style = Style(size, Weight.HEAVY, INK)
        brush.text(number, (rate.middle_x, rate.y + size * 0.42), style, "centre")
        brush.text(most, (rate.middle_x, rate.bottom - 56), Style(30, Weight.FIRM, INK), "centre", width=rate.width)
        brush.text(left, (rate.middle_x, rate.bottom - 18), Style(30, Weight.FIRM, INK), "centre", width=rate.width)

    return Widget("over ceiling", box, (order, to_speed, number, why, most, left), paint)
