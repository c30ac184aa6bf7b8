"""The network: a link at all, and how well the wireless one is heard. No network never stops anybody."""

import re
from typing import ClassVar

from firmware.doctor.check import NOT_IN_USE, Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext, is_there
from firmware.system.delivery_status import NoStateError, read_state, state_file
from sync.delivery.machine_identity import ACCOUNT

_LEVEL = re.compile(r"^\s*(\S+):\s+\S+\s+\S+\s+(-?\d+)\.?\s", re.MULTILINE)


class NetworkCheck:
    """Interfaces other than the machine's own loop, by the kernel's word."""

    name: str = "network"
    codes: ClassVar[Codes] = {"network_away": Severity.ATTENTION, "wifi_weak": Severity.ATTENTION}

    def look(self, place: CheckContext) -> Outcome:
        """Only a machine with a server needs one."""
        if not is_there(place.identity / ACCOUNT):
            return NOT_IN_USE
        faces = [one for one in place.those("/sys/class/net", "*") if one.name != "lo"]
        if not faces:
            return self._by_sync(place)
        up = [one.name for one in faces if place.text(one / "operstate") == "up"]
        if not up:
            return Outcome((make_finding(self, "network_away", ", ".join(one.name for one in faces)),))
        heard = {name: int(level) for name, level in _LEVEL.findall(place.text("/proc/net/wireless") or "")}
        levels = {name: level for name, level in heard.items() if name in up and level < 0}
        facts = ", ".join(f"{name} {levels[name]} dBm" if name in levels else name for name in up)
        wired = any(name not in heard for name in up)
        weak = [name for name, level in levels.items() if level < place.limits.wifi_dbm]
        return Outcome((make_finding(self, "wifi_weak", facts),) if weak and not wired else (), facts)

    def _by_sync(self, place: CheckContext) -> Outcome:
        """Read what sync sees from the file that it leaves: the coach is shut in without a network."""
        try:
            state = read_state(state_file(place.socket))
        except NoStateError:
            return NOT_IN_USE
        return Outcome(
            tuple(make_finding(self, one.code, one.detail) for one in state.findings if one.code in self.codes)
        )
