"""Versions: the package is whole, the protocols can be read, and the services speak the same language."""

from typing import ClassVar

from coach.errors import ProtocolFileError
from firmware.doctor.check import Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext
from firmware.ipc.messages import FORMAT
from firmware.participants import protocol_files
from firmware.system.version import own_version


class VersionsCheck:
    """What runs here."""

    name: str = "versions"
    codes: ClassVar[Codes] = {"versions_differ": Severity.ATTENTION, "protocol_unreadable": Severity.ATTENTION}

    def look(self, place: CheckContext) -> Outcome:
        """Report a protocol that cannot be read before a person has chosen it."""
        own, devices = own_version(), place.told.devices
        findings = []
        if devices is not None and (devices.format, devices.version) != (FORMAT, own):
            findings.append(make_finding(self, "versions_differ", f"coach {own}, display {devices.version}"))
        for path in place.those(str(place.protocols or protocol_files.CLINIC_PROTOCOLS), "*.toml"):
            try:
                protocol_files.read_file(path)
            except ProtocolFileError as error:
                findings.append(make_finding(self, "protocol_unreadable", str(error)))
        return Outcome(tuple(findings), own)
