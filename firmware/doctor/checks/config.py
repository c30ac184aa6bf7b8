"""The settings: the file on the disk is the one in force."""

from typing import ClassVar

from firmware.doctor.check import Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext


class ConfigCheck:
    """A file that became wrong is not used; the last good one is, and somebody should be told (faults.md, row 24)."""

    name: str = "config"
    codes: ClassVar[Codes] = {"config_refused": Severity.ATTENTION}

    def look(self, place: CheckContext) -> Outcome:
        """The service that read the settings has kept what was wrong."""
        refused = place.told.config_refused
        return Outcome(() if refused is None else (make_finding(self, "config_refused", refused),))
