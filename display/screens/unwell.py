"""Somebody is unwell: what to do now, in large words (hazards H5, H14). No rate, no advice, nothing to train by."""

from coach.kiosk.view import Button
from display.drawing import icons
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.palette import STOP, STOP_RIM, WHITE
from display.screen.announcement import Announcement, announcement_part
from display.screen.button_bar import Label
from display.screen.frame import RenderContext
from display.screen.header import nickname_part


def unwell_parts(glance: RenderContext, buttons: tuple[Label, ...]) -> list[Widget]:
    """Return the face: sit down, call somebody, 113, and the clinic's own number where the settings have one."""
    texts, sheet = glance.texts, glance.sheet
    number = glance.view.help_number
    says = Announcement(
        icons.stop_now,
        texts.say("unwell.title"),
        (
            texts.say("unwell.call"),
            texts.say("unwell.emergency"),
            *((texts.say("unwell.clinic", number=number),) if number else ()),
        ),
        buttons,
        ground=STOP,
        accent=WHITE,
        rim=STOP_RIM,
        quiet=WHITE,
        with_rate=False,
    )
    box = Box(MARGIN, 112, sheet.width - 2 * MARGIN, sheet.height - 112 - 48)
    name = Box(sheet.width - MARGIN - 230, 34, 230, 54)
    return [nickname_part(glance, name), announcement_part(glance, box, says)]


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face after an answer: outside a session it is left, after one the questions why come next."""
    ended = glance.view.snapshot is not None and glance.view.snapshot.stage == "ended"
    label: Label = ((Button.START,), glance.texts.say("button.next"))
    if not ended:
        label = ((Button.STOP,), glance.texts.say("button.leave"))
    return unwell_parts(glance, (label,))
