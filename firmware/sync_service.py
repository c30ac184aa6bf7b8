"""The sync service's local side: brings finished sessions from the coach to the courier, and receipts back.

It holds nothing that must survive: killed at any moment, it fetches again what has no receipt. It is kept small, and
neither the screen's nor the plot's packages are loaded here.
"""

import logging
import os
import select
import signal
import time
from pathlib import Path

from firmware.local_link import CoachLink, NoCoachError
from firmware.local_messages import (
    AnyFromCoach,
    Done,
    GiveReceipt,
    NextUndelivered,
    NothingUndelivered,
    Piece,
    Refusal,
)
from sync.courier import Courier, Parcel

_log = logging.getLogger(__name__)

LOOK_EVERY_S = 10.0
RECEIPTS_EVERY_S = 1.0
RETRY_S = 2.0
ANSWER_WITHIN_S = 60.0


class SyncService:
    """Runs until told to stop. `look_every_s`: how often the coach is asked for something new."""

    def __init__(self, socket: Path, courier: Courier, *, look_every_s: float = LOOK_EVERY_S) -> None:
        """Nothing is connected before `run`."""
        self._socket = socket
        self._courier = courier
        self._look_every_s = look_every_s
        self._stopped = False
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._requests = 0
        self._said_waiting = False

    def stop(self) -> None:
        """End `run` soon. Takes no lock, so that a signal's handler may call it."""
        self._stopped = True
        os.eventfd_write(self._wake, 1)

    def run(self) -> None:
        """Connect, for ever again, and serve."""
        while not self._stopped:
            try:
                with CoachLink(self._socket) as link:
                    _log.info("Connected with the coach.")
                    self._said_waiting = False
                    self._serve(link)
            except NoCoachError as error:
                if not self._said_waiting:
                    _log.info("Waiting for the coach: %s", error)
                    self._said_waiting = True
                select.select([self._wake], [], [], RETRY_S)
        self._courier.close()

    def _serve(self, link: CoachLink) -> None:
        look_at_s = 0.0
        while not self._stopped:
            for receipt in self._courier.receipts():
                self._requests += 1
                link.say(
                    GiveReceipt(
                        self._requests,
                        session_id=receipt.session_id,
                        revision=receipt.revision,
                        sha256=receipt.sha256,
                    )
                )
                self._answer(link, self._requests)
            if self._courier.wants_more and time.monotonic() >= look_at_s:
                parcel = self._fetch(link)
                if parcel is None:
                    look_at_s = time.monotonic() + self._look_every_s
                else:
                    self._courier.hand_over(parcel)
                    continue
            wait_s = min(RECEIPTS_EVERY_S, self._look_every_s)
            for message in link.receive(wait_s):
                _log.debug("Not asked for: %s", message)

    def _fetch(self, link: CoachLink) -> Parcel | None:
        """The next session that the courier has not been handed; None where there is none, or the coach cannot now."""
        self._requests += 1
        link.say(NextUndelivered(self._requests, held=self._courier.holds))
        document = bytearray()
        until_s = time.monotonic() + ANSWER_WITHIN_S
        while time.monotonic() < until_s and not self._stopped:
            for message in link.receive(1.0):
                match message:
                    case NothingUndelivered(request) if request == self._requests:
                        return None
                    case Refusal(code=code, reason=reason, request=request) if request == self._requests:
                        _log.warning("The coach hands out nothing now (%s): %s", code, reason)
                        return None
                    case Piece(request=request) if request == self._requests:
                        document += message.content
                        if len(document) >= message.total:
                            return Parcel(message.session_id, message.revision, message.sha256, bytes(document))
                    case _:
                        pass
        return None

    def _answer(self, link: CoachLink, request: int) -> AnyFromCoach | None:
        until_s = time.monotonic() + ANSWER_WITHIN_S
        while time.monotonic() < until_s and not self._stopped:
            for message in link.receive(1.0):
                if isinstance(message, Done | Refusal) and message.request == request:
                    return message
        return None


def serve(socket: Path, courier: Courier) -> int:
    """Run the service until a signal says stop. Gives the exit status."""
    service = SyncService(socket, courier)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: service.stop())
    service.run()
    return 0
