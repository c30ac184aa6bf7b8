"""The participant stopped: the belt is stopped on the treadmill itself, and a cool-down is offered (hazard H6)."""

from coach.desk_view import Button
from display import icons
from display.announcement import Announcement, announcement_part
from display.faces.running import profile_parts
from display.glance import Glance
from display.header import header_parts
from display.palette import WHITE
from display.sheet import Part
from display.training_places import training_places


def parts(glance: Glance) -> list[Part]:
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
