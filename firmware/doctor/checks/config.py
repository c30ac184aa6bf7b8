"""The settings: the file on the disk is the one in force; and no small file was damaged."""

from typing import ClassVar

from firmware.doctor.check import Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext


class ConfigCheck:
    """A file that became wrong is not used; the last good one is, and somebody should be told (faults.md, row 24)."""

    name: str = "config"
    codes: ClassVar[Codes] = {"config_refused": Severity.ATTENTION, "files_damaged": Severity.ATTENTION}

    def look(self, place: CheckContext) -> Outcome:
        """Find what was wrong with the settings: the service that read them kept it; a person removes it."""
        findings = []
        if place.told.config_refused is not None:
            findings.append(make_finding(self, "config_refused", place.told.config_refused))
        aside = _put_aside(place)
        if aside:
            findings.append(make_finding(self, "files_damaged", ", ".join(aside)))
        return Outcome(tuple(findings))


def _put_aside(place: CheckContext) -> tuple[str, ...]:
    """Return the names of damaged files that were put aside, below the diary's folder and the identity's."""
    state = place.diary.parent
    found = {
        path.relative_to(folder.parent)
        for folder, pattern in ((state, "*.damaged-*"), (state, "*/*.damaged-*"), (place.identity, "*.damaged-*"))
        for path in folder.glob(pattern)
        if not path.name.endswith(("-wal", "-shm", "-journal"))
    }
    return tuple(sorted(str(path) for path in found))
