"""The strap: when it was heard last, its battery, and what its adapter found."""

from typing import ClassVar

from firmware.doctor.check import NOT_IN_USE, Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext

UNSEEN_DAYS = 14
TROUBLES = (
    "pairing_wanted",
    "held_elsewhere",
    "too_far",
    "radio_busy",
    "radio_stumbled",
    "no_heart_rate",
    "refused",
    "unreadable",
    "wrong_strap",
)
"""Why a strap gives nothing, where its adapter knows; the screen says the same to the participant."""
_DAY_S = 86_400.0


class StrapCheck:
    """What the coach knows of the strap; nothing is asked of the strap itself."""

    name: str = "strap"
    codes: ClassVar[Codes] = {
        "strap_battery_low": Severity.ATTENTION,
        "strap_unseen": Severity.ATTENTION,
        "strap_odd_data": Severity.ATTENTION,
        **{f"strap_{trouble}": Severity.ATTENTION for trouble in TROUBLES},
    }

    def look(self, place: CheckContext) -> Outcome:
        """Report only weeks of silence: a strap lies silent between sessions."""
        strap = place.told.strap
        if strap is None:
            return NOT_IN_USE
        findings = []
        if strap.battery_percent is not None and strap.battery_percent < place.limits.strap_battery_percent:
            findings.append(make_finding(self, "strap_battery_low", f"{strap.name}: {strap.battery_percent} %"))
        silent_s = strap.running_s if strap.ago_s is None else strap.ago_s
        if silent_s > UNSEEN_DAYS * _DAY_S:
            findings.append(make_finding(self, "strap_unseen", f"{strap.name}: {silent_s / _DAY_S:.0f} days"))
        findings += [make_finding(self, code, f"{strap.name}: {detail}") for code, detail in strap.noted]
        battery = "" if strap.battery_percent is None else f"{strap.battery_percent} %"
        return Outcome(tuple(findings), " ".join(word for word in (strap.name, battery) if word))
