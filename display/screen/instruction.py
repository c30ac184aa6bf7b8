"""The one instruction: at most four words, an arrow, the treadmill's setting; or a notice that asks for attention."""

from typing import NamedTuple

from coach.guidance.interface import RESUMED, SETTING_REASONS
from coach.model.events import Direction, Level, Signal
from coach.model.snapshot import NoticeNow, Snapshot
from display.drawing import icons
from display.drawing.advice_words import direction_now
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import Box, Widget
from display.drawing.number_format import load, speed
from display.drawing.palette import (
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
from display.drawing.shapes import Drawing
from display.screen.frame import RenderContext
from display.screen.question_card import question_part, speed_question_part

PRAISE_LAST_S = 30.0
FOR_THERAPIST = ("hr_max_seems_higher",)
"""Findings that the participant cannot use: "your HRmax may be higher" reads as "then it is safe"."""
ATTENTION_TIME_S = 30.0
"""How long a notice for attention holds the card; while it still holds after that, it stands small in the header."""


class InstructionCard(NamedTuple):
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
    """The latest notice of a level that holds now, without what only the therapist should act on."""
    shown = [notice for notice in snapshot.notices if notice.code not in FOR_THERAPIST]
    return max((n for n in shown if n.level is level), key=lambda n: n.since_s, default=None)


def attention_now(snapshot: Snapshot) -> NoticeNow | None:
    """The notice that takes the card: for attention, and new, or about the very thing that goes on now."""
    notice = notice_at(snapshot, Level.ATTENTION)
    if notice is None:
        return None
    goes_on = snapshot.advice.reason == notice.code or snapshot.signal in (Signal.STALE, Signal.LOST)
    return notice if goes_on or snapshot.t - notice.since_s < ATTENTION_TIME_S else None


def quiet_notice(snapshot: Snapshot) -> NoticeNow | None:
    """The notice that stands small in the header: an older one for attention, else the latest information."""
    if attention_now(snapshot) is None:
        older = notice_at(snapshot, Level.ATTENTION)
        if older is not None:
            return older
    return notice_at(snapshot, Level.INFORMATION)


def praised(snapshot: Snapshot) -> bool:
    """Well within the zone at the end of an interval."""
    ending = snapshot.phase == "interval" and snapshot.phase_remaining_s <= PRAISE_LAST_S
    return ending and snapshot.position == "in" and snapshot.bout is None


def words_now(glance: RenderContext) -> str:
    """The instruction itself, four words at most."""
    snapshot, texts = glance.snapshot, glance.texts
    setting = snapshot.advice.reason in SETTING_REASONS
    if snapshot.advice.reason == RESUMED and snapshot.advice.speed_kmh is not None:
        return texts.say("instruction.back_to", speed=speed(snapshot.advice.speed_kmh, texts))
    match direction_now(snapshot):
        case Direction.FASTER:
            return texts.say("instruction.speed_up" if setting else "instruction.faster")
        case Direction.SLOWER if snapshot.advice.reason == "over_ceiling":
            return texts.say("instruction.slow_down_now")
        case Direction.SLOWER:
            return texts.say("instruction.slow_down" if setting else "instruction.slower")
        case Direction.HOLD if not setting:
            return texts.say("instruction.good" if praised(snapshot) else "instruction.hold")
        case _:
            return _words_of_phase(glance)


def _words_of_phase(glance: RenderContext) -> str:
    snapshot, texts = glance.snapshot, glance.texts
    own = snapshot.text.get(texts.language)
    if snapshot.bout is not None:
        return texts.say("instruction.work" if snapshot.bout.working else "instruction.rest")
    if snapshot.mode == "exertion" and snapshot.phase == "interval":
        return texts.say("instruction.by_feeling")
    if snapshot.signal in (Signal.STALE, Signal.LOST):
        return texts.of("signal_reason", snapshot.signal_reason)
    if snapshot.signal is Signal.IMPLAUSIBLE:
        return texts.say("instruction.unsure")
    if own:
        return own
    if snapshot.can_skip_warm_up:
        return texts.say("instruction.skip_warm_up")
    if snapshot.position == "in" and snapshot.phase == "interval" and snapshot.speed_kmh != 0:
        return texts.say("instruction.good" if praised(snapshot) else "instruction.hold")
    key = f"instruction.{snapshot.phase}"
    return texts.say(key) if key in texts.keys else ""


def instruction_part(glance: RenderContext, box: Box) -> Widget:
    """The card across the screen; an open question takes its place."""
    if glance.snapshot.question is not None:
        return question_part(glance, box)
    if glance.snapshot.asks_speed_kmh is not None:
        return speed_question_part(glance, box)
    card = _card(glance)
    tall = box.height > 120  # noqa: PLR2004 - portrait: the setting stands below the words

    def paint(brush: Brush, box: Box) -> None:
        brush.bar(box, 26, card.ground)
        if card.ground is not ATTENTION:
            brush.bar(box, 26, card.accent if card.accent is not QUIET else LINE, 3)
        lines = [line for line in (card.setting, card.why) if line]
        if tall:
            _paint_tall(brush, box, card, lines)
            return
        middle = box.middle_y
        brush.icon(
            card.drawing, Box(box.x + 38, middle - 28, 56, 56), card.accent if card.ground is not ATTENTION else INK
        )
        right = box.right - 34
        room = box.width - 38 - 56 - 30 - 34
        needed = max((brush.width(line, Style(34, Weight.FIRM)) for line in lines), default=0.0)
        aside = min(needed, room * 0.42)
        brush.text(card.words, (box.x + 122, middle), Style(60, Weight.BOLD, card.ink), width=room - aside - 30)
        sizes = (36.0,) if len(lines) == 1 else (34.0, 28.0)
        heights = (box.middle_y,) if len(lines) == 1 else (box.middle_y - 19, box.middle_y + 23)
        colours = (card.faint,) if len(lines) == 1 else (card.ink, card.faint)
        for line, size, y, colour in zip(lines, sizes, heights, colours, strict=False):
            brush.text(line, (right, y), Style(size, Weight.FIRM, colour), "right", width=aside)

    return Widget("instruction", box, card, paint)


def _paint_tall(brush: Brush, box: Box, card: InstructionCard, lines: list[str]) -> None:
    """Upright: the words, in two lines where they are long, and below them what belongs to them; all of it centred."""
    left, room = box.x + 122, box.width - 38 - 56 - 30 - 34
    style = Style(64, Weight.BOLD, card.ink)
    long = brush.width(card.words, style) > room
    if long:
        style, lines = Style(52, Weight.BOLD, card.ink), lines[:1]
    y = box.middle_y - (59 * long + (58 + 46 * (len(lines) - 1) if lines else 0)) / 2
    brush.icon(card.drawing, Box(box.x + 38, y - 28, 56, 56), card.accent if card.ground is not ATTENTION else INK)
    y = brush.paragraph(card.words, (left, y), style, room, leading=59 / 52) + 58
    for line in lines:
        brush.text(line, (left, y), Style(34, Weight.FIRM, card.faint), width=room)
        y += 46


def _card(glance: RenderContext) -> InstructionCard:
    snapshot, texts = glance.snapshot, glance.texts
    advice = snapshot.advice
    words = words_now(glance)
    speed_kmh = advice.speed_kmh if advice.speed_kmh is not None else snapshot.speed_kmh
    incline = advice.incline_percent if advice.incline_percent is not None else snapshot.incline_percent
    setting = load(None if advice.reason == RESUMED else speed_kmh, incline, texts)
    notice = attention_now(snapshot)
    if notice is not None:
        return _attention_card(glance, notice, words, setting)
    at_start = advice.reason in SETTING_REASONS
    match direction_now(snapshot):
        case Direction.FASTER:
            return InstructionCard(icons.faster, words, setting, _why(glance), BELOW_DEEP, BELOW)
        case Direction.SLOWER if at_start:
            return InstructionCard(icons.slower, words, setting, "", BELOW_DEEP, BELOW)
        case Direction.SLOWER:
            return InstructionCard(icons.slower, words, setting, _why(glance), ABOVE_DEEP, ABOVE)
        case Direction.HOLD if not at_start:
            return InstructionCard(icons.check if praised(snapshot) else icons.hold, words, setting, "", IN_DEEP, IN)
        case _:
            return _phase_card(snapshot, words, setting)


def _why(glance: RenderContext) -> str:
    """Why the speed should change; empty where the words beside the rate say it already, or a new phase does.

    Where the rate is heading is a forecast and worded as one; by exertion it is a forecast of how hard it will feel.
    """
    snapshot, code = glance.snapshot, glance.snapshot.advice.reason
    if code in SETTING_REASONS or code == f"{snapshot.position}_zone":
        return ""
    if snapshot.mode == "exertion" and code in ("above_zone", "below_zone"):
        code = "will_be_hard" if code == "above_zone" else "will_be_easy"
    return glance.texts.of("reason", code)


def _attention_card(glance: RenderContext, notice: NoticeNow, words: str, setting: str) -> InstructionCard:
    """Amber with a triangle. What to do now is large where something is; else the notice itself is."""
    snapshot, texts = glance.snapshot, glance.texts
    level, says = texts.say("level.attention"), texts.of("notice", notice.code)
    silent = snapshot.signal in (Signal.STALE, Signal.LOST)
    if snapshot.advice.direction is Direction.SLOWER or silent:
        aside = "" if silent else setting
        return InstructionCard(icons.attention, words, f"{level}: {says}", aside, ATTENTION, INK, INK, INK)
    return InstructionCard(icons.attention, says, level, words, ATTENTION, INK, INK, INK)


def _phase_card(snapshot: Snapshot, words: str, setting: str) -> InstructionCard:
    if snapshot.bout is not None:
        if snapshot.bout.working:
            return InstructionCard(icons.interval, words, setting, "", IN_DEEP, IN)
        return InstructionCard(icons.recovery, words, setting, "", BELOW_DEEP, BELOW)
    if snapshot.can_skip_warm_up or praised(snapshot):
        return InstructionCard(icons.check, words, setting, "", IN_DEEP, IN)
    return InstructionCard(icons.PHASE_ICONS.get(snapshot.phase, icons.hold), words, setting, "", PANEL, QUIET)
