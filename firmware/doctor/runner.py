"""One round through the checks: each looks for itself, and one that fails becomes a finding of its own."""

from collections.abc import Collection

from msgspec import Struct

from firmware.doctor.all_checks import CHECKS
from firmware.doctor.check import Check, Finding, Outcome, Severity, look_once
from firmware.doctor.environment import Place


class Looked(Struct, frozen=True):
    """A check by name, and what it found."""

    name: str
    outcome: Outcome


def look(place: Place, names: Collection[str] = (), checks: tuple[Check, ...] = CHECKS) -> tuple[Looked, ...]:
    """Go through the checks, or those named. Never raises for what the world outside does."""
    return tuple(Looked(check.name, look_once(check, place)) for check in checks if not names or check.name in names)


def findings(looked: Collection[Looked]) -> tuple[Finding, ...]:
    """All that was found, the severe ones first."""
    all_found = [finding for one in looked for finding in one.outcome.findings]
    return tuple(sorted(all_found, key=lambda finding: finding.severity is not Severity.STOP))
