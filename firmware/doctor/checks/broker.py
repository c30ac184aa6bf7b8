"""The way to the clinic's server: what sync has found, and whether the broker can be reached with TLS."""

import os
from typing import ClassVar

from firmware.doctor.check import NOT_IN_USE, Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext, is_there
from firmware.system.delivery_status import NoStateError, read_state, state_file
from sync.delivery.fault_registry import Trouble
from sync.delivery.machine_identity import ACCOUNT, MACHINE_PEM


class BrokerCheck:
    """Sync's own findings, under their own codes, from the file in which it leaves how it stands."""

    name: str = "broker"
    codes: ClassVar[Codes] = {
        "sync_away": Severity.ATTENTION,
        **{
            trouble.value: Severity.ATTENTION
            for trouble in Trouble
            if trouble not in (Trouble.CERTIFICATE_SOON, Trouble.CLOCK_UNSYNCHRONISED)
        },
    }

    def look(self, place: CheckContext) -> Outcome:
        """Find nothing wrong with a machine that is not enrolled: it keeps its sessions."""
        if not is_there(place.identity / ACCOUNT):
            return NOT_IN_USE
        # The key is the courier's and root's: whoever else runs the doctor takes sync's word for whether it fits.
        has_key = place.access(place.identity / MACHINE_PEM, os.R_OK)
        refused = place.reach(place.identity) if place.reach is not None and has_key else None
        try:
            state = read_state(state_file(place.socket))
        except NoStateError as error:
            return Outcome((make_finding(self, "sync_away", str(error)),))
        findings = [make_finding(self, one.code, one.detail) for one in state.findings if one.code in self.codes]
        if refused is not None and not any(one.code == Trouble.NO_BROKER for one in findings):
            findings.append(make_finding(self, Trouble.NO_BROKER.value, refused))
        link = "connected" if state.online else "not connected"
        return Outcome(tuple(findings), f"{link}, {state.waiting} waiting")
