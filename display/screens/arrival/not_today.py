"""No session today: talk to the therapist, in kind words (hazards H13, H14)."""

from coach.kiosk.view import Button
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.palette import ABOVE
from display.drawing.participant_pictures import moon
from display.screen.announcement import Announcement, announcement_part
from display.screen.frame import RenderContext
from display.screen.header import header_parts
from display.screens import unwell


def parts(glance: RenderContext) -> list[Widget]:
    """The face of a closed session."""
    if glance.view.reason == "unwell":
        return unwell.parts(glance)
    texts, sheet = glance.texts, glance.sheet
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
    box = Box(MARGIN, 112, sheet.width - 2 * MARGIN, sheet.height - 112 - 48)
    return [*header_parts(glance), announcement_part(glance, box, says)]
