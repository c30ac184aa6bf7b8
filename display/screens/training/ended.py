"""After the session: what was done, in kind words; whether the diary has it."""

from coach.kiosk.view import Button
from coach.model.plan import POOR_MOODS, WORTH_A_NUMBER_S
from coach.model.summary import IntervalSummary, Summary
from coach.session.good_work import LEAST_SHOWN_S, GoodWork
from display.drawing import icons
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.number_format import clock, minutes, whole_minutes
from display.drawing.palette import ABOVE, ATTENTION, BELOW, IN, INK, PANEL, QUIET, TRACK, WHITE
from display.screen.appointment import appointment_part
from display.screen.button_bar import buttons_part, paint_buttons
from display.screen.frame import RenderContext

SHOWN_INTERVALS = 6
ROOM_FOR_SAVED, ROOM_FOR_DONE = 400.0, 220.0
MOST_OF_IT = 0.5
"""From this share of the planned minutes the frame says that it was a good session."""


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face of the summary."""
    sheet, view = glance.sheet, glance.view
    summary = view.snapshot.summary if view.snapshot is not None else None
    width = sheet.width - 2 * MARGIN
    foot = Box(MARGIN, sheet.height - 96, width, 64)
    profile_height = 130.0 if not sheet.portrait else 200.0
    profile = Box(MARGIN, foot.y - 24 - profile_height, width, profile_height)
    main = Box(MARGIN, 44, width, profile.y - 24 - 44)
    expected = Box(foot.x + ROOM_FOR_SAVED, foot.y, foot.width - ROOM_FOR_SAVED - ROOM_FOR_DONE, foot.height)
    if sheet.portrait:
        expected = Box(MARGIN, profile.y - 24 - 72, width, 72)
        main = Box(main.x, main.y, main.width, expected.y - 24 - main.y)
        words = Box(main.x, main.y, main.width, 450 if _why_early(glance) else 370)
        count = min(len(summary.intervals), SHOWN_INTERVALS) if summary is not None else 0
        bars = Box(main.x, words.bottom + 24, main.width, min(main.bottom - words.bottom - 24, 96 + 76.0 * count))
    else:
        words = Box(main.x, main.y, main.width * 0.57, main.height)
        bars = Box(words.right + 40, main.y, main.right - words.right - 40, main.height)
    found = [_words(glance, words, summary), *_foot(glance, foot)]
    # That the session is not saved is more to know, and needs the room.
    if sheet.portrait or view.saved != "not_saved":
        found += appointment_part(glance, expected, "centre")
    if summary is not None and summary.intervals:
        found.append(_bars(glance, bars, summary))
    begun = summary is None or summary.training_s >= WORTH_A_NUMBER_S
    if view.profile is not None and begun:
        found.append(glance.drawing.part(view.profile, profile, None))
    return found


def mean_fall_bpm(intervals: tuple[IntervalSummary, ...]) -> int | None:
    """Return the mean fall in the first recovery minute, over the intervals where it was seen."""
    falls = [i.recovery_fall_60s_bpm for i in intervals if i.recovery_fall_60s_bpm is not None]
    return round(sum(falls) / len(falls)) if falls else None


def _words(glance: RenderContext, box: Box, summary: Summary | None) -> Widget:
    texts, view = glance.texts, glance.view
    key = "ended.title" if summary is None or summary.completed else "ended.title_early"
    title = texts.say(key, nickname=view.nickname) if view.nickname else texts.say(f"{key}_nobody")
    unanswered = summary is not None and summary.end_reason == "no_answer"
    if unanswered:
        title = texts.say("ended.no_answer")
    poor = summary is not None and summary.mood in POOR_MOODS and not unanswered
    if poor:
        title = texts.say("ended.thanks", nickname=view.nickname) if view.nickname else texts.say("ended.thanks_nobody")
    large, small, frame = _achieved(glance, summary)
    fall = ""
    dropped = mean_fall_bpm(summary.intervals) if summary is not None else None
    if dropped is not None and dropped > 0 and not poor:
        fall = texts.say("ended.fall", bpm=dropped)
    because = "" if unanswered else _why_early(glance)
    kind = texts.say("ended.talk") if poor else "" if unanswered else frame
    course = ""
    counted = summary is None or summary.training_s >= WORTH_A_NUMBER_S
    if counted and view.session_number is not None and view.course_sessions is not None:
        course = texts.say("ended.session", number=view.session_number, total=view.course_sessions)
    under = " — ".join(part for part in (small, course) if part)

    def paint(brush: Brush, box: Box) -> None:
        if not large:
            brush.text(title, (box.x, box.y + 150), Style(64, Weight.BOLD, WHITE), width=box.width)
            brush.text(under, (box.x, box.y + 240), Style(44, Weight.BOLD, IN), width=box.width)
            return
        brush.text(title, (box.x, box.y + 44), Style(50, Weight.BOLD, WHITE), width=box.width)
        brush.text(large, (box.x, box.y + 154), Style(130, Weight.HEAVY, WHITE), width=box.width - 8)
        brush.text(under, (box.x, box.y + 248), Style(40, Weight.BOLD, IN), width=box.width)
        if because:
            brush.paragraph(because, (box.x, box.y + 310), Style(32, Weight.FIRM, ABOVE), box.width, leading=1.2)
            return
        brush.text(kind, (box.x, box.y + 304), Style(32, Weight.FIRM, WHITE), width=box.width)
        if fall:
            brush.icon(icons.heart, Box(box.x, box.y + 334, 38, 36), BELOW)
            brush.text(fall, (box.x + 54, box.y + 352), Style(30, Weight.PLAIN, QUIET), width=box.width - 54)

    return Widget("words", box, (title, large, under, kind, fall, because), paint)


def _achieved(glance: RenderContext, summary: Summary | None) -> tuple[str, str, str]:
    """Return the large figure, what it counts, and what it means: never a zero for somebody who trained."""
    texts, work = glance.texts, glance.view.good_work
    if summary is None:
        return "", "", ""
    if summary.training_s < WORTH_A_NUMBER_S:
        return "", texts.say("ended.short"), ""
    if work is None or work.done_s < LEAST_SHOWN_S:
        return minutes(summary.training_s, texts), texts.say("ended.trained"), texts.say("ended.every_minute")
    large = texts.say("ended.of", done=whole_minutes(work.done_s), planned=whole_minutes(work.planned_s))
    good = work.done_s >= MOST_OF_IT * work.planned_s
    return large, texts.say(f"ended.by_{work.by}"), texts.say("ended.good_session" if good else "ended.every_minute")


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
    good_s = _good_seconds(glance.view.good_work, rows)
    title = texts.say("ended.intervals_by_exertion" if _by_exertion(glance) else "ended.intervals")
    key = (title, good_s, tuple((i.index, round(i.end_s - i.start_s)) for i in rows))

    def paint(brush: Brush, box: Box) -> None:
        brush.bar(box, 28, PANEL)
        inner = box.inset(32, 26)
        brush.text(title, (inner.x, inner.y + 16), Style(29, Weight.FIRM, QUIET), width=inner.width)
        apart = min((inner.height - 44) / len(rows), 76)
        longest = max([row.end_s - row.start_s for row in rows] + [1.0])
        for place, row in enumerate(rows):
            y = inner.y + 44 + apart * (place + 0.5)
            brush.number(str(place + 1), (inner.x + 10, y), Style(34, Weight.BOLD, WHITE), "centre")
            track = Box(inner.x + 44, y - 15, (inner.width - 44 - 104) * (row.end_s - row.start_s) / longest, 30)
            brush.bar(track, 15, TRACK)
            share = min(good_s[place] / max(row.end_s - row.start_s, 1.0), 1.0)
            if share * track.width > 1:
                brush.bar(Box(track.x, track.y, max(share * track.width, 30.0), 30), 15, IN)
            brush.number(clock(good_s[place]), (inner.right, y), Style(34, Weight.BOLD, WHITE), "right")

    return Widget("bars", box, key, paint)


def _good_seconds(work: GoodWork | None, rows: tuple[IntervalSummary, ...]) -> tuple[float, ...]:
    if work is None or len(work.intervals_s) < len(rows):
        return tuple(row.time_in_zone_s for row in rows)
    return work.intervals_s[: len(rows)]


def _by_exertion(glance: RenderContext) -> bool:
    work = glance.view.good_work
    return work is not None and work.by == "exertion"


def _foot(glance: RenderContext, box: Box) -> list[Widget]:
    """Show whether the diary has the session, and the button that ends it."""
    texts, saved = glance.texts, glance.view.saved
    words = texts.say(f"saved.{saved}")
    look = {
        "no": (icons.hold, PANEL, QUIET),
        "saving": (icons.hold, PANEL, QUIET),
        "saved": (icons.check, PANEL, IN),
        "not_saved": (icons.attention, ATTENTION, INK),
    }
    drawing, ground, accent = look[saved]

    def paint_saved(brush: Brush, box: Box) -> None:
        style = Style(30, Weight.FIRM, WHITE if ground is PANEL else INK)
        pill = Box(box.x, box.y, min(brush.width(words, style) + 108, box.width), box.height)
        brush.bar(pill, 32, ground)
        brush.icon(drawing, Box(pill.x + 26, pill.middle_y - 19, 38, 38), accent)
        brush.text(words, (pill.x + 80, pill.middle_y), style, width=pill.width - 108)

    def paint_whole(brush: Brush, box: Box) -> None:
        # What says how the session is saved becomes smaller before the button covers it.
        paint_saved(brush, Box(box.x, box.y, box.width - ROOM_FOR_DONE + 14, box.height))
        paint_buttons(brush, Box(box.right - ROOM_FOR_DONE, box.y, ROOM_FOR_DONE, box.height), done)

    done = (((Button.START,), texts.say("button.done")),)
    if glance.sheet.portrait or saved == "not_saved":
        return [Widget("foot", box, (words, saved), paint_whole)]
    left = Box(box.x, box.y, ROOM_FOR_SAVED, box.height)
    right = Box(box.right - ROOM_FOR_DONE, box.y, ROOM_FOR_DONE, box.height)
    return [Widget("foot", left, (words, saved), paint_saved), buttons_part(right, done)]
