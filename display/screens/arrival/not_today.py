"""No session today: talk to the therapist, in kind words (hazards H13, H14); enough trained for now is a success."""

from coach.kiosk.view import Button
from coach.model.plan import EARNED_REST
from display.drawing import icons
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.number_format import next_session
from display.drawing.palette import ABOVE, IN
from display.drawing.participant_pictures import moon
from display.screen.announcement import Announcement, announcement_part
from display.screen.frame import RenderContext
from display.screen.header import header_parts, nickname_part
from display.screens import unwell


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face of a closed session."""
    if glance.view.reason == "unwell":
        return unwell.parts(glance)
    texts = glance.texts
    if glance.view.reason in EARNED_REST:
        return [_header_name(glance), announcement_part(glance, _box(glance), _earned(glance))]
    says = Announcement(
        moon,
        texts.say("not_today.title"),
        (
            texts.say("not_today.how"),
            texts.of("not_today_reason", glance.view.reason or ""),
            texts.say("not_today.kind"),
        ),
        (((Button.STOP,), texts.say("button.leave")),),
        accent=ABOVE,
        with_rate=False,
    )
    return [*header_parts(glance), announcement_part(glance, _box(glance), says)]


def _box(glance: RenderContext) -> Box:
    sheet = glance.sheet
    return Box(MARGIN, 112, sheet.width - 2 * MARGIN, sheet.height - 112 - 48)


def _header_name(glance: RenderContext) -> Widget:
    return nickname_part(glance, Box(MARGIN, 34, glance.sheet.width - 2 * MARGIN, 54))


def _earned(glance: RenderContext) -> Announcement:
    """Return what is said to somebody who has trained enough for now: that it is done, and when the next session is."""
    texts, view = glance.texts, glance.view
    reason = view.reason or ""
    when = () if view.opens_wall_s is None else (next_session(view.opens_wall_s, texts),)
    lines = (*when, texts.of("not_today_reason", reason), texts.say("rest_day.kind"))
    return Announcement(
        icons.check,
        texts.of("rest_day", reason),
        lines,
        (((Button.STOP,), texts.say("button.leave")),),
        accent=IN,
        with_rate=False,
    )
