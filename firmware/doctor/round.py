"""One round through the checks: each looks for itself, and one that fails becomes a finding of its own."""

from collections.abc import Collection

from msgspec import Struct

from firmware.doctor.check import UNCHECKED, Check, Finding, Outcome, Severity
from firmware.doctor.checks import CHECKS
from firmware.doctor.place import Place

LONGEST_DETAIL = 300


class Looked(Struct, frozen=True):
    """A check by name, and what it found."""

    name: str
    outcome: Outcome


def look(place: Place, names: Collection[str] = (), checks: tuple[Check, ...] = CHECKS) -> tuple[Looked, ...]:
    """Go through the checks, or those named. Never raises for what the world outside does."""
    return tuple(Looked(check.name, look_once(check, place)) for check in checks if not names or check.name in names)


def look_once(check: Check, place: Place) -> Outcome:
    """What one check says; that it could not look, where it could not."""
    try:
        outcome = check.look(place)
    except Exception as error:  # noqa: BLE001 - whatever a file or a program made of it, the others go on
        detail = f"{check.name}: {str(error) or type(error).__name__}"
        return Outcome((Finding(UNCHECKED, Severity.ATTENTION, detail[:LONGEST_DETAIL]),))
    return outcome


def findings(looked: Collection[Looked]) -> tuple[Finding, ...]:
    """All that was found, the severe ones first."""
    all_found = [finding for one in looked for finding in one.outcome.findings]
    return tuple(sorted(all_found, key=lambda finding: finding.severity is not Severity.STOP))
