"""Pictures of the screen, taken while a demo runs: one of each face, one of each phase."""

from pathlib import Path

from coach.kiosk.view import DisplayState, ScreenId
from firmware.services.display_service import save_png

PICTURE_AT = 0.6
"""How far into a phase its picture is taken."""


class DemoPictures:
    """Pictures of the screen: one of each face, one of each phase."""

    def __init__(self, folder: Path) -> None:
        """Nothing is written before `prepare`."""
        self.folder = folder
        self.count = 0
        self._taken: set[tuple[str, int]] = set()

    def prepare(self) -> None:
        """Make the folder; an earlier demo's pictures go. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.glob("[0-9][0-9]-*.png"):
            old.unlink()

    def look(self, view: DisplayState) -> None:
        """Take a picture where this view is one that is still missing."""
        snapshot = view.snapshot
        if view.face is ScreenId.SESSION and snapshot is not None:
            if snapshot.phase_elapsed_s >= PICTURE_AT * snapshot.phase_length_s:
                self.save(view, snapshot.phase.replace("_", "-"), snapshot.phase_index)
        elif view.face is not ScreenId.ENDED:
            self.save(view, view.face.value.replace("_", "-"))

    def save(self, view: DisplayState, name: str, phase_index: int = -1) -> None:
        """Take this picture, once."""
        if (name, phase_index) in self._taken:
            return
        self._taken.add((name, phase_index))
        self.count += 1
        number = "" if view.snapshot is None or not view.snapshot.interval else f"-{view.snapshot.interval}"
        save_png(view, self.folder / f"{self.count:02d}-{name}{number}.png")
