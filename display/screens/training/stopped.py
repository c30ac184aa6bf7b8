"""The participant stopped: the belt is stopped on the treadmill itself, and a cool-down is offered (hazard H6)."""

from coach.kiosk.view import Button
from display.drawing import icons
from display.drawing.layout import Widget
from display.drawing.palette import WHITE
from display.screen.announcement import Announcement, announcement_part
from display.screen.frame import RenderContext
from display.screen.header import header_parts
from display.screen.session_layout import training_places
from display.screens.training.running import profile_parts


def parts(glance: RenderContext) -> list[Widget]:
    """The face after a stop."""
    texts, places = glance.texts, training_places(glance.sheet)
    says = Announcement(
        icons.stop_now,
        texts.say("stopped.title"),
        (texts.say("stopped.belt"),),
        (((Button.START,), texts.say("button.cool_down")), ((Button.STOP,), texts.say("button.finish"))),
        accent=WHITE,
    )
    return [*header_parts(glance), announcement_part(glance, places.panel, says), *profile_parts(glance, places)]
