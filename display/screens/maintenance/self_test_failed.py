"""The machine found something wrong with itself: what, and whom to tell; in a session without a coach, what to do."""

from coach.kiosk.view import Button
from display.drawing import icons
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.palette import ABOVE, IN
from display.screen.announcement import Announcement, announcement_part
from display.screen.frame import RenderContext

SHOWN = 2
COACH_SILENT = "coach_silent"
"""The display's own finding: in a session the coach has not answered for long (hazard H8)."""


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face of a failed self-test."""
    texts, sheet = glance.texts, glance.sheet
    if glance.view.findings == (COACH_SILENT,):
        return _silent_parts(glance)
    codes = tuple(dict.fromkeys(glance.view.findings))[:SHOWN]
    found = [text for code in codes for text in (texts.of("finding", code), texts.of("advice", code))]
    waits = glance.view.findings == ("coach",)
    says = Announcement(
        icons.attention,
        texts.say("finding.title"),
        tuple(found),
        ()
        if waits
        else (((Button.START,), texts.say("button.look_again")), ((Button.STOP,), texts.say("button.look_after"))),
        accent=ABOVE,
        with_rate=False,
    )
    box = Box(MARGIN, 48, sheet.width - 2 * MARGIN, sheet.height - 96)
    return [announcement_part(glance, box, says)]


def _silent_parts(glance: RenderContext) -> list[Widget]:
    """Return what a person on the belt needs: walk slowly, and the treadmill's own stop. No number stands still."""
    texts, sheet = glance.texts, glance.sheet
    says = Announcement(
        icons.attention,
        texts.say("coach_silent.title"),
        (texts.say("coach_silent.what"), texts.say("coach_silent.back")),
        (),
        accent=IN,
        with_rate=False,
    )
    return [announcement_part(glance, Box(MARGIN, 48, sheet.width - 2 * MARGIN, sheet.height - 96), says)]
