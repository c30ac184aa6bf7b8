"""«Går det bra?» — any button answers yes (hazard H5)."""

from coach.desk_view import Button
from display import icons
from display.announcement import Announcement, announcement_part
from display.faces.running import profile_parts
from display.glance import Glance
from display.header import header_parts
from display.palette import ABOVE
from display.sheet import Part
from display.training_places import training_places


def parts(glance: Glance) -> list[Part]:
    """The face of the question."""
    texts, places = glance.texts, training_places(glance.sheet)
    every = (Button.START, Button.UP, Button.DOWN)
    says = Announcement(
        icons.question,
        texts.of("check", glance.snapshot.question or ""),
        (texts.say("check.how"), texts.say("check.why")),
        ((every, texts.say("button.yes")), ((Button.STOP,), texts.say("button.stop"))),
        accent=ABOVE,
        rim=ABOVE,
    )
    return [*header_parts(glance), announcement_part(glance, places.panel, says), *profile_parts(glance, places)]
