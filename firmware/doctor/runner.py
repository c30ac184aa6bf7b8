"""One round through the checks: each looks for itself, and one that fails becomes a finding of its own."""

from collections.abc import Collection

from msgspec import Struct

from firmware.doctor.all_checks import CHECKS
from firmware.doctor.check import Check, CheckFinding, Outcome, Severity, look_once
from firmware.doctor.environment import CheckContext


class CheckResult(Struct, frozen=True):
    """A check by name, and what it found."""

    name: str
    outcome: Outcome


def look(
    place: CheckContext, names: Collection[str] = (), checks: tuple[Check, ...] = CHECKS
) -> tuple[CheckResult, ...]:
    """Go through the checks, or those named. Never raises for what the world outside does."""
    return tuple(
        CheckResult(check.name, look_once(check, place)) for check in checks if not names or check.name in names
    )


def findings(looked: Collection[CheckResult]) -> tuple[CheckFinding, ...]:
    """All that was found, the severe ones first."""
    all_found = [finding for one in looked for finding in one.outcome.findings]
    return tuple(sorted(all_found, key=lambda finding: finding.severity is not Severity.STOP))
