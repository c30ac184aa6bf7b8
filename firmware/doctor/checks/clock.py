"""The wall clock: set from a time server, and in a year that can be."""

from datetime import UTC, datetime
from typing import ClassVar

from firmware.doctor.check import Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext

FIRST_YEAR, LAST_YEAR = 2025, 2099
"""Before the first this software did not exist."""


class ClockCheck:
    """Sessions are timed by the monotonic clock, so a wrong wall clock makes wrong dates and no wrong interval."""

    name: str = "clock"
    codes: ClassVar[Codes] = {"clock_unsynchronised": Severity.ATTENTION, "clock_wrong": Severity.ATTENTION}

    def look(self, place: CheckContext) -> Outcome:
        """Return the kernel's word, and where it knows of no time server, systemd's."""
        year = datetime.fromtimestamp(place.wall_s(), UTC).year
        if not FIRST_YEAR <= year <= LAST_YEAR:
            return Outcome((make_finding(self, "clock_wrong", f"{year}"),))
        if place.synchronised() or self._systemd_says(place):
            return Outcome()
        return Outcome((make_finding(self, "clock_unsynchronised"),))

    def _systemd_says(self, place: CheckContext) -> bool:
        ran = None if place.run is None else place.run(("timedatectl", "show", "-p", "NTPSynchronized", "--value"))
        return ran is not None and ran.status == 0 and ran.output.strip() == "yes"
