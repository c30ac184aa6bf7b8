"""The next appointment, as the faces before the start and after the end say it."""

from typing import Literal

from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import Box, Widget
from display.drawing.number_format import appointment_words
from display.drawing.palette import QUIET
from display.screen.frame import RenderContext

WORDS = Style(30, Weight.FIRM, QUIET)


def appointment_part(glance: RenderContext, box: Box, align: Literal["left", "centre"]) -> list[Widget]:
    """Return the part that says when the person is expected next, in two lines at most; none where that is unknown."""
    wall_s = glance.view.appointment_wall_s
    if wall_s is None:
        return []
    when = appointment_words(wall_s, glance.texts)
    words = glance.texts.say("appointment.next", when=when)
    title = glance.texts.say("my_training.next")

    def paint(brush: Brush, box: Box) -> None:
        x = box.x if align == "left" else box.middle_x
        if brush.width(words, WORDS) <= box.width:
            brush.text(words, (x, box.middle_y), WORDS, align)
            return
        brush.text(title, (x, box.middle_y - 16), WORDS, align, width=box.width)
        brush.text(when, (x, box.middle_y + 16), WORDS, align, width=box.width)

    return [Widget("appointment", box, words, paint)]
