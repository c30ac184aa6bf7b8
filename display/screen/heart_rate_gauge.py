"""The heart rate: the gauge that shows where it lies, the number that dominates, the heart, and the zone in words."""

from typing import NamedTuple

from coach.model.events import Signal
from coach.model.snapshot import Snapshot
from display.drawing import icons
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import Box, Widget
from display.drawing.palette import (
    ABOVE,
    ABOVE_DEEP,
    BELOW,
    BELOW_DEEP,
    IN,
    IN_BAND,
    LINE,
    QUIET,
    TRACK,
    WHITE,
    Colour,
    blend,
)
from display.screen.frame import BEAT_STEPS, RenderContext

ZONE_COLOUR: dict[str, Colour] = {"below": BELOW, "in": IN, "above": ABOVE, "unknown": QUIET}
SHOWN_AROUND_BPM = 22.0
"""How far beyond the zone the gauge reaches on each side."""
COMES_DOWN_S = 60.0
"""A heart is still fast this long after work (training.md: at 70 % within 1–1½ min), and that is no warning."""
NUMBER_EM = 300.0
TRACKING = -0.022
SWELL = 0.13
NO_NUMBER = "–"


class RatePlaces(NamedTuple):
    """Where the four parts go."""

    gauge: Box
    number: Box
    heart: Box
    words: Box


def shown_number(snapshot: Snapshot) -> str | None:
    """Return the rate as digits, or None where no rate may be shown as the present one (hazard H2)."""
    if snapshot.bpm is None or snapshot.signal in (Signal.STALE, Signal.LOST):
        return None
    return str(round(snapshot.bpm))


def doubtful(snapshot: Snapshot) -> bool:
    """Whether the number is shown but must not be trusted (hazard H3)."""
    return snapshot.signal is Signal.IMPLAUSIBLE


def zone_colour(snapshot: Snapshot) -> Colour:
    """Return the colour of where the rate lies; quiet where that is not known."""
    if shown_number(snapshot) is None or doubtful(snapshot):
        return QUIET
    resting = snapshot.phase in ("recovery", "cool_down")
    coming_down = snapshot.trend == "falling" or snapshot.phase_elapsed_s < COMES_DOWN_S
    if snapshot.position == "above" and coming_down and resting:
        return BELOW  # As it should be: amber would blame a person for a heart that is on its way down.
    return ZONE_COLOUR[snapshot.position]


def rate_parts(glance: RenderContext, places: RatePlaces) -> list[Widget]:
    """Return the four parts of the rate."""
    snapshot = glance.snapshot
    number = shown_number(snapshot)
    colour = zone_colour(snapshot)
    return [
        _gauge(snapshot, places.gauge, colour),
        Widget(
            "number",
            places.number,
            (number, doubtful(snapshot)),
            lambda brush, box: _paint_number(brush, box, snapshot),
        ),
        heart_part(places.heart, colour, glance.swell, beating=number is not None),
        _words(glance, places.words, colour),
    ]


def _gauge(snapshot: Snapshot, box: Box, colour: Colour) -> Widget:
    """Return a standing bar: blue below, green in, amber above; the part of the rate lit, with a pointer."""
    low, high = snapshot.zone.low_bpm, snapshot.zone.high_bpm
    known = shown_number(snapshot) is not None and not doubtful(snapshot)
    lit = snapshot.position if known else "unknown"
    bottom_bpm = (high - 45 if high is not None else 60.0) if low is None else low - SHOWN_AROUND_BPM
    top_bpm = (low + 45 if low is not None else 190.0) if high is None else high + SHOWN_AROUND_BPM
    track = Box(box.x, box.y, 34.0, box.height)

    def height(bpm: float) -> float:
        share = min(max((bpm - bottom_bpm) / (top_bpm - bottom_bpm), 0.02), 0.98)
        return track.bottom - share * track.height

    pointer = None
    if known and snapshot.bpm is not None:
        pointer = round(min(max(height(snapshot.bpm), track.y + 17), track.bottom - 17))

    def paint(brush: Brush, _: Box) -> None:
        zone_top = track.y if high is None else height(high)
        zone_bottom = track.bottom if low is None else height(low)
        if low is None and high is None:
            brush.bar(track, 17, TRACK)
        else:
            _paint_segment(
                brush,
                Box(track.x, track.y, 34, zone_top - 6 - track.y),
                blend(ABOVE_DEEP, ABOVE, 0.12),
                colour,
                lit == "above",
            )
            _paint_segment(
                brush,
                Box(track.x, zone_bottom + 6, 34, track.bottom - zone_bottom - 6),
                blend(BELOW_DEEP, BELOW, 0.08),
                colour,
                lit == "below",
            )
            _paint_segment(brush, Box(track.x, zone_top, 34, zone_bottom - zone_top), IN_BAND, colour, lit == "in")
        if pointer is not None:
            brush.icon(icons.pointer, Box(track.right + 8, pointer - 17, 32, 34), WHITE)

    return Widget("gauge", box, (low, high, pointer, lit, colour), paint)


def _paint_segment(brush: Brush, box: Box, unlit: Colour, bright: Colour, lit: bool) -> None:  # noqa: FBT001 - lit or not is the whole of it
    if box.height > 1:
        brush.bar(box, 10, bright if lit else unlit)


def _paint_number(brush: Brush, box: Box, snapshot: Snapshot) -> None:
    number = shown_number(snapshot)
    if number is None:
        width = min(box.width * 0.52, 260)
        brush.bar(Box(box.middle_x - width / 2, box.middle_y - 19, width, 38), 19, LINE)
        return
    style = number_style(brush, box, WHITE if not doubtful(snapshot) else QUIET, number)
    brush.text(number, (box.middle_x, box.middle_y), style, "centre")
    if doubtful(snapshot):
        for step in range(int(box.width // 26)):
            brush.bar(Box(box.x + 26 * step + 4, box.bottom - 10, 16, 6), 3, QUIET)


def number_style(brush: Brush, box: Box, colour: Colour, number: str = "100") -> Style:
    """Return the largest size at which every rate with as many hundreds as this one fits the box."""
    hundreds = max(int(number) // 100, 1)
    style = Style(min(NUMBER_EM, (box.height - 24) / 0.727), Weight.HEAVY, colour)
    needed = brush.number_width(f"{hundreds}00", style) + 2 * TRACKING * style.size
    return style if needed <= box.width else Style(style.size * box.width / needed, style.weight, colour)


def heart_part(box: Box, colour: Colour, swell: int, *, beating: bool) -> Widget:
    """Return the sign of life: swells quietly with the heart; hollow and crossed where there is no live rate."""
    step = swell if beating else 0

    def paint(brush: Brush, box: Box) -> None:
        share = (1 + SWELL * step / BEAT_STEPS) / (1 + SWELL)
        width, height = box.width * share, box.height * share
        place = Box(box.middle_x - width / 2, box.middle_y - height / 2, width, height)
        brush.icon(icons.heart if beating else icons.heart_outline, place, colour)

    return Widget("heart", box, (colour, step, beating), paint)


def _words(glance: RenderContext, box: Box, colour: Colour) -> Widget:
    snapshot, texts = glance.snapshot, glance.texts
    first, second = texts.say(f"position.{snapshot.position}"), _zone_words(glance)
    if snapshot.position != "unknown" and snapshot.trend != "steady":
        second = texts.say(f"trend.{snapshot.trend}", zone=_zone_words(glance, unit=False))
    if snapshot.signal is not Signal.LIVE:
        if snapshot.signal is not Signal.WEAK:
            first = texts.say(f"signal.{snapshot.signal}")
            second = texts.of("signal_reason", snapshot.signal_reason)
        else:
            second = texts.say("signal.weak")
    if snapshot.signal in (Signal.STALE, Signal.LOST) and snapshot.signal_age_s is not None:
        second = texts.say("signal.since", seconds=int(snapshot.signal_age_s))

    def paint(brush: Brush, box: Box) -> None:
        strong = Style(42, Weight.BOLD, WHITE if colour is QUIET else colour)
        brush.text(first, (box.x, box.y + 26), strong, width=box.width)
        brush.text(second, (box.x, box.y + 78), Style(29, Weight.PLAIN, QUIET), width=box.width)

    return Widget("words", box, (first, second, colour), paint)


def _zone_words(glance: RenderContext, *, unit: bool = True) -> str:
    zone, texts = glance.snapshot.zone, glance.texts
    key = "number.beats" if unit else "number.zone"
    if zone.low_bpm is not None and zone.high_bpm is not None:
        return texts.say(key, low=int(zone.low_bpm), high=int(zone.high_bpm))
    if zone.high_bpm is not None:
        return texts.say(f"{key}_to", high=int(zone.high_bpm))
    if zone.low_bpm is not None:
        return texts.say(f"{key}_from", low=int(zone.low_bpm))
    return texts.say("ready.rate")
