"""A session, from start to end: the snapshot tells which face it has now, the most urgent first."""

from coach.model.events import Level
from display.drawing.advice_words import over_ceiling_now
from display.drawing.layout import Widget
from display.screen.frame import RenderContext
from display.screen.instruction import notice_at
from display.screens.training import bout, feeling, over_ceiling, paused, running, stop_now, stopped


def parts(glance: RenderContext) -> list[Widget]:
    """Return the parts of the session's present face."""
    snapshot = glance.snapshot
    if notice_at(snapshot, Level.STOP_NOW) is not None:
        return stop_now.parts(glance)
    if snapshot.cool_down_offered:
        return stopped.parts(glance)
    if snapshot.stage == "paused":
        return paused.parts(glance)
    if over_ceiling_now(snapshot):
        return over_ceiling.parts(glance)
    if snapshot.mode == "exertion" and snapshot.zone.low_borg is not None:
        return feeling.parts(glance)
    if snapshot.bout is not None:
        return bout.parts(glance)
    return running.parts(glance)
