"""A session by perceived exertion: Borg's number dominates in the rate's place, and the rate stands small beside it."""

from display.drawing import icons
from display.drawing.canvas import BODY, Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import Box, Widget
from display.drawing.palette import IN, IN_BAND, QUIET, TRACK, WHITE
from display.screen.button_legend import legend_part
from display.screen.countdown import countdown_parts
from display.screen.frame import RenderContext
from display.screen.header import header_parts
from display.screen.heart_rate_gauge import NUMBER_EM, heart_part, shown_number, zone_colour
from display.screen.instruction import instruction_part
from display.screen.session_layout import training_places
from display.screens.training.running import profile_parts

LOWEST_BORG, HIGHEST_BORG = 6, 20


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face of a phase steered by feeling."""
    places = training_places(glance.sheet)
    snapshot = glance.snapshot
    number = shown_number(snapshot)
    return [
        *header_parts(glance),
        _scale(glance, places.rate.gauge),
        _target(glance, places.rate.number),
        heart_part(places.rate.heart, zone_colour(snapshot), glance.swell, beating=number is not None),
        _rate(glance, places.rate.heart, number),
        _words(glance, places.rate.words),
        *countdown_parts(glance, places.countdown),
        instruction_part(glance, places.instruction),
        *profile_parts(glance, places),
        legend_part(glance, places.legend),
    ]


def _target(glance: RenderContext, box: Box) -> Widget:
    zone = glance.snapshot.zone
    shown = f"{zone.low_borg}–{zone.high_borg}" if zone.low_borg is not None and zone.high_borg is not None else ""

    def paint(brush: Brush, box: Box) -> None:
        style = Style(min(NUMBER_EM, (box.height - 24) / 0.727), Weight.HEAVY, WHITE)
        brush.text(shown, (box.middle_x, box.middle_y), style, "centre", width=box.width)

    return Widget("borg target", box, shown, paint)


def _scale(glance: RenderContext, box: Box) -> Widget:
    """Borg's scale from 6 to 20, standing, with the target lit."""
    zone = glance.snapshot.zone
    track = Box(box.x, box.y, 34, box.height)

    def height(borg: float) -> float:
        return track.bottom - (borg - LOWEST_BORG) / (HIGHEST_BORG - LOWEST_BORG) * track.height

    def paint(brush: Brush, _: Box) -> None:
        brush.bar(track, 10, TRACK)
        if zone.low_borg is not None and zone.high_borg is not None:
            top = max(height(zone.high_borg + 0.5), track.y)
            lit = Box(track.x, top, track.width, min(height(zone.low_borg - 0.5), track.bottom) - top)
            brush.bar(lit, 10, IN)
            brush.icon(icons.pointer, Box(track.right + 8, lit.middle_y - 17, 32, 34), WHITE)
        else:
            brush.bar(track, 10, IN_BAND)

    return Widget("borg scale", box, (zone.low_borg, zone.high_borg), paint)


def _rate(glance: RenderContext, heart: Box, number: str | None) -> Widget:
    box = Box(heart.right + 14, heart.y - 12, 138, 112)
    beats = glance.texts.say("ready.rate")

    def paint(brush: Brush, box: Box) -> None:
        brush.number(number or "–", (box.x, box.middle_y - 16), Style(60, Weight.BOLD, WHITE if number else QUIET))
        brush.text(beats, (box.x, box.middle_y + 36), Style(28, Weight.PLAIN, QUIET), width=box.width)

    return Widget("small rate", box, number, paint)


def _words(glance: RenderContext, box: Box) -> Widget:
    zone, texts = glance.snapshot.zone, glance.texts
    middle = None if zone.low_borg is None or zone.high_borg is None else round((zone.low_borg + zone.high_borg) / 2)
    word = texts.say("feeling.title") if middle is None else texts.say(f"exertion.{middle}")
    under = texts.say("exertion.target")

    def paint(brush: Brush, box: Box) -> None:
        brush.text(word, (box.x, box.y + 26), Style(42, Weight.BOLD, IN), width=box.width)
        brush.text(under, (box.x, box.y + 78), BODY, width=box.width)

    return Widget("words", box, (word, under), paint)
