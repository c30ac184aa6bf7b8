"""Reports of a device whose bytes do not fit their own flags: counted, and each kind logged once."""

import logging
import re

_log = logging.getLogger(__name__)

KINDS_LOGGED = 8
"""A device that sends noise must not fill the log."""


class OddReports:
    """Counts the odd reports of one device. `detail` says how many there were, and shows the first one."""

    def __init__(self, device: str) -> None:
        """`device` is named in the log: «strap», «treadmill»."""
        self._device = device
        self._kinds: set[str] = set()
        self._first = ""
        self.count = 0

    def note(self, why: str, payload: bytes | bytearray) -> None:
        """Count a report; log it where it is the first of its kind."""
        self.count += 1
        kind = re.sub(r"[0-9A-F]{2}( [0-9A-F]{2})+|-?\d+(\.\d+)?", "#", why)
        if kind in self._kinds or len(self._kinds) >= KINDS_LOGGED:
            return
        self._kinds.add(kind)
        shown = f"{bytes(payload).hex(' ').upper()}: {why}"
        self._first = self._first or shown
        _log.warning("The %s sends reports that only partly fit (%s); what is certain is used.", self._device, shown)

    @property
    def detail(self) -> str:
        """How many reports were odd, and the first of them; empty where none was."""
        return f"{self.count} reports; first {self._first}" if self.count else ""
