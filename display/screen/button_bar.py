"""The panel's buttons as they look, each with the word for what it does now, along the bottom of a face."""

from collections.abc import Sequence
from typing import Literal

from coach.kiosk.view import Button
from display.drawing import icons
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import Box, Widget
from display.drawing.palette import BUTTON_GREEN, INK, LINE, QUIET, TRACK, WHITE

LABEL = Style(30, Weight.FIRM, WHITE)
RADIUS = 25.0
APART, LEAST_APART = 56.0, 26.0
Label = tuple[tuple[Button, ...], str]


def buttons_part(box: Box, labels: Sequence[Label]) -> Widget:
    """Return the buttons that do something now, centred in the box."""
    return Widget("buttons", box, tuple(labels), lambda brush, box: paint_buttons(brush, box, labels))


def paint_buttons(brush: Brush, box: Box, labels: Sequence[Label], align: Literal["left", "centre"] = "centre") -> None:
    """Draw the buttons and their words: closer to each other, then smaller, where the box is too narrow for them."""
    radius = min(RADIUS, box.height / 2)
    pace = 2 * radius + 8
    widths = [pace * len(buttons) + 10 + brush.width(word, LABEL) for buttons, word in labels]
    gaps = len(widths) - 1
    apart = min(max((box.width - 8 - sum(widths)) / max(gaps, 1), LEAST_APART), APART)
    whole = sum(widths) + apart * gaps
    scale = min(1.0, (box.width - 8) / whole)
    label = Style(LABEL.size * scale, LABEL.weight, LABEL.colour)
    x = box.x if align == "left" else box.middle_x - whole * scale / 2
    for (buttons, word), width in zip(labels, widths, strict=True):
        at = x
        for button in buttons:
            paint_button(brush, button, (at + radius * scale, box.middle_y), radius * scale)
            at += pace * scale
        brush.text(word, (at + 10 * scale, box.middle_y), label)
        x += (width + apart) * scale


def paint_button(brush: Brush, button: Button, middle: tuple[float, float], radius: float) -> None:
    """One button: green; grey with an arrow; black with a white ring (never the treadmill's red, hazard H6)."""
    x, y = middle
    match button:
        case Button.START:
            brush.disc(middle, radius, BUTTON_GREEN)
            brush.disc(middle, radius, WHITE, 2.5)
        case Button.UP | Button.DOWN:
            brush.disc(middle, radius, TRACK)
            brush.disc(middle, radius, LINE, 2.5)
            drawing = icons.up if button is Button.UP else icons.down
            brush.icon(drawing, Box(x - radius * 0.72, y - radius * 0.72, radius * 1.44, radius * 1.44), QUIET)
        case Button.STOP:
            brush.disc(middle, radius, WHITE)
            brush.disc(middle, radius * 0.72, INK)
