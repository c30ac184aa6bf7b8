"""The treadmill setting as the largest thing to act on: the speed and incline to set, and what they change from."""

from typing import NamedTuple

from coach.model.snapshot import Snapshot
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import Box, Layout
from display.drawing.number_format import decimal, incline, whole_or_decimal
from display.drawing.palette import Colour
from display.texts import Texts

NUMBER_SHARE, CAPITAL_EM = 0.122, 0.727
"""Its digits are at least 12 % of the screen's height, lying or standing, and no smaller than the time left."""
BOX_EM = 0.88
"""A box of this many em holds digits, and the decimal comma below them."""
FROM_EM, UNIT_EM = 42.0, 34.0
LEAST_EM_SHARE = 0.75
APART = 14.0
COMMA_ROOM_EM = 0.06


class TreadmillSetting(NamedTuple):
    """What the treadmill should be set to, as texts. `from_speed`, `from_incline`: what it is set to; empty: the same.

    `incline_changes`: the incline is to be set too, so it is written as large as the speed.
    """

    speed: str
    from_speed: str
    unit: str
    incline: str
    from_incline: str
    incline_changes: bool

    @property
    def numbers(self) -> tuple[str, ...]:
        """The texts that are written large."""
        large = (self.speed, self.incline if self.incline_changes else "")
        return tuple(text for text in large if text)


NO_SETTING = TreadmillSetting("", "", "", "", "", incline_changes=False)


def setting_now(snapshot: Snapshot, texts: Texts) -> TreadmillSetting:
    """Return the setting that is asked for, else the one that the treadmill has."""
    advice, language = snapshot.advice, texts.language
    speed_kmh = snapshot.speed_kmh if advice.speed_kmh is None else advice.speed_kmh
    percent = snapshot.incline_percent if advice.incline_percent is None else advice.incline_percent
    speed = "" if speed_kmh is None else decimal(speed_kmh, language)
    was = "" if snapshot.speed_kmh is None else decimal(snapshot.speed_kmh, language)
    slope = "" if percent is None else incline(percent, texts)
    slope_was = "" if snapshot.incline_percent is None else incline(snapshot.incline_percent, texts)
    changes = bool(slope and slope_was and slope != slope_was)
    return TreadmillSetting(
        speed=speed,
        from_speed=was if was != speed else "",
        unit=texts.say("unit.speed") if speed else "",
        incline=slope,
        from_incline=whole_or_decimal(snapshot.incline_percent or 0.0, language) if changes else "",
        incline_changes=changes,
    )


def number_em(sheet: Layout) -> float:
    """Return the size of the number to set on a sheet."""
    return NUMBER_SHARE * sheet.height / CAPITAL_EM


def setting_width(brush: Brush, setting: TreadmillSetting, em: float) -> float:
    """Return how wide the setting is at a size of its digits."""
    return sum(width + APART for _, width, _, _ in _pieces(brush, setting, em)) - APART if setting.numbers else 0.0


def paint_setting(
    brush: Brush, setting: TreadmillSetting, box: Box, inks: tuple[Colour, Colour], *, left: bool = False
) -> float:
    """Write the setting at the box's right end, or its left one. `inks`: of the numbers, and of what stands beside.

    Returns the x where it begins. The digits shrink where the box is too narrow, and what they change from goes first.
    """
    if not setting.numbers:
        return box.right
    em = min(number_em(brush.sheet), box.height / BOX_EM)
    for shown in (setting, setting._replace(from_speed="", from_incline="")):
        wide = setting_width(brush, shown, em)
        if wide <= box.width:
            break
    em *= min(1.0, box.width / wide)
    pieces = _pieces(brush, shown, em)
    start = x = box.x if left else box.right - (sum(width + APART for _, width, _, _ in pieces) - APART)
    for texts, width, style, strong in pieces:
        ink = inks[0] if strong else inks[1]
        # The decimal comma reaches below the digits: a little higher, and it keeps clear of the card's edge.
        middle_y = box.middle_y - em * COMMA_ROOM_EM if strong else box.middle_y
        apart = max(em * 0.22, UNIT_EM * 0.62)
        middles = (middle_y,) if len(texts) == 1 else (middle_y - apart, middle_y + apart)
        for text, y in zip(texts, middles, strict=True):
            brush.text(text, (x, y), style.in_colour(ink))
        x += width + APART
    return start


def _pieces(brush: Brush, setting: TreadmillSetting, em: float) -> list[tuple[tuple[str, ...], float, Style, bool]]:
    """Return the pieces from left to right: texts above each other, width, style, and whether they are large."""
    large, small, unit = (Style(em, Weight.HEAVY), Style(FROM_EM, Weight.FIRM), Style(UNIT_EM, Weight.FIRM))
    found: list[tuple[tuple[str, ...], float, Style, bool]] = []

    def add(texts: tuple[str, ...], style: Style, *, strong: bool = False) -> None:
        shown = tuple(text for text in texts if text)
        if shown:
            found.append((shown, max(brush.width(text, style) for text in shown), style, strong))

    add((f"{setting.from_speed} →" if setting.from_speed else "",), small)
    add((setting.speed,), large, strong=True)
    add((setting.unit,) if setting.incline_changes else (setting.incline, setting.unit), unit)
    if setting.incline_changes:
        add((f"{setting.from_incline} →" if setting.from_incline else "",), small)
        add((setting.incline,), large, strong=True)
    return found
