"""After the session: what was done, in kind words; whether the diary has it."""

from coach.kiosk.view import Button
from coach.model.summary import IntervalSummary, Summary
from display.drawing import icons
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.number_format import clock, minutes_and_seconds
from display.drawing.palette import ABOVE, ATTENTION, BELOW, IN, INK, PANEL, QUIET, TRACK, WHITE
from display.screen.button_bar import paint_buttons
from display.screen.frame import RenderContext

SHOWN_INTERVALS = 6
WORTH_A_NUMBER_S = 300.0
"""A shorter training is thanked for and not counted in large digits."""


def parts(glance: RenderContext) -> list[Widget]:
    """The face of the summary."""
    sheet, view = glance.sheet, glance.view
    summary = view.snapshot.summary if view.snapshot is not None else None
    width = sheet.width - 2 * MARGIN
    foot = Box(MARGIN, sheet.height - 96, width, 64)
    profile_height = 130.0 if not sheet.portrait else 200.0
    profile = Box(MARGIN, foot.y - 24 - profile_height, width, profile_height)
    main = Box(MARGIN, 44, width, profile.y - 24 - 44)
    if sheet.portrait:
        words = Box(main.x, main.y, main.width, 450 if _why_early(glance) else 370)
        count = min(len(summary.intervals), SHOWN_INTERVALS) if summary is not None else 0
        bars = Box(main.x, words.bottom + 24, main.width, min(main.bottom - words.bottom - 24, 96 + 76.0 * count))
    else:
        words = Box(main.x, main.y, main.width * 0.57, main.height)
        bars = Box(words.right + 40, main.y, main.right - words.right - 40, main.height)
    found = [_words(glance, words, summary), _foot(glance, foot)]
    if summary is not None and summary.intervals:
        found.append(_bars(glance, bars, summary))
    if view.profile is not None:
        found.append(glance.drawing.part(view.profile, profile, None))
    return found


def mean_fall_bpm(intervals: tuple[IntervalSummary, ...]) -> int | None:
    """The mean fall in the first recovery minute, over the intervals where it was seen."""
    falls = [i.recovery_fall_60s_bpm for i in intervals if i.recovery_fall_60s_bpm is not None]
    return round(sum(falls) / len(falls)) if falls else None


def _words(glance: RenderContext, box: Box, summary: Summary | None) -> Widget:
    texts, view = glance.texts, glance.view
    key = "ended.title" if summary is None or summary.completed else "ended.title_early"
    title = texts.say(key, nickname=view.nickname) if view.nickname else texts.say(f"{key}_nobody")
    unanswered = summary is not None and summary.end_reason == "no_answer"
    if unanswered:
        title = texts.say("ended.no_answer")
    large = small = fall = ""
    if summary is not None:
        if summary.intervals:
            large = minutes_and_seconds(summary.time_in_zone_s, texts)
            small = texts.say("ended.in_zone", time="").strip()
        elif summary.training_s >= WORTH_A_NUMBER_S:
            large, small = minutes_and_seconds(summary.training_s, texts), texts.say("ended.trained")
        else:
            small = texts.say("ended.short")
        dropped = mean_fall_bpm(summary.intervals)
        if dropped is not None and dropped > 0:
            fall = texts.say("ended.fall", bpm=dropped)
    because = "" if unanswered else _why_early(glance)
    course = ""
    counted = summary is None or summary.training_s >= WORTH_A_NUMBER_S
    if counted and view.session_number is not None and view.course_sessions is not None:
        course = texts.say("ended.session", number=view.session_number, total=view.course_sessions)
    under = " — ".join(part for part in (small, course) if part)

    def paint(brush: Brush, box: Box) -> None:
        brush.text(title, (box.x, box.y + 44), Style(50, Weight.BOLD, WHITE), width=box.width)
        brush.text(large, (box.x, box.y + 154), Style(130, Weight.HEAVY, WHITE), width=box.width - 8)
        brush.text(under, (box.x, box.y + 248), Style(40, Weight.BOLD, IN), width=box.width)
        if because:
            brush.paragraph(because, (box.x, box.y + 320), Style(32, Weight.FIRM, ABOVE), box.width)
        elif fall:
            brush.icon(icons.heart, Box(box.x, box.y + 300, 42, 40), BELOW)
            brush.text(fall, (box.x + 60, box.y + 320), Style(30, Weight.PLAIN, QUIET), width=box.width - 60)

    return Widget("words", box, (title, large, under, fall, because), paint)


def _why_early(glance: RenderContext) -> str:
    """Say why the work ended before its time; empty where it did not, or where the person stopped it."""
    snapshot = glance.view.snapshot
    if snapshot is None:
        return ""
    reasons = [reason for limit in snapshot.limits if limit.name == "cool_down_only" for reason in limit.reasons]
    return glance.texts.of("ended_because", reasons[0]) if reasons else ""


def _bars(glance: RenderContext, box: Box, summary: Summary) -> Widget:
    texts = glance.texts
    rows = summary.intervals[:SHOWN_INTERVALS]
    key = tuple((i.index, round(i.time_in_zone_s), round(i.end_s - i.start_s)) for i in rows)

    def paint(brush: Brush, box: Box) -> None:
        brush.bar(box, 28, PANEL)
        inner = box.inset(32, 26)
        brush.text(
            texts.say("ended.intervals"), (inner.x, inner.y + 16), Style(29, Weight.FIRM, QUIET), width=inner.width
        )
        apart = min((inner.height - 44) / len(rows), 76)
        longest = max([row.end_s - row.start_s for row in rows] + [1.0])
        for place, row in enumerate(rows):
            y = inner.y + 44 + apart * (place + 0.5)
            brush.number(str(place + 1), (inner.x + 10, y), Style(34, Weight.BOLD, WHITE), "centre")
            track = Box(inner.x + 44, y - 15, (inner.width - 44 - 104) * (row.end_s - row.start_s) / longest, 30)
            brush.bar(track, 15, TRACK)
            share = min(row.time_in_zone_s / max(row.end_s - row.start_s, 1.0), 1.0)
            if share * track.width > 1:
                brush.bar(Box(track.x, track.y, max(share * track.width, 30.0), 30), 15, IN)
            brush.number(clock(row.time_in_zone_s), (inner.right, y), Style(34, Weight.BOLD, WHITE), "right")

    return Widget("bars", box, key, paint)


def _foot(glance: RenderContext, box: Box) -> Widget:
    texts, saved = glance.texts, glance.view.saved
    words = texts.say(f"saved.{saved}")
    look = {
        "no": (icons.hold, PANEL, QUIET),
        "saving": (icons.hold, PANEL, QUIET),
        "saved": (icons.check, PANEL, IN),
        "not_saved": (icons.attention, ATTENTION, INK),
    }
    drawing, ground, accent = look[saved]

    def paint(brush: Brush, box: Box) -> None:
        style = Style(30, Weight.FIRM, WHITE if ground is PANEL else INK)
        pill = Box(box.x, box.y, brush.width(words, style) + 108, box.height)
        brush.bar(pill, 32, ground)
        brush.icon(drawing, Box(pill.x + 26, pill.middle_y - 19, 38, 38), accent)
        brush.text(words, (pill.x + 80, pill.middle_y), style)
        done = texts.say("button.done")
        paint_buttons(brush, Box(box.right - 220, box.y, 220, box.height), (((Button.START,), done),))

    return Widget("foot", box, (words, saved), paint)
