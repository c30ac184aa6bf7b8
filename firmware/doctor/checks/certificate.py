"""The machine's certificate: until when it is good, and that it is renewed in time.

Only the account is read, which the services' group may. Key and certificate are the courier's alone: whether they fit
each other it finds itself, and tells as `identity_unreadable` (firmware/doctor/checks/broker.py).
"""

from datetime import datetime
from typing import ClassVar

from firmware.doctor.check import NOT_IN_USE, Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext, is_there
from sync.delivery.fault_registry import Trouble
from sync.delivery.machine_identity import ACCOUNT, read_account

_DAY_S = 86_400.0


class CertificateCheck:
    """It renews itself when a third of its time is left; one with few weeks left has not."""

    name: str = "certificate"
    codes: ClassVar[Codes] = {
        Trouble.CERTIFICATE_SOON.value: Severity.ATTENTION,
        "certificate_over": Severity.ATTENTION,
    }

    def look(self, place: CheckContext) -> Outcome:
        """Judged only by a clock that has been set."""
        if not is_there(place.identity / ACCOUNT):
            return NOT_IN_USE
        account = read_account(place.identity)
        until_s = account.certificate_until_wall_s
        facts = f"{datetime.fromtimestamp(until_s).astimezone():%Y-%m-%d}"
        left_days = (until_s - place.wall_s()) / _DAY_S
        if not place.synchronised() or left_days > place.limits.certificate_days:
            return Outcome(facts=facts)
        code = "certificate_over" if left_days <= 0 else Trouble.CERTIFICATE_SOON.value
        return Outcome((make_finding(self, code, facts),), facts)
