"""A notice of the highest level: stop now. Red panel, octagon, two words; the rate stays in the corner.

While the coach still waits for an answer (hazard H5), it shows how to give one.
"""

from coach.kiosk.view import Button
from coach.model.events import Level
from display.drawing import icons
from display.drawing.layout import Widget
from display.drawing.palette import STOP, STOP_RIM, WHITE
from display.screen.announcement import Announcement, announcement_part
from display.screen.frame import RenderContext
from display.screen.header import header_parts
from display.screen.instruction import notice_at
from display.screen.session_layout import training_places
from display.screens.training.running import profile_parts
from display.screens.unwell import unwell_parts


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face of a stop-now notice."""
    texts, places = glance.texts, training_places(glance.sheet)
    notice = notice_at(glance.snapshot, Level.STOP_NOW)
    if notice is not None and notice.code == "not_all_right":
        return unwell_parts(glance, (((Button.STOP,), texts.say("button.finish")),))
    answers = (
        ((Button.START, Button.UP, Button.DOWN), texts.say("button.all_right")),
        ((Button.STOP,), texts.say("button.stop")),
    )
    says = Announcement(
        icons.stop_now,
        texts.say("level.stop_now"),
        (texts.of("notice", notice.code if notice else ""), texts.say("stop_now.belt")),
        answers if glance.snapshot.question is not None else (),
        ground=STOP,
        accent=WHITE,
        rim=STOP_RIM,
        quiet=WHITE,
    )
    return [*header_parts(glance), announcement_part(glance, places.panel, says), *profile_parts(glance, places)]
