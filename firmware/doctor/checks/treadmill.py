"""The treadmill, where it is read over Bluetooth: whether it is reached, and what it sends can be understood."""

from typing import ClassVar

from firmware.doctor.check import NOT_IN_USE, Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext


class Treadmill:
    """What the coach found of the treadmill; nothing is asked of the treadmill itself."""

    name: str = "treadmill"
    codes: ClassVar[Codes] = {
        "treadmill_odd_data": Severity.ATTENTION,
        "treadmill_several": Severity.ATTENTION,
        "treadmill_unreached": Severity.ATTENTION,
    }

    def look(self, place: CheckContext) -> Outcome:
        """Report what its adapter found."""
        noted = place.told.treadmill
        if noted is None:
            return NOT_IN_USE
        return Outcome(tuple(make_finding(self, code, detail) for code, detail in noted))
