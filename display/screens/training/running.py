"""A session that runs by heart rate: the rate dominates, around it time, instruction and profile."""

from coach.model.events import Signal
from display.drawing.layout import Widget
from display.screen.button_legend import legend_part
from display.screen.countdown import countdown_parts
from display.screen.frame import RenderContext
from display.screen.header import header_parts
from display.screen.heart_rate_gauge import rate_parts
from display.screen.instruction import instruction_part
from display.screen.session_layout import TrainingPlaces, training_places


def parts(glance: RenderContext) -> list[Widget]:
    """Return the face of a running phase."""
    places = training_places(glance.sheet)
    return [
        *header_parts(glance),
        *rate_parts(glance, places.rate),
        *countdown_parts(glance, places.countdown),
        instruction_part(glance, places.instruction),
        *profile_parts(glance, places),
        legend_part(glance, places.legend),
    ]


def profile_parts(glance: RenderContext, places: TrainingPlaces) -> list[Widget]:
    """Return the profile with this moment on it, where the view has one."""
    view = glance.view
    if view.profile is None:
        return []
    snapshot = glance.snapshot
    if snapshot.stage == "ended":
        return [glance.drawing.part(view.profile, places.profile, None)]
    seen = snapshot.bpm if snapshot.signal in (Signal.LIVE, Signal.WEAK) else None
    now = (snapshot.session_elapsed_s, seen)
    return [glance.drawing.part(view.profile, places.profile, now, snapshot.prediction)]
