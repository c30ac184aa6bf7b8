"""The top line: which phase, which interval of how many, a quiet notice, and who is training."""

from coach.model.events import Level
from coach.model.protocol import PhaseKind
from coach.model.snapshot import Snapshot
from display.drawing import icons
from display.drawing.canvas import HEADING, Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.palette import ABOVE, ABOVE_DEEP, BELOW, BELOW_DEEP, IN, LINE, QUIET, WHITE
from display.drawing.participant_pictures import picture_of
from display.screen.frame import RenderContext
from display.screen.instruction import quiet_notice

NOTICE_WIDTH = 430.0
MOST_DOTS = 8
"""More dots than this cannot be counted at a glance."""
NICKNAME_WIDTH, NICKNAME_WIDTH_STANDING = 230.0, 170.0


def header_parts(glance: RenderContext) -> list[Widget]:
    """Return the line's parts, left to right."""
    sheet, view = glance.sheet, glance.view
    top = Box(MARGIN, 34, sheet.width - 2 * MARGIN, 54)
    snapshot = view.snapshot
    room = NICKNAME_WIDTH_STANDING if sheet.portrait else NICKNAME_WIDTH
    name = Box(top.right - room, top.y, room, top.height)
    parts = [nickname_part(glance, name)]
    if snapshot is None:
        return parts
    notice = quiet_notice(snapshot)
    place = Box(name.x - 12 - NOTICE_WIDTH, top.y, NOTICE_WIDTH, top.height)
    if sheet.portrait:
        place = Box(top.x, top.bottom + 8, NOTICE_WIDTH, top.height)
    phase_width = name.x - 12 - top.x if sheet.portrait else place.x - 12 - top.x
    parts.append(_phase_part(glance, snapshot, Box(top.x, top.y, phase_width, top.height)))
    text = "" if notice is None else glance.texts.of("notice", notice.code)
    level = Level.INFORMATION if notice is None else notice.level
    parts.append(Widget("notice", place, (text, level), lambda brush, box: _paint_notice(brush, box, text, level)))
    return parts


def nickname_part(glance: RenderContext, box: Box) -> Widget:
    """Who is training (hazard H7), with the same picture as when they chose themselves."""
    nickname = glance.view.nickname
    drawing = picture_of(glance.view.picture, nickname)

    def paint(brush: Brush, box: Box) -> None:
        if nickname is None:
            return
        style = Style(30, Weight.FIRM, QUIET)
        left = box.right - min(brush.width(nickname, style), box.width - 56)
        brush.name(nickname, (left, box.middle_y), style, box.width - 56)
        brush.icon(drawing, Box(left - 52, box.middle_y - 19, 38, 38), QUIET)

    return Widget("nickname", box, (nickname, drawing), paint)


def intervals_done(glance: RenderContext, snapshot: Snapshot) -> int:
    """How many intervals are over, by the profile where there is one."""
    profile, elapsed_s = glance.view.profile, snapshot.session_elapsed_s
    if profile is None:
        return max(snapshot.interval - 1, 0)
    return sum(p.kind is PhaseKind.INTERVAL and p.end_s <= elapsed_s for p in profile.phases)


def phase_words(glance: RenderContext, snapshot: Snapshot) -> tuple[str, str]:
    """«Drag» and «2 av 4»; the second is empty where nothing is counted."""
    texts = glance.texts
    if snapshot.cool_down_offered:
        return texts.say("phase.stopped"), ""
    name = texts.say(f"phase.{snapshot.phase}") if f"phase.{snapshot.phase}" in texts.keys else ""
    total = snapshot.intervals
    if snapshot.phase == "interval" and total:
        return name, texts.say("number.of", number=snapshot.interval, total=total)
    if snapshot.phase == "recovery" and total > 1:
        return name, texts.say("number.of", number=max(intervals_done(glance, snapshot), 1), total=total - 1)
    return name, ""


def _phase_part(glance: RenderContext, snapshot: Snapshot, box: Box) -> Widget:
    name, count = phase_words(glance, snapshot)
    done = intervals_done(glance, snapshot)
    running = snapshot.interval if snapshot.phase == "interval" else 0
    total = snapshot.intervals
    sheet = glance.sheet

    def paint(brush: Brush, box: Box) -> None:
        x = box.x
        if snapshot.phase in icons.PHASE_ICONS:
            brush.icon(icons.PHASE_ICONS[snapshot.phase], Box(x, box.middle_y - 20, 40, 40), IN if running else BELOW)
            x += 58
        x = brush.text(name, (x, box.middle_y), HEADING.in_colour(QUIET if count else WHITE))
        if count:
            x = brush.text(count, (x + 12, box.middle_y), Style(34, Weight.BOLD, WHITE))
        first, pace = x + (28 if sheet.portrait else 44), 30 if sheet.portrait else 36
        if not 1 < total <= MOST_DOTS or first + pace * (total - 1) + 12 > box.right:
            return
        for number in range(1, total + 1):
            middle = (first + pace * (number - 1), box.middle_y)
            if number == running:
                brush.disc(middle, 12, IN)
            elif number <= done:
                brush.disc(middle, 10, WHITE)
            else:
                brush.disc(middle, 10, LINE, 3)

    return Widget("phase", box, (snapshot.phase, name, count, done, running, total), paint)


def _paint_notice(brush: Brush, box: Box, text: str, level: Level) -> None:
    """Draw a pill: blue with an i for information; amber with a triangle for what still needs attention."""
    if not text:
        return
    urgent = level is Level.ATTENTION
    style = brush.fitted(text, Style(29, Weight.FIRM, WHITE), box.width - 86)
    width = brush.width(text, style) + 86
    pill = (
        Box(box.right - width, box.y, width, box.height)
        if not brush.sheet.portrait
        else Box(box.x, box.y, width, box.height)
    )
    brush.bar(pill, 27, ABOVE_DEEP if urgent else BELOW_DEEP)
    brush.icon(
        icons.attention if urgent else icons.information,
        Box(pill.x + 12, pill.y + 10, 34, 34),
        ABOVE if urgent else BELOW,
    )
    brush.text(text, (pill.x + 60, pill.middle_y), style)
