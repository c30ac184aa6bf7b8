"""The machine found something wrong with itself at start: what, and whom to tell."""

from coach.desk_view import Button
from display import icons
from display.announcement import Announcement, announcement_part
from display.glance import Glance
from display.palette import ABOVE
from display.sheet import MARGIN, Box, Part

SHOWN = 4


def parts(glance: Glance) -> list[Part]:
    """The face of a failed self-test."""
    texts, sheet = glance.texts, glance.sheet
    found = tuple(dict.fromkeys(texts.of("finding", key) for key in glance.view.findings))
    says = Announcement(
        icons.attention,
        texts.say("finding.title"),
        (texts.say("finding.how"), *found[:SHOWN]),
        (((Button.START,), texts.say("button.go_on")),),
        accent=ABOVE,
        with_rate=False,
    )
    box = Box(MARGIN, 48, sheet.width - 2 * MARGIN, sheet.height - 96)
    return [announcement_part(glance, box, says)]
