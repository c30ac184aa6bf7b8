"""Where the parts of a running session stand, on a lying and on a standing screen: the same places in every phase."""

from typing import NamedTuple

from display.drawing.layout import MARGIN, Box, Layout
from display.screen.heart_rate_gauge import RatePlaces

HEADER_BOTTOM = 104.0


class TrainingPlaces(NamedTuple):
    """The parts' boxes. `panel`: everything between header and profile, for an announcement."""

    rate: RatePlaces
    countdown: Box
    instruction: Box
    profile: Box
    panel: Box


def training_places(sheet: Layout) -> TrainingPlaces:
    """The places on a sheet."""
    return _standing(sheet) if sheet.portrait else _lying(sheet)


def _lying(sheet: Layout) -> TrainingPlaces:
    width = sheet.width - 2 * MARGIN
    spare = sheet.height - 720
    profile = Box(MARGIN, sheet.height - 32 - 122 - spare * 0.3, width, 122 + spare * 0.3)
    card = Box(MARGIN, profile.y - 22 - 98, width, 98)
    main = Box(MARGIN, HEADER_BOTTOM + 8, width, card.y - HEADER_BOTTOM - 36)
    ring = Box(main.right - 262, main.y, 262, main.height)
    number = Box(main.x + 92, main.y - 2, 490 + (sheet.width - 1280) * 0.5, main.height)
    words_x = number.right + 34
    words = Box(words_x, main.middle_y + 24, ring.x - 24 - words_x, 116)
    heart = Box(words_x - 4, main.middle_y - 118, 128, 120)
    return TrainingPlaces(
        RatePlaces(Box(main.x, main.y, 78, main.height), number, heart, words),
        ring,
        card,
        profile,
        Box(MARGIN, HEADER_BOTTOM + 4, width, profile.y - 22 - HEADER_BOTTOM - 4),
    )


def _standing(sheet: Layout) -> TrainingPlaces:
    width = sheet.width - 2 * MARGIN
    spare = sheet.height - 1280
    profile = Box(MARGIN, sheet.height - 36 - 160 - spare * 0.3, width, 160 + spare * 0.3)
    card = Box(MARGIN, profile.y - 26 - 204, width, 204)
    top = HEADER_BOTTOM + 58
    number = Box(MARGIN + 92, top, width - 92, 340)
    row = number.bottom + (card.y - number.bottom - 324) / 2
    countdown = Box(sheet.width - MARGIN - 272, row, 272, 324)
    left = Box(MARGIN, row, countdown.x - 24 - MARGIN, 324)
    heart = Box(left.x - 4, left.y + 28, 128, 120)
    words = Box(left.x, left.y + 184, left.width, 116)
    return TrainingPlaces(
        RatePlaces(Box(MARGIN, top, 78, 340), number, heart, words),
        countdown,
        card,
        profile,
        Box(MARGIN, HEADER_BOTTOM + 58, width, profile.y - 28 - HEADER_BOTTOM - 58),
    )
