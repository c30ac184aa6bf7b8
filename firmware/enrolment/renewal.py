"""Renews the machine's certificate by itself, in a process of its own, so that sync stays small."""

import logging
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from sync.delivery.fault_registry import Trouble
from sync.delivery.machine_identity import MachineIdentity
from sync.wire.messages import Clocks

_log = logging.getLogger(__name__)

AGAIN_AFTER_S = 24 * 3600.0
_MOST_SAID = 300


class CertificateUser(Protocol):
    """Whoever uses the certificate."""

    @property
    def account(self) -> MachineIdentity:
        """Who this machine is to the server."""
        ...

    def renewed(self) -> None:
        """Note that the identity has changed on the disk."""
        ...

    def note(self, trouble: Trouble, detail: str = "", about: str = "") -> None:
        """Something is wrong."""
        ...

    def clear(self, trouble: Trouble, about: str = "") -> None:
        """Note that it is right again."""
        ...


class Renewal:
    """Looks, now and then, whether the certificate is due, and renews it; once a day until it works."""

    def __init__(self, folder: Path, user: CertificateUser, command: tuple[str, ...] | None = None) -> None:
        """`command` is given the folder as its last word; by default it is this program's own."""
        self._folder, self._user = folder, user
        self._command = command or (sys.executable, "-m", "firmware.enrolment.enrol")
        self._process: subprocess.Popen[str] | None = None
        self._next_s = 0.0

    def look(self, now: Clocks) -> None:
        """Never waits: what was begun before is looked after."""
        if self._process is not None:
            self._look_after(self._process)
        elif now.trusted and now.wall_s >= self._user.account.renew_from_wall_s() and now.monotonic_s >= self._next_s:
            self._next_s = now.monotonic_s + AGAIN_AFTER_S
            _log.info("The certificate is due and is being renewed.")
            self._process = subprocess.Popen(  # noqa: S603 - this program itself
                (*self._command, str(self._folder)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )

    def _look_after(self, process: subprocess.Popen[str]) -> None:
        status = process.poll()
        if status is None:
            return
        _, said = process.communicate()
        self._process = None
        if status == 0:
            _log.info("The certificate is renewed.")
            self._user.clear(Trouble.CERTIFICATE_SOON)
            self._user.renewed()
        else:
            self._user.note(Trouble.CERTIFICATE_SOON, said.strip()[:_MOST_SAID])
