"""Short work and rest within a phase (Tabata): the ring counts the bout, the header which of how many."""

from display.drawing.canvas import HEADING, Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import Box, Widget
from display.drawing.palette import BELOW, IN, LINE, WHITE
from display.screen.button_legend import legend_part
from display.screen.countdown import countdown_parts
from display.screen.frame import RenderContext
from display.screen.header import header_parts
from display.screen.heart_rate_gauge import rate_parts
from display.screen.instruction import instruction_part
from display.screen.session_layout import training_places
from display.screens.training.running import profile_parts


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face of a bout."""
    places = training_places(glance.sheet)
    return [
        *header_parts(glance),
        *rate_parts(glance, places.rate),
        *countdown_parts(glance, places.countdown),
        instruction_part(glance, places.instruction),
        *_bout_parts(glance, places.rate.heart, places.countdown.x),
        *profile_parts(glance, places),
        legend_part(glance, places.legend),
    ]


def _bout_parts(glance: RenderContext, heart: Box, right: float) -> list[Widget]:
    """«Jobb 3 av 8» beside the heart, and a row of bars: done, running, to come."""
    bout = glance.snapshot.bout
    if bout is None:
        return []
    texts = glance.texts
    word = texts.say("bout.work" if bout.working else "bout.rest")
    count = texts.say("bout.number", number=bout.number, total=bout.total)
    colour = IN if bout.working else BELOW
    box = Box(heart.right + 14, heart.y - 14, right - 20 - heart.right - 14, 114)

    def paint(brush: Brush, box: Box) -> None:
        brush.text(word, (box.x, box.y + 24), Style(42, Weight.BOLD, colour), width=box.width)
        brush.text(count, (box.x, box.y + 68), HEADING.in_colour(WHITE), width=box.width)
        pace = box.width / bout.total
        for number in range(1, bout.total + 1):
            bar = Box(box.x + pace * (number - 1), box.bottom - 18, pace - 4, 10)
            if number < bout.number:
                brush.bar(bar, 6, WHITE)
            elif number == bout.number:
                brush.bar(bar, 6, colour)
            else:
                brush.bar(bar, 6, LINE)

    return [Widget("bout", box, (word, count, colour), paint)]
