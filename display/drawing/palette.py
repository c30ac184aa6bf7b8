"""The screen's colours. Every text has a contrast of at least 7:1 on the ground it is written on (WCAG 2.2, 1.4.6).

Zones are blue below, green in, amber above: apart in lightness and on the blue-yellow axis, so that they stay apart for
people who do not tell red from green; position and word say the same.
"""

from collections.abc import Mapping
from types import MappingProxyType

Colour = tuple[int, int, int]

NIGHT: Colour = (10, 15, 30)
"""The ground of every face."""
PANEL: Colour = (19, 29, 51)
"""Tiles and cards."""
TRACK: Colour = (29, 43, 71)
"""The unlit part of a ring, a gauge or a bar; carries no text."""
LINE: Colour = (74, 93, 132)
"""Outlines and unlit dots; carries no text."""

WHITE: Colour = (245, 248, 254)
QUIET: Colour = (176, 190, 216)
INK: Colour = (10, 15, 30)
"""Dark writing on a bright ground."""

BELOW: Colour = (128, 190, 255)
IN: Colour = (46, 221, 176)
ABOVE: Colour = (255, 196, 84)

BELOW_DEEP: Colour = (24, 44, 82)
IN_DEEP: Colour = (15, 44, 52)
ABOVE_DEEP: Colour = (56, 42, 22)
"""The zone colours' dark grounds, for cards and segments that are not lit."""

BELOW_BAND: Colour = (44, 71, 118)
IN_BAND: Colour = (24, 104, 94)
"""Zone bands in the session's profile; carry no text."""

ATTENTION: Colour = (255, 196, 84)
"""Ground of a notice that asks for attention; written on in INK."""
STOP: Colour = (140, 14, 38)
"""Ground of a notice that says stop now; written on in WHITE."""
STOP_RIM: Colour = (255, 176, 180)
BUTTON_GREEN: Colour = (34, 170, 96)
"""The panel's green button as it looks; carries no text."""
SKIN: Colour = (56, 74, 112)
"""The person in the strap's picture; carries no text."""

TEXT_ON: Mapping[Colour, tuple[Colour, ...]] = MappingProxyType(
    {
        NIGHT: (WHITE, QUIET, BELOW, IN, ABOVE, STOP_RIM),
        PANEL: (WHITE, QUIET, BELOW, IN, ABOVE),
        BELOW_DEEP: (WHITE, BELOW, QUIET),
        IN_DEEP: (WHITE, QUIET, IN),
        ABOVE_DEEP: (WHITE, QUIET, ABOVE),
        ATTENTION: (INK,),
        WHITE: (INK,),
        IN: (INK,),
        BELOW: (INK,),
        STOP: (WHITE,),
    },
)
"""Which text colours may stand on which ground. A test draws every face and finds no other pair."""

TEXT_CONTRAST = 7.0
SRGB_KNEE = 0.04045


def luminance(colour: Colour) -> float:
    """Relative luminance of an sRGB colour, 0 to 1, as WCAG 2.2 defines it."""
    red, green, blue = (
        value / 12.92 if value <= SRGB_KNEE else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """Contrast ratio of two colours, 1 to 21, as WCAG 2.2 defines it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def blend(ground: Colour, ink: Colour, share: float) -> Colour:
    """`ink` laid over `ground` with the given share, 0 to 1."""
    red, green, blue = (round(g + (i - g) * share) for g, i in zip(ground, ink, strict=True))
    return red, green, blue
