"""The one instruction: four words at most, an arrow, and the treadmill's setting. A notice for attention takes its place."""

from typing import NamedTuple

from coach.events import Direction, Level, Signal
from coach.snapshot import NoticeNow, Snapshot
from display import icons
from display.brush import Brush, Style
from display.glance import Glance
from display.lettering import Weight
from display.numerals import load
from display.palette import (
    ABOVE,
    ABOVE_DEEP,
    ATTENTION,
    BELOW,
    BELOW_DEEP,
    IN,
    IN_DEEP,
    INK,
    LINE,
    PANEL,
    QUIET,
    WHITE,
    Colour,
)
from display.shapes import Drawing
from display.sheet import Box, Part

PRAISE = "in_zone"
"""The advice's reason that is praise, not a request: well within the zone for long."""


class Card(NamedTuple):
    """What the card says and how it looks."""

    drawing: Drawing
    words: str
    setting: str
    why: str
    ground: Colour
    accent: Colour
    ink: Colour = WHITE
    faint: Colour = QUIET


def notice_at(snapshot: Snapshot, level: Level) -> NoticeNow | None:
    """The latest notice of a level that holds now."""
    return max((n for n in snapshot.notices if n.level is level), key=lambda n: n.since_s, default=None)


def words_now(glance: Glance) -> str:
    """The instruction itself, four words at most."""
    snapshot, texts = glance.snapshot, glance.texts
    match snapshot.advice.direction:
        case Direction.FASTER:
            return texts.say("instruction.faster")
        case Direction.SLOWER:
            return texts.say("instruction.slower")
        case Direction.HOLD:
            return texts.say("instruction.good" if snapshot.advice.reason == PRAISE else "instruction.hold")
        case Direction.NONE:
            if snapshot.bout is not None:
                return texts.say("instruction.work" if snapshot.bout.working else "instruction.rest")
            if snapshot.signal in (Signal.STALE, Signal.LOST):
                return texts.of("signal_reason", snapshot.signal_reason)
            if snapshot.signal is Signal.IMPLAUSIBLE:
                return texts.say("instruction.unsure")
            own = snapshot.text.get(texts.language)
            if own:
                return own
            if snapshot.can_skip_warm_up:
                return texts.say("instruction.skip_warm_up")
            if snapshot.position == "in" and snapshot.phase == "interval":
                return texts.say("instruction.hold")
            key = f"instruction.{snapshot.phase}"
            return texts.say(key) if key in texts.keys else ""


def instruction_part(glance: Glance, box: Box) -> Part:
    """The card across the screen."""
    card = _card(glance)
    tall = box.height > 120  # noqa: PLR2004 - portrait: the setting stands below the words

    def paint(brush: Brush, box: Box) -> None:
        brush.bar(box, 26, card.ground)
        if card.ground is not ATTENTION:
            brush.bar(box, 26, card.accent if card.accent is not QUIET else LINE, 3)
        middle = box.y + 56 if tall else box.middle_y
        brush.icon(
            card.drawing, Box(box.x + 38, middle - 28, 56, 56), card.accent if card.ground is not ATTENTION else INK
        )
        right = box.right - 34
        room = box.width - 38 - 56 - 30 - 34
        lines = [line for line in (card.setting, card.why) if line]
        if tall:
            brush.text(card.words, (box.x + 122, middle), Style(58, Weight.BOLD, card.ink), width=room)
            brush.text(
                " · ".join(lines), (box.x + 122, box.bottom - 44), Style(32, Weight.FIRM, card.faint), width=room
            )
            return
        needed = max((brush.width(line, Style(34, Weight.FIRM)) for line in lines), default=0.0)
        aside = min(needed, room * 0.42)
        brush.text(card.words, (box.x + 122, middle), Style(60, Weight.BOLD, card.ink), width=room - aside - 30)
        sizes = (34.0,) if len(lines) == 1 else (34.0, 26.0)
        heights = (box.middle_y,) if len(lines) == 1 else (box.middle_y - 19, box.middle_y + 23)
        colours = (card.faint,) if len(lines) == 1 else (card.ink, card.faint)
        for line, size, y, colour in zip(lines, sizes, heights, colours, strict=False):
            brush.text(line, (right, y), Style(size, Weight.FIRM, colour), "right", width=aside)

    return Part("instruction", box, card, paint)


def _card(glance: Glance) -> Card:
    snapshot, texts = glance.snapshot, glance.texts
    advice = snapshot.advice
    words = words_now(glance)
    speed = advice.speed_kmh if advice.speed_kmh is not None else snapshot.speed_kmh
    incline = advice.incline_percent if advice.incline_percent is not None else snapshot.incline_percent
    setting = load(speed, incline, texts)
    notice = notice_at(snapshot, Level.ATTENTION)
    if notice is not None:
        says = texts.of("notice", notice.code)
        asked = advice.direction is Direction.SLOWER or snapshot.signal in (Signal.STALE, Signal.LOST)
        return Card(
            icons.attention,
            words if asked else says,
            f"{texts.say('level.attention')}: {says}" if asked else texts.say("level.attention"),
            setting if asked else words,
            ATTENTION,
            INK,
            INK,
            INK,
        )
    match advice.direction:
        case Direction.FASTER:
            return Card(icons.faster, words, setting, texts.of("reason", advice.reason), BELOW_DEEP, BELOW)
        case Direction.SLOWER:
            return Card(icons.slower, words, setting, texts.of("reason", advice.reason), ABOVE_DEEP, ABOVE)
        case Direction.HOLD:
            praised = advice.reason == PRAISE
            return Card(icons.check if praised else icons.hold, words, setting, "", IN_DEEP, IN)
        case Direction.NONE:
            if snapshot.bout is not None:
                working = snapshot.bout.working
                return Card(
                    icons.interval if working else icons.recovery,
                    words,
                    setting,
                    "",
                    IN_DEEP if working else BELOW_DEEP,
                    IN if working else BELOW,
                )
            if snapshot.can_skip_warm_up:
                return Card(icons.check, words, setting, "", IN_DEEP, IN)
            return Card(icons.PHASE_ICONS.get(snapshot.phase, icons.hold), words, setting, "", PANEL, QUIET)
