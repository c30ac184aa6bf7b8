"""After a restart: the session is kept, and goes on only when the participant presses (architecture.md)."""

from coach.desk_view import Button
from display import icons
from display.announcement import Announcement, announcement_part
from display.faces.running import profile_parts
from display.glance import Glance
from display.header import header_parts, phase_words
from display.palette import IN
from display.sheet import Part
from display.training_places import training_places


def parts(glance: Glance) -> list[Part]:
    """The face of the offer."""
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
