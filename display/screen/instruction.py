"""The one instruction: at most four words, an arrow, the treadmill's setting; or a notice that asks for attention."""

from typing import NamedTuple

from coach.guidance.interface import RESUMED, SETTING_REASONS
from coach.model.events import Direction, Level, Signal
from coach.model.snapshot import NoticeNow, Snapshot
from display.drawing import icons
from display.drawing.advice_words import asks_for_speed, direction_now, notices_now, over_ceiling_now
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import Box, Widget
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
from display.screen.treadmill_setting import NO_SETTING, TreadmillSetting, paint_setting, setting_now

PRAISE_LAST_S = 30.0
FOR_THERAPIST = ("hr_max_seems_higher",)
"""Findings that the participant cannot use: "your HRmax may be higher" reads as "then it is safe"."""
SETTING_SHARE = 0.62
"""The share of the card that the treadmill's setting may take."""
ATTENTION_TIME_S = 30.0
"""How long a notice for attention holds the card; while it still holds after that, it stands small in the header."""


class InstructionCard(NamedTuple):
    """What the card says and how it looks."""

    drawing: Drawing
    words: str
    setting: TreadmillSetting
    why: str
    ground: Colour
    accent: Colour
    ink: Colour = WHITE
    faint: Colour = QUIET
    level: str = ""


def notice_at(snapshot: Snapshot, level: Level) -> NoticeNow | None:
    """Return the latest notice of a level that holds now, without what only the therapist should act on."""
    shown = [notice for notice in notices_now(snapshot) if notice.code not in FOR_THERAPIST]
    return max((n for n in shown if n.level is level), key=lambda n: n.since_s, default=None)


def attention_now(snapshot: Snapshot) -> NoticeNow | None:
    """Return the notice that takes the card: for attention, and new, or about the very thing that goes on now."""
    notice = notice_at(snapshot, Level.ATTENTION)
    if notice is None:
        return None
    goes_on = snapshot.advice.reason == notice.code or snapshot.signal in (Signal.STALE, Signal.LOST)
    return notice if goes_on or snapshot.t - notice.since_s < ATTENTION_TIME_S else None


def quiet_notice(snapshot: Snapshot) -> NoticeNow | None:
    """Return the notice that stands small in the header: an older one for attention, else the latest information."""
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
    """Return the instruction itself, four words at most."""
    snapshot, texts = glance.snapshot, glance.texts
    setting = snapshot.advice.reason in SETTING_REASONS
    if snapshot.advice.reason == RESUMED and snapshot.advice.speed_kmh is not None:
        return texts.say("instruction.back_to")
    match direction_now(snapshot):
        case Direction.FASTER:
            return texts.say("instruction.speed_up" if setting else "instruction.faster")
        case Direction.SLOWER if over_ceiling_now(snapshot) and snapshot.advice.reason == "over_ceiling":
            return texts.say("instruction.slow_down_now")
        case Direction.SLOWER:
            # The speed that was asked for above the ceiling is asked for until a rate is seen again.
            firm = setting or snapshot.advice.reason == "over_ceiling"
            return texts.say("instruction.slow_down" if firm else "instruction.slower")
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
    """Return the card across the screen; an open question takes its place."""
    if glance.snapshot.question is not None:
        return question_part(glance, box)
    if glance.snapshot.asks_speed_kmh is not None:
        return speed_question_part(glance, box)
    card = _card(glance)
    tall = glance.sheet.portrait

    def paint(brush: Brush, box: Box) -> None:
        brush.bar(box, 26, card.ground)
        if card.ground is not ATTENTION:
            brush.bar(box, 26, card.accent if card.accent is not QUIET else LINE, 3)
        accent = card.accent if card.ground is not ATTENTION else INK
        inner = Box(box.x + 122, box.y, box.right - 34 - box.x - 122, box.height)
        brush.icon(card.drawing, Box(box.x + 38, (box.y + 36 if tall else box.middle_y - 28), 56, 56), accent)
        if tall:
            _paint_words(brush, Box(inner.x, box.y + 10, inner.width, 128), card)
            number = Box(box.x + 38, box.y + 136, box.width - 76, box.height - 148)
            paint_setting(brush, card.setting, number, (card.ink, card.faint), left=True)
            return
        room = Box(inner.right - inner.width * SETTING_SHARE, box.y, inner.width * SETTING_SHARE, box.height)
        start = paint_setting(brush, card.setting, room, (card.ink, card.faint))
        _paint_words(
            brush, Box(inner.x, box.y, (start - 28 if card.setting.numbers else start) - inner.x, box.height), card
        )

    return Widget("instruction", box, card, paint)


def _paint_words(brush: Brush, box: Box, card: InstructionCard) -> None:
    """Draw the words, in two lines where they are long, and under them why."""
    under = " · ".join(text for text in (card.level, card.why) if text)
    style = Style(58, Weight.BOLD, card.ink)
    if brush.width(card.words, style) > box.width * 1.15:
        style = Style(50, Weight.BOLD, card.ink)
    lines = 1 if brush.width(card.words, style) <= box.width * 1.15 else 2
    full = lines > 1 and brush.sheet.portrait
    block = style.size * 1.05 * (lines - 1) + (56 if under and not full else 0)
    y = box.middle_y - block / 2
    if lines == 1:
        brush.text(card.words, (box.x, y), style, width=box.width)
    else:
        y = brush.paragraph(card.words, (box.x, y), style, box.width, leading=1.05)
    if not under or full:
        return
    x, small = box.x, Style(29, Weight.FIRM, card.faint)
    if card.level:
        x = brush.text(card.level, (x, y + 54), small) + 14
    if card.why:
        brush.text(card.why, (x, y + 54), small, width=box.right - x)


def _card(glance: RenderContext) -> InstructionCard:
    snapshot, texts = glance.snapshot, glance.texts
    advice = snapshot.advice
    words = words_now(glance)
    setting = setting_now(snapshot, texts)
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
    if code == "over_ceiling" and not over_ceiling_now(snapshot):
        return ""
    if snapshot.mode == "exertion" and code in ("above_zone", "below_zone"):
        code = "will_be_hard" if code == "above_zone" else "will_be_easy"
    return glance.texts.of("reason", code)


def _attention_card(glance: RenderContext, notice: NoticeNow, words: str, setting: TreadmillSetting) -> InstructionCard:
    """Amber with a triangle. What to do now is large where something is; else the notice itself is."""
    snapshot, texts = glance.snapshot, glance.texts
    level, says = texts.say("level.attention"), texts.of("notice", notice.code)
    silent = snapshot.signal in (Signal.STALE, Signal.LOST)
    shown = setting if asks_for_speed(snapshot) or not silent else NO_SETTING
    if snapshot.advice.direction is Direction.SLOWER or silent:
        return InstructionCard(icons.attention, words, shown, says, ATTENTION, INK, INK, INK, level)
    return InstructionCard(icons.attention, says, shown, words, ATTENTION, INK, INK, INK, level)


def _phase_card(snapshot: Snapshot, words: str, setting: TreadmillSetting) -> InstructionCard:
    if snapshot.bout is not None:
        if snapshot.bout.working:
            return InstructionCard(icons.interval, words, setting, "", IN_DEEP, IN)
        return InstructionCard(icons.recovery, words, setting, "", BELOW_DEEP, BELOW)
    if snapshot.can_skip_warm_up or praised(snapshot):
        return InstructionCard(icons.check, words, setting, "", IN_DEEP, IN)
    return InstructionCard(icons.PHASE_ICONS.get(snapshot.phase, icons.hold), words, setting, "", PANEL, QUIET)
