"""All is in place: press green, if the strap named is the one that is worn (hazard H4)."""

from coach.kiosk.view import Button
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.number_format import minutes, speed
from display.drawing.palette import ABOVE, IN, IN_DEEP, QUIET, WHITE
from display.screen.appointment import appointment_part
from display.screen.button_bar import buttons_part, paint_button
from display.screen.frame import RenderContext
from display.screen.heart_rate_gauge import heart_part, shown_number, zone_colour

SMALL = Style(30, Weight.FIRM, QUIET)


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face before the start."""
    texts, sheet, view = glance.texts, glance.sheet, glance.view
    width = sheet.width - 2 * MARGIN
    title = texts.say("ready.title", nickname=view.nickname) if view.nickname else texts.say("ready.title_nobody")
    how = texts.say("ready.how")
    which, not_saved = _which_session(glance), view.saved == "not_saved"
    number = shown_number(view.snapshot) if view.snapshot is not None else None
    colour = zone_colour(view.snapshot) if view.snapshot is not None else QUIET
    change = texts.say("ready.change") if view.may_change_strap else ""
    if view.strap_battery_low:
        change = texts.say("strap.battery_low")
    profile = Box(MARGIN, sheet.height - 28 - 92, width, 92)
    middle = profile.y if view.profile is not None else sheet.height - 110
    top = Box(MARGIN, 34, width, 54)
    words = Box(MARGIN, 92, width, middle - 92 - 94 - _room_for_appointment(glance))
    rate = Box(sheet.width / 2 - 150, middle - 84, 330, 72)
    heart = Box(rate.x, rate.y + 3, 70, 66)
    digits = Box(heart.right + 8, rate.y, rate.width - 82, rate.height)

    facts, safety, underway = _facts(glance), texts.say("ready.safety"), texts.say("ready.underway")

    def paint(brush: Brush, box: Box) -> None:
        spare = max((box.height - (620 if sheet.portrait else 404)) / 2, 0)
        y = box.y + spare + 36
        brush.text(title, (box.middle_x, y), Style(72, Weight.BOLD, WHITE), "centre", width=box.width)
        y = brush.paragraph(facts, (box.middle_x, y + 76), Style(38, Weight.FIRM, WHITE), box.width, "centre")
        strap = texts.say("choose_strap.nameless") if view.strap_name == "" else view.strap_name
        if strap:
            _paint_strap(brush, Box(box.x, y + 34, box.width, 54), texts.say("ready.your_strap"), strap)
        y += 150 if sheet.portrait else 142
        style = brush.fitted(how, Style(50, Weight.BOLD, WHITE), box.width - 130)
        left = box.middle_x - (brush.width(how, style) + 112) / 2
        paint_button(brush, Button.START, (left + 42, y), 42)
        brush.text(how, (left + 112, y), style)
        y = brush.paragraph(safety, (box.middle_x, y + 76), SMALL, box.width, "centre")
        brush.paragraph(underway, (box.middle_x, y + 42), SMALL, box.width, "centre")

    def paint_top(brush: Brush, box: Box) -> None:
        told = Style(34, Weight.FIRM, ABOVE if not_saved else QUIET)
        end = brush.text(which, (box.x, box.middle_y), told, width=box.width / 2)
        low = view.strap_battery_low
        style = Style(30, Weight.FIRM, ABOVE if low else QUIET)
        brush.text(change, (box.right, box.middle_y), style, "right", width=box.right - end - 30)

    def paint_digits(brush: Brush, box: Box) -> None:
        x = brush.number(number or "–", (box.x + 8, box.middle_y), Style(64, Weight.BOLD, WHITE if number else QUIET))
        brush.text(texts.say("ready.rate"), (x + 14, box.middle_y + 8), Style(30, Weight.PLAIN, QUIET))

    found = [
        Widget("session", top, (which, change), paint_top),
        Widget("words", words, (title, facts, how, view.strap_name), paint),
        heart_part(heart, WHITE if number and colour is QUIET else colour, glance.swell, beating=number is not None),
        Widget("digits", digits, number, paint_digits),
    ]
    lying, standing = Box(MARGIN, rate.y, heart.x - MARGIN - 24, rate.height), Box(MARGIN, rate.y - 88, width, 76)
    found += appointment_part(glance, *((standing, "centre") if sheet.portrait else (lying, "left")))
    if view.profile is not None:
        found.append(glance.drawing.part(view.profile, profile, None))
    else:
        found.append(
            buttons_part(Box(MARGIN, sheet.height - 96, width, 64), (((Button.STOP,), texts.say("button.leave")),))
        )
    return found


def _room_for_appointment(glance: RenderContext) -> float:
    """Return the height that the next appointment takes between the words and the rate."""
    return 92.0 if glance.sheet.portrait and glance.view.appointment_wall_s is not None else 0.0


def _which_session(glance: RenderContext) -> str:
    """Return which session of the course this is, or that it will not be saved here."""
    view, texts = glance.view, glance.texts
    if view.saved == "not_saved":
        return texts.say("saved.not_saved")
    if view.session_number is None or view.course_sessions is None:
        return ""
    return texts.say("ready.session", number=view.session_number, total=view.course_sessions)


def _facts(glance: RenderContext) -> str:
    """Return how long the session is, how many intervals it has, and at which speed it begins, as far as is known."""
    view, texts = glance.view, glance.texts
    known = []
    if view.profile is not None and view.profile.phases:
        known.append(minutes(view.profile.phases[-1].end_s, texts))
    if view.snapshot is not None and view.snapshot.intervals:
        known.append(texts.say("ready.intervals", count=view.snapshot.intervals))
    if view.first_speed_kmh is not None:
        known.append(texts.say("ready.first_speed", speed=speed(view.first_speed_kmh, texts)))
    return " · ".join(known)


def _paint_strap(brush: Brush, row: Box, asks: str, strap: str) -> None:
    """Draw a pill with the strap's printed name."""
    one, other = Style(30, Weight.FIRM, WHITE), Style(30, Weight.BOLD, IN)
    width = min(brush.width(asks, one) + brush.width(strap, other) + 14 + 64, row.width)
    pill = Box(row.middle_x - width / 2, row.y, width, row.height)
    brush.bar(pill, row.height / 2, IN_DEEP)
    x = brush.text(asks, (pill.x + 32, pill.middle_y), one)
    brush.text(strap, (x + 14, pill.middle_y), other, width=pill.right - 32 - x - 14)
