"""Something to train by: screen, sound, small screen or lamp; one of them is enough, none is too few (hazard H8)."""

from typing import ClassVar

from firmware.doctor.check import NOT_IN_USE, Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext

DISPLAY_AWAY_S = 20.0
"""A display that is started again is back long before this."""


class OutputsCheck:
    """What the display reports of its parts, and whether it is there at all."""

    name: str = "guides"
    codes: ClassVar[Codes] = {
        "display_away": Severity.STOP,
        "nothing_to_train_by": Severity.STOP,
        "lamp_dark": Severity.ATTENTION,
    }

    def look(self, place: CheckContext) -> Outcome:
        """Name a part that is switched off by the settings: it is not missed, but guides no person either."""
        told = place.told
        devices, away_s = told.devices, told.display_away_s
        if not told.coach_runs or (devices is None and not place.fittings.expects_display):
            return NOT_IN_USE
        if away_s is not None and away_s > DISPLAY_AWAY_S:
            return Outcome((make_finding(self, "display_away", f"{away_s:.0f} s"),))
        if devices is None:
            return NOT_IN_USE
        parts = {"screen": devices.screen, "sound": devices.sound, "oled": devices.oled, "lamp": devices.lamp}
        works = ", ".join(name for name, state in parts.items() if state == "works")
        missing = [name for name, state in parts.items() if state == "missing"]
        if not works and missing:
            return Outcome((make_finding(self, "nothing_to_train_by", ", ".join(missing)),))
        return Outcome((make_finding(self, "lamp_dark"),) if devices.lamp == "missing" else (), works)
