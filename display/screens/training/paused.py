"""The session stands still until the participant goes on."""

from coach.kiosk.view import Button
from display.drawing import icons
from display.drawing.layout import Box, Widget
from display.drawing.palette import BELOW
from display.screen.announcement import Announcement, announcement_part
from display.screen.frame import RenderContext
from display.screen.header import header_parts
from display.screen.instruction import instruction_part
from display.screen.session_layout import training_places
from display.screens.training.running import profile_parts


def parts(glance: RenderContext) -> list[Widget]:
    """The face of a pause."""
    texts, places = glance.texts, training_places(glance.sheet)
    box, asked = places.panel, glance.snapshot.question is not None
    if asked:
        box = Box(box.x, box.y, box.width, places.instruction.y - 28 - box.y)
    says = Announcement(
        icons.pause,
        texts.say("paused.title"),
        (texts.say("paused.kind"),),
        () if asked else (((Button.START,), texts.say("button.go_on")), ((Button.STOP,), texts.say("button.stop"))),
        accent=BELOW,
    )
    question = [instruction_part(glance, places.instruction)] if asked else []
    return [*header_parts(glance), announcement_part(glance, box, says), *question, *profile_parts(glance, places)]
