"""The line of the panel's buttons under a running session, and the soft word for a press that does nothing now."""

from collections.abc import Sequence

from coach.kiosk.view import Button, DisplayState, ScreenId
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import Box, Widget
from display.drawing.palette import BELOW, BELOW_DEEP
from display.screen.button_bar import Label, paint_buttons
from display.screen.frame import RenderContext

LEGEND, SOFT_WORD = "legend", "soft word"
WORD_IN_PLACE_OF = (LEGEND, "buttons", "foot", "profile")
"""The parts that a soft word may stand in for, the first that a face has."""
ANNOUNCEMENT = "announcement"
"""Without any of those the word stands in the upper edge of the announcement, over nothing else."""


def legend_part(glance: RenderContext, box: Box) -> Widget:
    """Return the line: green pauses, the white ring stops, the arrows say which speed was set instead.

    While a question is open its card names the buttons, and in a pause or after a stop the panel does.
    """
    snapshot, texts = glance.snapshot, glance.texts
    labels: tuple[Label, ...] = ()
    other_speed = "button.other_speed_short" if glance.sheet.portrait else "button.other_speed"
    asked = snapshot.question is not None or snapshot.asks_speed_kmh is not None
    if not asked and snapshot.stage == "running":
        labels = (
            ((Button.START,), texts.say("button.pause")),
            ((Button.STOP,), texts.say("button.stop")),
            ((Button.UP, Button.DOWN), texts.say(other_speed)),
        )

    def paint(brush: Brush, box: Box) -> None:
        if labels:
            paint_buttons(brush, box, labels, "left")

    return Widget(LEGEND, box, labels, paint)


def with_soft_word(glance: RenderContext, parts: Sequence[Widget]) -> list[Widget]:
    """Return the parts, one of them replaced by a word about the press that did nothing."""
    names = {part.name for part in parts}
    place = next((name for name in WORD_IN_PLACE_OF if name in names), ANNOUNCEMENT)
    return [_word(glance, part) if part.name == place else part for part in parts]


def word_for(view: DisplayState) -> str:
    """Return the key of the word for a press that does nothing on this face."""
    paused = view.face is ScreenId.SESSION and view.snapshot is not None and view.snapshot.stage == "paused"
    return "paused" if paused else str(view.face)


def _word(glance: RenderContext, part: Widget) -> Widget:
    word = glance.texts.of("refused", word_for(glance.view))

    def paint(brush: Brush, box: Box) -> None:
        if part.name == ANNOUNCEMENT:
            part.paint(brush, box)
            box = Box(box.x, box.y + 12, box.width, 56)
        style = brush.fitted(word, Style(30, Weight.FIRM, BELOW), box.width - 60)
        height = min(box.height, 60.0)
        pill = Box(box.middle_x - brush.width(word, style) / 2 - 30, box.middle_y - height / 2, 0, height)
        brush.bar(pill._replace(width=2 * (box.middle_x - pill.x)), height / 2, BELOW_DEEP)
        brush.text(word, (box.middle_x, box.middle_y), style, "centre")

    return Widget(part.name, part.box, (SOFT_WORD, word, part.key), paint)
