"""The machine found something wrong with itself at start: what, and whom to tell."""

from coach.kiosk.view import Button
from display.drawing import icons
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.palette import ABOVE
from display.screen.announcement import Announcement, announcement_part
from display.screen.frame import RenderContext

SHOWN = 2


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face of a failed self-test."""
    texts, sheet = glance.texts, glance.sheet
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
