"""The music under the cues: whether there is any where the settings say, and what cannot be played."""

from typing import ClassVar

from firmware.doctor.check import NOT_IN_USE, Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext
from firmware.system.paths import MUSIC_PIPEWIRE, MUSIC_STICK

LOOK_FOR_S = 5.0
_CLOSED = tuple(f"/{folder}/" for folder in ("home", "root", "run/user"))
"""What `ProtectHome=yes` of the units keeps from the services."""


class MusicCheck:
    """Files in the folder or on the stick; PipeWire for a telephone. Never looked at by the coach itself."""

    name: str = "music"
    codes: ClassVar[Codes] = {"music_not_found": Severity.ATTENTION, "music_no_pipewire": Severity.ATTENTION}

    def look(self, place: CheckContext) -> Outcome:
        """Look where there is time for it; a session never needs music."""
        source = place.fittings.music
        if source == "none":
            return NOT_IN_USE
        if source == "bluetooth":
            return self._telephone(place)
        if place.find_music is None:
            return Outcome()
        folder = place.fittings.music_folder if source == "folder" else str(MUSIC_STICK)
        if folder.startswith(_CLOSED):
            return Outcome((make_finding(self, "music_not_found", f"{folder} is closed to services; use /srv"),))
        found = place.find_music((str(place.at(folder)),), LOOK_FOR_S)
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(found.left_out.items()))
        others = (f"{kinds}: of a kind that cannot be played. Copy mp3, ogg, opus, flac or wav files",) if kinds else ()
        if not found.files:
            detail = f"{folder} cannot be read" if found.missing else f"no mp3, ogg, opus, flac or wav in {folder}"
            return Outcome((make_finding(self, "music_not_found", detail),), passed_over=others)
        return Outcome((), f"{len(found.files)}{'+' if found.cut_short else ''} files", passed_over=others)

    def _telephone(self, place: CheckContext) -> Outcome:
        programs = [name for name in ("pipewire", "wireplumber", "pw-record") if not place.has(f"/usr/bin/{name}")]
        if programs:
            return Outcome((make_finding(self, "music_no_pipewire", f"not installed: {', '.join(programs)}"),))
        if not place.has(f"{MUSIC_PIPEWIRE}/pipewire-0"):
            return Outcome((make_finding(self, "music_no_pipewire", "interval-coach-music.service does not run"),))
        return Outcome((), "PipeWire")
