"""After a restart: the session is kept, and goes on only when the participant presses (architecture.md)."""

from coach.kiosk.view import Button
from display.drawing import icons
from display.drawing.layout import Widget
from display.drawing.palette import IN
from display.screen.announcement import Announcement, announcement_part
from display.screen.frame import RenderContext
from display.screen.header import header_parts, phase_words
from display.screen.session_layout import training_places
from display.screens.training.running import profile_parts


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face of the offer."""
    texts, places = glance.texts, training_places(glance.sheet)
    lines = [texts.say("go_on.kept"), texts.say("go_on.what")]
    if glance.view.snapshot is not None:
        phase = " ".join(word for word in phase_words(glance, glance.view.snapshot) if word)
        lines.append(texts.say("go_on.where", phase=phase))
    says = Announcement(
        icons.again,
        texts.say("go_on.title"),
        tuple(lines),
        (((Button.START,), texts.say("button.go_on")), ((Button.STOP,), texts.say("button.finish"))),
        accent=IN,
        with_rate=False,
    )
    profile = profile_parts(glance, places) if glance.view.snapshot is not None else []
    return [*header_parts(glance), announcement_part(glance, places.panel, says), *profile]
