"""Why no strap is heard, as a picture: the receiver with its waves, and what is wrong with it."""

from collections.abc import Mapping
from types import MappingProxyType

from display.drawing import icons
from display.drawing.canvas import Brush
from display.drawing.layout import Box
from display.drawing.palette import ABOVE, BELOW, NIGHT, PANEL, QUIET, TRACK, WHITE, Colour
from display.drawing.shapes import AntialiasedPen, Drawing


def receiver(pen: AntialiasedPen) -> None:
    """Draw a small box with an aerial."""
    pen.line([(0.5, 0.62), (0.5, 0.2)], 0.07)
    pen.circle((0.5, 0.17), 0.09)
    pen.polygon([(0.16, 0.6), (0.84, 0.6), (0.84, 0.92), (0.16, 0.92)])
    pen.circle((0.3, 0.76), 0.05, away=True)
    pen.line([(0.45, 0.76), (0.7, 0.76)], 0.06, away=True)


def waves(pen: AntialiasedPen) -> None:
    """Draw what goes through the air, on both sides."""
    for side in (-1, 1):
        for reach, tall in ((0.2, 0.16), (0.34, 0.28), (0.47, 0.4)):
            arc = [(0.5 + side * reach * bend, 0.5 + tall * rise) for rise, bend in _BEND]
            pen.line(arc, 0.035)


_BEND = ((-1.0, 0.62), (-0.7, 0.8), (-0.35, 0.94), (0.0, 1.0), (0.35, 0.94), (0.7, 0.8), (1.0, 0.62))


def power(pen: AntialiasedPen) -> None:
    """Draw the sign of a switch."""
    pen.circle((0.5, 0.54), 0.4)
    pen.circle((0.5, 0.54), 0.28, away=True)
    pen.polygon([(0.34, 0.0), (0.66, 0.0), (0.62, 0.5), (0.38, 0.5)], away=True)
    pen.line([(0.5, 0.1), (0.5, 0.48)], 0.12)


def lock(pen: AntialiasedPen) -> None:
    """Draw a padlock."""
    pen.circle((0.5, 0.36), 0.28)
    pen.circle((0.5, 0.36), 0.17, away=True)
    pen.polygon([(0.14, 0.44), (0.86, 0.44), (0.86, 0.98), (0.14, 0.98)])
    pen.circle((0.5, 0.66), 0.08, away=True)
    pen.line([(0.5, 0.66), (0.5, 0.82)], 0.07, away=True)


def phone(pen: AntialiasedPen) -> None:
    """Draw a telephone that holds the strap."""
    pen.line([(0.32, 0.1), (0.68, 0.1), (0.68, 0.9), (0.32, 0.9), (0.32, 0.1)], 0.14)
    pen.polygon([(0.32, 0.1), (0.68, 0.1), (0.68, 0.9), (0.32, 0.9)])
    pen.polygon([(0.33, 0.16), (0.67, 0.16), (0.67, 0.74), (0.33, 0.74)], away=True)
    pen.circle((0.5, 0.83), 0.045, away=True)


MARKS: Mapping[str, tuple[Drawing, Colour]] = MappingProxyType(
    {
        "no_adapter": (icons.cross, ABOVE),
        "bluetooth_off": (power, BELOW),
        "bluetooth_blocked": (lock, ABOVE),
        "no_bluetoothd": (icons.again, BELOW),
        "not_found": (icons.heart, BELOW),
        "held_elsewhere": (phone, BELOW),
        "wrong_strap": (icons.question, ABOVE),
        "unreadable": (icons.question, ABOVE),
        "pairing_wanted": (lock, ABOVE),
        "too_far": (icons.heart, BELOW),
        "radio_busy": (icons.again, BELOW),
        "radio_stumbled": (icons.again, BELOW),
        "no_heart_rate": (icons.question, ABOVE),
        "refused": (icons.again, BELOW),
    }
)
"""What stands beside the receiver for each trouble; amber where somebody must help, blue where the person can."""


def help_needed(trouble: str) -> bool:
    """Whether somebody else must help; what the person or the machine itself mends is no warning."""
    return trouble not in MARKS or MARKS[trouble][1] is ABOVE


def paint_receiver_picture(brush: Brush, box: Box, trouble: str) -> None:
    """Draw the receiver, and what is wrong with it in a disc over its corner."""
    side = min(box.width, box.height)
    whole = Box(box.middle_x - side / 2, box.middle_y - side / 2, side, side)
    mark, colour = MARKS.get(trouble, (icons.question, QUIET))
    brush.icon(waves, Box(whole.x, whole.y, side, side * 0.62), TRACK)
    brush.icon(receiver, Box(whole.x + side * 0.2, whole.y + side * 0.16, side * 0.6, side * 0.68), WHITE)
    middle = (whole.x + side * 0.75, whole.y + side * 0.72)
    brush.disc(middle, side * 0.225, PANEL)
    brush.disc(middle, side * 0.195, colour)
    half = side * 0.115
    brush.icon(mark, Box(middle[0] - half, middle[1] - half, 2 * half, 2 * half), NIGHT)
