"""The participant stopped: the belt is stopped on the treadmill itself (hazard H6).

For a minute the session can go on where it was; a cool-down is offered all the time.
"""

from coach.kiosk.view import Button
from display.drawing import icons
from display.drawing.layout import Widget
from display.drawing.palette import WHITE
from display.screen.announcement import Announcement, announcement_part
from display.screen.button_bar import Label
from display.screen.button_legend import legend_part
from display.screen.frame import RenderContext
from display.screen.header import header_parts
from display.screen.session_layout import training_places
from display.screens.training.running import profile_parts


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face after a stop."""
    texts, places = glance.texts, training_places(glance.sheet)
    buttons: tuple[Label, ...] = (
        ((Button.START,), texts.say("button.cool_down")),
        ((Button.STOP,), texts.say("button.finish")),
    )
    lines: tuple[str, ...] = (texts.say("stopped.belt"),)
    if glance.snapshot.stop_can_be_taken_back:
        lines = (*lines, texts.say("stopped.go_on"))
        buttons = (
            ((Button.START,), texts.say("button.go_on")),
            ((Button.UP, Button.DOWN), texts.say("button.cool_down")),
            ((Button.STOP,), texts.say("button.finish")),
        )
    says = Announcement(icons.stop_now, texts.say("stopped.title"), lines, buttons, accent=WHITE)
    return [
        *header_parts(glance),
        announcement_part(glance, places.panel, says),
        *profile_parts(glance, places),
        legend_part(glance, places.legend),
    ]
