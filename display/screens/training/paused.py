"""The session stands still: how much is left, what comes after it, and where to stand."""

from coach.kiosk.view import Button
from display.drawing import icons
from display.drawing.layout import Box, Widget
from display.drawing.number_format import clock
from display.drawing.palette import BELOW
from display.screen.announcement import Announcement, announcement_part
from display.screen.button_bar import Label
from display.screen.button_legend import legend_part
from display.screen.frame import RenderContext
from display.screen.header import header_parts
from display.screen.instruction import instruction_part
from display.screen.session_layout import training_places
from display.screens.training.running import profile_parts


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face of a pause."""
    texts, places, snapshot = glance.texts, training_places(glance.sheet), glance.snapshot
    box, asked = places.panel, snapshot.question is not None
    if asked:
        box = Box(box.x, box.y, box.width, places.instruction.y - 28 - box.y)
    left = f"{clock(snapshot.phase_remaining_s)} {texts.of('left', snapshot.phase)}"
    buttons: list[Label] = [((Button.START,), texts.say("button.go_on"))]
    if snapshot.can_skip_warm_up:
        buttons.append(((Button.UP,), texts.say("button.first_interval")))
    buttons.append(((Button.STOP,), texts.say("button.stop")))
    lines = (left, texts.say("paused.stand")) if asked else (left, _what_comes(glance), texts.say("paused.stand"))
    says = Announcement(
        icons.pause,
        texts.say("paused.title"),
        tuple(line for line in lines if line),
        () if asked else tuple(buttons),
        accent=BELOW,
    )
    question = [instruction_part(glance, places.instruction)] if asked else []
    return [
        *header_parts(glance),
        announcement_part(glance, box, says),
        *question,
        *profile_parts(glance, places),
        legend_part(glance, places.legend),
    ]


def _what_comes(glance: RenderContext) -> str:
    """Return the phase after this one and its length; empty where none is known."""
    profile, elapsed_s = glance.view.profile, glance.snapshot.session_elapsed_s
    following = [phase for phase in (profile.phases if profile else ()) if phase.start_s > elapsed_s]
    if not following:
        return ""
    name = glance.texts.of("phase", following[0].kind)
    return glance.texts.say("paused.then", phase=name, time=clock(following[0].end_s - following[0].start_s))
