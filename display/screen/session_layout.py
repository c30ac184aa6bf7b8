"""Where the parts of a running session stand, on a lying and on a standing screen: the same places in every phase."""

from typing import NamedTuple

from display.drawing.layout import MARGIN, Box, Layout
from display.screen.heart_rate_gauge import RatePlaces

HEADER_BOTTOM = 104.0
RATE_STANDING = 228.0
"""Height of the rate on a standing screen: its width decides how large the digits are."""


class TrainingPlaces(NamedTuple):
    """The parts' boxes. `panel`: everything between header and profile, for an announcement; `legend`: the buttons."""

    rate: RatePlaces
    countdown: Box
    instruction: Box
    profile: Box
    panel: Box
    legend: Box


def training_places(sheet: Layout) -> TrainingPlaces:
    """Return the places on a sheet."""
    return _standing(sheet) if sheet.portrait else _lying(sheet)


def _lying(sheet: Layout) -> TrainingPlaces:
    width = sheet.width - 2 * MARGIN
    spare = sheet.height - 720
    legend = Box(MARGIN, sheet.height - 16 - 36, width, 36)
    profile = Box(MARGIN, legend.y - 12 - 92 - spare * 0.3, width, 92 + spare * 0.3)
    card_height = 136 + spare * 0.2
    card = Box(MARGIN, profile.y - 18 - card_height, width, card_height)
    main = Box(MARGIN, HEADER_BOTTOM + 8, width, card.y - HEADER_BOTTOM - 30)
    left = Box(main.right - 272, main.y, 272, main.height)
    number = Box(main.x + 92, main.y - 2, 484 + (sheet.width - 1280) * 0.5, main.height)
    words_x = number.right + 30
    words = Box(words_x, main.middle_y + 14, left.x - 20 - words_x, 116)
    heart = Box(words_x - 4, main.middle_y - 98, 96, 90)
    return TrainingPlaces(
        RatePlaces(Box(main.x, main.y, 78, main.height), number, heart, words),
        left,
        card,
        profile,
        Box(MARGIN, HEADER_BOTTOM + 4, width, profile.y - 18 - HEADER_BOTTOM - 4),
        legend,
    )


def _standing(sheet: Layout) -> TrainingPlaces:
    width = sheet.width - 2 * MARGIN
    spare = sheet.height - 1280
    legend = Box(MARGIN, sheet.height - 20 - 40, width, 40)
    profile = Box(MARGIN, legend.y - 16 - 160 - spare * 0.3, width, 160 + spare * 0.3)
    card = Box(MARGIN, profile.y - 26 - 340, width, 340)
    top = HEADER_BOTTOM + 58
    number = Box(MARGIN + 92, top, width - 92, RATE_STANDING)
    row = number.bottom + 4
    countdown = Box(sheet.width - MARGIN - 290, row, 290, 268)
    left = Box(MARGIN, row, countdown.x - 20 - MARGIN, 268)
    heart = Box(left.x - 4, left.y + 28, 104, 98)
    words = Box(left.x, left.y + 148, left.width, 116)
    return TrainingPlaces(
        RatePlaces(Box(MARGIN, top, 78, RATE_STANDING), number, heart, words),
        countdown,
        card,
        profile,
        Box(MARGIN, HEADER_BOTTOM + 58, width, profile.y - 28 - HEADER_BOTTOM - 58),
        legend,
    )
