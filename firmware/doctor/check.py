"""What a check is: it looks at one part of the machine and says what a person should do something about."""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar, Protocol

from msgspec import Struct

from firmware.doctor.environment import CheckContext


class Severity(StrEnum):
    """What a finding costs: `stop` closes the start of sessions, `attention` is shown small and training goes on."""

    ATTENTION = "attention"
    STOP = "stop"


class CheckFinding(Struct, frozen=True):
    """Something that a person should know. `detail` is for who repairs it: figures and names, in English.

    Its words for everybody else, what it is and what to do (the advice), are in the catalogues under `finding` and
    `advice`, by `code`.
    """

    code: str
    severity: Severity
    detail: str = ""

    @property
    def advice(self) -> str:
        """The catalogue's key of what to do about it."""
        return f"advice.{self.code}"


class Outcome(Struct, frozen=True):
    """How a part of the machine is. `facts`: figures for who wants them. `in_use` false: there is nothing to check.

    `asked` is False where the service that holds the part has not answered.
    `passed_over`: devices of the part's kind that are not used, each with the reason and the setting that chooses.
    """

    findings: tuple[CheckFinding, ...] = ()
    facts: str = ""
    in_use: bool = True
    passed_over: tuple[str, ...] = ()
    asked: bool = True


NOT_IN_USE = Outcome(in_use=False)
UNCHECKED = "unchecked"
"""The code of a check that could not look: what it read was unreadable, or made no sense."""

LONGEST_DETAIL = 300
Codes = Mapping[str, Severity]


class Check(Protocol):
    """One part of the machine. `name`: what it is called on the command line, and its words' key under `doctor`."""

    name: str
    codes: ClassVar[Codes]
    """Every code that it can give, and how severe that is."""

    def look(self, place: CheckContext) -> Outcome:
        """Look now. May raise whatever the world outside makes of it: the round turns that into a finding."""
        ...


def make_finding(check: Check, code: str, detail: str = "") -> CheckFinding:
    """Return a finding of this check."""
    return CheckFinding(code, check.codes[code], detail)


def look_once(check: Check, place: CheckContext) -> Outcome:
    """Return what one check says; that it could not look, where it could not."""
    try:
        outcome = check.look(place)
    except PermissionError as error:
        detail = f"{check.name}: {error.filename} may be read by the machine's own services and by root (use sudo)"
        return Outcome((CheckFinding(UNCHECKED, Severity.ATTENTION, detail[:LONGEST_DETAIL]),))
    except Exception as error:  # noqa: BLE001 - whatever a file or a program made of it, the others go on
        detail = f"{check.name}: {str(error) or type(error).__name__}"
        return Outcome((CheckFinding(UNCHECKED, Severity.ATTENTION, detail[:LONGEST_DETAIL]),))
    return outcome
