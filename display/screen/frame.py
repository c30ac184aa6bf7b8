"""What a face is drawn from: the view, the sheet, and the few things the screen itself knows."""

from dataclasses import dataclass

from coach.kiosk.view import DisplayState
from coach.model.snapshot import Snapshot
from display.drawing.layout import Layout
from display.screen.session_profile import ProfileDrawing
from display.texts import Texts


@dataclass(frozen=True, slots=True)
class RenderContext:
    """One moment of the screen. `swell`: how large the heart is now, 0 to `BEAT_STEPS`."""

    view: DisplayState
    sheet: Layout
    drawing: ProfileDrawing
    swell: int = 0

    @property
    def texts(self) -> Texts:
        """The words of the view's language."""
        return self.sheet.texts

    @property
    def snapshot(self) -> Snapshot:
        """The session's snapshot. Only faces of a session ask for it."""
        snapshot = self.view.snapshot
        if snapshot is None:
            raise ValueError("A session's face needs a snapshot: send the view with one, or another face.")
        return snapshot


BEAT_STEPS = 6
