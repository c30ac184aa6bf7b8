"""Time left: a ring that empties, with minutes and seconds inside."""

from display.drawing.canvas import SMALL, Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import Box, Widget
from display.drawing.number_format import clock
from display.drawing.palette import BELOW, IN, QUIET, TRACK, WHITE, Colour
from display.screen.frame import RenderContext

RING_STEPS = 720
RING_OF_PHASE: dict[str, Colour] = {
    "warm_up": WHITE,
    "interval": WHITE,
    "recovery": BELOW,
    "steady": WHITE,
    "motor": WHITE,
    "cool_down": BELOW,
}
THICKNESS = 22.0


def countdown_parts(glance: RenderContext, box: Box) -> list[Widget]:
    """The ring and its caption. In short work and rest, the ring is the bout's and the caption the phase's."""
    snapshot, texts = glance.snapshot, glance.texts
    bout = snapshot.bout
    length_s = max(float(snapshot.phase_length_s), 1.0)
    left_s = snapshot.phase_remaining_s
    fraction, shown = min(left_s / length_s, 1.0), clock(left_s)
    caption = texts.say(f"left.{snapshot.phase}") if f"left.{snapshot.phase}" in texts.keys else ""
    colour = RING_OF_PHASE.get(snapshot.phase, WHITE)
    if bout is not None:
        caption = texts.say("left.bout", time=shown)
        shown = clock(bout.remaining_s)
        colour = IN if bout.working else BELOW
    radius = min(box.width, box.height - 56) / 2
    ring = Box(box.middle_x - radius, box.y + (box.height - 2 * radius - 56) / 2, 2 * radius, 2 * radius)
    below = Box(box.x, ring.bottom + 14, box.width, 42)

    def paint_ring(brush: Brush, ring: Box) -> None:
        middle = (ring.middle_x, ring.middle_y)
        brush.ring(middle, radius, THICKNESS, ((1.0, TRACK), (fraction, colour)))
        style = Style(min(78.0, radius * 0.6), Weight.BOLD, WHITE)
        room = 2 * (radius - THICKNESS) - 28
        needed = brush.number_width(shown, style)
        style = style if needed <= room else Style(style.size * room / needed, style.weight, WHITE)
        brush.number(shown, middle, style, "centre", -0.01)

    def paint_caption(brush: Brush, place: Box) -> None:
        brush.text(caption, (place.middle_x, place.middle_y), SMALL.in_colour(QUIET), "centre", width=place.width)

    return [
        Widget("ring", ring, (shown, round(fraction * RING_STEPS), colour), paint_ring),
        Widget("ring caption", below, caption, paint_caption),
    ]
