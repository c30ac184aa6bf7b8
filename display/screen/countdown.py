"""Time left: minutes and seconds in large digits, and under them a bar that empties."""

from display.drawing.canvas import SMALL, Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import Box, Widget
from display.drawing.number_format import clock
from display.drawing.palette import BELOW, IN, QUIET, TRACK, WHITE, Colour
from display.screen.frame import RenderContext

BAR_STEPS = 300
BAR_OF_PHASE: dict[str, Colour] = {
    "warm_up": WHITE,
    "interval": WHITE,
    "recovery": BELOW,
    "steady": WHITE,
    "motor": WHITE,
    "cool_down": BELOW,
}
THICKNESS = 12.0
NUMBER_EM, HEIGHT = 112.0, 204.0


def countdown_parts(glance: RenderContext, box: Box) -> list[Widget]:
    """Return digits, caption and bar. In short work and rest the digits are of the bout, the caption of the phase."""
    snapshot, texts = glance.snapshot, glance.texts
    bout = snapshot.bout
    length_s = max(float(snapshot.phase_length_s), 1.0)
    left_s = snapshot.phase_remaining_s
    fraction, shown = min(left_s / length_s, 1.0), clock(left_s)
    caption = texts.say(f"left.{snapshot.phase}") if f"left.{snapshot.phase}" in texts.keys else ""
    colour = BAR_OF_PHASE.get(snapshot.phase, WHITE)
    if bout is not None:
        caption = texts.say("left.bout", time=shown)
        shown = clock(bout.remaining_s)
        colour = IN if bout.working else BELOW
    top = box.y + (box.height - HEIGHT) / 2
    digits = Box(box.x, top, box.width, 122)
    below = Box(box.x, digits.bottom + 12, box.width, 42)
    bar = Box(box.x, below.bottom + 16, box.width, THICKNESS)

    def paint_digits(brush: Brush, place: Box) -> None:
        style = Style(NUMBER_EM, Weight.BOLD, WHITE)
        needed = brush.number_width(shown, style)
        style = style if needed <= place.width - 8 else Style(style.size * (place.width - 8) / needed, style.weight)
        brush.number(shown, (place.right - 4, place.middle_y), style, "right", -0.01)

    def paint_caption(brush: Brush, place: Box) -> None:
        brush.text(caption, (place.right - 4, place.middle_y), SMALL.in_colour(QUIET), "right", width=place.width)

    def paint_bar(brush: Brush, place: Box) -> None:
        brush.bar(place, THICKNESS / 2, TRACK)
        if fraction * place.width >= THICKNESS:
            brush.bar(
                Box(place.right - fraction * place.width, place.y, fraction * place.width, place.height),
                THICKNESS / 2,
                colour,
            )

    return [
        Widget("time left", digits, shown, paint_digits),
        Widget("time caption", below, caption, paint_caption),
        Widget("time bar", bar, (round(fraction * BAR_STEPS), colour), paint_bar),
    ]
